// Arithmetic on packs, element by element, with the words of the formulas: a thread that computes with 16 bytes at
// once. Numbers mix with packs.
#pragma once

#include "device/scalar.h"

namespace dlnative::cuda {

// The v-th element of a pack; a number has only itself.
template <class T, int width>
DLNATIVE_INLINE T lane_of(const Pack<T, width>& pack, int v) {
  return pack.at[v];
}
template <class T>
DLNATIVE_INLINE T lane_of(T number, int) {
  return number;
}

// f of each element of the operands, which are packs or numbers.
template <class T, int width, class F, class... Operands>
DLNATIVE_INLINE Pack<T, width> each_lane(F f, const Operands&... operands) {
  Pack<T, width> result;
  for (int v = 0; v < width; ++v) result.at[v] = f(lane_of(operands, v)...);
  return result;
}

template <class T, int width>
DLNATIVE_INLINE Pack<T, width> operator-(const Pack<T, width>& a) {
  return each_lane<T, width>([](T x) { return -x; }, a);
}
#define DLNATIVE_OPERATOR(op)                                                                    \
  template <class T, int width>                                                                  \
  DLNATIVE_INLINE Pack<T, width> operator op(const Pack<T, width>& a, const Pack<T, width>& b) { \
    return each_lane<T, width>([](T x, T y) { return x op y; }, a, b);                           \
  }                                                                                              \
  template <class T, int width>                                                                  \
  DLNATIVE_INLINE Pack<T, width> operator op(const Pack<T, width>& a, Element<T> b) {            \
    return each_lane<T, width>([](T x, T y) { return x op y; }, a, b);                           \
  }                                                                                              \
  template <class T, int width>                                                                  \
  DLNATIVE_INLINE Pack<T, width> operator op(Element<T> a, const Pack<T, width>& b) {            \
    return each_lane<T, width>([](T x, T y) { return x op y; }, a, b);                           \
  }
DLNATIVE_OPERATOR(+)
DLNATIVE_OPERATOR(-)
DLNATIVE_OPERATOR(*)
#undef DLNATIVE_OPERATOR

template <class T, int width, class B, class C>
DLNATIVE_INLINE Pack<T, width> fma(const Pack<T, width>& a, const B& b, const C& c) {
  return each_lane<T, width>([](T x, T y, T z) { return fma(x, y, z); }, a, b, c);
}
template <class T, int width>
DLNATIVE_INLINE Pack<bool, width> operator>(const Pack<T, width>& a, const Pack<T, width>& b) {
  Pack<bool, width> result;
  for (int v = 0; v < width; ++v) result.at[v] = a.at[v] > b.at[v];
  return result;
}
template <class T, int width>
DLNATIVE_INLINE Pack<T, width> select(const Pack<bool, width>& mask, const Pack<T, width>& a, const Pack<T, width>& b) {
  return each_lane<T, width>([](bool m, T x, T y) { return m ? x : y; }, mask, a, b);
}
template <class T, int width, class X>
DLNATIVE_INLINE Pack<T, width> subtract_over_root(const Pack<T, width>& p, Element<T> scale, const X& x,
                                                  const Pack<T, width>& v, Element<T> epsilon) {
  return each_lane<T, width>(
      [](T of_p, T factor, T of_x, T of_v, T least) { return subtract_over_root(of_p, factor, of_x, of_v, least); }, p,
      scale, x, v, epsilon);
}

}  // namespace dlnative::cuda
