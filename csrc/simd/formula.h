// How a formula is written: a type with a function `of` over vectors of any element type, which loops take as a
// parameter. A formula may have a parameter of its own, an attribute of its op.
#pragma once

#include "simd/math.h"

#define DLNATIVE_UNARY(Name, formula)                      \
  struct Name {                                            \
    static constexpr bool has_parameter = false;           \
    template <class V>                                     \
    static DLNATIVE_INLINE auto of([[maybe_unused]] V x) { \
      return formula;                                      \
    }                                                      \
  };
#define DLNATIVE_UNARY_WITH(Name, parameter, formula)           \
  struct Name {                                                 \
    static constexpr bool has_parameter = true;                 \
    template <class V>                                          \
    static DLNATIVE_INLINE auto of(V x, Element<V> parameter) { \
      return formula;                                           \
    }                                                           \
  };
#define DLNATIVE_BINARY(Name, formula)           \
  struct Name {                                  \
    static constexpr bool has_parameter = false; \
    template <class V>                           \
    static DLNATIVE_INLINE auto of(V a, V b) {   \
      return formula;                            \
    }                                            \
  };
#define DLNATIVE_BINARY_WITH(Name, parameter, formula)                                \
  struct Name {                                                                       \
    static constexpr bool has_parameter = true;                                       \
    template <class V>                                                                \
    static DLNATIVE_INLINE auto of(V a, V b, [[maybe_unused]] Element<V> parameter) { \
      return formula;                                                                 \
    }                                                                                 \
  };

namespace dlnative::DLNATIVE_ISA {

// A formula of vectors, with a parameter if it has one.
template <class Formula, class V, class... Vs>
DLNATIVE_INLINE V apply([[maybe_unused]] double parameter, V first, Vs... others) {
  if constexpr (Formula::has_parameter) {
    return Formula::of(first, others..., static_cast<Element<V>>(parameter));
  } else {
    return Formula::of(first, others...);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
