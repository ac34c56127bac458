// One product, C = epilogue(op(A) op(B)), by multiply-adds in registers.
//
// A block computes a tile of BM x BN. Its threads form `slices` groups that share out K: group s takes every slices-th
// piece of BK, so that a small C still keeps a multiprocessor busy. Within a group a thread computes TM x TN of the
// tile from pieces of A and B in shared memory, kept k by k, so that what it reads there is 16 bytes wide:
//
//   for each piece:  load the next piece of A and B into registers
//                    for k in BK:  TM of A, TN of B;  acc += outer product
//                    put the loaded piece into the other half of shared memory;  barrier
//   C tile = sum of the groups' tiles, in order, through shared memory;  epilogue;  write
//
// Where even that leaves multiprocessors idle, blocks share out K, too: each writes its tile as it is, and a second
// kernel adds them up in order and finishes them (split-K).
//
// Elements past an edge count as 0. The scheme is that of Volkov & Demmel, "Benchmarking GPUs to tune dense linear
// algebra", SC 2008; CUTLASS calls the groups sliced-K.
//
// A warp computes a patch of 4 x 8 threads where the tile allows it: what its lanes read of A is 64 bytes, of B 128,
// one access to shared memory each, for 8 x 8 elements a thread 4 in the time of 16 cycles of multiply-adds.
#pragma once

#include "gemm/product.h"

namespace dlnative::cuda {

// with_sums: the first row of blocks also adds up the columns of B, a bias gradient.
template <class Tile, class Product, bool with_sums>
__global__ void __launch_bounds__(Tile::threads, Tile::blocks) gemm_kernel(Product g) {
  using T = typename Tile::T;
  constexpr int width = Tile::width, BM = Tile::BM, BN = Tile::BN, BK = Tile::BK, TM = Tile::TM, TN = Tile::TN;
  wait_for_previous_kernel();
  auto& s = shared<typename Tile::Shared>();
  const int split = static_cast<int>(blockIdx.z) % g.splits;
  g.enter(static_cast<int>(blockIdx.z) / g.splits);
  const int slice = static_cast<int>(threadIdx.x) / Tile::group, t = static_cast<int>(threadIdx.x) % Tile::group;
  const int tn = Tile::column_of_thread(t) * width, tm = Tile::row_of_thread(t) * width;
  const int m0 = static_cast<int>(blockIdx.y) * BM, n0 = static_cast<int>(blockIdx.x) * BN;
  auto& piece = s.piece[slice];

  T acc[TM][TN];
  DLN_UNROLL
  for (int i = 0; i < TM; ++i) {
    DLN_UNROLL
    for (int j = 0; j < TN; ++j) acc[i][j] = 0;
  }
  [[maybe_unused]] T sums[with_sums ? TN : 1];
  if constexpr (with_sums) {
    DLN_UNROLL
    for (int j = 0; j < TN; ++j) sums[j] = 0;
  }

  constexpr int step = BK * Tile::slices;
  const int all_pieces = (g.K + step - 1) / step, of_split = (all_pieces + g.splits - 1) / g.splits;
  const int first_piece = split * of_split < all_pieces ? split * of_split : all_pieces;
  const int pieces = all_pieces - first_piece < of_split ? all_pieces - first_piece : of_split;
  const int k0 = first_piece * step + slice * BK;
  auto a = g.template a<Tile>(t, m0, k0);
  auto b = g.template b<Tile>(t, n0, k0);
  int k_left = g.K - k0;
  a.load(k_left);
  b.load(k_left);
  a.store(piece[0].a);
  b.store(piece[0].b);
  __syncthreads();
  for (int p = 0; p < pieces; ++p) {
    const bool more = p + 1 < pieces;
    if (more) {
      k_left -= step;
      a.load(k_left);
      b.load(k_left);
    }
    const auto& now = piece[p % 2];
    DLN_UNROLL
    for (int k = 0; k < BK; ++k) {
      T x[TM], y[TN];
      DLN_UNROLL
      for (int i = 0; i < TM; i += width) {
        const Pack<T> pack = load_pack(&now.a[k][i * Tile::threads_m + tm]);
        DLN_UNROLL
        for (int v = 0; v < width; ++v) x[i + v] = pack.at[v];
      }
      DLN_UNROLL
      for (int j = 0; j < TN; j += width) {
        const Pack<T> pack = load_pack(&now.b[k][j * Tile::threads_n + tn]);
        DLN_UNROLL
        for (int v = 0; v < width; ++v) y[j + v] = pack.at[v];
      }
      DLN_UNROLL
      for (int i = 0; i < TM; ++i) {
        DLN_UNROLL
        for (int j = 0; j < TN; ++j) acc[i][j] = fma(x[i], y[j], acc[i][j]);
      }
      if constexpr (with_sums) {
        DLN_UNROLL
        for (int j = 0; j < TN; ++j) sums[j] += y[j];
      }
    }
    if (more) {
      auto& next = piece[(p + 1) % 2];
      a.store(next.a);
      b.store(next.b);
    }
    __syncthreads();
  }

  // Row i and column j of the thread's part, in the tile.
  const auto row_of = [&](int i) { return i / width * width * Tile::threads_m + tm + i % width; };
  const auto column_of = [&](int j) { return j / width * width * Tile::threads_n + tn + j % width; };
  const auto pack_of = [&](int i, int j) {
    Pack<T> pack;
    DLN_UNROLL
    for (int v = 0; v < width; ++v) pack.at[v] = acc[i][j + v];
    return pack;
  };
  if constexpr (with_sums) {
    if (blockIdx.y == 0) {
      auto& of_slices = reinterpret_cast<T(&)[Tile::slices][BN]>(s);
      if (tm == 0) {  // all threads of a column have the same sums
        DLN_UNROLL
        for (int j = 0; j < TN; ++j) of_slices[slice][column_of(j)] = sums[j];
      }
      __syncthreads();
      for (int n = static_cast<int>(threadIdx.x); n < BN && n0 + n < g.N; n += Tile::threads) {
        T total = of_slices[0][n];
        for (int other = 1; other < Tile::slices; ++other) total += of_slices[other][n];
        // Those of the parts lie behind the tiles.
        T* const to = g.splits == 1 ? g.column_sums : g.partials + (std::int64_t{g.splits} * g.M + split) * g.N;
        to[n0 + n] = total;
      }
      __syncthreads();
    }
  }
  const auto write = [&]<bool formulas>(int row, int column, const Pack<T>& x) {
    if (g.splits == 1) return finish<formulas>(g, m0 + row, n0 + column, x);
    if (m0 + row >= g.M || n0 + column >= g.N) return;
    const std::int64_t part = std::int64_t{blockIdx.z} * g.M + m0 + row;
    const int left = g.N - n0 - column;
    write_pack(g.partials, part * g.N + n0 + column, left, g.N % width == 0, x);
  };
  if constexpr (Tile::slices == 1) {
    DLN_UNROLL
    for (int i = 0; i < TM; ++i) {
      DLN_UNROLL
      for (int j = 0; j < TN; j += width) write.template operator()<false>(row_of(i), column_of(j), pack_of(i, j));
    }
    // Formulas once in the code, not for each element of the registers: they read back what this thread has written.
    if (g.splits == 1 && g.has_formula()) {
      for (int i = 0; i < TM; ++i) {
        for (int j = 0; j < TN; j += width) apply_formulas(g, m0 + row_of(i), n0 + column_of(j));
      }
    }
  } else {
    DLN_UNROLL
    for (int i = 0; i < TM; ++i) {
      DLN_UNROLL
      for (int j = 0; j < TN; j += width) store_pack(&s.part[slice][row_of(i)][column_of(j)], pack_of(i, j));
    }
    __syncthreads();
    for (int index = static_cast<int>(threadIdx.x); index < BM * BN / width; index += Tile::threads) {
      const int row = index / (BN / width), column = index % (BN / width) * width;
      Pack<T> total = load_pack(&s.part[0][row][column]);
      DLN_UNROLL
      for (int other = 1; other < Tile::slices; ++other) {
        const Pack<T> part = load_pack(&s.part[other][row][column]);
        DLN_UNROLL
        for (int v = 0; v < width; ++v) total.at[v] += part.at[v];
      }
      write.template operator()<true>(row, column, total);
    }
  }
}

// Adds up the parts of K and finishes the result, a pack a thread; then the sums of columns.
template <class T, class Product>
__global__ void __launch_bounds__(256) split_kernel(Product g, std::uint32_t packs_of_row, std::uint32_t rows) {
  wait_for_previous_kernel();
  constexpr int width = pack_width<T>;
  const std::uint32_t index = blockIdx.x * 256 + threadIdx.x, row = index / packs_of_row;
  if (row >= rows) return;
  const int column = static_cast<int>(index % packs_of_row) * width, left = g.N - column;
  const T* const partials = g.partials;
  const int batch = static_cast<int>(blockIdx.z);
  const bool whole = g.N % width == 0, sums = static_cast<std::int32_t>(row) == g.M;
  const std::int64_t of_split = sums ? g.N : std::int64_t{g.M} * g.N;
  const std::int64_t first =
      sums ? std::int64_t{g.splits} * g.M * g.N : batch * g.splits * of_split + std::int64_t{row} * g.N;
  Pack<T> total = read_pack(partials, first + column, left, whole);
  for (int split = 1; split < g.splits; ++split) {
    const Pack<T> part = read_pack(partials, first + split * of_split + column, left, whole);
    DLN_UNROLL
    for (int v = 0; v < width; ++v) total.at[v] += part.at[v];
  }
  if (sums) return write_pack(g.column_sums, column, left, whole && g.packs_c, total);
  g.enter(batch);
  finish<true>(g, static_cast<std::int32_t>(row), column, total);
}

}  // namespace dlnative::cuda
