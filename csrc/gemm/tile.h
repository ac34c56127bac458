// What is particular to an instruction set in a matrix product: the shape of the register tile and the block sizes.
//
// The tile is MR rows by NV vectors of C, and it stays in registers while k runs: MR * NV accumulators, NV vectors of B
// and one broadcast element of A. A panel of A, MR x KC, stays in the first cache while it meets all columns of a block
// of B, KC x NC, which stays in the second.
#pragma once

#include <cstdint>

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

#if defined(DLNATIVE_ISA_AVX512)
inline constexpr int MR = 14, NV = 2, vector_registers = 32;
inline constexpr int first_cache = 32 << 10, second_cache = 1 << 20;
#elif defined(DLNATIVE_ISA_AVX2)
inline constexpr int MR = 6, NV = 2, vector_registers = 16;
inline constexpr int first_cache = 32 << 10, second_cache = 256 << 10;
#elif defined(DLNATIVE_ISA_NEON)
inline constexpr int MR = 8, NV = 3, vector_registers = 32;
inline constexpr int first_cache = 32 << 10, second_cache = 512 << 10;
#else
inline constexpr int MR = 4, NV = 2, vector_registers = 16;
inline constexpr int first_cache = 32 << 10, second_cache = 256 << 10;
#endif

// With few rows a tile is wide instead, to keep the multiply-adds of a step independent of one another.
inline constexpr int wide_rows = 3;
DLNATIVE_INLINE constexpr int tile_vectors(int rows) {
  return rows == 1 ? vector_registers / 2 : rows <= wide_rows ? vector_registers / 8 : NV;
}

template <class T>
struct Blocks {
  static constexpr int NR = NV * lanes<T>;
  static constexpr std::int64_t KC = (first_cache * 3 / 4) / (MR * static_cast<int>(sizeof(T)));
  static constexpr std::int64_t NC = (second_cache * 3 / 4) / (KC * static_cast<int>(sizeof(T))) / NR * NR;
};

// Extents of equal parts (to within one) of `total`, none larger than `most`.
struct Parts {
  std::int64_t total, count;
  DLNATIVE_INLINE Parts(std::int64_t total_, std::int64_t most)
      : total(total_), count(total_ <= most ? 1 : (total_ + most - 1) / most) {}
  DLNATIVE_INLINE std::int64_t start(std::int64_t part) const { return total * part / count; }
};

}  // namespace dlnative::DLNATIVE_ISA
