// Activations and their gradients: what elementwise ops compute in passes of their own, and products on their tiles.
//
//   relu6      min(max(x, 0), 6)                      elu    x for x > 0, else e^x - 1
//   softplus   ln(1 + e^x)                            selu   s elu(x) for x > 0, else s t elu(x)
//   softsign   x / (1 + |x|)                          silu   x sigmoid(x)
//   gelu       x P(X <= x), X standard normal         mish   x tanh(softplus(x)) = x n / (n + 2), n = e^x (e^x + 2)
//   gelu_tanh  x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), nearly gelu
//
// Sources: Clevert, Unterthiner & Hochreiter 2016 (elu); Klambauer et al. 2017 (selu, with its s and t); Hendrycks &
// Gimpel 2016 (silu, gelu and its approximation); Misra 2019 (mish).
#pragma once

#include "simd/formula.h"

namespace dlnative::DLNATIVE_ISA {

// Those that products take in, in the order of the enum after `linear`: row(name, formula), and NAMEGradient.
#define DLNATIVE_ACTIVATIONS(row)                                                                               \
  row(relu, Relu) row(relu6, Relu6) row(sigmoid, Sigmoid) row(tanh, Tanh) row(softplus, Softplus) row(elu, Elu) \
      row(selu, Selu) row(softsign, Softsign) row(silu, Silu) row(gelu, Gelu) row(gelu_tanh, GeluTanh) row(mish, Mish)

namespace detail {

template <class V>
inline constexpr Element<V> selu_scale = static_cast<Element<V>>(1.0507009873554804934193349852946);
template <class V>
inline constexpr Element<V> selu_limit = static_cast<Element<V>>(1.7580993408473768599402175208123);

// P(X <= x) and the density of a standard normal X.
template <class V>
DLNATIVE_INLINE V normal_probability(V x) {
  return fma(erf(x * static_cast<Element<V>>(0.70710678118654752440)), V{} + Element<V>(0.5), V{} + Element<V>(0.5));
}
template <class V>
DLNATIVE_INLINE V normal_density(V x) {
  return exp(x * x * Element<V>(-0.5)) * static_cast<Element<V>>(0.39894228040143267794);
}

// The derivative of x sigmoid(u), where u has the derivative `slope`.
template <class V>
DLNATIVE_INLINE V slope_by_sigmoid(V x, V u, V slope) {
  const V s = sigmoid(u);
  return s * (Element<V>{1} + x * slope * (Element<V>{1} - s));
}

template <class V>
inline constexpr Element<V> gelu_factor = static_cast<Element<V>>(1.5957691216057307117);
template <class V>
inline constexpr Element<V> gelu_cube = static_cast<Element<V>>(0.044715);
template <class V>
DLNATIVE_INLINE V gelu_argument(V x) {
  return gelu_factor<V> * (x + gelu_cube<V> * x * x * x);
}
template <class V>
DLNATIVE_INLINE V gelu_tanh_slope(V x) {
  return slope_by_sigmoid(x, gelu_argument(x), gelu_factor<V> * (Element<V>{1} + 3 * gelu_cube<V> * x * x));
}
// Beyond 30, where the sigmoid of gelu_tanh is 0 or 1 in every type, x^2 times its slope would overflow to no number.
template <class V>
DLNATIVE_INLINE V within_30(V x) {
  return fast_max(V{} - Element<V>{30}, fast_min(V{} + Element<V>{30}, x));
}

// n / (n + 2), its derivative, and the x that both are of: beyond 20 nothing changes.
template <class V>
struct MishShare {
  V value, slope, x;
  explicit DLNATIVE_INLINE MishShare(V given) : x(fast_min(V{} + Element<V>{20}, given)) {
    const V e = exp(x), n = e * (e + Element<V>{2}), inverse = Element<V>{1} / (n + Element<V>{2});
    value = n * inverse;
    slope = Element<V>{4} * e * (e + Element<V>{1}) * inverse * inverse;
  }
};

}  // namespace detail

// dy (a) times the derivative, in terms of the result y (b),
DLNATIVE_UNARY(Relu, fast_max(V{}, x))
DLNATIVE_BINARY(ReluGradient, select(b > V{}, a, V{}))
DLNATIVE_UNARY(Relu6, fast_min(V{} + Element<V>{6}, fast_max(V{}, x)))
DLNATIVE_BINARY(Relu6Gradient, select(b > V{}, select(b < V{} + Element<V>{6}, a, V{}), V{}))
DLNATIVE_UNARY(Sigmoid, sigmoid(x))
DLNATIVE_BINARY(SigmoidGradient, a*(b*(Element<V>{1} - b)))
DLNATIVE_UNARY(Tanh, tanh(x))
DLNATIVE_BINARY(TanhGradient, a*(Element<V>{1} - b * b))
DLNATIVE_UNARY(Softplus, softplus(x))
DLNATIVE_BINARY(SoftplusGradient, -a* expm1(-b))
DLNATIVE_UNARY(Elu, select(x > V{}, x, expm1(x)))
DLNATIVE_BINARY(EluGradient, select(b > V{}, a, a*(b + Element<V>{1})))
DLNATIVE_UNARY(Selu, select(x > V{}, x* detail::selu_scale<V>, expm1(x) * detail::selu_limit<V>))
DLNATIVE_BINARY(SeluGradient, a* select(b > V{}, V{} + detail::selu_scale<V>, b + detail::selu_limit<V>))

// and where that does not tell it, in terms of x (b).
DLNATIVE_UNARY(Softsign, x / (Element<V>{1} + abs(x)))
DLNATIVE_BINARY(SoftsignGradient, a / ((Element<V>{1} + abs(b)) * (Element<V>{1} + abs(b))))
DLNATIVE_UNARY(Silu, x* sigmoid(x))
DLNATIVE_BINARY(SiluGradient, a* detail::slope_by_sigmoid(b, b, V{} + Element<V>{1}))
DLNATIVE_UNARY(Gelu, x* detail::normal_probability(x))
DLNATIVE_BINARY(GeluGradient, a*(detail::normal_probability(b) + b * detail::normal_density(b)))
DLNATIVE_UNARY(GeluTanh, x* sigmoid(detail::gelu_argument(x)))
DLNATIVE_BINARY(GeluTanhGradient, a* detail::gelu_tanh_slope(detail::within_30(b)))
DLNATIVE_UNARY(Mish, x* detail::MishShare<V>(x).value)
DLNATIVE_BINARY(MishGradient,
                a*(detail::MishShare<V>(b).value + detail::MishShare<V>(b).x * detail::MishShare<V>(b).slope))

}  // namespace dlnative::DLNATIVE_ISA
