// exp, expm1, log, log1p, tanh, sigmoid, softplus, erf, sin and cos of a vector.
//
// float: reduction to a small interval, then a polynomial; the coefficients are minimax fits, by Lawson's iteration on
// Chebyshev nodes, of the functions that the comments name. The largest error over all floats, against double:
//   log: 1 ulp;  exp: 1.05 ulp;  the others: 2 ulp   (tests/cpp/math_ulp.cpp)
// Infinities and NaN give what libm gives. With denormals flushed, denormal arguments count as 0. sigmoid gives 0 where
// its value is a denormal.
// double: lane by lane through libm.
// Sources: Cody & Waite, "Software Manual for the Elementary Functions", 1980, for the reductions in parts;
// Muller, "Elementary Functions", 3rd ed., 2016.
#pragma once

#include "simd/horizontal.h"

namespace dlnative::DLNATIVE_ISA {

namespace detail {

// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule.
template <int n>
DLNATIVE_INLINE Vec<float> polynomial(Vec<float> x, const float (&c)[n]) {
  Vec<float> y = broadcast(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) y = fma(y, x, broadcast(c[i]));
  return y;
}

// x held to [low, high]; NaN stays.
template <class V>
DLNATIVE_INLINE V clamp(V x, Element<V> low, Element<V> high) {
  return fast_max(V{} + low, fast_min(V{} + high, x));
}

// ln 2 in two parts; the first has so few bits that its products with exponents are exact, fused or not.
inline constexpr float ln2_high = 0.693359375f;
inline constexpr float ln2_low = -2.12194440e-4f;

// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^20.
struct ExpParts {
  Vec<float> n, r;
  Vec<std::int32_t> n_int;
};
DLNATIVE_INLINE ExpParts split_exp(Vec<float> x) {
  constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  constexpr float log2_e = 1.44269504f;
  const Vec<float> shifted = fma(x, broadcast(log2_e), broadcast(magic));
  ExpParts parts;
  parts.n = shifted - magic;
  parts.n_int = bit_cast<Vec<std::int32_t>>(shifted) - __builtin_bit_cast(std::int32_t, magic);
  parts.r = fma(parts.n, broadcast(-ln2_high), x);
  parts.r = fma(parts.n, broadcast(-ln2_low), parts.r);
  return parts;
}

// 2^n for -127 < n < 128.
DLNATIVE_INLINE Vec<float> power_of_two(Vec<std::int32_t> n) { return bit_cast<Vec<float>>((n + 127) << 23); }

// exp without care for overflow: -104 <= x <= 89, or NaN. Where more than 1 ulp of an error comes through, `close` adds
// what 1 + r rounds away.
template <bool close = false>
DLNATIVE_INLINE Vec<float> exp_core(Vec<float> x) {
  // (exp(r) - 1 - r) / r^2
  constexpr float c[] = {0.5f, 0.166665181517601f, 0.04166620224714279f, 0.008369024842977524f, 0.0013950725551694632f};
  const ExpParts parts = split_exp(x);
  const Vec<float> r = parts.r;
  Vec<float> p = fma(r * r, polynomial(r, c), r) + 1.0f;
  if constexpr (close) {
    const Vec<float> sum = r + 1.0f;
    p = sum + fma(r * r, polynomial(r, c), r - (sum - 1.0f));
  }
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_maskz_scalef_ps(0xffff, p, parts.n);
#else
  // In two steps, because 2^n itself may be too large, or a denormal.
  const Vec<std::int32_t> half = parts.n_int >> 1;
  return p * power_of_two(half) * power_of_two(parts.n_int - half);
#endif
}

// exp(x) - 1 for -20 <= x <= 89, or NaN.
DLNATIVE_INLINE Vec<float> expm1_core(Vec<float> x) {
  // (exp(r) - 1 - r) / r^2, with the error weighted for expm1
  constexpr float c[] = {0.5f,
                         0.1666666716337204f,
                         0.04166635125875473f,
                         0.00833327230066061f,
                         0.0013941206270828843f,
                         0.00019914448785129935f};
  const ExpParts parts = split_exp(x);
  const Vec<float> r = parts.r;
  const Vec<float> p = fma(r * r, polynomial(r, c), r);
  // 2^n p + (2^n - 1), halved so that 2^n does not overflow.
  const Vec<float> half_scale = power_of_two(parts.n_int - 1);
  return 2.0f * fma(half_scale, p, half_scale - 0.5f);
}

// log(2^e (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)].
DLNATIVE_INLINE Vec<float> log_core(Vec<float> e, Vec<float> f) {
  // (log(1 + f) - f + f^2 / 2) / f^3
  constexpr float c[] = {0.3333331346511841f,   -0.25000011920928955f, 0.20002157986164093f,
                         -0.16667966544628143f, 0.14218632876873016f,  -0.12405440956354141f,
                         0.11895420402288437f,  -0.11680323630571365f, 0.06735508143901825f};
  const Vec<float> square = f * f;
  Vec<float> y = f * square * polynomial(f, c);
  y = fma(e, broadcast(ln2_low), y);
  y = fma(square, broadcast(-0.5f), y);
  return fma(e, broadcast(ln2_high), y + f);
}

// Floats as integers without a sign: differences of negative floats' bits would overflow with one.
typedef std::uint32_t Bits __attribute__((vector_size(vector_bytes)));

// The exponent that leaves a mantissa in [sqrt(1/2), sqrt(2)).
DLNATIVE_INLINE Vec<std::int32_t> centred_exponent(Vec<std::int32_t> bits) {
  return bit_cast<Vec<std::int32_t>>(bit_cast<Bits>(bits) - 0x3f3504f3u) >> 23;
}
// A float without that exponent.
DLNATIVE_INLINE Vec<float> mantissa_of(Vec<std::int32_t> bits, Vec<std::int32_t> exponent) {
  return bit_cast<Vec<float>>(bit_cast<Bits>(bits) - (bit_cast<Bits>(exponent) << 23));
}

inline constexpr float infinity = __builtin_inff();
inline constexpr float not_a_number = __builtin_nanf("");

// x = q pi/2 + r with |r| <= pi/4, for |x| <= reach.
// Only the two last bits of q count.
struct Quadrant {
  static constexpr float reach = 2048.0f;
  Vec<float> r;
  Vec<std::int32_t> q;
};
DLNATIVE_INLINE Quadrant split_quadrant(Vec<float> x) {
  constexpr float magic = 12582912.0f;
  constexpr float two_over_pi = 0.636619772f;
  const Vec<float> shifted = fma(x, broadcast(two_over_pi), broadcast(magic));
  const Vec<float> n = shifted - magic;
  // pi/2 in four parts; the first three have 11 bits, so that n times them is exact. Two differences are exact, too;
  // what the third rounds away is added with the fourth.
  constexpr float part[] = {1.5703125f, 0.0004837512969970703f, 7.549533620476723e-08f, 2.5633440682570896e-12f};
  const Vec<float> far = fma(n, broadcast(-part[1]), fma(n, broadcast(-part[0]), x));
  const Vec<float> near = fma(n, broadcast(-part[2]), far);
  const Vec<float> lost = fma(n, broadcast(-part[2]), far - near);
  const Vec<float> r = near + fma(n, broadcast(-part[3]), lost);
  return {r, bit_cast<Vec<std::int32_t>>(shifted)};  // the last bits of which are those of q
}

// sin(q pi/2 + r)
DLNATIVE_INLINE Vec<float> sin_quadrant(const Quadrant& parts) {
  constexpr float sine[] = {-0.1666666716337204f, 0.008333329111337662f, -0.00019839256128761917f,
                            2.7175644845556235e-06f};  // (sin(r) - r) / r^3 in r^2
  constexpr float cosine[] = {0.0416666679084301f, -0.0013888883404433727f, 2.479943577782251e-05f,
                              -2.7203304853173904e-07f};  // (cos(r) - 1 + r^2 / 2) / r^4 in r^2
  const Vec<float> r = parts.r, square = r * r;
  const Vec<float> s = fma(r * square, polynomial(square, sine), r);
  const Vec<float> c = fma(square * square, polynomial(square, cosine), fma(square, broadcast(-0.5f), broadcast(1.0f)));
  const Vec<float> y = select((parts.q & 1) != 0, c, s);
  return bit_cast<Vec<float>>(bit_cast<Vec<std::int32_t>>(y) ^ ((parts.q & 2) << 30));
}

// Applies a function of one element to every lane.
template <class V, class F>
DLNATIVE_INLINE V each_lane(V x, F f) {
  for (int i = 0; i < lanes<Element<V>>; ++i) x[i] = f(x[i]);
  return x;
}

}  // namespace detail

DLNATIVE_INLINE Vec<float> exp(Vec<float> x) { return detail::exp_core(detail::clamp(x, -104.0f, 89.0f)); }

DLNATIVE_INLINE Vec<float> expm1(Vec<float> x) {
  return copysign(detail::expm1_core(detail::clamp(x, -20.0f, 89.0f)), x);  // keeps -0
}

DLNATIVE_INLINE Vec<float> log(Vec<float> x) {
  const auto denormal = x < 1.17549435e-38f;
  const Vec<std::int32_t> bits = bit_cast<Vec<std::int32_t>>(select(denormal, x * 8388608.0f, x));
  const Vec<std::int32_t> e = detail::centred_exponent(bits);
  const Vec<float> mantissa = detail::mantissa_of(bits, e);
  const Vec<float> exponent = to_float(e) - select(denormal, broadcast(23.0f), Vec<float>{});
  const Vec<float> y = detail::log_core(exponent, mantissa - 1.0f);
  const Vec<float> edge = select(x == 0.0f, broadcast(-detail::infinity), broadcast(detail::not_a_number));
  return select(x > 0.0f, select(x < detail::infinity, y, x), edge);
}

DLNATIVE_INLINE Vec<float> log1p(Vec<float> x) {
  const Vec<float> u = 1.0f + x;
  // What the rounding of u lost, exactly.
  const Vec<float> lost = select(x < 1.0f, x - (u - 1.0f), 1.0f - (u - x));
  const Vec<std::int32_t> bits = bit_cast<Vec<std::int32_t>>(u);
  const Vec<std::int32_t> e = detail::centred_exponent(bits);
  const Vec<float> mantissa = detail::mantissa_of(bits, e);
  // Only for small exponents does it count, so 2^-e may stop short of the denormals.
  const Vec<float> scale = detail::power_of_two(fast_max(Vec<std::int32_t>{} - 126, -e));
  const Vec<float> f = fma(lost, scale, mantissa - 1.0f);
  const Vec<float> y = detail::log_core(to_float(e), f);
  const Vec<float> edge = select(x == -1.0f, broadcast(-detail::infinity), broadcast(detail::not_a_number));
  return select(u > 0.0f, select((x < detail::infinity) & (x != 0.0f), y, x), edge);
}

// Below 0.6 a polynomial; above, with e = exp(-2|x|), 1 - 2 e / (1 + e), where the error of the quotient counts little.
DLNATIVE_INLINE Vec<float> tanh(Vec<float> x) {
  constexpr float near[] = {-0.33333298563957214f, 0.13331958651542664f, -0.053786683827638626f, 0.02080538496375084f,
                            -0.005905868485569954f};  // (tanh(x) - x) / x^3 in x^2
  const Vec<float> magnitude = abs(x), square = x * x;
  const Vec<float> small = fma(x * square, detail::polynomial(square, near), x);
  const Vec<float> e = detail::exp_core(fast_max(broadcast(-20.0f), -2.0f * magnitude));
  return copysign(select(magnitude < 0.6f, small, 1.0f - (e + e) / (1.0f + e)), x);
}

// With e = exp(-|x|) and q = e / (1 + e): 1 - q, or for a negative x q itself, as e - e q where e is small and the
// errors of the quotient would show.
DLNATIVE_INLINE Vec<float> sigmoid(Vec<float> x) {
  const Vec<float> e = detail::exp_core<true>(fast_max(broadcast(-104.0f), -abs(x)));
  const Vec<float> q = e / (1.0f + e);
  return select(x < 0.0f, select(e < 0.25f, fma(-e, q, e), q), 1.0f - q);
}

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
DLNATIVE_INLINE Vec<float> softplus(Vec<float> x) { return select(x > 0.0f, x, Vec<float>{}) + log1p(exp(-abs(x))); }

DLNATIVE_INLINE Vec<float> erf(Vec<float> x) {
  constexpr float near[] = {0.12837916612625122f,  -0.37612634897232056f, 0.11283715069293976f,
                            -0.02686050906777382f, 0.005203858949244022f, -0.0008175639668479562f,
                            8.513104694429785e-05f};  // erf(x)/x - 1 in x^2
  constexpr float far[] = {0.00016348906501661986f, -1.129460334777832f,    -0.6334584951400757f,
                           -0.10815591365098953f,   0.025038298219442368f,  -0.00413996446877718f,
                           0.0004279901913832873f,  -2.053105527011212e-05f};  // log(1 - erf(x)) in x
  const Vec<float> magnitude = fast_min(broadcast(4.0f), abs(x));
  const Vec<float> small = fma(x, detail::polynomial(x * x, near), x);
  const Vec<float> large = copysign(1.0f - detail::exp_core(detail::polynomial(magnitude, far)), x);
  return select(magnitude < 0.9f, small, large);
}

DLNATIVE_INLINE Vec<float> sin(Vec<float> x) {
  const Vec<float> y = detail::sin_quadrant(detail::split_quadrant(x));
  const auto reached = abs(x) <= detail::Quadrant::reach;
  if (sum(bit_cast<Vec<std::int32_t>>(reached)) != -lanes<float>) [[unlikely]] {
    return detail::each_lane(x, [](float v) { return __builtin_sinf(v); });
  }
  return select(x == 0.0f, x, y);  // keeps -0
}

DLNATIVE_INLINE Vec<float> cos(Vec<float> x) {
  detail::Quadrant parts = detail::split_quadrant(x);
  parts.q += 1;
  const auto reached = abs(x) <= detail::Quadrant::reach;
  if (sum(bit_cast<Vec<std::int32_t>>(reached)) != -lanes<float>) [[unlikely]] {
    return detail::each_lane(x, [](float v) { return __builtin_cosf(v); });
  }
  return detail::sin_quadrant(parts);
}

namespace detail {

// x with 0 in the place of denormals. libm reads their bits, but its arithmetic then finds zeros where they are
// flushed.
template <class V>
DLNATIVE_INLINE V without_denormals(V x) {
  constexpr Element<V> smallest = sizeof(Element<V>) == 4 ? 0x1p-126 : 0x1p-1022;
  return select(abs(x) < V{} + smallest, x * Element<V>{0}, x);
}

}  // namespace detail

// a^b, lane by lane through libm.
template <class V>
DLNATIVE_INLINE V power(V a, V b) {
  a = detail::without_denormals(a);
  b = detail::without_denormals(b);
  for (int i = 0; i < lanes<Element<V>>; ++i) {
    a[i] = sizeof(a[i]) == 4 ? __builtin_powf(a[i], b[i]) : __builtin_pow(a[i], b[i]);
  }
  return a;
}

#define DLNATIVE_DOUBLE_BY_LANE(name)                                          \
  DLNATIVE_INLINE Vec<double> name(Vec<double> x) {                            \
    return detail::each_lane(x, [](double v) { return __builtin_##name(v); }); \
  }
DLNATIVE_DOUBLE_BY_LANE(exp)
DLNATIVE_DOUBLE_BY_LANE(expm1)
DLNATIVE_DOUBLE_BY_LANE(log1p)
DLNATIVE_DOUBLE_BY_LANE(tanh)
DLNATIVE_DOUBLE_BY_LANE(erf)
DLNATIVE_DOUBLE_BY_LANE(sin)
DLNATIVE_DOUBLE_BY_LANE(cos)
#undef DLNATIVE_DOUBLE_BY_LANE
DLNATIVE_INLINE Vec<double> log(Vec<double> x) {
  return detail::each_lane(detail::without_denormals(x), [](double v) { return __builtin_log(v); });
}

DLNATIVE_INLINE Vec<double> sigmoid(Vec<double> x) { return 1.0 / (1.0 + exp(-x)); }
DLNATIVE_INLINE Vec<double> softplus(Vec<double> x) { return select(x > 0.0, x, Vec<double>{}) + log1p(exp(-abs(x))); }

// p - scale * x / (sqrt(v) + epsilon), v not negative: how optimizers scale a step by its mean square. Square root and
// quotient take 34 to 40 cycles a vector of AVX-512, longer than memory needs: there both begin with a table of 14
// bits, and one step of Newton's method each gives the others, the quotient to 2 ulp. What is made first is twice the
// divisor.
template <class V>
DLNATIVE_INLINE V subtract_over_root(V p, Element<V> scale, V x, V v, Element<V> epsilon) {
  return p - scale * x / (sqrt(v) + epsilon);
}
#if defined(DLNATIVE_ISA_AVX512)
DLNATIVE_INLINE Vec<float> subtract_over_root(Vec<float> p, float scale, Vec<float> x, Vec<float> v, float epsilon) {
  const Vec<float> guess = _mm512_maskz_rsqrt14_ps(_mm512_cmp_ps_mask(v, Vec<float>{}, _CMP_NLE_UQ), v);
  const Vec<float> root = v * guess;
  const Vec<float> divisor = fma(root, fma(-root, guess, broadcast(3.0f)), broadcast(2.0f * epsilon));
  const Vec<float> inverse = _mm512_maskz_rcp14_ps(0xffff, divisor);
  const Vec<float> refined = fma(inverse, fma(-divisor, inverse, broadcast(1.0f)), inverse);
  const Vec<float> result = fma(x * (-2.0f * scale), refined, p);
  // Not a number, zero, infinite or subnormal: v was infinite or no number, or the divisor has no inverse.
  constexpr int unusable = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20 | 0x80;
  const __mmask16 outside = _mm512_fpclass_ps_mask(inverse, unusable);
  if (outside == 0) [[likely]]
    return result;
  return _mm512_mask_blend_ps(outside, result, p - scale * x / (sqrt(v) + epsilon));
}
#endif

}  // namespace dlnative::DLNATIVE_ISA
