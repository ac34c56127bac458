// What a product does to finished rows of C while they are still in a cache near by: C += residual, then an activation,
// then the derivative of another one in terms of its saved result or argument (simd/activations.h). relu and its
// derivative are applied in the registers of the micro-kernel, unless something else goes before.
//
// The tiles of a panel are finished together: a formula of some forty instructions needs a few vectors to get going,
// and each tile would have only MR * NV.
#pragma once

#include "dlnative/gemm.h"
#include "simd/activations.h"

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
                                           const T* residual, Activation activation, const T* saved,
                                           Activation gradient_of, double parameter) {
  using V = Vec<T>;
  const auto with = [&](const T* other, auto f) __attribute__((always_inline)) {
    transform_tile(c, ldc, rows, columns, [=](V x, std::int64_t at, int count) __attribute__((always_inline)) {
      return f(x, count == lanes<T> ? load(other + at) : load_partial(other + at, count));
    });
  };
  if (residual != nullptr) with(residual, [](V x, V r) __attribute__((always_inline)) { return x + r; });
  switch (activation) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula)                                                                  \
  case Activation::name:                                                                               \
    transform_tile(c, ldc, rows, columns, [=](V x, std::int64_t, int) __attribute__((always_inline)) { \
      return apply<Formula>(parameter, x);                                                             \
    });                                                                                                \
    break;
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
  if (saved == nullptr) return;
  switch (gradient_of) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula)                                                                                \
  case Activation::name:                                                                                             \
    with(saved, [=](V x, V y) __attribute__((always_inline)) { return apply<Formula##Gradient>(parameter, x, y); }); \
    break;
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
}

// What the registers do of it: whether relu, and the y of a relu's derivative, or null. And whether anything is left.
template <class T>
DLNATIVE_INLINE bool relu_in_registers(const GemmArguments<T>& g) {
  return g.activation == Activation::relu && g.residual == nullptr;
}
template <class T>
DLNATIVE_INLINE const T* saved_of_relu(const GemmArguments<T>& g) {
  const bool first = g.activation <= Activation::relu && g.residual == nullptr;
  return first && g.gradient_of == Activation::relu ? g.saved : nullptr;
}
template <class T>
DLNATIVE_INLINE bool is_to_finish(const GemmArguments<T>& g) {
  return g.activation > Activation::relu || g.residual != nullptr ||
         (g.saved != nullptr && g.gradient_of > Activation::relu);
}

// Rows [m0, m1) and columns [n0, n1) of C.
template <class T>
DLNATIVE_INLINE void finish(const GemmArguments<T>& g, std::int64_t m0, std::int64_t m1, std::int64_t n0,
                            std::int64_t n1) {
  const std::int64_t at = m0 * g.ldc + n0;
  if (!is_to_finish(g)) return;
  // What the registers have done is done again, to no effect.
  finish_tile(g.c + at, g.ldc, m1 - m0, n1 - n0, g.residual == nullptr ? nullptr : g.residual + at, g.activation,
              g.saved == nullptr ? nullptr : g.saved + at, g.gradient_of, g.parameter);
}

}  // namespace dlnative::DLNATIVE_ISA
