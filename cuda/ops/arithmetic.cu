// The rarer elementwise functions; the formulas are the CPU's (csrc/ops/arithmetic_formulas.h).
#include "ops/arithmetic_formulas.h"

#include "ops/elementwise_loops.h"

namespace dlnative::cuda {
namespace {

template <class Formula>
struct Rare {
  template <class... Ts>
  DLNATIVE_INLINE auto operator()(Ts... x) const {
    return Formula::of(x...);
  }
};

template <class Formula>
void rare_unary(const Call& call, Queue& queue) {
  with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    using T = decltype(type);
    enqueue_elementwise<T, T>(call, queue, Rare<Formula>{});
  });
}
template <class Formula, class List>
void rare_binary(const Call& call, Queue& queue) {
  with_type(List{}, call.outputs[0].dtype, [&](auto type) {
    using T = decltype(type);
    enqueue_elementwise<T, T, T>(call, queue, Rare<Formula>{});
  });
}

}  // namespace

extern const Row arithmetic_rows[] = {
    {"tan", rare_unary<Tan>, same<Floats>},
    {"arcsin", rare_unary<Arcsin>, same<Floats>},
    {"arccos", rare_unary<Arccos>, same<Floats>},
    {"arctan", rare_unary<Arctan>, same<Floats>},
    {"sinh", rare_unary<Sinh>, same<Floats>},
    {"cosh", rare_unary<Cosh>, same<Floats>},
    {"arcsinh", rare_unary<Arcsinh>, same<Floats>},
    {"arccosh", rare_unary<Arccosh>, same<Floats>},
    {"arctanh", rare_unary<Arctanh>, same<Floats>},
    {"log2", rare_unary<Log2>, same<Floats>},
    {"log10", rare_unary<Log10>, same<Floats>},
    {"cbrt", rare_unary<Cbrt>, same<Floats>},
    {"trunc", rare_unary<Trunc>, same<Floats>},
    {"round", rare_unary<Round>, same<Floats>},
    {"arctan2", rare_binary<Arctan2, Floats>, same<Floats>},
    {"hypot", rare_binary<Hypot, Floats>, same<Floats>},
    {"nextafter", rare_binary<Nextafter, Floats>, same<Floats>},
    {"fmod", rare_binary<Fmod, Numbers>, same<Numbers>},
    {"remainder", rare_binary<Remainder, Numbers>, same<Numbers>},
    {"floor_divide", rare_binary<FloorDivide, Numbers>, same<Numbers>},
    {"integer_power", rare_binary<IntegerPower, Integers>, same<Integers>},
    {"bitwise_and", rare_binary<BitwiseAnd, Integers>, same<Integers>},
    {"bitwise_or", rare_binary<BitwiseOr, Integers>, same<Integers>},
    {"bitwise_xor", rare_binary<BitwiseXor, Integers>, same<Integers>},
    {"left_shift", rare_binary<LeftShift, Integers>, same<Integers>},
    {"right_shift", rare_binary<RightShift, Integers>, same<Integers>},
};
extern const int arithmetic_row_count = sizeof(arithmetic_rows) / sizeof(arithmetic_rows[0]);

}  // namespace dlnative::cuda
