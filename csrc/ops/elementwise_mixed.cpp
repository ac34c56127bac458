// Elementwise kernels between different types: comparisons and logic (to boolean), where (by a boolean), cast, copy.
//
// A boolean is a byte, 0 or 1. What cast does is in convert.cpp. The loops are plain; compilers vectorise them.
#include "ops/elementwise.h"

#include "ops/convert.h"
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

template <class Formula, class T>
constexpr InnerLoop predicate_loops[] = {predicate_loop<Formula, T>};
template <class Formula, class T>
constexpr InnerLoop comparison_loops[] = {comparison_loop<Formula, T, 0>, comparison_loop<Formula, T, 1>,
                                          comparison_loop<Formula, T, 2>};
template <class T>
constexpr InnerLoop where_loops[] = {where_loop<T, 0>, where_loop<T, 1>, where_loop<T, 2>, where_loop<T, 3>,
                                     where_loop<T, 4>, where_loop<T, 5>, where_loop<T, 6>};
// What elements are computed with.
template <class Element>
using Operand = std::conditional_t<std::is_same_v<Element, Boolean>, std::uint8_t, Element>;

template <class Formula>
void comparison(const Call& call) {
  with_type(Comparable{}, call.inputs[0].dtype, [&](auto type) {
    broadcast_loop<2>(call, nanoseconds_each, comparison_loops<Formula, Operand<decltype(type)>>);
  });
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
  with_type(Floats{}, call.inputs[0].dtype,
            [&](auto type) { broadcast_loop<1>(call, nanoseconds_each, predicate_loops<IsFinite, decltype(type)>); });
}

void where(const Call& call) {
  with_word(call.outputs[0].dtype,
            [&](auto word) { broadcast_loop<3>(call, nanoseconds_each, where_loops<decltype(word)>); });
}

void cast(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  for_ranges(*call.workers, y.size, nanoseconds_each, [&](std::int64_t first, std::int64_t last) {
    convert(x.dtype, x.as<char>() + first * item_size(x.dtype), y.dtype, y.as<char>() + first * item_size(y.dtype),
            last - first);
  });
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
