// Comparisons, logic, where and casts: elementwise ops whose operands and result differ in type.
#include "ops/convert.h"
#include "ops/elementwise_list.h"
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {
namespace {

template <class Formula>
struct Predicate {
  template <class... Ts>
  DLNATIVE_INLINE std::uint8_t operator()(Ts... x) const {
    return static_cast<std::uint8_t>(Formula::of(x...));
  }
};

template <class Formula>
void comparison(const Call& call, Queue& queue) {
  with_type(Comparable{}, call.inputs[0].dtype, [&](auto type) {
    using T = Number<decltype(type)>;
    enqueue_elementwise<std::uint8_t, T, T>(call, queue, Predicate<Formula>{});
  });
}
template <class Formula>
void logical(const Call& call, Queue& queue) {
  enqueue_elementwise<std::uint8_t, std::uint8_t, std::uint8_t>(call, queue, Predicate<Formula>{});
}
void logical_not(const Call& call, Queue& queue) {
  enqueue_elementwise<std::uint8_t, std::uint8_t>(call, queue, Predicate<LogicalNot>{});
}
void isfinite(const Call& call, Queue& queue) {
  with_type(Floats{}, call.inputs[0].dtype,
            [&](auto type) { enqueue_elementwise<std::uint8_t, decltype(type)>(call, queue, Predicate<IsFinite>{}); });
}

struct Choose {
  template <class T>
  DLNATIVE_INLINE T operator()(std::uint8_t condition, T a, T b) const {
    return condition != 0 ? a : b;
  }
};
void where(const Call& call, Queue& queue) {
  with_word(call.outputs[0].dtype, [&](auto word) {
    using Word = decltype(word);
    enqueue_elementwise<Word, std::uint8_t, Word, Word>(call, queue, Choose{});
  });
}

template <class From>
__global__ void __launch_bounds__(elementwise_threads)
    cast_kernel(const From* x, void* y, std::int64_t size, DType to) {
  wait_for_previous_kernel();
  const std::int64_t i = std::int64_t{blockIdx.x} * elementwise_threads + threadIdx.x;
  if (i >= size) return;
  switch (to) {
#define DLNATIVE_ROW(name, To, text)              \
  case DType::name:                               \
    static_cast<To*>(y)[i] = converted<To>(x[i]); \
    break;
    DLNATIVE_DTYPES(DLNATIVE_ROW)
#undef DLNATIVE_ROW
  }
}
template <class From>
void enqueue_cast(const View& x, const View& y, Queue& queue) {
  launch(queue, cast_kernel<From>, Grid{blocks_for(y.size, elementwise_threads), elementwise_threads},
         x.as<const From>(), y.data, y.size, y.dtype);
}

template <class To>
struct Convert {
  template <class From>
  DLNATIVE_INLINE To operator()(From x) const {
    return element<To>(x);
  }
};
// What networks are trained with, 16 bytes at a time.
using Common = Types<float, double, std::int32_t, std::int64_t>;

void cast(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  if ((Common::set & set_of(x.dtype)) != 0 && (Common::set & set_of(y.dtype)) != 0) {
    return with_type(Common{}, x.dtype, [&](auto from) {
      with_type(Common{}, y.dtype, [&](auto to) {
        using To = decltype(to);
        enqueue_elementwise<To, decltype(from)>(call, queue, Convert<To>{});
      });
    });
  }
  switch (x.dtype) {
#define DLNATIVE_ROW(name, From, text) \
  case DType::name:                    \
    return enqueue_cast<From>(x, y, queue);
    DLNATIVE_DTYPES(DLNATIVE_ROW)
#undef DLNATIVE_ROW
  }
}

// The shapes may differ, the sizes do not.
void copy(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (x.data != y.data && y.size > 0) {
    queue.copy(y.data, x.data, static_cast<std::size_t>(y.size * item_size(y.dtype)));
  }
}

}  // namespace

constexpr TypeRule compares = {Comparable::set, {}, types_of<Boolean>};

extern const Row comparison_rows[] = {
#define DLNATIVE_ROW(name, Formula) {#name, comparison<Formula>, compares},
    DLNATIVE_COMPARISONS(DLNATIVE_ROW)
#undef DLNATIVE_ROW
        {"logical_and", logical<LogicalAnd>, same<Types<Boolean>>},
    {"logical_or", logical<LogicalOr>, same<Types<Boolean>>},
    {"logical_not", logical_not, same<Types<Boolean>>},
    {"isfinite", isfinite, {Floats::set, {}, types_of<Boolean>}},
    {"where", where, {all_types, {types_of<Boolean>}}},
    {"cast", cast, {0, {all_types}, all_types}},
    {"copy", copy, moves},
};
extern const int comparison_row_count = sizeof(comparison_rows) / sizeof(comparison_rows[0]);

}  // namespace dlnative::cuda
