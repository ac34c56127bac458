// How a product of the core is done: what is packed, and how it is cut into blocks. docs/gemm.md states the rule.
#pragma once

#include "gemm/core/list.h"
#include "gemm/core/tile.h"

namespace dlnative::DLNATIVE_ISA {

// It does not depend on the number of threads, nor, but for the packing, on where the data is or on the CPU's caches:
// that changes no bit.
template <class T>
struct BlockedPlan {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  std::int64_t line_rows;            // rows of a line, where C has several; or 0
  std::int64_t K, k_limit, k_block;  // steps in all, and at most in a block; of the largest block
  bool pack_a, pack_b;
  bool along_k = true, rows_contiguous = true, indexed = false;  // how A lies in all parts, in the last case in some
  bool prepacked_b;                                              // it is packed already
  bool pack_b_by_rows;   // before the block is multiplied, not by the tiles of the first panel of A
  bool column_blocks;    // B is read in blocks of columns that stay in a cache while all panels of A pass by
  std::int64_t b_bytes;  // what such a block may take

  DLNATIVE_INLINE BlockedPlan(const BatchReduceArguments<T>& g, std::int64_t total, std::int64_t limit)
      : line_rows(g.line_rows < g.M ? g.line_rows : 0),
        K(total),
        k_limit(limit),
        k_block(largest_block(total, g.part_count, limit)),
        prepacked_b(g.packed_b != nullptr) {
    constexpr std::int64_t item = sizeof(T);
    const Blocking& caches = blocking();
    const Part<T>& part = g.parts[0];
    const std::int64_t bytes = K * g.N * item, row_bytes = part.ldb * item;
    const bool whole_lines = (reinterpret_cast<std::uintptr_t>(part.b) | row_bytes) % cache_line == 0;
    // B's rows evict one another from L1 where they are a multiple of the way bytes apart, or half of that where it has
    // no more than eight ways.
    const bool few_ways = caches.L1_ways <= 8;
    const bool crowded_b = row_bytes % (few_ways ? caches.L1_way_bytes / 2 : caches.L1_way_bytes) == 0;
    const std::int64_t rows_in_place = MR * (!whole_lines ? panels_in_place_across_lines
                                             : crowded_b  ? panels_in_place_crowded
                                                          : panels_in_place);
    pack_b = prepacked_b || g.transpose_b || (bytes > L1_bytes / 2 && g.M > rows_in_place);
    column_blocks = pack_b || (g.M > MR && !crowded_b);
    // Few rows do not share a transposed B for long: what is packed at a time is still in L1 then.
    constexpr std::int64_t max_rows_sharing = 48;
    const bool in_L1 = g.transpose_b && !prepacked_b && g.M <= max_rows_sharing && bytes > L1_bytes;
    b_bytes = in_L1 ? L1_bytes * 3 / 4 : pack_b ? caches.packed_b_bytes : caches.b_in_place_bytes;
    // Tiles that pack read `prefetch_steps_packing` rows of B a line or two at a time. Far from L2 that takes longer
    // than packing row by row before, which many rows of C repay; and where L1 has few ways, these lines evict one
    // another.
    const bool far = bytes > L2_threshold;
    pack_b_by_rows = (far && g.M * item >= min_column_bytes) ||
                     (few_ways && (far || row_bytes % caches.L1_way_bytes == 0) && g.M >= min_rows_few_ways);
    for (std::int64_t i = 0; i < g.part_count; ++i) {
      along_k = along_k && g.parts[i].a_step == 1;
      rows_contiguous = rows_contiguous && g.parts[i].a_row == 1;
      indexed = indexed || g.parts[i].a_index != nullptr;
    }
    // A whose rows are neither contiguous nor a short way apart, or that is read many times.
    const bool long_rows = g.N > 16 * NR;
    const bool short_parts = g.part_count > 1 && K < g.part_count * min_part;
    pack_a = indexed || short_parts ||
             (g.N >= 4 * NR && K > 32 &&
              (!along_k || long_rows || is_crowded(part.a_row, min(line_rows > 0 ? line_rows : g.M, MR))));
  }

  // Rows that are not to be cut apart by threads and blocks of rows.
  std::int64_t row_unit() const { return line_rows > 0 ? line_rows : 1; }
  // In units of rows.
  EvenPartition blocks_of_rows(std::int64_t M) const {
    const std::int64_t units = line_rows > 0 ? M / line_rows : M;
    return EvenPartition(units, pack_a ? max(block_size(a_panels_bytes, MR) / row_unit(), 1) : units);
  }
  // Blocks of columns are evenly wide, in units of NR.
  EvenPartition blocks_of_columns(std::int64_t N) const {
    const std::int64_t units = (N + NR - 1) / NR;
    return EvenPartition(units, column_blocks ? block_size(b_bytes, NR) / NR : units);
  }
  // How many columns, or rows, with a block of k each, take so many bytes: a multiple of `unit`.
  std::int64_t block_size(std::int64_t bytes, std::int64_t unit) const {
    const std::int64_t fit = bytes / (k_block * static_cast<std::int64_t>(sizeof(T)) + 1);
    return fit < unit ? unit : fit / unit * unit;
  }
  // Several blocks of columns share the packed panels of a block of rows.
  // Both sizes grow with M and N, so what is enough for C is enough for a thread's rectangle of it: evenly cut blocks
  // may be larger in the rectangle.
  std::int64_t a_workspace_size(std::int64_t M, std::int64_t N) const {
    if (!pack_a) return 0;
    const std::int64_t rows =
        blocks_of_columns(N).count > 1 ? min(M, max(block_size(a_panels_bytes, MR), row_unit())) : MR;
    return round_up(k_block * max(rows, MR) + L, 64 / sizeof(T));
  }
  std::int64_t b_workspace_size(std::int64_t N) const {
    if (prepacked_b || !pack_b) return 0;
    return k_block * min(block_size(b_bytes, NR), round_up(N, L)) + L;
  }
  std::int64_t thread_bytes(std::int64_t M, std::int64_t N) const {
    return round_up((a_workspace_size(M, N) + b_workspace_size(N)) * static_cast<std::int64_t>(sizeof(T)), 64);
  }

 private:
  // Panels of A up to which packing B does not pay: prefetching makes up for reading it in pieces.
  static constexpr std::int64_t panels_in_place = vector_bytes == 64 ? 16 : 8, panels_in_place_across_lines = 3,
                                panels_in_place_crowded = vector_bytes == 64 ? 5 : 2;
  static constexpr std::int64_t min_column_bytes = 2400;  // of C
  static constexpr std::int64_t min_rows_few_ways = 24;
  static constexpr std::int64_t min_part = 16;  // steps: shorter parts take longer to begin than to do

  // Whether `rows` rows of A, `row` elements apart, evict one another from L1: they are as far apart as one of its ways
  // is long, or half of that, ..., and it has too few ways for those that meet in one set, a row of B and a row of C.
  DLNATIVE_INLINE static bool is_crowded(std::int64_t row, std::int64_t rows) {
    const auto apart = static_cast<std::uint64_t>(row) * sizeof(T);
    const std::uint64_t evenly = apart & -apart;  // the largest power of two that divides it
    const auto way_bytes = static_cast<std::uint64_t>(blocking().L1_way_bytes);
    const std::uint64_t count = static_cast<std::uint64_t>(rows);
    const std::uint64_t meeting = evenly >= way_bytes ? count : count * evenly / way_bytes;
    return meeting + 2 > static_cast<std::uint64_t>(blocking().L1_ways);
  }
};

}  // namespace dlnative::DLNATIVE_ISA
