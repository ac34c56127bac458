// The vector type that kernels are written in: Vec<T> holds lanes<T> elements of float, double, int32 or int64.
//
// It is the compilers' own vector type (GCC and Clang vector extensions), so + - * / & | ^ ~ << >> and comparisons work
// lane by lane, a vector and a scalar mix, and v[i] is a lane. A comparison gives a Mask<T>: integers of the same
// width, all ones where it holds. Intrinsics appear only where the extensions have no word for an instruction. The
// portable version uses none at all.
#pragma once

#include <cstdint>

#include "dlnative/types.h"

#if defined(DLNATIVE_ISA_AVX512) || defined(DLNATIVE_ISA_AVX2)
#include <immintrin.h>
#elif defined(DLNATIVE_ISA_NEON)
#include <arm_neon.h>
#endif

namespace dlnative::DLNATIVE_ISA {

#if defined(DLNATIVE_ISA_AVX512)
inline constexpr int vector_bytes = 64;
#elif defined(DLNATIVE_ISA_AVX2)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

template <class T>
inline constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));

template <class T, int bytes>
struct VecOf {
  typedef T type __attribute__((vector_size(bytes)));
};

template <class T>
using Vec = typename VecOf<T, vector_bytes>::type;
template <class T>
using Mask = decltype(Vec<T>{} < Vec<T>{});

// The same bits read as another type of the same size.
template <class To, class From>
DLNATIVE_INLINE To bit_cast(From from) {
  return __builtin_bit_cast(To, from);
}

template <class T>
DLNATIVE_INLINE Vec<T> broadcast(T value) {
  return Vec<T>{} + value;
}
template <>
DLNATIVE_INLINE Vec<float> broadcast(float value) {
  return value - Vec<float>{};  // not 0 + value: that would turn -0 into +0
}
template <>
DLNATIVE_INLINE Vec<double> broadcast(double value) {
  return value - Vec<double>{};
}

template <class T>
DLNATIVE_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  __builtin_memcpy(&v, from, vector_bytes);
  return v;
}

template <class T>
DLNATIVE_INLINE void store(T* to, Vec<T> v) {
  __builtin_memcpy(to, &v, vector_bytes);
}

// Lane i is true where i < count.
template <class T>
DLNATIVE_INLINE Mask<T> first_lanes(int count) {
  using Index = Mask<T>;
  Index index;
  for (int i = 0; i < lanes<T>; ++i) index[i] = i;
  return index < (Index{} + count);
}

// The first `count` elements, 0 <= count <= lanes<T>; the other lanes are 0 and their memory is not touched.
template <class T>
DLNATIVE_INLINE Vec<T> load_partial(const T* from, int count) {
#if defined(DLNATIVE_ISA_AVX512)
  if constexpr (sizeof(T) == 4) {
    return bit_cast<Vec<T>>(_mm512_maskz_loadu_epi32(static_cast<__mmask16>(_bzhi_u32(0xffff, count)), from));
  } else {
    return bit_cast<Vec<T>>(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(_bzhi_u32(0xff, count)), from));
  }
#elif defined(DLNATIVE_ISA_AVX2)
  if constexpr (sizeof(T) == 4) {
    return bit_cast<Vec<T>>(
        _mm256_maskload_ps(reinterpret_cast<const float*>(from), bit_cast<__m256i>(first_lanes<T>(count))));
  } else {
    return bit_cast<Vec<T>>(
        _mm256_maskload_pd(reinterpret_cast<const double*>(from), bit_cast<__m256i>(first_lanes<T>(count))));
  }
#else
  Vec<T> v = {};
  for (int i = 0; i < lanes<T>; ++i) {
    if (i < count) v[i] = from[i];
  }
  return v;
#endif
}

// Writes the first `count` lanes and touches no other memory.
template <class T>
DLNATIVE_INLINE void store_partial(T* to, Vec<T> v, int count) {
#if defined(DLNATIVE_ISA_AVX512)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(to, static_cast<__mmask16>(_bzhi_u32(0xffff, count)), bit_cast<__m512i>(v));
  } else {
    _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(_bzhi_u32(0xff, count)), bit_cast<__m512i>(v));
  }
#elif defined(DLNATIVE_ISA_AVX2)
  if constexpr (sizeof(T) == 4) {
    _mm256_maskstore_ps(reinterpret_cast<float*>(to), bit_cast<__m256i>(first_lanes<T>(count)), bit_cast<__m256>(v));
  } else {
    _mm256_maskstore_pd(reinterpret_cast<double*>(to), bit_cast<__m256i>(first_lanes<T>(count)), bit_cast<__m256d>(v));
  }
#else
  for (int i = 0; i < lanes<T>; ++i) {
    if (i < count) to[i] = v[i];
  }
#endif
}

// Several vectors side by side; where `masked`, the last has `last_count` elements.
template <bool masked, class T, int count>
DLNATIVE_INLINE void load_vectors(const T* from, Vec<T> (&v)[count], int last_count) {
  constexpr int last = count - 1, L = lanes<T>;
  for (int j = 0; j < last; ++j) v[j] = load(from + j * L);
  v[last] = masked ? load_partial(from + last * L, last_count) : load(from + last * L);
}
template <bool masked, class T, int count>
DLNATIVE_INLINE void store_vectors(T* to, const Vec<T> (&v)[count], int last_count) {
  constexpr int last = count - 1, L = lanes<T>;
  for (int j = 0; j < last; ++j) store(to + j * L, v[j]);
  if constexpr (masked) {
    store_partial(to + last * L, v[last], last_count);
  } else {
    store(to + last * L, v[last]);
  }
}

// a where the mask is set, else b.
template <class M, class V>
DLNATIVE_INLINE V select(M mask, V a, V b) {
  return mask ? a : b;
}

// a * b + c with one rounding, except in the portable version, which has no such instruction to rely on.
DLNATIVE_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(DLNATIVE_ISA_AVX2)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(DLNATIVE_ISA_NEON)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
DLNATIVE_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(DLNATIVE_ISA_AVX2)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(DLNATIVE_ISA_NEON)
  return vfmaq_f64(c, a, b);
#else
  return a * b + c;
#endif
}

DLNATIVE_INLINE Vec<float> sqrt(Vec<float> x) {
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_maskz_sqrt_ps(0xffff, x);  // GCC 12 warns of an undefined value in the form without a mask
#elif defined(DLNATIVE_ISA_AVX2)
  return _mm256_sqrt_ps(x);
#elif defined(DLNATIVE_ISA_NEON)
  return vsqrtq_f32(x);
#else
  for (int i = 0; i < lanes<float>; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}
DLNATIVE_INLINE Vec<double> sqrt(Vec<double> x) {
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_maskz_sqrt_pd(0xff, x);
#elif defined(DLNATIVE_ISA_AVX2)
  return _mm256_sqrt_pd(x);
#elif defined(DLNATIVE_ISA_NEON)
  return vsqrtq_f64(x);
#else
  for (int i = 0; i < lanes<double>; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
#endif
}

// One instruction on x86: when a or b is NaN, the result is b.
template <class V>
DLNATIVE_INLINE V fast_max(V a, V b) {
  return a > b ? a : b;
}
template <class V>
DLNATIVE_INLINE V fast_min(V a, V b) {
  return a < b ? a : b;
}
#if defined(DLNATIVE_ISA_AVX512)
DLNATIVE_INLINE Vec<float> fast_max(Vec<float> a, Vec<float> b) { return _mm512_maskz_max_ps(0xffff, a, b); }
DLNATIVE_INLINE Vec<float> fast_min(Vec<float> a, Vec<float> b) { return _mm512_maskz_min_ps(0xffff, a, b); }
DLNATIVE_INLINE Vec<double> fast_max(Vec<double> a, Vec<double> b) { return _mm512_maskz_max_pd(0xff, a, b); }
DLNATIVE_INLINE Vec<double> fast_min(Vec<double> a, Vec<double> b) { return _mm512_maskz_min_pd(0xff, a, b); }
#elif defined(DLNATIVE_ISA_AVX2)
DLNATIVE_INLINE Vec<float> fast_max(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a, b); }
DLNATIVE_INLINE Vec<float> fast_min(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a, b); }
DLNATIVE_INLINE Vec<double> fast_max(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a, b); }
DLNATIVE_INLINE Vec<double> fast_min(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a, b); }
#endif

// NumPy's rule: when a or b is NaN, the result is NaN.
template <class V>
DLNATIVE_INLINE V maximum(V a, V b) {
  return ((a >= b) | (a != a)) ? a : b;
}
template <class V>
DLNATIVE_INLINE V minimum(V a, V b) {
  return ((a <= b) | (a != a)) ? a : b;
}

DLNATIVE_INLINE Vec<float> abs(Vec<float> x) {
  return bit_cast<Vec<float>>(bit_cast<Vec<std::int32_t>>(x) & INT32_MAX);
}
DLNATIVE_INLINE Vec<double> abs(Vec<double> x) {
  return bit_cast<Vec<double>>(bit_cast<Vec<std::int64_t>>(x) & INT64_MAX);
}
DLNATIVE_INLINE Vec<std::int32_t> abs(Vec<std::int32_t> x) { return x < 0 ? -x : x; }
DLNATIVE_INLINE Vec<std::int64_t> abs(Vec<std::int64_t> x) { return x < 0 ? -x : x; }

// The magnitude of x with the sign bit of `sign`.
DLNATIVE_INLINE Vec<float> copysign(Vec<float> x, Vec<float> sign) {
  return bit_cast<Vec<float>>((bit_cast<Vec<std::int32_t>>(x) & INT32_MAX) |
                              (bit_cast<Vec<std::int32_t>>(sign) & INT32_MIN));
}
DLNATIVE_INLINE Vec<double> copysign(Vec<double> x, Vec<double> sign) {
  return bit_cast<Vec<double>>((bit_cast<Vec<std::int64_t>>(x) & INT64_MAX) |
                               (bit_cast<Vec<std::int64_t>>(sign) & INT64_MIN));
}

DLNATIVE_INLINE Vec<float> floor(Vec<float> x) {
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_maskz_roundscale_ps(0xffff, x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(DLNATIVE_ISA_AVX2)
  return _mm256_floor_ps(x);
#elif defined(DLNATIVE_ISA_NEON)
  return vrndmq_f32(x);
#else
  for (int i = 0; i < lanes<float>; ++i) x[i] = __builtin_floorf(x[i]);
  return x;
#endif
}
DLNATIVE_INLINE Vec<double> floor(Vec<double> x) {
#if defined(DLNATIVE_ISA_AVX512)
  return _mm512_maskz_roundscale_pd(0xff, x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(DLNATIVE_ISA_AVX2)
  return _mm256_floor_pd(x);
#elif defined(DLNATIVE_ISA_NEON)
  return vrndmq_f64(x);
#else
  for (int i = 0; i < lanes<double>; ++i) x[i] = __builtin_floor(x[i]);
  return x;
#endif
}

DLNATIVE_INLINE Vec<float> to_float(Vec<std::int32_t> x) { return __builtin_convertvector(x, Vec<float>); }

// The element type of a vector type.
template <class V>
struct ElementOf;
template <>
struct ElementOf<Vec<float>> {
  using type = float;
};
template <>
struct ElementOf<Vec<double>> {
  using type = double;
};
template <>
struct ElementOf<Vec<std::int32_t>> {
  using type = std::int32_t;
};
template <>
struct ElementOf<Vec<std::int64_t>> {
  using type = std::int64_t;
};
template <class V>
using Element = typename ElementOf<V>::type;

// Within each 16 bytes, the lower (0) or upper (1) halves of a and b with their elements in turn: a0 b0 a1 b1 ...
template <int half, class V>
DLNATIVE_INLINE V interleave(V a, V b) {
  constexpr int element = static_cast<int>(sizeof(a[0])), count = static_cast<int>(sizeof(V)) / element;
  constexpr int size = 16 / element, start = half * size / 2;
#if defined(__clang__)
  V v;
  for (int q = 0; q < count; q += size) {
    for (int i = 0; i < size / 2; ++i) {
      v[q + 2 * i] = a[q + start + i];
      v[q + 2 * i + 1] = b[q + start + i];
    }
  }
  return v;
#else
  decltype(a < b) index;  // GCC needs to be told that this is one shuffle
  for (int q = 0; q < count; q += size) {
    for (int i = 0; i < size / 2; ++i) {
      index[q + 2 * i] = q + start + i;
      index[q + 2 * i + 1] = count + q + start + i;
    }
  }
  return __builtin_shuffle(a, b, index);
#endif
}

// A vector put together from 16-byte pieces, the first at address(0), the next at address(1), and so on.
template <class T, class Address>
DLNATIVE_INLINE Vec<T> load_pieces(Address address) {
#if defined(DLNATIVE_ISA_AVX512)
  const auto load_piece = [&](int q) __attribute__((always_inline)) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(address(q)));
  };
  __m512i v = _mm512_maskz_broadcast_i32x4(0x000f, load_piece(0));
  v = _mm512_mask_broadcast_i32x4(v, 0x00f0, load_piece(1));
  v = _mm512_mask_broadcast_i32x4(v, 0x0f00, load_piece(2));
  v = _mm512_mask_broadcast_i32x4(v, 0xf000, load_piece(3));
  return bit_cast<Vec<T>>(v);
#elif defined(DLNATIVE_ISA_AVX2)
  return bit_cast<Vec<T>>(
      _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(address(1)), reinterpret_cast<const __m128i*>(address(0))));
#else
  return load(address(0));
#endif
}

}  // namespace dlnative::DLNATIVE_ISA
