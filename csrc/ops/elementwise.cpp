// Elementwise kernels whose operands and result have one type: y = f(x), y = f(a, b). The formulas are in
// elementwise_formulas.h, broadcasting in loops.h; here they meet, a vector at a time, and get their names.
#include "ops/elementwise.h"

#include "ops/elementwise_formulas.h"
#include "ops/loops.h"
#include "simd/prefetch.h"

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
    prefetch(x);
    prefetch_for_write(y);
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
      if constexpr (slow && single != 1) prefetch(a + i);
      if constexpr (slow && single != 2) prefetch(b + i);
      prefetch_for_write(y + i);
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

// An activation and its gradient, and how many times as long as memory they take.
#define DLNATIVE_ACTIVATION(name, Formula, cost, gradient_cost)                \
  {#name, unary_float<Formula, cost>, nullptr}, {                              \
    #name "_gradient", binary_float<Formula##Gradient, gradient_cost>, nullptr \
  }

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
    DLNATIVE_ACTIVATION(relu6, Relu6, 1, 1),
    DLNATIVE_ACTIVATION(leaky_relu, LeakyRelu, 1, 1),
    DLNATIVE_ACTIVATION(sigmoid, Sigmoid, 4, 1),
    DLNATIVE_ACTIVATION(tanh, Tanh, 4, 1),
    DLNATIVE_ACTIVATION(softplus, Softplus, 6, 2),
    DLNATIVE_ACTIVATION(elu, Elu, 2, 1),
    DLNATIVE_ACTIVATION(celu, Celu, 2, 1),
    DLNATIVE_ACTIVATION(selu, Selu, 2, 1),
    DLNATIVE_ACTIVATION(hard_sigmoid, HardSigmoid, 1, 1),
    DLNATIVE_ACTIVATION(sparse_sigmoid, SparseSigmoid, 1, 1),
    DLNATIVE_ACTIVATION(hard_tanh, HardTanh, 1, 1),
    DLNATIVE_ACTIVATION(log_sigmoid, LogSigmoid, 6, 2),
    DLNATIVE_ACTIVATION(hard_shrink, HardShrink, 1, 1),
    DLNATIVE_ACTIVATION(soft_shrink, SoftShrink, 1, 1),
    DLNATIVE_ACTIVATION(softsign, Softsign, 2, 2),
    DLNATIVE_ACTIVATION(silu, Silu, 4, 4),
    DLNATIVE_ACTIVATION(hard_silu, HardSilu, 1, 1),
    DLNATIVE_ACTIVATION(gelu, Gelu, 4, 6),
    DLNATIVE_ACTIVATION(gelu_tanh, GeluTanh, 4, 4),
    DLNATIVE_ACTIVATION(mish, Mish, 4, 4),
    DLNATIVE_ACTIVATION(tanh_shrink, TanhShrink, 4, 4),
    DLNATIVE_ACTIVATION(squareplus, Squareplus, 4, 4),
    DLNATIVE_ACTIVATION(sparse_plus, SparsePlus, 1, 1),
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
#undef DLNATIVE_ACTIVATION
const int elementwise_row_count = sizeof(elementwise_rows) / sizeof(elementwise_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
