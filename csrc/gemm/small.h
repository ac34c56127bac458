// Products so small that deciding how to do them would take as long.
#pragma once

#include "gemm/column_sums.h"
#include "gemm/dot.h"
#include "gemm/kernels.h"
#include "gemm/narrow.h"
#include "gemm/outer.h"

namespace dlnative::DLNATIVE_ISA {

// One thread, k in one block, and nothing packed but a B that has to be transposed.
template <class T>
DLNATIVE_INLINE bool is_small(const GemmArguments<T>& g) {
  constexpr std::int64_t most = 1 << 18, most_k = 256, most_k_narrow = 512;
  return g.K <= (g.N <= lanes<T> ? most_k_narrow : most_k) && g.M * g.N * g.K <= most &&
         (vector_bytes > 16 || g.N % lanes<T> == 0) &&
         g.K * g.N * static_cast<std::int64_t>(sizeof(T)) <= first_cache_bytes && g.N > 1 && !is_dot(g);
}

// What it takes of scratch to transpose B.
template <class T>
std::int64_t transposed_size(const GemmArguments<T>& g) {
  return g.K * round_up(g.N, lanes<T>) + lanes<T>;
}

// Tiles of the micro-kernel, without blocks.
template <class T>
__attribute__((noinline)) void tiled_product(const GemmArguments<T>& g, T* scratch) {
  constexpr int L = lanes<T>;
  TileCall<T> call;
  call.K = g.K;
  call.a_stride = g.lda;
  call.b_stride = g.ldb;
  const T *b = g.b, *const saved = saved_of_relu(g);
  if (g.transpose_b) {
    b = scratch;
    call.b_stride = round_up(g.N, L);
    pack_transposed(scratch, call.b_stride, g.b, g.ldb, g.K, g.N);
  }
  call.ldc = g.ldc;
  call.accumulate = false;
  call.relu = relu_in_registers(g);
  const Layout layout = g.transpose_a ? Layout::rows_contiguous : Layout::k_contiguous;
  const Parts panels(g.M, MR);
  std::int64_t m = 0;
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const std::int64_t rows = panels.base + (panel < panels.larger);
    const TileKernel<T>* const full = tile_kernels<T>(layout, false, rows);
    const TileKernel<T>* const masked = tile_kernels<T>(layout, true, rows);
    const std::int64_t most = tile_vector_table.of[rows] * L;
    call.a = g.a + (g.transpose_a ? m : m * g.lda);
    for (std::int64_t n = 0; n < g.N; n += call.tiles * most) {
      const std::int64_t columns = least(most, g.N - n);
      call.tiles = columns < most ? 1 : static_cast<int>(g.N - n) / static_cast<int>(most);
      call.b_tile = most;
      const int rest = static_cast<int>(columns) & (L - 1);
      call.b = b + n;
      call.c = g.c + m * g.ldc + n;
      call.bias = g.bias == nullptr ? nullptr : g.bias + n;
      call.saved = saved == nullptr ? nullptr : saved + m * g.ldc + n;
      call.last_count = rest == 0 ? L : rest;
      (rest == 0 ? full : masked)[static_cast<int>(columns + L - 1) / L - 1](call);
    }
    m += rows;
  }
}

template <class T>
DLNATIVE_INLINE void small_product(const GemmArguments<T>& g, T* scratch) {
  if (is_narrow(g)) {
    narrow_product(g, saved_of_relu(g) != nullptr, scratch);
    return finish(g, 0, g.M, 0, g.N);
  }
  if (g.column_sums != nullptr) column_sums(g, Workers{});
  if (is_outer(g)) return outer_rectangle(g, 0, g.M, 0, g.N);
  tiled_product(g, scratch);
  finish(g, 0, g.M, 0, g.N);
}

}  // namespace dlnative::DLNATIVE_ISA
