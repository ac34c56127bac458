// Products so small that deciding how to do them would take as long.
#pragma once

#include "gemm/core/kernel_table.h"
#include "gemm/core/pack.h"
#include "gemm/ways/dot.h"

namespace dlnative::DLNATIVE_ISA {

// One thread, k in one block, and nothing packed but a B that has to be transposed.
template <class T>
DLNATIVE_INLINE bool is_small(const GemmArguments<T>& g) {
  constexpr std::int64_t max_products = 1 << 18, max_k = 256, max_k_small_n = 512;
  return g.K <= (g.N <= lanes<T> ? max_k_small_n : max_k) && g.M * g.N * g.K <= max_products &&
         (vector_bytes > 16 || g.N % lanes<T> == 0) && g.K * g.N * static_cast<std::int64_t>(sizeof(T)) <= L1_bytes &&
         g.N > 1 && !is_dot(g);
}

// What it takes of scratch to transpose B.
template <class T>
std::int64_t transposed_size(const GemmArguments<T>& g) {
  return g.K * round_up(g.N, lanes<T>) + lanes<T>;
}

// Tiles of the micro-kernel, without blocks.
template <class T>
__attribute__((noinline)) void small_tiles_product(const GemmArguments<T>& g, T* scratch) {
  constexpr int L = lanes<T>;
  Part<T> part;
  part.K = g.K;
  part.a = g.a;
  part.a_row = g.transpose_a ? 1 : g.lda;
  part.a_step = g.transpose_a ? g.lda : 1;
  part.b = g.b;
  part.ldb = g.ldb;
  if (g.transpose_b) {
    part.b = scratch;
    part.ldb = round_up(g.N, L);
    pack_transposed(scratch, part.ldb, g.b, g.ldb, g.K, g.N);
  }
  TileCall<T> call;
  call.parts = &part;
  call.part_count = 1;
  call.k0 = call.line = 0;
  call.K = g.K;
  call.a = call.b = nullptr;
  call.ldc = g.ldc;
  call.accumulate = false;
  call.next_a = nullptr;
  const RegisterEpilogue<T> epilogue(g);
  const Operands operands = g.transpose_a ? Operands::rows_contiguous : Operands::strided;
  const EvenPartition panels(g.M, MR);
  call.row = 0;
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const std::int64_t rows = panels.base + (panel < panels.larger);
    const TileKernel<T>* const full = kernel_table<T, false>.kernels[rows - 1];
    const TileKernel<T>* const masked = kernel_table<T, true>.kernels[rows - 1];
    const TileKernel<T> whole = whole_tile_kernel<T>(operands, false, rows);
    const int most = tile_vector_table.of[rows];
    for (int n = 0, N = static_cast<int>(g.N); n < N;) {
      const int left = N - n, all = (left + L - 1) / L, vectors = all < most ? all : most, rest = left & (L - 1);
      const int partial = rest != 0 && all <= most, width = tile_widths.of[partial][rows][vectors];
      const bool is_masked = partial != 0 && width == vectors;
      const int columns = is_masked ? left : width * L;
      call.tiles = columns < most * L ? 1 : left / columns;
      call.b_tile = columns;
      call.column = n;
      call.last_count = is_masked ? rest : L;
      call.c = g.c + call.row * g.ldc + n;
      call.epilogue = epilogue.at(call.row, n, g.ldc);
      (is_masked ? masked[width - 1] : width == NV ? whole : full[width - 1])(call);
      n += static_cast<int>(call.tiles) * columns;
    }
    call.row += rows;
  }
}

}  // namespace dlnative::DLNATIVE_ISA
