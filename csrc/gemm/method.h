// How a product is done: what is packed, and how it is cut into blocks.
#pragma once

#include "gemm/dot.h"
#include "gemm/micro_kernel.h"
#include "gemm/outer.h"
#include "gemm/row.h"
#include "gemm/tile.h"
#include "runtime/first_cache.h"

namespace dlnative::DLNATIVE_ISA {

// It does not depend on the number of threads, nor, but for the packing of B, on where the data is: that changes no
// bit.
template <class T>
struct Method {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  Parts k_blocks;
  bool dot, row, outer;  // not by tiles, but as dot.h, row.h and outer.h say
  bool pack_a, pack_b;
  bool in_blocks;        // of columns, which stay in the second cache while all panels of A pass by
  std::int64_t b_bytes;  // what such a block may take
  bool kept_b;           // it is packed already
  bool pack_tail;        // B in place, but its last columns, fewer than a vector, padded to one

  DLNATIVE_INLINE explicit Method(const GemmArguments<T>& g) : k_blocks(g.K, k_limit(g)) {
    constexpr int page = 4096;
    kept_b = g.packed_b != nullptr;
    dot = !kept_b && is_dot(g);
    row = !kept_b && is_row(g);
    outer = !kept_b && is_outer(g);
    // Rows a multiple of a page apart evict one another from the first cache, and then from the second, and vectors
    // that cross a line take twice as long. Otherwise prefetching makes up for reading a panel of B in pieces, unless
    // it is read very often.
    const std::int64_t bytes = g.K * g.N * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t row_bytes = g.ldb * static_cast<std::int64_t>(sizeof(T));
    const bool tiles = !dot && !outer;  // or by rows: whether there is a y is not known when room is asked for
    const bool pages_apart = row_bytes % page == 0;
    const std::int64_t rows_in_place = (crosses_lines(g) ? 3 : pages_apart ? panels_in_place : 16) * MR;
    pack_b = tiles && (kept_b || g.transpose_b || (bytes > first_cache_bytes / 2 && g.M > rows_in_place));
    in_blocks = pack_b || (g.M > MR && !pages_apart);
    // Few rows do not share a transposed B for long: what is packed at a time is still in the first cache then.
    constexpr std::int64_t rows_sharing = 48;
    const bool at_once = g.transpose_b && !kept_b && g.M <= rows_sharing && bytes > first_cache_bytes;
    b_bytes = at_once ? first_cache_bytes * 3 / 4 : block_bytes;
    pack_tail = vector_bytes == 16 && tiles && !pack_b && g.N % L != 0;
    const bool long_rows = spare_slots && g.N > 16 * NR;  // the tiles ask for the next panel, if it is to be packed
    pack_a = tiles && g.N >= 4 * NR && g.K > 32 && (g.transpose_a || long_rows || is_crowded(g));
  }

  DLNATIVE_INLINE static bool crosses_lines(const GemmArguments<T>& g) {
    const auto row_bytes = static_cast<std::uintptr_t>(g.ldb) * sizeof(T);
    return (reinterpret_cast<std::uintptr_t>(g.b) | row_bytes) % vector_bytes != 0;
  }

  // Whether the rows of a panel of A evict one another from the first cache: they are as far apart as one of its ways
  // is long, or half of that, ..., and it has too few ways for those that meet in one set, a row of B and a row of C.
  DLNATIVE_INLINE static bool is_crowded(const GemmArguments<T>& g) {
    const auto apart = static_cast<std::uint64_t>(g.lda) * sizeof(T);
    const std::uint64_t evenly = apart & -apart;  // the largest power of two that divides it
    const std::uint64_t rows = static_cast<std::uint64_t>(least(g.M, MR));
    const std::uint64_t meeting = evenly >= first_cache.way_bytes ? rows : rows * evenly / first_cache.way_bytes;
    return meeting + 2 > first_cache.ways;
  }

  // Few rows leave all the time to the reading of B. Where it comes from beyond the second cache, the processor asks
  // for what follows in each row of B, if there are not more of them than it can follow: so few are read from one end
  // to the other before the next. In place of the saved y there is no room for partial sums. Where sums are cut changes
  // bits, so no limit here depends on the CPU.
  DLNATIVE_INLINE static std::int64_t k_limit(const GemmArguments<T>& g) {
    constexpr std::int64_t few = MR < 8 ? MR : 8, rows_waiting = 56, row_bytes = 1 << 10;
    constexpr std::int64_t item = sizeof(T);
    if (g.saved != nullptr && g.saved == g.c) return g.K > 0 ? g.K : 1;
    if (g.packed_b != nullptr || g.transpose_b) return Blocks<T>::KC;
    if (g.M > 1 && g.M <= rows_waiting && g.N * item >= row_bytes && g.K * g.N * item > near_bytes) return 48;
    if (g.M > few || g.N <= tile_vector_table.of[g.M] * L) return Blocks<T>::KC;
    return g.M == 1 ? 16 : 64;
  }

  std::int64_t k_block_size() const { return k_blocks.largest(); }
  // Blocks of columns are evenly wide, in units of NR.
  Parts column_blocks(std::int64_t N) const {
    const std::int64_t units = (N + NR - 1) / NR;
    return Parts(units, in_blocks ? block_size(b_bytes, NR) / NR : units);
  }
  Parts row_blocks(std::int64_t M) const { return Parts(M, pack_a ? block_size(panels_bytes, MR) : M); }
  // How many columns, or rows, with a block of k each, take so many bytes: a multiple of `unit`.
  std::int64_t block_size(std::int64_t bytes, std::int64_t unit) const {
    const std::int64_t fit = bytes / (k_block_size() * static_cast<std::int64_t>(sizeof(T)) + 1);
    return fit < unit ? unit : fit / unit * unit;
  }
  // Several blocks of columns share the packed panels of a block of rows.
  // Both sizes grow with M and N, so what is enough for C is enough for a thread's rectangle of it: evenly cut blocks
  // may be larger in the rectangle.
  std::int64_t a_block_size(std::int64_t M, std::int64_t N) const {
    if (!pack_a) return 0;
    const std::int64_t rows = column_blocks(N).count > 1 ? least(M, block_size(panels_bytes, MR)) : MR;
    return round_up(k_block_size() * (rows > MR ? rows : MR) + L, 64 / sizeof(T));
  }
  std::int64_t b_block_size(std::int64_t N) const {
    if (kept_b) return 0;
    if (pack_b) return k_block_size() * least(block_size(b_bytes, NR), round_up(N, L)) + L;
    return pack_tail ? k_block_size() * L + L : 0;
  }
  std::int64_t thread_bytes(std::int64_t M, std::int64_t N) const {
    return round_up((a_block_size(M, N) + b_block_size(N)) * static_cast<std::int64_t>(sizeof(T)), 64);
  }
};

}  // namespace dlnative::DLNATIVE_ISA
