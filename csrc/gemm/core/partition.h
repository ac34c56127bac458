// Lengths cut into even parts.
#pragma once

#include <cstdint>

#include "dlnative/types.h"

namespace dlnative::DLNATIVE_ISA {

DLNATIVE_INLINE std::int64_t min(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
DLNATIVE_INLINE std::int64_t max(std::int64_t a, std::int64_t b) { return a > b ? a : b; }
DLNATIVE_INLINE std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Cuts `total` into as few parts as hold `most` at most, which differ by one at most; the larger ones come first.
struct EvenPartition {
  std::int64_t total, count, base, larger;
  DLNATIVE_INLINE EvenPartition(std::int64_t total_, std::int64_t most)
      : total(total_), count(1), base(total_), larger(0) {
    if (total <= most) return;
    count = (total + most - 1) / most;
    // A 64-bit division takes as long as a small product.
    if (total >> 32 == 0) {
      base = static_cast<std::uint32_t>(total) / static_cast<std::uint32_t>(count);
    } else {
      base = total / count;
    }
    larger = total - base * count;
  }
  DLNATIVE_INLINE std::int64_t start(std::int64_t part) const { return part * base + (part < larger ? part : larger); }
  DLNATIVE_INLINE std::int64_t largest() const { return base + (larger > 0); }
};

}  // namespace dlnative::DLNATIVE_ISA
