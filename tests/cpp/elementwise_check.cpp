// Compares elementwise kernels with plain loops: broadcasting of random shapes, all types, in place, several threads,
// on every instruction set this CPU has. The formulas themselves are compared with the reference backend in Python.
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>

#include "dlnative/threads.h"
#include "op_call.h"

namespace {

using dlnative::DType;
using dlnative_check::find_op;
using dlnative_check::make_view;
using dlnative_check::run_op;
using Shape = std::vector<std::int64_t>;

std::mt19937 generator(3);
int failures = 0;

std::int64_t random_below(std::int64_t limit) {
  return static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(limit));
}

std::int64_t size_of(const Shape& shape) {
  std::int64_t size = 1;
  for (const auto extent : shape) size *= extent;
  return size;
}

// The shape with some leading axes dropped and some axes set to 1.
Shape shrink(const Shape& shape) {
  Shape result(shape.begin() + random_below(static_cast<std::int64_t>(shape.size()) + 1), shape.end());
  for (auto& extent : result) {
    if (random_below(3) == 0) extent = 1;
  }
  return random_below(3) == 0 ? shape : result;
}

std::int64_t source_index(std::int64_t index, const Shape& y, const Shape& x) {
  std::int64_t result = 0, stride = 1;
  for (std::size_t axis = 1; axis <= y.size(); ++axis) {
    const std::int64_t position = index % y[y.size() - axis];
    index /= y[y.size() - axis];
    if (axis > x.size()) continue;
    const std::int64_t extent = x[x.size() - axis];
    result += (extent == 1 ? 0 : position) * stride;
    stride *= extent;
  }
  return result;
}

template <class T>
std::vector<T> random_values(std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count + 1));
  for (auto& value : values) value = static_cast<T>(random_below(7) - (std::is_signed_v<T> ? 3 : 0));
  return values;
}

void expect(bool holds, const char* isa, const char* what, const Shape& shape) {
  if (holds || ++failures > 20) return;
  std::printf("%s %s fails for shape (", isa, what);
  for (const auto extent : shape) std::printf("%ld,", long(extent));
  std::printf(")\n");
}

template <class T, class Y>
void check_binary(const char* isa, const char* name, DType type, DType result, const Shape& y_shape,
                  const std::function<Y(T, T)>& formula, const dlnative::Workers& workers) {
  Shape a_shape = shrink(y_shape), b_shape = shrink(y_shape);
  if (size_of(a_shape) != size_of(y_shape) && size_of(b_shape) != size_of(y_shape)) a_shape = y_shape;
  auto a = random_values<T>(size_of(a_shape)), b = random_values<T>(size_of(b_shape));
  const std::int64_t size = size_of(y_shape);
  std::vector<Y> y(static_cast<std::size_t>(size + 1), Y{99});
  const auto original = a;
  const bool in_place = std::is_same_v<T, Y> && a_shape == y_shape && random_below(2) == 0;
  void* const to = in_place ? static_cast<void*>(a.data()) : static_cast<void*>(y.data());
  run_op(find_op(name), {make_view(a.data(), type, a_shape), make_view(b.data(), type, b_shape)},
         make_view(to, result, y_shape), workers);
  bool good = in_place ? a.back() == original.back() : y.back() == Y{99};
  for (std::int64_t i = 0; i < size; ++i) {
    const T left = original[static_cast<std::size_t>(source_index(i, y_shape, a_shape))];
    const T right = b[static_cast<std::size_t>(source_index(i, y_shape, b_shape))];
    good = good && static_cast<const Y*>(to)[i] == formula(left, right);
  }
  expect(good, isa, name, y_shape);
}

template <class T>
void check_type(const char* isa, DType type, const Shape& shape, const dlnative::Workers& workers) {
  using Byte = std::uint8_t;
  if constexpr (!std::is_same_v<T, Byte>) {
    check_binary<T, T>(isa, "add", type, type, shape, [](T a, T b) { return static_cast<T>(a + b); }, workers);
    check_binary<T, T>(isa, "subtract", type, type, shape, [](T a, T b) { return static_cast<T>(a - b); }, workers);
    check_binary<T, T>(isa, "multiply", type, type, shape, [](T a, T b) { return static_cast<T>(a * b); }, workers);
    check_binary<T, T>(isa, "maximum", type, type, shape, [](T a, T b) { return a > b ? a : b; }, workers);
  }
  check_binary<T, Byte>(isa, "less", type, DType::boolean, shape, [](T a, T b) -> Byte { return a < b; }, workers);
  check_binary<T, Byte>(isa, "equal", type, DType::boolean, shape, [](T a, T b) -> Byte { return a == b; }, workers);

  const std::int64_t size = size_of(shape);
  const Shape c_shape = shrink(shape), a_shape = shape, b_shape = shrink(shape);
  auto c = random_values<Byte>(size_of(c_shape));
  for (auto& value : c) value &= 1;
  auto a = random_values<T>(size_of(a_shape)), b = random_values<T>(size_of(b_shape));
  std::vector<T> y(static_cast<std::size_t>(size + 1), T{99});
  run_op(find_op("where"),
         {make_view(c.data(), DType::boolean, c_shape), make_view(a.data(), type, a_shape),
          make_view(b.data(), type, b_shape)},
         make_view(y.data(), type, shape), workers);
  bool good = y.back() == T{99};
  for (std::int64_t i = 0; i < size; ++i) {
    const auto at = [&](const Shape& from) { return static_cast<std::size_t>(source_index(i, shape, from)); };
    good = good && y[static_cast<std::size_t>(i)] == (c[at(c_shape)] != 0 ? a[at(a_shape)] : b[at(b_shape)]);
  }
  expect(good, isa, "where", shape);

  std::vector<float> cast(static_cast<std::size_t>(size + 1), 99.0f);
  run_op(find_op("cast"), {make_view(a.data(), type, shape)}, make_view(cast.data(), DType::float32, shape), workers,
         {0});
  good = cast.back() == 99.0f;
  for (std::int64_t i = 0; i < size; ++i) {
    good = good && cast[static_cast<std::size_t>(i)] == static_cast<float>(a[static_cast<std::size_t>(i)]);
  }
  expect(good, isa, "cast", shape);
}

void check_shape(const char* isa, const Shape& shape, const dlnative::Workers& workers) {
  check_type<float>(isa, DType::float32, shape, workers);
  check_type<double>(isa, DType::float64, shape, workers);
  check_type<std::int32_t>(isa, DType::int32, shape, workers);
  check_type<std::int64_t>(isa, DType::int64, shape, workers);
  check_type<std::uint8_t>(isa, DType::uint8, shape, workers);
}

}  // namespace

int main() {
  dlnative::set_num_threads(2);
  for (const char* const* isa = dlnative::available_isas(); *isa != nullptr; ++isa) {
    dlnative::select_isa(*isa);
    for (int turn = 0; turn < 500; ++turn) {
      Shape shape(static_cast<std::size_t>(random_below(5)));
      for (auto& extent : shape) extent = random_below(8) == 0 ? random_below(40) : 1 + random_below(5);
      check_shape(*isa, shape, {});
    }
    for (int turn = 0; turn < 3; ++turn) check_shape(*isa, {23, 65, 67}, dlnative::workers());
    for (int turn = 0; turn < 2; ++turn) check_shape(*isa, {100003}, dlnative::workers());
    std::printf("%s: %d failures\n", *isa, failures);
  }
  return failures == 0 ? 0 : 1;
}
