// C = epilogue(sum over i of A_i op(B_i)) by blocks, which every large product comes to; a matrix product is a list of
// one.
//
//   for each block of rows of C, MC high
//     for each block of k, KC long: a piece of a part, or several short parts
//       for each block of columns of C, NC wide
//         take the block of B: packed into panels of NR columns, or in place, or as it was packed for many products
//         for each panel of A, up to MR rows: pack it, use it in place, or as it was packed for the columns before
//           for each NR columns: micro-kernel, which adds A-panel times B-panel to a tile of C
//             after the last block of k: epilogue on the tile
//
// The block of B stays in L2 or, packed, in a near L3 (gemm/blocking.h); the packed panels of A wait in the LLC.
// Rows are dealt out evenly, so that no tile is left with a row or two. Threads take rectangles of C, with packing
// buffers of their own. Every element of C adds up its products in the order of the list and of k, a block at a time:
// rectangles, panels and tiles do not change a bit of it. Sources: Goto & van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication", 2008, with the roles of A and B exchanged; van Zee & van de Geijn, "BLIS", 2015; for lists,
// Georganas et al., "High-Performance Deep Learning via a Single Building Block", 2020.
#pragma once

#include "gemm/core/panel.h"
#include "gemm/core/threads.h"

namespace dlnative::DLNATIVE_ISA {

// The panels of rows [m0, m1) of C: up to MR rows each, none across the end of a line of A.
struct Panels {
  std::int64_t m0, lines, first_line, first_row;
  EvenPartition of_line;

  DLNATIVE_INLINE Panels(std::int64_t m0_, std::int64_t m1, std::int64_t line_rows)
      : m0(m0_), lines(1), first_line(0), first_row(m0_), of_line(m1 - m0_, MR) {
    if (line_rows == 0) return;
    lines = (m1 - m0) / line_rows;
    first_line = m0 / line_rows;
    first_row = 0;
    of_line = EvenPartition(line_rows, MR);
  }
  // Panel `index` of a line, the first of the next line, or one without rows; packed, if it is, from `a_packed` on.
  template <class T>
  DLNATIVE_INLINE Panel<T> at(std::int64_t line, std::int64_t index, T* a_packed) const {
    if (index == of_line.count) {
      index = 0;
      ++line;
    }
    if (line == lines) return {};
    const std::int64_t start = of_line.start(index);
    return {m0 + line * of_line.total + start, first_line + line, first_row + start, of_line.start(index + 1) - start,
            a_packed};
  }
};

// The block of B for these columns, packed into `workspace` if it is to be.
template <class T>
DLNATIVE_INLINE BlockOfB<T> take_b(const BatchReduceArguments<T>& g, const BlockedPlan<T>& plan, const BlockOfK<T>& k,
                                   std::int64_t n0, std::int64_t n1, std::int64_t largest_panel, T* workspace) {
  BlockOfB<T> block{k, n0, n1};
  if (plan.prepacked_b) {
    block.packed = g.packed_b + packed_offset(k, g.N, n0);
  } else if (plan.pack_b) {
    const bool by_tiles =
        has_all_whole_tiles<T> && !g.transpose_b && !plan.pack_b_by_rows && largest_panel >= min_whole_rows;
    pack_b_block(k, g.transpose_b, n0, n1, workspace, by_tiles);
    block.packed = workspace;
    if (by_tiles) block.to_pack = workspace;
  }
  return block;
}

template <class T>
void rectangle_product(const BatchReduceArguments<T>& g, const BlockedPlan<T>& plan, const Rectangle& area,
                       void* scratch) {
  const std::int64_t unit = plan.row_unit(), N = area.n1 - area.n0;
  T* const a_workspace = static_cast<T*>(scratch);
  T* const b_workspace = a_workspace + plan.a_workspace_size(area.m1 - area.m0, N);
  const EvenPartition column_blocks = plan.blocks_of_columns(N), row_blocks = plan.blocks_of_rows(area.m1 - area.m0);
  const bool keep_panels = plan.pack_a && column_blocks.count > 1;
  for (std::int64_t row_block = 0; row_block < row_blocks.count; ++row_block) {
    const std::int64_t m0 = area.m0 + row_blocks.start(row_block) * unit,
                       m1 = area.m0 + row_blocks.start(row_block + 1) * unit;
    const Panels panels(m0, m1, plan.line_rows);
    BlocksOfK<T> k_blocks(g.parts, g.part_count, plan.K, plan.k_limit);
    for (BlockOfK<T> k; k_blocks.next(k);) {
      for (std::int64_t column_block = 0; column_block < column_blocks.count; ++column_block) {
        const std::int64_t n0 = area.n0 + column_blocks.start(column_block) * Blocks<T>::NR,
                           n1 = min(area.n0 + column_blocks.start(column_block + 1) * Blocks<T>::NR, area.n1);
        const BlockOfB<T> b = take_b(g, plan, k, n0, n1, panels.of_line.largest(), b_workspace);
        const PanelProduct<T> product(g, plan, b, keep_panels && column_block > 0);
        const auto panel_at = [&](std::int64_t line, std::int64_t index) {
          Panel<T> panel = panels.at(line, index, a_workspace);
          if (keep_panels) panel.packed += (panel.m - m0) * k.K;
          return panel;
        };
        for (std::int64_t line = 0; line < panels.lines; ++line) {
          for (std::int64_t index = 0; index < panels.of_line.count; ++index) {
            product.run(panel_at(line, index), panel_at(line, index + 1), line + index == 0);
          }
        }
      }
    }
  }
}

template <class T>
void blocked_product(const BatchReduceArguments<T>& g, const BlockedPlan<T>& plan, void* scratch,
                     const Workers& workers) {
  constexpr std::int64_t NR = Blocks<T>::NR;
  constexpr double flops_per_nanosecond = 6.0 * vector_bytes / sizeof(T), bytes_per_nanosecond = 16.0;
  // Few rows wait for B.
  const double computing = 2.0 * g.M * g.N * plan.K / flops_per_nanosecond;
  const double reading = static_cast<double>(plan.K) * g.N * sizeof(T) / bytes_per_nanosecond;
  const std::int64_t unit = plan.row_unit();
  cut_by_threads(workers, computing > reading ? computing : reading, g.M, g.N, unit, NR,
                 [&](const Rectangle& area, int thread) {
                   rectangle_product(g, plan, area, static_cast<char*>(scratch) + thread * plan.thread_bytes(g.M, g.N));
                 });
}

}  // namespace dlnative::DLNATIVE_ISA
