// What a product does with its sums before they are done: C += bias, C += residual, then an activation, then the
// derivative of another one in terms of its saved result or argument (simd/activations.h).
//
// Bias, relu and its derivative are applied in the registers of every kernel, unless something else goes before: that
// is RegisterEpilogue. The rest is a pass over finished rows of C while they are still in a near cache. The tiles of a
// panel are finished together: a formula of some forty instructions needs a few vectors to get going, and each tile
// would have only MR * NV.
#pragma once

#include "dlnative/gemm.h"
#include "simd/activations.h"

namespace dlnative::DLNATIVE_ISA {

// For a piece of C that begins where the pointers do.
template <class T>
struct RegisterEpilogue {
  const T* bias = nullptr;   // of the columns, or null
  const T* saved = nullptr;  // what a relu gave, with C's leading dimension: its derivative multiplies; or null
  bool relu = false;

  DLNATIVE_INLINE RegisterEpilogue() = default;
  DLNATIVE_INLINE explicit RegisterEpilogue(const Epilogue<T>& epilogue)
      : bias(epilogue.bias), relu(epilogue.activation == Activation::relu && epilogue.residual == nullptr) {
    const bool first = epilogue.activation <= Activation::relu && epilogue.residual == nullptr;
    if (first && epilogue.gradient_of == Activation::relu) saved = epilogue.saved;
  }
  DLNATIVE_INLINE RegisterEpilogue at(std::int64_t m, std::int64_t n, std::int64_t ldc) const {
    RegisterEpilogue there = *this;
    if (bias != nullptr) there.bias = bias + n;
    if (saved != nullptr) there.saved = saved + m * ldc + n;
    return there;
  }
  DLNATIVE_INLINE void advance(std::int64_t columns) {
    if (bias != nullptr) bias += columns;
    if (saved != nullptr) saved += columns;
  }
};

// Whether the registers leave anything to do.
template <class T>
DLNATIVE_INLINE bool is_left_for_pass(const Epilogue<T>& epilogue) {
  return epilogue.activation > Activation::relu || epilogue.residual != nullptr ||
         (epilogue.saved != nullptr && epilogue.gradient_of > Activation::relu);
}

// c = f(c, where, how many), vector by vector. The formula is compiled once for whole and for partial vectors.
template <class T, class F>
DLNATIVE_INLINE void transform_rows(T* c, std::int64_t ldc, std::int64_t rows, std::int64_t columns, F f) {
  constexpr int L = lanes<T>;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; j += L) {
      const std::int64_t at = i * ldc + j;
      const int count = columns - j < L ? static_cast<int>(columns - j) : L;
      const Vec<T> result = f(count == L ? load(c + at) : load_partial(c + at, count), at, count);
      if (count == L) {
        store(c + at, result);
      } else {
        store_partial(c + at, result, count);
      }
    }
  }
}

template <class T>
__attribute__((noinline)) void epilogue_pass(T* c, std::int64_t ldc, std::int64_t rows, std::int64_t columns,
                                             const Epilogue<T>& epilogue) {
  using V = Vec<T>;
  const double parameter = epilogue.parameter;
  const auto with = [&](const T* other, auto f) __attribute__((always_inline)) {
    transform_rows(c, ldc, rows, columns, [=](V x, std::int64_t at, int count) __attribute__((always_inline)) {
      return f(x, count == lanes<T> ? load(other + at) : load_partial(other + at, count));
    });
  };
  if (epilogue.residual != nullptr) {
    with(epilogue.residual, [](V x, V r) __attribute__((always_inline)) { return x + r; });
  }
  switch (epilogue.activation) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula)                                                                  \
  case Activation::name:                                                                               \
    transform_rows(c, ldc, rows, columns, [=](V x, std::int64_t, int) __attribute__((always_inline)) { \
      return apply<Formula>(parameter, x);                                                             \
    });                                                                                                \
    break;
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
  if (epilogue.saved == nullptr) return;
  switch (epilogue.gradient_of) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula)                                                                         \
  case Activation::name:                                                                                      \
    with(epilogue.saved,                                                                                      \
         [=](V x, V y) __attribute__((always_inline)) { return apply<Formula##Gradient>(parameter, x, y); }); \
    break;
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
}

// Rows [m0, m1) and columns [n0, n1) of C.
template <class T>
DLNATIVE_INLINE void apply_epilogue(const Epilogue<T>& epilogue, T* c, std::int64_t ldc, std::int64_t m0,
                                    std::int64_t m1, std::int64_t n0, std::int64_t n1) {
  if (!is_left_for_pass(epilogue)) return;
  const std::int64_t at = m0 * ldc + n0;
  Epilogue<T> there = epilogue;
  if (there.residual != nullptr) there.residual += at;
  if (there.saved != nullptr) there.saved += at;
  // What the registers have done is done again, to no effect.
  epilogue_pass(c + at, ldc, m1 - m0, n1 - n0, there);
}

}  // namespace dlnative::DLNATIVE_ISA
