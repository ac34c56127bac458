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

#include "ops/element.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

using Loop = ConvertLoop;

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
