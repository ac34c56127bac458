// Vectors of two widths behind one set of names: Whole<T> is Vec<T>, Half<T> is half as long, for rows too short to
// fill a whole one. A kernel that takes the width as a parameter uses W::load, W::fma and so on.
#pragma once

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

template <class T>
struct Whole {
  using Vector = Vec<T>;
  static constexpr int size = lanes<T>;
  DLNATIVE_INLINE static Vector load(const T* from) { return DLNATIVE_ISA::load(from); }
  DLNATIVE_INLINE static Vector load_partial(const T* from, int count) {
    return DLNATIVE_ISA::load_partial(from, count);
  }
  DLNATIVE_INLINE static void store(T* to, Vector v) { DLNATIVE_ISA::store<T>(to, v); }
  DLNATIVE_INLINE static void store_partial(T* to, Vector v, int count) {
    DLNATIVE_ISA::store_partial<T>(to, v, count);
  }
  DLNATIVE_INLINE static Vector fma(Vector a, Vector b, Vector c) { return DLNATIVE_ISA::fma(a, b, c); }
  DLNATIVE_INLINE static Vector fast_max(Vector a, Vector b) { return DLNATIVE_ISA::fast_max(a, b); }
};

// Where vectors are 16 bytes long there is no shorter one.
inline constexpr bool has_half = vector_bytes > 16;

// What the compilers' own vector type can say of it.
template <class T>
struct HalfVector {
  static constexpr int size = lanes<T> / 2;
  using Vector = typename VecOf<T, vector_bytes / 2>::type;
  DLNATIVE_INLINE static Vector load(const T* from) {
    Vector v;
    __builtin_memcpy(&v, from, sizeof(v));
    return v;
  }
  DLNATIVE_INLINE static void store(T* to, Vector v) { __builtin_memcpy(to, &v, sizeof(v)); }
};

template <class T>
struct Half;

#if defined(DLNATIVE_ISA_AVX512)
template <>
struct Half<float> : HalfVector<float> {
  DLNATIVE_INLINE static __mmask8 first(int count) { return static_cast<__mmask8>(_bzhi_u32(0xff, count)); }
  DLNATIVE_INLINE static Vector load_partial(const float* from, int count) {
    return _mm256_maskz_loadu_ps(first(count), from);
  }
  DLNATIVE_INLINE static void store_partial(float* to, Vector v, int count) {
    _mm256_mask_storeu_ps(to, first(count), v);
  }
  DLNATIVE_INLINE static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  DLNATIVE_INLINE static Vector fast_max(Vector a, Vector b) { return _mm256_max_ps(a, b); }
};
template <>
struct Half<double> : HalfVector<double> {
  DLNATIVE_INLINE static __mmask8 first(int count) { return static_cast<__mmask8>(_bzhi_u32(0xf, count)); }
  DLNATIVE_INLINE static Vector load_partial(const double* from, int count) {
    return _mm256_maskz_loadu_pd(first(count), from);
  }
  DLNATIVE_INLINE static void store_partial(double* to, Vector v, int count) {
    _mm256_mask_storeu_pd(to, first(count), v);
  }
  DLNATIVE_INLINE static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_pd(a, b, c); }
  DLNATIVE_INLINE static Vector fast_max(Vector a, Vector b) { return _mm256_max_pd(a, b); }
};
#elif defined(DLNATIVE_ISA_AVX2)
template <>
struct Half<float> : HalfVector<float> {
  DLNATIVE_INLINE static __m128i first(int count) {
    return _mm_cmpgt_epi32(_mm_set1_epi32(count), _mm_setr_epi32(0, 1, 2, 3));
  }
  DLNATIVE_INLINE static Vector load_partial(const float* from, int count) {
    return _mm_maskload_ps(from, first(count));
  }
  DLNATIVE_INLINE static void store_partial(float* to, Vector v, int count) { _mm_maskstore_ps(to, first(count), v); }
  DLNATIVE_INLINE static Vector fma(Vector a, Vector b, Vector c) { return _mm_fmadd_ps(a, b, c); }
  DLNATIVE_INLINE static Vector fast_max(Vector a, Vector b) { return _mm_max_ps(a, b); }
};
template <>
struct Half<double> : HalfVector<double> {
  DLNATIVE_INLINE static __m128i first(int count) {
    return _mm_cmpgt_epi64(_mm_set1_epi64x(count), _mm_set_epi64x(1, 0));
  }
  DLNATIVE_INLINE static Vector load_partial(const double* from, int count) {
    return _mm_maskload_pd(from, first(count));
  }
  DLNATIVE_INLINE static void store_partial(double* to, Vector v, int count) { _mm_maskstore_pd(to, first(count), v); }
  DLNATIVE_INLINE static Vector fma(Vector a, Vector b, Vector c) { return _mm_fmadd_pd(a, b, c); }
  DLNATIVE_INLINE static Vector fast_max(Vector a, Vector b) { return _mm_max_pd(a, b); }
};
#endif

}  // namespace dlnative::DLNATIVE_ISA
