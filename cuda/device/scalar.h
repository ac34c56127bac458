// The words of the formulas (csrc/simd/formula.h) for single numbers: on a GPU a thread takes the place of a lane.
#pragma once

#include <cmath>
#include <cstdint>

#include "device/device.h"

namespace dlnative::cuda {

template <class V>
struct ElementOf {
  using type = V;
};
template <class V>
using Element = typename ElementOf<V>::type;  // never deduced
template <class T>
using Vec = T;

template <class T>
DLNATIVE_INLINE T broadcast(T x) {
  return x;
}
template <class V>
DLNATIVE_INLINE V select(bool mask, V a, Element<V> b) {
  return mask ? a : b;
}
// Either, where one is NaN.
template <class V>
DLNATIVE_INLINE V fast_max(V a, V b) {
  return a > b ? a : b;
}
template <class V>
DLNATIVE_INLINE V fast_min(V a, V b) {
  return a < b ? a : b;
}
// NaN where one is NaN.
template <class V>
DLNATIVE_INLINE V maximum(V a, V b) {
  return a > b || a != a ? a : b;
}
template <class V>
DLNATIVE_INLINE V minimum(V a, V b) {
  return a < b || a != a ? a : b;
}
DLNATIVE_INLINE std::int32_t abs(std::int32_t x) { return x < 0 ? -x : x; }
DLNATIVE_INLINE std::int64_t abs(std::int64_t x) { return x < 0 ? -x : x; }

#define DLNATIVE_WORDS(T, suffix)                                                       \
  DLNATIVE_INLINE T abs(T x) { return ::fabs##suffix(x); }                              \
  DLNATIVE_INLINE T copysign(T x, T sign) { return ::copysign##suffix(x, sign); }       \
  DLNATIVE_INLINE T fma(T a, T b, T c) { return ::fma##suffix(a, b, c); }               \
  DLNATIVE_INLINE T sqrt(T x) { return ::sqrt##suffix(x); }                             \
  DLNATIVE_INLINE T floor(T x) { return ::floor##suffix(x); }                           \
  DLNATIVE_INLINE T exp(T x) { return ::exp##suffix(x); }                               \
  DLNATIVE_INLINE T expm1(T x) { return ::expm1##suffix(x); }                           \
  DLNATIVE_INLINE T log(T x) { return ::log##suffix(x); }                               \
  DLNATIVE_INLINE T log1p(T x) { return ::log1p##suffix(x); }                           \
  DLNATIVE_INLINE T tanh(T x) { return ::tanh##suffix(x); }                             \
  DLNATIVE_INLINE T erf(T x) { return ::erf##suffix(x); }                               \
  DLNATIVE_INLINE T sin(T x) { return ::sin##suffix(x); }                               \
  DLNATIVE_INLINE T cos(T x) { return ::cos##suffix(x); }                               \
  DLNATIVE_INLINE T power(T a, T b) { return ::pow##suffix(a, b); }                     \
  DLNATIVE_INLINE T softplus(T x) { return (x > 0 ? x : T{0}) + log1p(exp(-abs(x))); }  \
  /* with e = exp(-|x|): for a negative x e / (1 + e), where 1 - 1 / (1 + e) cancels */ \
  DLNATIVE_INLINE T sigmoid(T x) {                                                      \
    const T e = exp(-abs(x));                                                           \
    return (x < 0 ? e : T{1}) / (T{1} + e);                                             \
  }                                                                                     \
  DLNATIVE_INLINE T subtract_over_root(T p, T scale, T x, T v, T epsilon) {             \
    return p - scale * x / (sqrt(v) + epsilon);                                         \
  }
DLNATIVE_WORDS(float, f)
DLNATIVE_WORDS(double, )
#undef DLNATIVE_WORDS

// The sine and the cosine of 2 pi u.
#define DLNATIVE_TURN(T, suffix) \
  DLNATIVE_INLINE void sine_cosine_of_turn(T u, T& sine, T& cosine) { DLNATIVE_SINE_COSINE(suffix, u, sine, cosine) }
#if defined(DLNATIVE_CUDA_HOST)
#define DLNATIVE_SINE_COSINE(suffix, u, sine, cosine)                     \
  sine = static_cast<decltype(u)>(::sin(2 * 3.14159265358979323846 * u)); \
  cosine = static_cast<decltype(u)>(::cos(2 * 3.14159265358979323846 * u));
#else
#define DLNATIVE_SINE_COSINE(suffix, u, sine, cosine) ::sincospi##suffix(2 * u, &sine, &cosine);
#endif
DLNATIVE_TURN(float, f)
DLNATIVE_TURN(double, )
#undef DLNATIVE_TURN
#undef DLNATIVE_SINE_COSINE

namespace detail {
// x held to [low, high]; NaN stays.
template <class V>
DLNATIVE_INLINE V clamp(V x, Element<V> low, Element<V> high) {
  return x < low ? low : x > high ? high : x;
}
}  // namespace detail

}  // namespace dlnative::cuda
