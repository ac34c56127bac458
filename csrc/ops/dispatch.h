// From the type of a buffer to a kernel's template, and what a kernel's row says of its types: both from one list.
#pragma once

#include <type_traits>

#include "dlnative/kernel.h"

namespace dlnative::DLNATIVE_ISA {

template <class Element>
inline constexpr TypeSet types_of = 0;
#define DLNATIVE_ROW(name, Element, text) \
  template <>                             \
  inline constexpr TypeSet types_of<Element> = set_of(DType::name);
DLNATIVE_DTYPES(DLNATIVE_ROW)
#undef DLNATIVE_ROW

// Types that a kernel is compiled for.
template <class... Elements>
struct Types {
  static constexpr TypeSet set = (types_of<Elements> | ...);
};
using Floats = Types<float, double>;
using Integers = Types<std::int32_t, std::int64_t>;
using Numbers = Types<float, double, std::int32_t, std::int64_t>;

// Calls body(Element{}) with the element type, which is one of the list.
template <class Element, class... Others, class Body>
DLNATIVE_HOST_INLINE auto with_type(Types<Element, Others...>, DType dtype, Body body) {
  if constexpr (sizeof...(Others) == 0) {
    return body(Element{});
  } else {
    if (types_of<Element> == set_of(dtype)) return body(Element{});
    return with_type(Types<Others...>{}, dtype, body);
  }
}

// A kernel of floats, of whose type its first result is.
template <void (*single)(const Call&), void (*twice)(const Call&)>
void by_float(const Call& call) {
  call.outputs[0].dtype == DType::float32 ? single(call) : twice(call);
}

// Calls body(Word{}) with an unsigned integer as wide as the type: kernels that only move elements know no more of
// them.
template <class Body>
DLNATIVE_HOST_INLINE auto with_word(DType dtype, Body body) {
  switch (item_size(dtype)) {
    case 1:
      return body(std::uint8_t{});
    case 2:
      return body(std::uint16_t{});
    case 4:
      return body(std::uint32_t{});
    default:
      return body(std::uint64_t{});
  }
}

// The rule of a kernel whose operands all have one type.
template <class List>
inline constexpr TypeRule same = {List::set, {}, 0};
inline constexpr TypeRule moves = {all_types, {}, 0};

}  // namespace dlnative::DLNATIVE_ISA
