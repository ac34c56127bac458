// Elementwise kernels whose operands and result have one type: y = f(x), y = f(a, b). The formulas are in
// elementwise_formulas.h, broadcasting in loops.h; here they meet, a vector at a time, and get their names.
#include "ops/elementwise.h"

#include "ops/elementwise_formulas.h"
#include "ops/loops.h"
#include "simd/ahead.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class Formula, class T>
void unary_loop(const LoopCall& call) {
  constexpr int L = lanes<T>;
  const T* x = static_cast<const T*>(call.x[0]);
  T* y = static_cast<T*>(call.y);
  const double parameter = call.parameter;
  std::int64_t count = call.count;
  for (; count >= L; count -= L, x += L, y += L) {
    ask_ahead(x);
    ask_ahead_to_write(y);
    store<T>(y, apply<Formula>(parameter, load(x)));
  }
  if (count > 0) {
    const int rest = static_cast<int>(count);
    store_partial<T>(y, apply<Formula>(parameter, load_partial(x, rest)), rest);
  }
}

// single: bit 0 when a is one element in each row, bit 1 when b is. slow: the formula takes longer than the memory.
template <class Formula, class T, int single, bool slow>
void binary_loop(const LoopCall& call) {
  constexpr int L = lanes<T>;
  T* y = static_cast<T*>(call.y);
  const std::int64_t whole = call.count / L * L;
  const int rest = static_cast<int>(call.count - whole);
  const double parameter = call.parameter;
  for (std::int64_t row = 0; row < call.rows; ++row, y += call.count) {
    const T* a = row_of<T>(call, 0, row);
    const T* b = row_of<T>(call, 1, row);
    Vec<T> every_a{}, every_b{};
    if constexpr (single == 1) every_a = broadcast(*a);
    if constexpr (single == 2) every_b = broadcast(*b);
    for (std::int64_t i = 0; i < whole; i += L) {
      if constexpr (slow && single != 1) ask_ahead(a + i);
      if constexpr (slow && single != 2) ask_ahead(b + i);
      ask_ahead_to_write(y + i);
      store<T>(y + i,
               apply<Formula>(parameter, single == 1 ? every_a : load(a + i), single == 2 ? every_b : load(b + i)));
    }
    if (rest > 0) {
      store_partial<T>(y + whole,
                       apply<Formula>(parameter, single == 1 ? every_a : load_partial(a + whole, rest),
                                      single == 2 ? every_b : load_partial(b + whole, rest)),
                       rest);
    }
  }
}

// The time of an element that comes from and goes to memory; formulas that take longer say by how much.
constexpr double nanoseconds_each = 0.3;

template <class Formula, class T>
constexpr InnerLoop unary_loops[] = {unary_loop<Formula, T>};
template <class Formula, class T, bool slow = false>
constexpr InnerLoop binary_loops[] = {binary_loop<Formula, T, 0, slow>, binary_loop<Formula, T, 1, slow>,
                                      binary_loop<Formula, T, 2, slow>};

template <class Formula>
double parameter_of(const Call& call) {
  return Formula::has_parameter ? call.floats[0] : 0;
}

template <class Formula, int cost = 1>
void unary_float(const Call& call) {
  const bool single = call.outputs[0].dtype == DType::float32;
  broadcast_loop<1>(call, cost * nanoseconds_each, single ? unary_loops<Formula, float> : unary_loops<Formula, double>,
                    parameter_of<Formula>(call));
}
template <class Formula>
void unary(const Call& call) {
  if (call.outputs[0].dtype == DType::int32) {
    return broadcast_loop<1>(call, nanoseconds_each, unary_loops<Formula, std::int32_t>);
  }
  if (call.outputs[0].dtype == DType::int64) {
    return broadcast_loop<1>(call, nanoseconds_each, unary_loops<Formula, std::int64_t>);
  }
  unary_float<Formula>(call);
}

template <class Formula, int cost = 1>
void binary_float(const Call& call) {
  const bool single = call.outputs[0].dtype == DType::float32;
  broadcast_loop<2>(call, cost * nanoseconds_each,
                    single ? binary_loops<Formula, float, (cost > 1)> : binary_loops<Formula, double, (cost > 1)>,
                    parameter_of<Formula>(call));
}
template <class Formula>
void binary(const Call& call) {
  if (call.outputs[0].dtype == DType::int32) {
    return broadcast_loop<2>(call, nanoseconds_each, binary_loops<Formula, std::int32_t>);
  }
  if (call.outputs[0].dtype == DType::int64) {
    return broadcast_loop<2>(call, nanoseconds_each, binary_loops<Formula, std::int64_t>);
  }
  binary_float<Formula>(call);
}

}  // namespace

extern const OpRow elementwise_rows[];
extern const int elementwise_row_count;

const OpRow elementwise_rows[] = {
    {"negative", unary<Negative>, nullptr},
    {"absolute", unary<Absolute>, nullptr},
    {"sign", unary<Sign>, nullptr},
    {"square", unary<Square>, nullptr},
    {"exp", unary_float<Exp, 2>, nullptr},
    {"expm1", unary_float<Expm1, 2>, nullptr},
    {"log", unary_float<Log, 3>, nullptr},
    {"log1p", unary_float<Log1p, 4>, nullptr},
    {"sqrt", unary_float<Sqrt, 2>, nullptr},
    {"rsqrt", unary_float<Rsqrt, 4>, nullptr},
    {"erf", unary_float<Erf, 4>, nullptr},
    {"reciprocal", unary_float<Reciprocal, 2>, nullptr},
    {"sin", unary_float<Sin, 4>, nullptr},
    {"cos", unary_float<Cos, 4>, nullptr},
    {"floor", unary_float<Floor>, nullptr},
    {"add", binary<Add>, nullptr},
    {"subtract", binary<Subtract>, nullptr},
    {"multiply", binary<Multiply>, nullptr},
    {"maximum", binary<Maximum>, nullptr},
    {"minimum", binary<Minimum>, nullptr},
    {"divide", binary_float<Divide, 2>, nullptr},
    {"power", binary_float<Power, 60>, nullptr},
    {"relu", unary<Relu>, nullptr},
    {"relu_gradient", binary_float<ReluGradient>, nullptr},
    {"relu6", unary_float<Relu6>, nullptr},
    {"relu6_gradient", binary_float<Relu6Gradient>, nullptr},
    {"leaky_relu", unary_float<LeakyRelu>, nullptr},
    {"leaky_relu_gradient", binary_float<LeakyReluGradient>, nullptr},
    {"sigmoid", unary_float<Sigmoid, 4>, nullptr},
    {"sigmoid_gradient", binary_float<SigmoidGradient>, nullptr},
    {"tanh", unary_float<Tanh, 4>, nullptr},
    {"tanh_gradient", binary_float<TanhGradient>, nullptr},
    {"softplus", unary_float<Softplus, 6>, nullptr},
    {"softplus_gradient", binary_float<SoftplusGradient, 2>, nullptr},
    {"elu", unary_float<Elu, 2>, nullptr},
    {"elu_gradient", binary_float<EluGradient>, nullptr},
    {"celu", unary_float<Celu, 2>, nullptr},
    {"celu_gradient", binary_float<CeluGradient>, nullptr},
    {"selu", unary_float<Selu, 2>, nullptr},
    {"selu_gradient", binary_float<SeluGradient>, nullptr},
    {"hard_sigmoid", unary_float<HardSigmoid>, nullptr},
    {"hard_sigmoid_gradient", binary_float<HardSigmoidGradient>, nullptr},
    {"sparse_sigmoid", unary_float<SparseSigmoid>, nullptr},
    {"sparse_sigmoid_gradient", binary_float<SparseSigmoidGradient>, nullptr},
    {"hard_tanh", unary_float<HardTanh>, nullptr},
    {"hard_tanh_gradient", binary_float<HardTanhGradient>, nullptr},
    {"log_sigmoid", unary_float<LogSigmoid, 6>, nullptr},
    {"log_sigmoid_gradient", binary_float<LogSigmoidGradient, 2>, nullptr},
    {"hard_shrink", unary_float<HardShrink>, nullptr},
    {"hard_shrink_gradient", binary_float<HardShrinkGradient>, nullptr},
    {"soft_shrink", unary_float<SoftShrink>, nullptr},
    {"soft_shrink_gradient", binary_float<SoftShrinkGradient>, nullptr},
    {"softsign", unary_float<Softsign, 2>, nullptr},
    {"softsign_gradient", binary_float<SoftsignGradient, 2>, nullptr},
    {"silu", unary_float<Silu, 4>, nullptr},
    {"silu_gradient", binary_float<SiluGradient, 4>, nullptr},
    {"hard_silu", unary_float<HardSilu>, nullptr},
    {"hard_silu_gradient", binary_float<HardSiluGradient>, nullptr},
    {"gelu", unary_float<Gelu, 4>, nullptr},
    {"gelu_gradient", binary_float<GeluGradient, 6>, nullptr},
    {"gelu_tanh", unary_float<GeluTanh, 4>, nullptr},
    {"gelu_tanh_gradient", binary_float<GeluTanhGradient, 4>, nullptr},
    {"mish", unary_float<Mish, 4>, nullptr},
    {"mish_gradient", binary_float<MishGradient, 4>, nullptr},
    {"tanh_shrink", unary_float<TanhShrink, 4>, nullptr},
    {"tanh_shrink_gradient", binary_float<TanhShrinkGradient, 4>, nullptr},
    {"squareplus", unary_float<Squareplus, 4>, nullptr},
    {"squareplus_gradient", binary_float<SquareplusGradient, 4>, nullptr},
    {"sparse_plus", unary_float<SparsePlus>, nullptr},
    {"sparse_plus_gradient", binary_float<SparsePlusGradient>, nullptr},
    {"equal", equal, nullptr},
    {"not_equal", not_equal, nullptr},
    {"less", less, nullptr},
    {"less_equal", less_equal, nullptr},
    {"greater", greater, nullptr},
    {"greater_equal", greater_equal, nullptr},
    {"logical_and", logical_and, nullptr},
    {"logical_or", logical_or, nullptr},
    {"logical_not", logical_not, nullptr},
    {"isfinite", isfinite, nullptr},
    {"where", where, nullptr},
    {"cast", cast, nullptr},
    {"copy", copy, nullptr},
};
const int elementwise_row_count = sizeof(elementwise_rows) / sizeof(elementwise_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
