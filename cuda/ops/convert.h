// An element in any other type, as the CPU converts it (csrc/ops/convert.cpp).
#pragma once

#include "ops/element.h"

namespace dlnative::cuda {

// Directly, or by way of the types that kernels compute with.
template <class To, class From>
DLNATIVE_INLINE To converted(From x) {
  constexpr bool from_computed = (Computed::set & types_of<From>) != 0,
                 to_computed = (Computed::set & types_of<To>) != 0;
  constexpr bool from_large = std::is_same_v<From, std::uint64_t>, to_large = std::is_same_v<To, std::uint64_t>;
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr ((from_computed && to_computed) ||
                       (std::is_same_v<From, double> && std::is_same_v<To, Float16>) ||
                       (from_large && std::is_floating_point_v<To>) || (to_large && std::is_floating_point_v<From>)) {
    return element<To>(x);
  } else if constexpr (!from_computed && std::is_same_v<To, Stand<From>>) {
    return element<To>(x);
  } else if constexpr (from_large && !to_computed && std::is_same_v<Stand<To>, float>) {
    return element<To>(element<float>(x));
  } else if constexpr (!from_computed) {
    return converted<To>(element<Stand<From>>(x));
  } else if constexpr (std::is_same_v<From, Stand<To>>) {
    return element<To>(x);
  } else {
    return element<To>(converted<Stand<To>>(x));
  }
}

}  // namespace dlnative::cuda
