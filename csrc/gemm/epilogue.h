// What a product does to a finished tile of C while it is still in the first cache: an activation, or the derivative of
// one in terms of its saved result y.
//
//   sigmoid: c = 1 / (1 + exp(-c))     c *= y (1 - y)
//   tanh:    c = tanh c                c *= 1 - y^2
// relu is applied in the registers of the micro-kernel, and so is its derivative unless another activation goes before.
#pragma once

#include "dlnative/gemm.h"
#include "simd/math.h"

namespace dlnative::DLNATIVE_ISA {

template <class T, class F>
DLNATIVE_INLINE void for_each_vector(std::int64_t rows, std::int64_t columns, std::int64_t ldc, F f) {
  constexpr int L = lanes<T>;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::int64_t j = 0;
    for (; j + L <= columns; j += L) f(i * ldc + j, L);
    if (j < columns) f(i * ldc + j, static_cast<int>(columns - j));
  }
}

template <class T, class F>
DLNATIVE_INLINE void transform_tile(T* c, std::int64_t ldc, std::int64_t rows, std::int64_t columns, F f) {
  for_each_vector<T>(rows, columns, ldc, [=](std::int64_t at, int count) __attribute__((always_inline)) {
    if (count == lanes<T>) {
      store(c + at, f(load(c + at), at, count));
    } else {
      store_partial(c + at, f(load_partial(c + at, count), at, count), count);
    }
  });
}

template <class T>
__attribute__((noinline)) void finish_tile(T* c, std::int64_t ldc, std::int64_t rows, std::int64_t columns,
                                           Activation activation, const T* saved, Activation gradient_of) {
  using V = Vec<T>;
  if (activation == Activation::sigmoid) {
    transform_tile(c, ldc, rows, columns, [](V x, std::int64_t, int) { return sigmoid(x); });
  } else if (activation == Activation::tanh) {
    transform_tile(c, ldc, rows, columns, [](V x, std::int64_t, int) { return tanh(x); });
  }
  if (saved == nullptr) return;
  const auto load_saved = [saved](std::int64_t at, int count) __attribute__((always_inline)) {
    return count == lanes<T> ? load(saved + at) : load_partial(saved + at, count);
  };
  if (gradient_of == Activation::relu && activation > Activation::relu) {
    transform_tile(c, ldc, rows, columns, [=](V x, std::int64_t at, int count) __attribute__((always_inline)) {
      return select(load_saved(at, count) > T{0}, x, V{});
    });
  } else if (gradient_of == Activation::sigmoid) {
    transform_tile(c, ldc, rows, columns, [=](V x, std::int64_t at, int count) __attribute__((always_inline)) {
      const V y = load_saved(at, count);
      return x * (y * (T{1} - y));
    });
  } else if (gradient_of == Activation::tanh) {
    transform_tile(c, ldc, rows, columns, [=](V x, std::int64_t at, int count) __attribute__((always_inline)) {
      const V y = load_saved(at, count);
      return x * (T{1} - y * y);
    });
  }
}

// Whether finish_tile has something to do, and the y of a relu's derivative that is left to registers, or null.
template <class T>
DLNATIVE_INLINE bool is_to_finish(const GemmArguments<T>& g) {
  return g.activation > Activation::relu || (g.saved != nullptr && g.gradient_of > Activation::relu);
}
template <class T>
DLNATIVE_INLINE const T* saved_of_relu(const GemmArguments<T>& g) {
  return g.activation <= Activation::relu && g.gradient_of == Activation::relu ? g.saved : nullptr;
}

// Rows [m0, m1) and columns [n0, n1) of C.
template <class T>
DLNATIVE_INLINE void finish(const GemmArguments<T>& g, std::int64_t m0, std::int64_t m1, std::int64_t n0,
                            std::int64_t n1) {
  const std::int64_t at = m0 * g.ldc + n0;
  if (!is_to_finish(g)) return;
  finish_tile(g.c + at, g.ldc, m1 - m0, n1 - n0, g.activation, g.saved == nullptr ? nullptr : g.saved + at,
              g.gradient_of);
}

}  // namespace dlnative::DLNATIVE_ISA
