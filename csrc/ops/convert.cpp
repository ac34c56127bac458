// y[i] = x[i] in another type.
//
//   float to integer     cut towards zero; what does not fit becomes what the processor makes of it, as in NumPy
//   integer to integer   modulo 2^bits
//   to a smaller float   to nearest, ties to even
//   to boolean           x != 0
//
// There are loops between the types that kernels compute with, and between each of the others and the one of those
// that holds all its values; any other pair goes by way of these, a block at a time. No value is rounded twice but a
// 64-bit integer on its way to a 16-bit float, which NumPy rounds twice, too.
#include "ops/convert.h"

#include "ops/dispatch.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

using Loop = ConvertLoop;

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

template <class From, class To>
void loop(const void* x, void* y, std::int64_t count) {
  const auto* from = static_cast<const From*>(x);
  auto* to = static_cast<To*>(y);
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
  for (std::int64_t i = 0; i < count; ++i) to[i] = element<To>(from[i]);
}

using Computed = Types<float, double, std::int32_t, std::int64_t, std::uint8_t, Boolean>;

// The type that stands for one that kernels do not compute with: it holds all its values, but for the largest uint64,
// which meet floats directly.
template <class Element>
using Stand = std::conditional_t<
    sizeof(Element) == 8, std::int64_t,
    std::conditional_t<std::is_integral_v<Element>,
                       std::conditional_t<std::is_same_v<Element, std::uint32_t>, std::int64_t, std::int32_t>, float>>;

DLNATIVE_INLINE constexpr bool computed(DType dtype) { return (Computed::set & set_of(dtype)) != 0; }

DType stand_for(DType dtype) {
  switch (dtype) {
    case DType::float16:
    case DType::bfloat16:
      return DType::float32;
    case DType::uint32:
    case DType::uint64:
      return DType::int64;
    case DType::int8:
    case DType::int16:
    case DType::uint16:
      return DType::int32;
    default:
      return dtype;
  }
}

template <class Rare>
Loop rare_loop(bool widens) {
  return widens ? loop<Rare, Stand<Rare>> : loop<Stand<Rare>, Rare>;
}

// The loop between two types, or null.
Loop direct(DType from, DType to) {
  if (computed(from) && computed(to)) {
    return with_type(Computed{}, from, [to](auto x) {
      return with_type(Computed{}, to, [](auto y) -> Loop { return loop<decltype(x), decltype(y)>; });
    });
  }
  const auto pair = [from, to](DType a, DType b) { return from == a && to == b; };
  if (pair(DType::float64, DType::float16)) return loop<double, Float16>;
  if (pair(DType::float32, DType::uint64)) return loop<float, std::uint64_t>;
  if (pair(DType::float64, DType::uint64)) return loop<double, std::uint64_t>;
  if (pair(DType::uint64, DType::float32)) return loop<std::uint64_t, float>;
  if (pair(DType::uint64, DType::float64)) return loop<std::uint64_t, double>;
  const bool widens = !computed(from);
  const DType rare = widens ? from : to;
  if ((widens ? to : from) != stand_for(rare)) return nullptr;
  using Rare = Types<std::int8_t, std::int16_t, std::uint16_t, std::uint32_t, std::uint64_t, Float16, BFloat16>;
  return with_type(Rare{}, rare, [widens](auto type) { return rare_loop<decltype(type)>(widens); });
}

}  // namespace

ConvertLoop convert_loop(DType from, DType to) { return from == to ? nullptr : direct(from, to); }

void convert(DType from, const void* x, DType to, void* y, std::int64_t count) {
  const std::int64_t x_item = item_size(from), y_item = item_size(to);
  if (from == to) {
    __builtin_memcpy(y, x, static_cast<std::size_t>(count * x_item));
    return;
  }
  if (const Loop only = direct(from, to)) return only(x, y, count);

  // By way of what stands for the one, for the other, or for both.
  DType way[2] = {stand_for(from), stand_for(to)};
  if (direct(way[0], to) != nullptr && way[0] != from) {
    way[1] = way[0];
  } else if (direct(from, way[1]) != nullptr && way[1] != to) {
    way[0] = way[1];
  }
  const Loop first = direct(from, way[0]), last = direct(way[1], to);
  const Loop middle = way[0] == way[1] ? nullptr : direct(way[0], way[1]);
  constexpr std::int64_t block = 256;
  std::uint64_t a[block], b[block];
  const auto* next = static_cast<const char*>(x);
  auto* end = static_cast<char*>(y);
  for (; count > 0; count -= block, next += block * x_item, end += block * y_item) {
    const std::int64_t n = count < block ? count : block;
    first(next, a, n);
    if (middle != nullptr) middle(a, b, n);
    last(middle != nullptr ? b : a, end, n);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
