// Elementwise functions that are rare: computed by the C library, an element at a time.
//
// arithmetic_formulas.h says what they compute.
#include "ops/arithmetic_formulas.h"
#include "ops/dispatch.h"
#include "ops/loops.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class Formula, class T>
void unary_loop(const LoopCall& call) {
  const T* x = static_cast<const T*>(call.x[0]);
  T* y = static_cast<T*>(call.y);
  for (std::int64_t i = 0; i < call.count; ++i) y[i] = Formula::of(x[i]);
}

template <class Formula, class T, int single>
void binary_loop(const LoopCall& call) {
  T* y = static_cast<T*>(call.y);
  for (std::int64_t row = 0; row < call.rows; ++row, y += call.count) {
    const T* a = row_of<T>(call, 0, row);
    const T* b = row_of<T>(call, 1, row);
    const T first_a = *a, first_b = *b;
    for (std::int64_t i = 0; i < call.count; ++i) {
      y[i] = Formula::of(single == 1 ? first_a : a[i], single == 2 ? first_b : b[i]);
    }
  }
}

constexpr double nanoseconds_each = 8;  // of the slower half of them

template <class Formula, class T>
constexpr InnerLoop unary_loops[] = {unary_loop<Formula, T>};
template <class Formula, class T>
constexpr InnerLoop binary_loops[] = {binary_loop<Formula, T, 0>, binary_loop<Formula, T, 1>,
                                      binary_loop<Formula, T, 2>};

template <class Formula>
void unary(const Call& call) {
  with_type(Floats{}, call.outputs[0].dtype,
            [&](auto type) { broadcast_loop<1>(call, nanoseconds_each, unary_loops<Formula, decltype(type)>); });
}

template <class Formula, class List>
void binary(const Call& call) {
  with_type(List{}, call.outputs[0].dtype,
            [&](auto type) { broadcast_loop<2>(call, nanoseconds_each, binary_loops<Formula, decltype(type)>); });
}

}  // namespace

extern const OpRow arithmetic_rows[] = {
    {"tan", unary<Tan>, same<Floats>},
    {"arcsin", unary<Arcsin>, same<Floats>},
    {"arccos", unary<Arccos>, same<Floats>},
    {"arctan", unary<Arctan>, same<Floats>},
    {"sinh", unary<Sinh>, same<Floats>},
    {"cosh", unary<Cosh>, same<Floats>},
    {"arcsinh", unary<Arcsinh>, same<Floats>},
    {"arccosh", unary<Arccosh>, same<Floats>},
    {"arctanh", unary<Arctanh>, same<Floats>},
    {"log2", unary<Log2>, same<Floats>},
    {"log10", unary<Log10>, same<Floats>},
    {"cbrt", unary<Cbrt>, same<Floats>},
    {"trunc", unary<Trunc>, same<Floats>},
    {"round", unary<Round>, same<Floats>},
    {"arctan2", binary<Arctan2, Floats>, same<Floats>},
    {"hypot", binary<Hypot, Floats>, same<Floats>},
    {"nextafter", binary<Nextafter, Floats>, same<Floats>},
    {"fmod", binary<Fmod, Numbers>, same<Numbers>},
    {"remainder", binary<Remainder, Numbers>, same<Numbers>},
    {"floor_divide", binary<FloorDivide, Numbers>, same<Numbers>},
    {"integer_power", binary<IntegerPower, Integers>, same<Integers>},
    {"bitwise_and", binary<BitwiseAnd, Integers>, same<Integers>},
    {"bitwise_or", binary<BitwiseOr, Integers>, same<Integers>},
    {"bitwise_xor", binary<BitwiseXor, Integers>, same<Integers>},
    {"left_shift", binary<LeftShift, Integers>, same<Integers>},
    {"right_shift", binary<RightShift, Integers>, same<Integers>},
};
extern const int arithmetic_row_count = sizeof(arithmetic_rows) / sizeof(arithmetic_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
