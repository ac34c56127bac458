// Elementwise kernels between different types: comparisons and logic (to boolean), where (by a boolean), cast, copy.
//
// A boolean is a byte, 0 or 1. cast truncates towards zero from float to integer and is x != 0 to boolean. The loops
// are plain; compilers vectorise them.
#include "ops/elementwise.h"
#include "ops/elementwise_formulas.h"
#include "ops/loops.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// An output may be an input, element for element; no other overlap exists.
#if defined(__clang__)
#define DLNATIVE_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define DLNATIVE_INDEPENDENT _Pragma("GCC ivdep")
#endif

constexpr double nanoseconds_each = 0.3;

template <class Formula, class T>
void predicate_loop(const LoopCall& call) {
  const T* x = static_cast<const T*>(call.x[0]);
  std::uint8_t* y = static_cast<std::uint8_t*>(call.y);
  const std::int64_t count = call.count;
  DLNATIVE_INDEPENDENT
  for (std::int64_t i = 0; i < count; ++i) y[i] = Formula::of(x[i]);
}

template <class Formula, class T, int single>
void comparison_loop(const LoopCall& call) {
  const std::int64_t count = call.count;
  std::uint8_t* y = static_cast<std::uint8_t*>(call.y);
  for (std::int64_t row = 0; row < call.rows; ++row, y += count) {
    const T* a = row_of<T>(call, 0, row);
    const T* b = row_of<T>(call, 1, row);
    const T first_a = *a, first_b = *b;
    DLNATIVE_INDEPENDENT
    for (std::int64_t i = 0; i < count; ++i) {
      y[i] = Formula::of(single == 1 ? first_a : a[i], single == 2 ? first_b : b[i]);
    }
  }
}

template <class T, int single>
void where_loop(const LoopCall& call) {
  const std::int64_t count = call.count;
  T* y = static_cast<T*>(call.y);
  for (std::int64_t row = 0; row < call.rows; ++row, y += count) {
    const std::uint8_t* condition = row_of<std::uint8_t>(call, 0, row);
    const T* a = row_of<T>(call, 1, row);
    const T* b = row_of<T>(call, 2, row);
    const bool first_condition = *condition != 0;
    const T first_a = *a, first_b = *b;
    DLNATIVE_INDEPENDENT
    for (std::int64_t i = 0; i < count; ++i) {
      const T from_a = single & 2 ? first_a : a[i], from_b = single & 4 ? first_b : b[i];
      y[i] = (single & 1 ? first_condition : condition[i] != 0) ? from_a : from_b;
    }
  }
}

template <class From, class To, bool boolean>
void cast_loop(const LoopCall& call) {
  const From* x = static_cast<const From*>(call.x[0]);
  To* y = static_cast<To*>(call.y);
  const std::int64_t count = call.count;
  DLNATIVE_INDEPENDENT
  for (std::int64_t i = 0; i < count; ++i) {
    if constexpr (boolean) {
      y[i] = x[i] != From{0};
    } else if constexpr (sizeof(To) == 1 && sizeof(From) > 1) {
      y[i] = static_cast<To>(static_cast<std::int64_t>(x[i]));  // defined for negative values too
    } else {
      y[i] = static_cast<To>(x[i]);
    }
  }
}

template <class Formula, class T>
constexpr InnerLoop predicate_loops[] = {predicate_loop<Formula, T>};
template <class Formula, class T>
constexpr InnerLoop comparison_loops[] = {comparison_loop<Formula, T, 0>, comparison_loop<Formula, T, 1>,
                                          comparison_loop<Formula, T, 2>};
template <class T>
constexpr InnerLoop where_loops[] = {where_loop<T, 0>, where_loop<T, 1>, where_loop<T, 2>, where_loop<T, 3>,
                                     where_loop<T, 4>, where_loop<T, 5>, where_loop<T, 6>};
template <class From, class To, bool boolean = false>
constexpr InnerLoop cast_loops[] = {cast_loop<From, To, boolean>};

// Calls body(T{}) with the element type.
template <class Body>
DLNATIVE_INLINE auto with_type(DType dtype, Body body) {
  switch (dtype) {
    case DType::float32:
      return body(float{});
    case DType::float64:
      return body(double{});
    case DType::int32:
      return body(std::int32_t{});
    case DType::int64:
      return body(std::int64_t{});
    case DType::uint8:
    case DType::boolean:
      break;
  }
  return body(std::uint8_t{});
}

template <class Formula>
void comparison(const Call& call) {
  broadcast_loop<2>(call, nanoseconds_each, with_type(call.inputs[0].dtype, [](auto type) -> const InnerLoop* {
                      return comparison_loops<Formula, decltype(type)>;
                    }));
}

template <class From>
DLNATIVE_INLINE const InnerLoop* cast_from(DType to) {
  if (to == DType::boolean) return cast_loops<From, std::uint8_t, true>;
  return with_type(to, [](auto type) -> const InnerLoop* { return cast_loops<From, decltype(type)>; });
}

}  // namespace

void equal(const Call& call) { comparison<Equal>(call); }
void not_equal(const Call& call) { comparison<NotEqual>(call); }
void less(const Call& call) { comparison<Less>(call); }
void less_equal(const Call& call) { comparison<LessEqual>(call); }
void greater(const Call& call) { comparison<Greater>(call); }
void greater_equal(const Call& call) { comparison<GreaterEqual>(call); }

void logical_and(const Call& call) {
  broadcast_loop<2>(call, nanoseconds_each, comparison_loops<LogicalAnd, std::uint8_t>);
}
void logical_or(const Call& call) {
  broadcast_loop<2>(call, nanoseconds_each, comparison_loops<LogicalOr, std::uint8_t>);
}
void logical_not(const Call& call) {
  broadcast_loop<1>(call, nanoseconds_each, predicate_loops<LogicalNot, std::uint8_t>);
}
void isfinite(const Call& call) {
  const bool single = call.inputs[0].dtype == DType::float32;
  broadcast_loop<1>(call, nanoseconds_each,
                    single ? predicate_loops<IsFinite, float> : predicate_loops<IsFinite, double>);
}

void where(const Call& call) {
  const InnerLoop* loops = where_loops<std::uint8_t>;
  if (item_size(call.outputs[0].dtype) == 4) loops = where_loops<std::uint32_t>;
  if (item_size(call.outputs[0].dtype) == 8) loops = where_loops<std::uint64_t>;
  broadcast_loop<3>(call, nanoseconds_each, loops);
}

void cast(const Call& call) {
  const DType to = call.outputs[0].dtype;
  broadcast_loop<1>(call, nanoseconds_each,
                    with_type(call.inputs[0].dtype, [to](auto type) { return cast_from<decltype(type)>(to); }));
}

// The shapes may differ, the sizes do not.
void copy(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const std::int64_t item = item_size(y.dtype);
  if (x.data == y.data) return;
  for_ranges(*call.workers, y.size, 0.1 * static_cast<double>(item), [&](std::int64_t first, std::int64_t last) {
    __builtin_memcpy(y.as<char>() + first * item, x.as<char>() + first * item,
                     static_cast<std::size_t>((last - first) * item));
  });
}

}  // namespace dlnative::DLNATIVE_ISA
