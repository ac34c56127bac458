// Ops that choose elements by number; csrc/ops/indexing.cpp says what each computes. x is taken as (outer, extent,
// inner) around an axis.
//
// scatter: a thread for each place of (outer, inner), which goes through the indices in order, so that updates of one
// place are joined in theirs. argsort: a thread for each element, which counts those that come before it in its row.
#include "device/scalar.h"
#include "ops/rows.h"

namespace dlnative::cuda {
namespace {

constexpr int index_threads = 256;

struct Around {
  std::int64_t outer = 1, extent, inner = 1;

  Around(const View& x, std::int64_t axis) : extent(x.shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= x.shape[i];
    for (int i = static_cast<int>(axis) + 1; i < x.rank; ++i) inner *= x.shape[i];
  }
};

// The bits of NaN, or of zero where there is none, in the low bytes.
std::uint64_t missing_bits(DType dtype, bool nan) {
  if (!nan) return 0;
  switch (dtype) {
    case DType::float32:
      return 0x7fc00000;
    case DType::float64:
      return 0x7ff8000000000000;
    case DType::float16:
      return 0x7e00;
    case DType::bfloat16:
      return 0x7fc0;
    default:
      return 0;
  }
}

template <class Word, class Index>
__global__ void __launch_bounds__(index_threads)
    gather_elements_kernel(const Word* x, const Index* indices, Word* y, std::int64_t size, std::int64_t count,
                           Around around, Word missing) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * index_threads + threadIdx.x;
  if (at >= size) return;
  const std::int64_t unit = at / around.inner, i = at % around.inner, o = unit / count;
  const auto index = static_cast<std::int64_t>(indices[unit % count]);
  const bool inside = index >= 0 && index < around.extent;
  y[at] = inside ? x[(o * around.extent + index) * around.inner + i] : missing;
}
void gather(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  const Around around(x, call.ints[0]);
  const std::uint64_t missing = missing_bits(x.dtype, call.ints[1] != 0);
  with_word(x.dtype, [&](auto word) {
    with_type(Integers{}, indices.dtype, [&](auto index) {
      using Word = decltype(word);
      using Index = decltype(index);
      launch(queue, gather_elements_kernel<Word, Index>, Grid{blocks_for(y.size, index_threads), index_threads},
             x.as<const Word>(), indices.as<const Index>(), y.as<Word>(), y.size, indices.size, around,
             static_cast<Word>(missing));
    });
  });
}

enum class Reduction : std::int64_t { set, add, larger, smaller, multiply };

template <class T>
DLNATIVE_INLINE T joined(Reduction reduction, T a, T b) {
  switch (reduction) {
    case Reduction::set:
      return b;
    case Reduction::larger:
      return maximum(a, b);
    case Reduction::smaller:
      return minimum(a, b);
    default:
      if constexpr (std::is_integral_v<T>) {
        using Unsigned = std::make_unsigned_t<T>;
        const auto u = static_cast<Unsigned>(a), v = static_cast<Unsigned>(b);
        return static_cast<T>(reduction == Reduction::add ? u + v : u * v);
      } else {
        return reduction == Reduction::add ? a + b : a * b;
      }
  }
}

template <class T, class Index>
__global__ void __launch_bounds__(index_threads)
    scatter_kernel(const Index* indices, const T* updates, T* y, std::int64_t count, Around around,
                   Reduction reduction) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * index_threads + threadIdx.x;
  if (at >= around.outer * around.inner) return;
  const std::int64_t o = at / around.inner, i = at % around.inner;
  for (std::int64_t j = 0; j < count; ++j) {
    const auto index = static_cast<std::int64_t>(indices[j]);
    if (index < 0 || index >= around.extent) continue;
    T& place = y[(o * around.extent + index) * around.inner + i];
    place = joined(reduction, place, updates[(o * count + j) * around.inner + i]);
  }
}
void scatter(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  if (x.data != y.data) queue.copy(y.data, x.data, static_cast<std::size_t>(y.size * item_size(y.dtype)));
  const Around around(y, call.ints[0]);
  with_type(Numbers{}, y.dtype, [&](auto type) {
    with_type(Integers{}, indices.dtype, [&](auto index) {
      using T = decltype(type);
      using Index = decltype(index);
      launch(queue, scatter_kernel<T, Index>,
             Grid{blocks_for(around.outer * around.inner, index_threads), index_threads}, indices.as<const Index>(),
             call.inputs[2].as<const T>(), y.as<T>(), indices.size, around, static_cast<Reduction>(call.ints[1]));
    });
  });
}

template <class T>
DLNATIVE_INLINE bool before(T a, T b, bool descending) {
  if (a != a) return false;
  return b != b || (descending ? a > b : a < b);
}
template <class T>
__global__ void __launch_bounds__(index_threads)
    argsort_kernel(const T* x, std::int32_t* y, std::int64_t size, std::int64_t n, bool descending) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * index_threads + threadIdx.x;
  if (at >= size) return;
  const std::int64_t row = at / n, own = at % n;
  const T* from = x + row * n;
  const T value = from[own];
  std::int64_t place = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    const T other = from[j];
    place += before(other, value, descending) || (!before(value, other, descending) && j < own) ? 1 : 0;
  }
  y[row * n + place] = static_cast<std::int32_t>(own);
}
void argsort(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  with_type(Numbers{}, x.dtype, [&](auto type) {
    using T = decltype(type);
    launch(queue, argsort_kernel<T>, Grid{blocks_for(y.size, index_threads), index_threads}, x.as<const T>(),
           y.as<std::int32_t>(), y.size, x.extent(-1), call.ints[0] != 0);
  });
}

}  // namespace

extern const Row indexing_rows[] = {
    {"gather", gather, {all_types, {0, Integers::set}, 0}},
    {"scatter", scatter, {Numbers::set, {0, Integers::set}, 0}},
    {"argsort", argsort, {Numbers::set, {}, types_of<std::int32_t>}},
};
extern const int indexing_row_count = sizeof(indexing_rows) / sizeof(indexing_rows[0]);

}  // namespace dlnative::cuda
