// The shapes of the micro-kernel that are compiled, as tables of functions. Each takes a compiler a twentieth of a
// second, so only shapes are here that gain something.
#pragma once

#include <utility>

#include "gemm/core/micro_kernel.h"

namespace dlnative::DLNATIVE_ISA {

template <class T>
using TileKernel = void (*)(const TileCall<T>&);

// Tiles of any strides: for each number of rows those of up to NV vectors and of the most; where the rows are few, of
// up to four, and of eight, too. Those whose last vector is not full are no wider than that. Wider pieces are put
// together.
inline constexpr int table_width = tile_vectors(1);

DLNATIVE_INLINE constexpr bool has_kernel(int rows, int vectors, bool masked) {
  const int most = tile_vectors(rows);
  if (vectors > most) return false;
  if (vectors <= NV || (vectors <= 4 && rows <= 4)) return true;
  return !masked && (vectors == most || (vectors == 8 && rows == 1));
}

template <class T, int rows, bool masked>
struct KernelRow {
  TileKernel<T> kernels[table_width] = {};

  constexpr KernelRow() { fill(std::make_integer_sequence<int, table_width>{}); }
  template <int... v>
  constexpr void fill(std::integer_sequence<int, v...>) {
    (add<v + 1>(), ...);
  }
  template <int vectors>
  constexpr void add() {
    if constexpr (has_kernel(rows, vectors, masked)) {
      kernels[vectors - 1] = tile_kernel<T, rows, vectors, masked, Operands::strided, false>;
    }
  }
};

template <class T, bool masked>
struct KernelTable {
  TileKernel<T> kernels[MR][table_width] = {};

  constexpr KernelTable() { fill(std::make_integer_sequence<int, MR>{}); }
  template <int... r>
  constexpr void fill(std::integer_sequence<int, r...>) {
    (copy(r, KernelRow<T, r + 1, masked>{}.kernels), ...);
  }
  constexpr void copy(int row, const TileKernel<T> (&from)[table_width]) {
    for (int v = 0; v < table_width; ++v) kernels[row][v] = from[v];
  }
};

template <class T, bool masked>
inline constexpr KernelTable<T, masked> kernel_table;

// How many vectors the next tile takes of `vectors` that are left, the last of them perhaps `partial`.
struct TileWidths {
  signed char of[2][MR + 1][table_width + 1] = {};
  constexpr TileWidths() {
    for (int rows = 1; rows <= MR; ++rows) {
      for (int vectors = 1; vectors <= table_width; ++vectors) {
        for (int partial = 0; partial < 2; ++partial) of[partial][rows][vectors] = widest(rows, vectors, partial != 0);
      }
    }
  }
  static constexpr signed char widest(int rows, int vectors, bool partial) {
    if (partial && has_kernel(rows, vectors, true)) return static_cast<signed char>(vectors);
    int width = partial ? vectors - 1 : vectors;
    while (!has_kernel(rows, width, false)) --width;
    return static_cast<signed char>(width);
  }
};
inline constexpr TileWidths tile_widths;

// Kernels that take more for granted, or do more, for whole tiles of NV vectors and more than half the rows.
inline constexpr int min_whole_rows = MR / 2 + 1;

template <class T, Operands operands, bool packing>
struct WholeTileTable {
  TileKernel<T> kernels[MR - min_whole_rows + 1] = {};

  constexpr WholeTileTable() { fill(std::make_integer_sequence<int, MR - min_whole_rows + 1>{}); }
  template <int... r>
  constexpr void fill(std::integer_sequence<int, r...>) {
    ((kernels[r] = tile_kernel<T, min_whole_rows + r, NV, false, operands, packing>), ...);
  }
};

template <class T, Operands operands, bool packing>
inline constexpr WholeTileTable<T, operands, packing> whole_tile_table;

// Doubles have those of packed operands alone: what the others gain there is not worth compiling them.
template <class T>
inline constexpr bool has_all_whole_tiles = sizeof(T) == 4;

template <class T>
DLNATIVE_INLINE TileKernel<T> whole_tile_kernel(Operands operands, bool packing, std::int64_t rows) {
  const std::int64_t at = rows - min_whole_rows;
  if constexpr (has_all_whole_tiles<T>) {
    if (packing) return whole_tile_table<T, Operands::strided, true>.kernels[at];
    if (at >= 0 && operands == Operands::rows_contiguous) {
      return whole_tile_table<T, Operands::rows_contiguous, false>.kernels[at];
    }
    if (at >= 0 && operands == Operands::along_k) return whole_tile_table<T, Operands::along_k, false>.kernels[at];
  }
  if (at >= 0 && operands == Operands::packed) return whole_tile_table<T, Operands::packed, false>.kernels[at];
  return kernel_table<T, false>.kernels[rows - 1][NV - 1];
}

}  // namespace dlnative::DLNATIVE_ISA
