// How a formula is written: a type with a function `of` over vectors of any element type, which loops take as a
// parameter. A formula may have a parameter of its own, an attribute of its op. On a GPU, where threads take the place
// of lanes, a vector is a single number.
#pragma once

#if defined(DLNATIVE_ISA_CUDA)
#include "device/scalar.h"
#else
#include "simd/math.h"
#endif

#define DLNATIVE_FORMULA(Name, takes_parameter, operands, formula) \
  struct Name {                                                    \
    static constexpr bool has_parameter = takes_parameter;         \
    template <class V>                                             \
    static DLNATIVE_INLINE auto of operands {                      \
      return formula;                                              \
    }                                                              \
  };
#define DLNATIVE_UNARY(Name, formula) DLNATIVE_FORMULA(Name, false, ([[maybe_unused]] V x), formula)
#define DLNATIVE_BINARY(Name, formula) DLNATIVE_FORMULA(Name, false, (V a, V b), formula)
#define DLNATIVE_UNARY_WITH(Name, parameter, formula) DLNATIVE_FORMULA(Name, true, (V x, Element<V> parameter), formula)
#define DLNATIVE_BINARY_WITH(Name, parameter, formula) \
  DLNATIVE_FORMULA(Name, true, (V a, V b, [[maybe_unused]] Element<V> parameter), formula)

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
