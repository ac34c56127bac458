// What is particular to an instruction set in a matrix product: the shape of the register tile and the block sizes.
//
// The tile is MR rows by NV vectors of C, and it stays in registers while k runs: MR * NV accumulators, NV vectors of B
// and one broadcast element of A. A block of B, KC x NC, stays in the second cache while all panels of A, MR x KC, pass
// by. KC is long, although a panel of A may then not stay in the first cache: the second cache gives it fast enough,
// and C is read and written once for each block of k.
#pragma once

#include <cstdint>

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

// KC_bytes: of one row of a panel of A. block_bytes: of a block of B, about three quarters of the second cache.
// spare_slots: a step of k leaves the processor time to take in a few more instructions, such as prefetches of A. 14
// cycles of AVX-512 take in 56 instructions and a step has 50 without them; 6 cycles of AVX2 take in 24, and a step
// has 24. panels_in_place: of A, up to which packing a B whose rows are a multiple of a page apart does not pay.
#if defined(DLNATIVE_ISA_AVX512)
inline constexpr int MR = 14, NV = 2, vector_registers = 32;
inline constexpr std::int64_t KC_bytes = 3328, block_bytes = 800 << 10;
inline constexpr bool spare_slots = true;
inline constexpr int panels_in_place = 5;
#elif defined(DLNATIVE_ISA_AVX2)
inline constexpr int MR = 6, NV = 2, vector_registers = 16;
inline constexpr std::int64_t KC_bytes = 2048, block_bytes = 480 << 10;
inline constexpr bool spare_slots = false;
inline constexpr int panels_in_place = 2;
#elif defined(DLNATIVE_ISA_NEON)
inline constexpr int MR = 8, NV = 3, vector_registers = 32;
inline constexpr std::int64_t KC_bytes = 1600, block_bytes = 384 << 10;
inline constexpr bool spare_slots = false;
inline constexpr int panels_in_place = 2;
#else
inline constexpr int MR = 4, NV = 2, vector_registers = 16;
inline constexpr std::int64_t KC_bytes = 1024, block_bytes = 192 << 10;
inline constexpr bool spare_slots = false;
inline constexpr int panels_in_place = 2;
#endif
// The same for every CPU, unlike runtime/first_cache.h: on what is small, the order of sums depends.
inline constexpr std::int64_t first_cache_bytes = 32 << 10;
// A larger B comes from beyond the second cache.
inline constexpr std::int64_t near_bytes = 7 << 18;

DLNATIVE_INLINE std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
DLNATIVE_INLINE std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// A tile of few rows is wide instead, to keep the multiply-adds of a step independent of one another and to read long
// pieces of each row of B: as many vectors as leave registers for a row of B and an element of A.
DLNATIVE_INLINE constexpr int tile_vectors(int rows) {
  if (rows == 1) return vector_registers / 2;
  const int fit = (vector_registers - 1) / (rows + 1);
  return fit > NV ? fit : NV;
}

// The same as a table: a division at run time would take longer than a small tile.
struct TileVectors {
  int of[MR + 1] = {};
  constexpr TileVectors() {
    for (int rows = 1; rows <= MR; ++rows) of[rows] = tile_vectors(rows);
  }
};
inline constexpr TileVectors tile_vector_table;

// What the packed panels of A may take. They come from the last cache or from memory while others are multiplied, and
// B is packed anew for each block of so many rows.
inline constexpr std::int64_t panels_bytes = 6 << 20;

template <class T>
struct Blocks {
  static constexpr int NR = NV * lanes<T>;
  static constexpr std::int64_t KC = KC_bytes / static_cast<int>(sizeof(T));
};

// Cuts `total` into as few parts as hold `most` at most, which differ by one at most; the larger ones come first.
struct Parts {
  std::int64_t total, count, base, larger;
  DLNATIVE_INLINE Parts(std::int64_t total_, std::int64_t most) : total(total_), count(1), base(total_), larger(0) {
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
