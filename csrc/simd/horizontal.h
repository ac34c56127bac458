// Horizontal reductions: the lanes of one vector combined into one, or those of several vectors side by side.
//
// Always in the same order, so that a value does not depend on what is reduced beside it: the upper half of the lanes
// onto the lower half, until one is left.
#pragma once

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

// The lower (0) or upper (1) half of a vector.
template <class Half, int index, class V>
DLNATIVE_INLINE Half part(V v) {
  Half half;
  __builtin_memcpy(&half, reinterpret_cast<const char*>(&v) + index * sizeof(Half), sizeof(Half));
  return half;
}

// All lanes of one vector.
template <class V, class Combine>
DLNATIVE_INLINE Element<V> horizontal_reduce(V v, Combine combine) {
  using T = Element<V>;
  typedef T Pair __attribute__((vector_size(16)));
#if defined(DLNATIVE_ISA_AVX512) || defined(DLNATIVE_ISA_AVX2)
  typedef T Half __attribute__((vector_size(32)));
#if defined(DLNATIVE_ISA_AVX512)
  // GCC 12 would take the upper half of 64 bytes through memory.
  const Half upper = bit_cast<Half>(_mm512_maskz_extracti64x4_epi64(0xff, bit_cast<__m512i>(v), 1));
  const Half half = combine(part<Half, 0>(v), upper);
#else
  const Half half = v;
#endif
  Pair pair = combine(part<Pair, 0>(half), part<Pair, 1>(half));
#else
  Pair pair = v;
#endif
  if constexpr (sizeof(T) == 8) return combine(pair, Pair{pair[1], pair[1]})[0];
  if constexpr (sizeof(T) == 4) {
    pair = combine(pair, Pair{pair[2], pair[3], pair[2], pair[3]});
    return combine(pair, Pair{pair[1], pair[1], pair[1], pair[1]})[0];
  }
}

template <class V>
DLNATIVE_INLINE Element<V> sum(V v) {
  return horizontal_reduce(v, [](auto a, auto b) __attribute__((always_inline)) { return a + b; });
}

// Half a step for two vectors at once. Each holds values of `width` lanes, which are reduced to half as many: those of
// a, then those of b.
template <int width, class V, class Combine>
DLNATIVE_INLINE V reduce_pair(V a, V b, Combine combine) {
  constexpr int count = lanes<Element<V>>;
#if defined(__clang__)
  V lower, upper;
  for (int i = 0; i < count; ++i) {
    const int at = 2 * i / width * width + i % (width / 2);
    lower[i] = at < count ? a[at] : b[at - count];
    upper[i] = at < count ? a[at + width / 2] : b[at - count + width / 2];
  }
#else
  decltype(a < b) index;
  for (int i = 0; i < count; ++i) index[i] = 2 * i / width * width + i % (width / 2);
  const V lower = __builtin_shuffle(a, b, index), upper = __builtin_shuffle(a, b, index + width / 2);
#endif
  return combine(lower, upper);
}

// Each of `count` vectors reduced, a power of two up to their lanes, in the first lanes of the result.
template <int count, int width, class V, class Combine>
DLNATIVE_INLINE V reduce_each(const V (&v)[count], Combine combine) {
  if constexpr (width == 1) {
    return v[0];
  } else if constexpr (count == 1) {
    const V once[1] = {reduce_pair<width>(v[0], v[0], combine)};
    return reduce_each<1, width / 2>(once, combine);
  } else {
    V half[count / 2];
#pragma GCC unroll 16
    for (int i = 0; i < count / 2; ++i) half[i] = reduce_pair<width>(v[2 * i], v[2 * i + 1], combine);
    return reduce_each<count / 2, width / 2>(half, combine);
  }
}
template <int count, class V, class Combine>
DLNATIVE_INLINE V reduce_each(const V (&v)[count], Combine combine) {
  return reduce_each<count, lanes<Element<V>>>(v, combine);
}

template <int count, class V>
DLNATIVE_INLINE V sums(const V (&v)[count]) {
  return reduce_each<count>(v, [](V a, V b) __attribute__((always_inline)) { return a + b; });
}

}  // namespace dlnative::DLNATIVE_ISA
