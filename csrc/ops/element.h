// One element in another type: cut towards zero, modulo 2^bits, to nearest with ties to even, and for booleans x != 0.
#pragma once

#include "ops/dispatch.h"

namespace dlnative::DLNATIVE_ISA {

DLNATIVE_INLINE float to_float(BFloat16 x) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(x.bits) << 16);
}
DLNATIVE_INLINE float to_float(Float16 x) {
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000) << 16, rest = x.bits & 0x7fff;
  constexpr std::uint32_t bias = (127 - 15) << 23;
  const std::uint32_t infinite = rest >= 0x7c00 ? bias : 0;  // or not a number
  const std::uint32_t normal = (rest << 13) + bias + infinite;
  const auto small = __builtin_bit_cast(std::uint32_t, static_cast<float>(static_cast<std::int32_t>(rest)) * 0x1p-24f);
  return __builtin_bit_cast(float, sign | (rest < 0x0400 ? small : normal));
}

DLNATIVE_INLINE BFloat16 to_bfloat16(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
  return {static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded)};
}
DLNATIVE_INLINE Float16 to_float16(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
  const std::uint32_t normal = (rest - ((127u - 15u) << 23) + 0xfff + (rest >> 13 & 1)) >> 13;
  // Adding 1/2 leaves a multiple of 2^-24, rounded to even, in the low bits.
  const auto shifted = __builtin_bit_cast(std::uint32_t, __builtin_bit_cast(float, rest) + 0.5f);
  const std::uint32_t small = shifted - __builtin_bit_cast(std::uint32_t, 0.5f);
  const std::uint32_t large = rest > 0x7f800000 ? 0x7e00 : 0x7c00;
  const std::uint32_t made = rest < 0x38800000 ? small : rest < 0x477ff000 ? normal : large;
  return {static_cast<std::uint16_t>(sign | made)};
}
// Rounded to odd on the way, so that it is rounded to nearest once.
DLNATIVE_INLINE Float16 to_float16(double x) {
  const float near = static_cast<float>(x);
  const auto bits = __builtin_bit_cast(std::uint32_t, near);
  const double back = static_cast<double>(near);
  const double beyond = x < 0 ? x - back : back - x;  // positive where `near` is larger than x in size
  const std::uint32_t odd = (beyond > 0 ? bits - 1 : bits) | (beyond != 0 && beyond == beyond ? 1 : 0);
  return to_float16(__builtin_bit_cast(float, odd));
}

template <class To, class From>
DLNATIVE_INLINE To element(From x) {
  if constexpr (std::is_same_v<From, Boolean>) {
    return element<To>(static_cast<std::int32_t>(x.byte != 0));
  } else if constexpr (std::is_same_v<From, Float16> || std::is_same_v<From, BFloat16>) {
    return to_float(x);
  } else if constexpr (std::is_same_v<To, Boolean>) {
    return {static_cast<std::uint8_t>(x != From{0})};
  } else if constexpr (std::is_same_v<To, Float16>) {
    return to_float16(x);
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return to_bfloat16(x);
  } else if constexpr (std::is_same_v<To, std::uint8_t> && std::is_floating_point_v<From>) {
    return static_cast<To>(static_cast<std::int64_t>(x));  // defined for negative values too
  } else {
    return static_cast<To>(x);
  }
}

using Computed = Types<float, double, std::int32_t, std::int64_t, std::uint8_t, Boolean>;

// The type that stands for one that kernels do not compute with: it holds all its values, but for the largest uint64,
// which meet floats directly.
template <class Element>
using Stand = std::conditional_t<
    sizeof(Element) == 8, std::int64_t,
    std::conditional_t<std::is_integral_v<Element>,
                       std::conditional_t<std::is_same_v<Element, std::uint32_t>, std::int64_t, std::int32_t>, float>>;

}  // namespace dlnative::DLNATIVE_ISA
