// Elementwise kernels whose operands and result have one type: y = f(x), y = f(a, b). The formulas are in
// elementwise_formulas.h, broadcasting in loops.h; here they meet, a vector at a time, and get their names.
#include "ops/elementwise.h"

#include "ops/dispatch.h"
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

template <class Formula, class List, int cost = 1>
void unary(const Call& call) {
  with_type(List{}, call.outputs[0].dtype, [&](auto type) {
    broadcast_loop<1>(call, cost * nanoseconds_each, unary_loops<Formula, decltype(type)>, parameter_of<Formula>(call));
  });
}
template <class Formula, class List, int cost = 1>
void binary(const Call& call) {
  with_type(List{}, call.outputs[0].dtype, [&](auto type) {
    broadcast_loop<2>(call, cost * nanoseconds_each, binary_loops<Formula, decltype(type), (cost > 1)>,
                      parameter_of<Formula>(call));
  });
}

}  // namespace

extern const OpRow elementwise_rows[];
extern const int elementwise_row_count;

// An activation and its gradient, and how many times as long as memory they take.
#define DLNATIVE_ACTIVATION(name, Formula, cost, gradient_cost)                       \
  {#name, unary<Formula, Floats, cost>, same<Floats>}, {                              \
    #name "_gradient", binary<Formula##Gradient, Floats, gradient_cost>, same<Floats> \
  }

constexpr TypeRule comparison = {Comparable::set, {}, types_of<Boolean>};

const OpRow elementwise_rows[] = {
    {"negative", unary<Negative, Numbers>, same<Numbers>},
    {"absolute", unary<Absolute, Numbers>, same<Numbers>},
    {"sign", unary<Sign, Numbers>, same<Numbers>},
    {"square", unary<Square, Numbers>, same<Numbers>},
    {"exp", unary<Exp, Floats, 2>, same<Floats>},
    {"expm1", unary<Expm1, Floats, 2>, same<Floats>},
    {"log", unary<Log, Floats, 3>, same<Floats>},
    {"log1p", unary<Log1p, Floats, 4>, same<Floats>},
    {"sqrt", unary<Sqrt, Floats, 2>, same<Floats>},
    {"rsqrt", unary<Rsqrt, Floats, 4>, same<Floats>},
    {"erf", unary<Erf, Floats, 4>, same<Floats>},
    {"reciprocal", unary<Reciprocal, Floats, 2>, same<Floats>},
    {"sin", unary<Sin, Floats, 4>, same<Floats>},
    {"cos", unary<Cos, Floats, 4>, same<Floats>},
    {"floor", unary<Floor, Floats>, same<Floats>},
    {"add", binary<Add, Numbers>, same<Numbers>},
    {"subtract", binary<Subtract, Numbers>, same<Numbers>},
    {"multiply", binary<Multiply, Numbers>, same<Numbers>},
    {"maximum", binary<Maximum, Numbers>, same<Numbers>},
    {"minimum", binary<Minimum, Numbers>, same<Numbers>},
    {"divide", binary<Divide, Floats, 2>, same<Floats>},
    {"power", binary<Power, Floats, 60>, same<Floats>},
    {"relu", unary<Relu, Numbers>, same<Numbers>},
    {"relu_gradient", binary<ReluGradient, Floats>, same<Floats>},
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
    {"equal", equal, comparison},
    {"not_equal", not_equal, comparison},
    {"less", less, comparison},
    {"less_equal", less_equal, comparison},
    {"greater", greater, comparison},
    {"greater_equal", greater_equal, comparison},
    {"logical_and", logical_and, same<Types<Boolean>>},
    {"logical_or", logical_or, same<Types<Boolean>>},
    {"logical_not", logical_not, same<Types<Boolean>>},
    {"isfinite", isfinite, {Floats::set, {}, types_of<Boolean>}},
    {"where", where, {all_types, {types_of<Boolean>}}},
    {"cast", cast, {0, {all_types}, all_types}},
    {"copy", copy, moves},
};
#undef DLNATIVE_ACTIVATION
const int elementwise_row_count = sizeof(elementwise_rows) / sizeof(elementwise_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
