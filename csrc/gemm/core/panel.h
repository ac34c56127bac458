// A panel of A, up to MR rows, times a block of B, tile by tile.
#pragma once

#include "gemm/core/kernel_table.h"
#include "gemm/core/pack_b.h"
#include "gemm/core/plan.h"

namespace dlnative::DLNATIVE_ISA {

// A block of k and columns [n0, n1) of B, as the tiles find them.
template <class T>
struct BlockOfB {
  BlockOfK<T> k;
  std::int64_t n0, n1;
  const T* packed = nullptr;  // or null: in place
  T* to_pack = nullptr;       // `packed`, if all but its edge is still to be packed, by the tiles of the first panel
};

// Up to MR rows of A, from row `row` of line `line` on, and from row m of C on.
template <class T>
struct Panel {
  std::int64_t m = 0, line = 0, row = 0, rows = 0;
  T* packed = nullptr;  // where it is, or will be, if it is packed
};

// One panel of A against one block of B.
template <class T>
struct PanelProduct {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const BatchReduceArguments<T>& g;
  const BlockedPlan<T>& plan;
  const BlockOfB<T>& block;
  bool panels_are_packed;        // already, for the columns before
  RegisterEpilogue<T> epilogue;  // of the block

  DLNATIVE_INLINE PanelProduct(const BatchReduceArguments<T>& g_, const BlockedPlan<T>& plan_,
                               const BlockOfB<T>& block_, bool panels_are_packed_)
      : g(g_), plan(plan_), block(block_), panels_are_packed(panels_are_packed_), epilogue(g_) {
    if (block.k.last) return;
    epilogue.relu = false;
    epilogue.saved = nullptr;
  }

  DLNATIVE_INLINE void pack(const Panel<T>& panel) const {
    block.k.for_each([&](const Part<T>& part, std::int64_t k0, std::int64_t k1, std::int64_t before) {
      pack_a(part, panel.m, panel.line, panel.row, panel.rows, k0, k1, panel.packed + before * panel.rows);
    });
  }

  // What the next panel is made of, over the tiles of this one.
  DLNATIVE_INLINE PrefetchCursor prefetch(const Panel<T>& next) const {
    constexpr std::int64_t item = sizeof(T);
    const Part<T>& part = block.k.parts[0];
    PrefetchCursor cursor;
    if (next.rows == 0 || block.k.count != 1 || part.a_index != nullptr) return cursor;
    const auto lines_of = [](std::int64_t elements) { return (elements * item + cache_line - 1) / cache_line; };
    if (panels_are_packed) {
      cursor.at = reinterpret_cast<const char*>(next.packed);
      cursor.runs = 1;
      cursor.run_lines = lines_of(next.rows * block.k.K);
    } else {
      const bool along_k = part.a_step == 1;
      cursor.at = reinterpret_cast<const char*>(place_in(part, next.line, next.row, block.k.k0));
      cursor.step = (along_k ? part.a_row : part.a_step) * item;
      cursor.runs = along_k ? next.rows : block.k.K;
      cursor.run_lines = lines_of(along_k ? block.k.K : next.rows);
    }
    const std::int64_t tiles = (block.n1 - block.n0 + NR - 1) / NR;
    const std::int64_t portions = tiles * (block.k.K / steps_of_portion + 1);
    cursor.lines_each = (cursor.runs * cursor.run_lines + portions - 1) / portions;
    return cursor;
  }

  // `next` follows `panel`, or has no rows. `first`: no panel has been multiplied with this block before.
  DLNATIVE_INLINE void run(const Panel<T>& panel, const Panel<T>& next, bool first) const {
    const std::int64_t rows = panel.rows, n1 = block.n1, K = block.k.K;
    const bool packing = first && block.to_pack != nullptr, b_packed = block.packed != nullptr;
    PrefetchCursor next_a;
    TileCall<T> call;
    call.parts = block.k.parts;
    call.part_count = block.k.count;
    call.k0 = block.k.k0;
    call.K = K;
    call.row = panel.row;
    call.line = panel.line;
    call.a = nullptr;
    call.ldc = g.ldc;
    call.accumulate = block.k.start > 0;
    call.next_a = nullptr;
    Operands operands = plan.rows_contiguous ? Operands::rows_contiguous : Operands::strided;
    if (plan.pack_a) {
      if (!panels_are_packed) pack(panel);
      next_a = prefetch(next);
      call.next_a = &next_a;
      call.a = panel.packed;
      call.a_row = 1;
      call.a_step = rows;
      operands = b_packed && !packing ? Operands::packed : Operands::rows_contiguous;
    } else if (plan.along_k && b_packed && !packing) {
      operands = Operands::along_k;
    }
    const TileKernel<T> whole = whole_tile_kernel<T>(operands, packing, rows);
    const std::int64_t most = b_packed ? NV : tile_vector_table.of[rows];
    for (std::int64_t n = block.n0; n < n1;) {
      const std::int64_t left = n1 - n, vectors = min(most, (left + L - 1) / L);
      const int rest = static_cast<int>(left % L), partial = rest != 0 && vectors * L > left;
      const int width = b_packed ? static_cast<int>(vectors) : tile_widths.of[partial][rows][vectors];
      const bool masked = partial != 0 && width == vectors;
      const std::int64_t columns = masked ? left : width * L;
      call.tiles = 1;
      if (width == most && !masked) {  // in 32 bits: a longer division takes as long as a tile
        call.tiles =
            left >> 31 == 0 ? static_cast<std::uint32_t>(left) / static_cast<std::uint32_t>(columns) : left / columns;
      }
      call.last_count = masked ? rest : L;
      call.column = n;
      call.b = nullptr;
      call.b_tile = columns;
      if (b_packed && !(packing && columns == NR)) {
        call.b = block.packed + (n - block.n0) * K;
        call.b_stride = width * L;
        call.b_tile = columns * K;
      }
      call.packed = packing ? block.to_pack + (n - block.n0) * K : nullptr;
      call.c = g.c + panel.m * g.ldc + n;
      call.epilogue = epilogue.at(panel.m, n, g.ldc);
      if (columns == NR) {
        whole(call);
      } else {
        (masked ? kernel_table<T, true>.kernels : kernel_table<T, false>.kernels)[rows - 1][width - 1](call);
      }
      n += call.tiles * columns;
    }
    if (block.k.last) apply_epilogue<T>(g, g.c, g.ldc, panel.m, panel.m + rows, block.n0, n1);
  }
};

}  // namespace dlnative::DLNATIVE_ISA
