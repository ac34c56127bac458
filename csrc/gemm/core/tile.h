// What is particular to an instruction set in a matrix product: the shape of the register tile and the block sizes.
//
// The tile is MR rows by NV vectors of C, and it stays in registers while k runs: MR * NV accumulators, NV vectors of B
// and one broadcast element of A. KC is long, although a panel of A may then not stay in L1: L2 gives it fast enough,
// and C is read and written once for each block of k.
#pragma once

#include "gemm/blocking.h"
#include "gemm/core/partition.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

// KC_bytes: of one row of a panel of A; where sums are cut decides bits, so it does not depend on the CPU.
// L2_block_bytes: of a block of B in L2, three quarters of it where it has the usual size.
#if defined(DLNATIVE_ISA_AVX512)
inline constexpr int MR = 14, NV = 2, vector_registers = 32;
inline constexpr std::int64_t KC_bytes = 3328, L2_block_bytes = 800 << 10;
#elif defined(DLNATIVE_ISA_AVX2)
inline constexpr int MR = 6, NV = 2, vector_registers = 16;
inline constexpr std::int64_t KC_bytes = 2048, L2_block_bytes = 480 << 10;
#elif defined(DLNATIVE_ISA_NEON)
inline constexpr int MR = 8, NV = 3, vector_registers = 32;
inline constexpr std::int64_t KC_bytes = 1600, L2_block_bytes = 384 << 10;
#else
inline constexpr int MR = 4, NV = 2, vector_registers = 16;
inline constexpr std::int64_t KC_bytes = 1024, L2_block_bytes = 192 << 10;
#endif

inline constexpr int cache_line = 64;  // bytes

// The same for every CPU, unlike Blocking: on what is small, the order of sums depends.
inline constexpr std::int64_t L1_bytes = 32 << 10;
// A larger B comes from beyond L2.
inline constexpr std::int64_t L2_threshold = 7 << 18;

// What the packed panels of A may take. They come from the LLC or from memory while others are multiplied, and B is
// packed anew for each block of so many rows.
inline constexpr std::int64_t a_panels_bytes = 6 << 20;

template <class T>
struct Blocks {
  static constexpr int NR = NV * lanes<T>;
  static constexpr std::int64_t KC = KC_bytes / static_cast<int>(sizeof(T));
};

// This machine's, for this instruction set.
inline const Blocking& blocking() {
  static const Blocking found = blocking_for(caches(), L2_block_bytes);
  return found;
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

}  // namespace dlnative::DLNATIVE_ISA
