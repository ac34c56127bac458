// Activations and their gradients: what elementwise ops compute in passes of their own, and products on their tiles.
//
//   relu6         min(max(x, 0), 6)                     leaky_relu    x for x > 0, else slope x
//   softplus      ln(1 + e^x)                           log_sigmoid   -softplus(-x)
//   elu           x for x > 0, else alpha (e^x - 1)     celu          x for x > 0, else alpha (e^(x / alpha) - 1)
//   selu          s x for x > 0, else s t (e^x - 1)     softsign      x / (1 + |x|)
//   hard_sigmoid  relu6(x + 3) / 6                      hard_tanh     min(max(x, -1), 1)
//   hard_shrink   x where |x| > threshold, else 0       soft_shrink   x moved towards 0 by threshold, not past it
//   silu          x sigmoid(x)                          hard_silu     x hard_sigmoid(x)
//   gelu          x P(X <= x), X standard normal        tanh_shrink   x - tanh(x)
//   squareplus    (x + sqrt(x^2 + b)) / 2               sparse_plus   0 up to -1, (x + 1)^2 / 4 up to 1, then x
//   sparse_sigmoid  its derivative, min(max((x + 1) / 2, 0), 1)
//   gelu_tanh     x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), nearly gelu
//   mish          x tanh(softplus(x)) = x n / (n + 2), n = e^x (e^x + 2)
//
// Sources: Clevert, Unterthiner & Hochreiter 2016 (elu); Barron 2017 (celu), 2021 (squareplus); Klambauer et al. 2017
// (selu, with its s and t); Hendrycks & Gimpel 2016 (silu, gelu and its approximation); Misra 2019 (mish); Howard et
// al. 2019 (hard_silu).
#pragma once

#include "simd/formula.h"

namespace dlnative::DLNATIVE_ISA {

namespace detail {

template <class V>
inline constexpr Element<V> selu_scale = static_cast<Element<V>>(1.0507009873554804934193349852946);
template <class V>
inline constexpr Element<V> selu_limit = static_cast<Element<V>>(1.7580993408473768599402175208123);

template <class V>
inline constexpr Element<V> sixth = static_cast<Element<V>>(1.0 / 6.0);
template <class V>
DLNATIVE_INLINE V hard_sigmoid(V x) {
  return clamp(x + Element<V>{3}, 0, 6) * sixth<V>;
}

template <class V>
DLNATIVE_INLINE V sparse_sigmoid(V x) {
  return clamp((x + Element<V>{1}) * Element<V>(0.5), 0, 1);
}

// value for low < x < high, else 0.
template <class V>
DLNATIVE_INLINE V within(V x, Element<V> low, Element<V> high, V value) {
  return select(x > V{} + low, select(x < V{} + high, value, V{}), V{});
}

template <class V>
DLNATIVE_INLINE V square_of_half(V x) {
  return x * x * Element<V>(0.25);
}

// sqrt(x^2 + b); where x^2 would overflow, |x|.
template <class V>
DLNATIVE_INLINE V root_of_square_plus(V x, Element<V> b) {
  constexpr Element<V> large = Element<V>(1LL << 60);
  return select(abs(x) > V{} + large, abs(x), sqrt(fma(x, x, V{} + b)));
}

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

// dy (a) times the derivative, in terms of the result y (b): parameters are not negative, so that it has x's sign,
DLNATIVE_UNARY(Relu, fast_max(V{}, x))
DLNATIVE_BINARY(ReluGradient, select(b > V{}, a, V{}))
DLNATIVE_UNARY(Relu6, detail::clamp(x, 0, 6))
DLNATIVE_BINARY(Relu6Gradient, detail::within(b, 0, 6, a))
DLNATIVE_UNARY_WITH(LeakyRelu, slope, select(x > V{}, x, x* slope))
DLNATIVE_BINARY_WITH(LeakyReluGradient, slope, select(b > V{}, a, a* slope))
DLNATIVE_UNARY(Sigmoid, sigmoid(x))
DLNATIVE_BINARY(SigmoidGradient, a*(b*(Element<V>{1} - b)))
DLNATIVE_UNARY(Tanh, tanh(x))
DLNATIVE_BINARY(TanhGradient, a*(Element<V>{1} - b * b))
DLNATIVE_UNARY(Softplus, softplus(x))
DLNATIVE_BINARY(SoftplusGradient, -a* expm1(-b))
DLNATIVE_UNARY_WITH(Elu, alpha, select(x > V{}, x, expm1(x) * alpha))
DLNATIVE_BINARY_WITH(EluGradient, alpha, select(b > V{}, a, a*(b + alpha)))
DLNATIVE_UNARY_WITH(Celu, alpha, select(x > V{}, x, expm1(x*(Element<V>{1} / alpha)) * alpha))
DLNATIVE_BINARY_WITH(CeluGradient, alpha, select(b > V{}, a, a*(b*(Element<V>{1} / alpha) + Element<V>{1})))
DLNATIVE_UNARY(Selu, select(x > V{}, x* detail::selu_scale<V>, expm1(x) * detail::selu_limit<V>))
DLNATIVE_BINARY(SeluGradient, a* select(b > V{}, V{} + detail::selu_scale<V>, b + detail::selu_limit<V>))
DLNATIVE_UNARY(HardSigmoid, detail::hard_sigmoid(x))
DLNATIVE_BINARY(HardSigmoidGradient, detail::within(b, 0, 1, a* detail::sixth<V>))
DLNATIVE_UNARY(SparseSigmoid, detail::sparse_sigmoid(x))
DLNATIVE_BINARY(SparseSigmoidGradient, detail::within(b, 0, 1, a* Element<V>(0.5)))
DLNATIVE_UNARY(HardTanh, detail::clamp(x, -1, 1))
DLNATIVE_BINARY(HardTanhGradient, detail::within(b, -1, 1, a))
DLNATIVE_UNARY(LogSigmoid, -softplus(-x))
DLNATIVE_BINARY(LogSigmoidGradient, -a* expm1(b))
DLNATIVE_UNARY_WITH(HardShrink, threshold, select(abs(x) <= V{} + threshold, V{}, x))
DLNATIVE_BINARY_WITH(HardShrinkGradient, threshold, select(b == V{}, V{}, a))
DLNATIVE_UNARY_WITH(SoftShrink, threshold, fast_max(V{}, x - threshold) - fast_max(V{}, -x - threshold))
DLNATIVE_BINARY_WITH(SoftShrinkGradient, threshold, select(b == V{}, V{}, a))

// and where that does not tell it, in terms of x (b).
DLNATIVE_UNARY(Softsign, x / (Element<V>{1} + abs(x)))
DLNATIVE_BINARY(SoftsignGradient, a / ((Element<V>{1} + abs(b)) * (Element<V>{1} + abs(b))))
DLNATIVE_UNARY(Silu, x* sigmoid(x))
DLNATIVE_BINARY(SiluGradient, a* detail::slope_by_sigmoid(b, b, V{} + Element<V>{1}))
DLNATIVE_UNARY(HardSilu, x* detail::hard_sigmoid(x))
DLNATIVE_BINARY(HardSiluGradient,
                select(b < V{} + Element<V>{3}, detail::within(b, -3, 3, a*(b + b + Element<V>{3}) * detail::sixth<V>),
                       select(b > V{}, a, V{})))
DLNATIVE_UNARY(Gelu, x* detail::normal_probability(x))
DLNATIVE_BINARY(GeluGradient, a*(detail::normal_probability(b) + b * detail::normal_density(b)))
DLNATIVE_UNARY(GeluTanh, x* sigmoid(detail::gelu_argument(x)))
// Beyond 30, where the sigmoid is 0 or 1 in every type, x^2 times its slope would overflow to no number.
DLNATIVE_BINARY(GeluTanhGradient, a* detail::gelu_tanh_slope(detail::clamp(b, -30, 30)))
DLNATIVE_UNARY(Mish, x* detail::MishShare<V>(x).value)
DLNATIVE_BINARY(MishGradient,
                a*(detail::MishShare<V>(b).value + detail::MishShare<V>(b).x * detail::MishShare<V>(b).slope))
DLNATIVE_UNARY(TanhShrink, x - tanh(x))
DLNATIVE_BINARY(TanhShrinkGradient, a* tanh(b) * tanh(b))
DLNATIVE_UNARY_WITH(Squareplus, b, (x + detail::root_of_square_plus(x, b)) * Element<V>(0.5))
DLNATIVE_BINARY_WITH(SquareplusGradient, p, a*(b / detail::root_of_square_plus(b, p) + Element<V>{1}) * Element<V>(0.5))
DLNATIVE_UNARY(SparsePlus, select(x < V{} + Element<V>{1}, detail::square_of_half(fast_max(V{}, x + Element<V>{1})), x))
DLNATIVE_BINARY(SparsePlusGradient, a* detail::sparse_sigmoid(b))

}  // namespace dlnative::DLNATIVE_ISA
