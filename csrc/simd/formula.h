// How a formula is written: a type with a function `of` over vectors of any element type, which loops take as a
// parameter.
#pragma once

#include "simd/math.h"

#define DLNATIVE_UNARY(Name, formula)                      \
  struct Name {                                            \
    template <class V>                                     \
    static DLNATIVE_INLINE auto of([[maybe_unused]] V x) { \
      return formula;                                      \
    }                                                      \
  };
#define DLNATIVE_BINARY(Name, formula)         \
  struct Name {                                \
    template <class V>                         \
    static DLNATIVE_INLINE auto of(V a, V b) { \
      return formula;                          \
    }                                          \
  };
