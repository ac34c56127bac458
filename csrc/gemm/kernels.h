// All shapes of the micro-kernel that a product may need, as a table of functions.
#pragma once

#include <utility>

#include "gemm/micro_kernel.h"

namespace dlnative::DLNATIVE_ISA {

template <class T>
using TileKernel = void (*)(const TileCall<T>&);

// A row of the table: tiles of 1, 2, ... vectors for one number of rows.
inline constexpr int table_width = tile_vectors(1);

template <class T, int rows, bool masked, Layout layout>
struct KernelRow {
  TileKernel<T> kernels[table_width] = {};

  constexpr KernelRow() { fill(std::make_integer_sequence<int, tile_vectors(rows)>{}); }
  template <int... v>
  constexpr void fill(std::integer_sequence<int, v...>) {
    ((kernels[v] = tile_kernel<T, rows, v + 1, masked, layout, Beside::nothing>), ...);
  }
};

template <class T, bool masked, Layout layout>
struct KernelTable {
  TileKernel<T> kernels[MR][table_width] = {};

  constexpr KernelTable() { fill(std::make_integer_sequence<int, MR>{}); }
  template <int... r>
  constexpr void fill(std::integer_sequence<int, r...>) {
    (copy(r, KernelRow<T, r + 1, masked, layout>{}.kernels), ...);
  }
  constexpr void copy(int row, const TileKernel<T> (&from)[table_width]) {
    for (int v = 0; v < table_width; ++v) kernels[row][v] = from[v];
  }
};

template <class T, bool masked, Layout layout>
inline constexpr KernelTable<T, masked, layout> kernel_table;

// The kernels for tiles of `rows` rows, by the number of vectors less one.
template <class T, Layout layout>
DLNATIVE_INLINE const TileKernel<T>* tile_kernels_of(bool masked, std::int64_t rows) {
  if (masked) return &kernel_table<T, true, layout>.kernels[rows - 1][0];
  return &kernel_table<T, false, layout>.kernels[rows - 1][0];
}
template <class T>
DLNATIVE_INLINE const TileKernel<T>* tile_kernels(Layout layout, bool masked, std::int64_t rows) {
  if (layout == Layout::k_contiguous) return tile_kernels_of<T, Layout::k_contiguous>(masked, rows);
  return tile_kernels_of<T, Layout::rows_contiguous>(masked, rows);
}

// Kernels that do more than their multiply-adds, for whole tiles of more than half the rows.
inline constexpr int least_rows_beside = MR / 2 + 1;

template <class T, Layout layout, Beside beside>
struct BesideTable {
  TileKernel<T> kernels[MR - least_rows_beside + 1] = {};

  constexpr BesideTable() { fill(std::make_integer_sequence<int, MR - least_rows_beside + 1>{}); }
  template <int... r>
  constexpr void fill(std::integer_sequence<int, r...>) {
    ((kernels[r] = tile_kernel<T, least_rows_beside + r, NV, false, layout, beside>), ...);
  }
};

template <class T, Layout layout, Beside beside>
inline constexpr BesideTable<T, layout, beside> beside_table;

// The kernel for whole tiles of NV vectors.
template <class T, Layout layout>
DLNATIVE_INLINE TileKernel<T> whole_tile_kernel_of(Beside beside, std::int64_t rows) {
  if (beside == Beside::pack) return beside_table<T, layout, Beside::pack>.kernels[rows - least_rows_beside];
  if constexpr (may_ask<layout>) {
    if (beside == Beside::ask) return beside_table<T, layout, Beside::ask>.kernels[rows - least_rows_beside];
  }
  return kernel_table<T, false, layout>.kernels[rows - 1][NV - 1];
}
template <class T>
DLNATIVE_INLINE TileKernel<T> whole_tile_kernel(Layout layout, Beside beside, std::int64_t rows) {
  if (rows < least_rows_beside) beside = Beside::nothing;
  if (layout == Layout::k_contiguous) return whole_tile_kernel_of<T, Layout::k_contiguous>(beside, rows);
  return whole_tile_kernel_of<T, Layout::rows_contiguous>(beside, rows);
}

}  // namespace dlnative::DLNATIVE_ISA
