// A panel of A, up to MR rows, times a block of B, tile by tile.
#pragma once

#include "gemm/blocks_of_b.h"
#include "gemm/epilogue.h"
#include "gemm/kernels.h"
#include "gemm/method.h"

namespace dlnative::DLNATIVE_ISA {

// Up to MR rows of A, from row m0 of C on.
template <class T>
struct Panel {
  std::int64_t m0, rows;
  T* place;    // where it is packed, if it is
  bool ready;  // it is there already
};

// One panel of A against one block of B.
template <class T>
struct PanelProduct {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const GemmArguments<T>& g;
  const Method<T>& method;
  const BlockOfB<T>& block;
  const std::int64_t k0 = block.k0, k1 = block.k1, n0 = block.n0, n1 = block.n1;

  const T* in_place(const Panel<T>& panel) const {
    return g.a + (g.transpose_a ? k0 * g.lda + panel.m0 : panel.m0 * g.lda + k0);
  }
  DLNATIVE_INLINE void pack(const Panel<T>& panel) const {
    if (g.transpose_a) {
      pack_rows(panel.place, panel.rows, in_place(panel), g.lda, k1 - k0, panel.rows);
    } else {
      pack_transposed(panel.place, panel.rows, in_place(panel), g.lda, k1 - k0, panel.rows);
    }
  }

  // All lines of the next panel, in shares as long as two of its rows, or four where the tiles are few, until no tile
  // is left or there is no more of it.
  DLNATIVE_INLINE Request<T> request(const Panel<T>& next) const {
    constexpr std::int64_t stretch = line / static_cast<int>(sizeof(T));
    if (next.rows == 0) return {};
    const std::int64_t stretches = (k1 - k0 + stretch - 1) / stretch, pairs = (next.rows + 1) / 2;
    if (next.ready) {
      const std::int64_t at_once = (n1 - n0) / NR < pairs ? 2 : 1;
      return {{next.place, stretch, 2 * stretch, at_once},
              2 * stretch * stretches * at_once,
              (pairs + at_once - 1) / at_once};
    }
    if (!g.transpose_a) return {{in_place(next), g.lda, stretch, 1}, 2 * g.lda, pairs};
    // A row of A^T that begins within a line was read with the panel before, up to the end of that line.
    return {{in_place(next) + next.rows - 1, g.lda, 2 * g.lda, 1}, 2 * g.lda * stretches, stretch / 2};
  }

  // `next` follows `panel`, or has no rows. `first`: no panel has been multiplied with this block before.
  DLNATIVE_INLINE void run(const Panel<T>& panel, const Panel<T>& next, bool first) const {
    const std::int64_t m0 = panel.m0, rows = panel.rows;
    T* const b_to_pack = first ? block.to_pack : nullptr;
    TileCall<T> call;
    call.K = k1 - k0;
    call.ldc = g.ldc;
    call.accumulate = k0 > 0;
    const bool last = k1 == g.K;
    call.relu = last && relu_in_registers(g);
    const T* const saved = last ? saved_of_relu(g) : nullptr;
    Layout layout = g.transpose_a ? Layout::rows_contiguous : Layout::k_contiguous;
    call.a = in_place(panel);
    call.a_stride = g.lda;
    if (method.pack_a) {
      if (!panel.ready) pack(panel);
      call.a = panel.place;
      call.a_stride = rows;
      layout = Layout::rows_contiguous;
    }
    const TileKernel<T>* const full = tile_kernels<T>(layout, false, rows);
    const TileKernel<T>* const masked = tile_kernels<T>(layout, true, rows);
    const Beside beside = b_to_pack != nullptr ? Beside::pack : call.K >= far_ahead ? Beside::ask : Beside::nothing;
    const TileKernel<T> whole = whole_tile_kernel<T>(layout, beside, rows);
    if (beside != Beside::nothing) call.next_a = request(next);
    const std::int64_t most = method.pack_b ? NR : tile_vector_table.of[rows] * L;
    for (std::int64_t n = n0; n < n1;) {
      std::int64_t columns = least(most, n1 - n);
      call.tiles = columns < most ? 1 : (n1 - n) / most;
      call.b_tile = columns;
      call.b = g.packed_b == nullptr ? g.b + k0 * g.ldb + n : nullptr;
      call.b_stride = g.ldb;
      bool partial = columns % L != 0;
      if (method.pack_b) {
        call.b = block.packed + (n - n0) * call.K;
        call.b_stride = round_up(columns, L);
        call.b_tile = columns * call.K;
      } else if (partial && method.pack_tail) {
        if (columns > L) {
          columns -= columns % L;
          partial = false;
        } else {
          call.b = block.packed;
          call.b_stride = L;
        }
      }
      call.c = g.c + m0 * g.ldc + n;
      call.bias = g.bias == nullptr ? nullptr : g.bias + n;
      call.saved = saved == nullptr ? nullptr : saved + m0 * g.ldc + n;
      call.last_count = partial ? static_cast<int>(columns % L) : L;
      if (columns != NR) {
        (partial ? masked : full)[(columns + L - 1) / L - 1](call);
      } else {
        if (b_to_pack != nullptr) {
          call.packed = b_to_pack + (n - n0) * call.K;
          call.b = g.b + k0 * g.ldb + n;
          call.b_stride = g.ldb;
          call.b_tile = columns;
        }
        whole(call);
      }
      call.next_a.skip(call.tiles);
      n += call.tiles * columns;
    }
    if (last) finish(g, m0, m0 + rows, n0, n1);
  }
};

}  // namespace dlnative::DLNATIVE_ISA
