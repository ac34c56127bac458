// Small products whose C is no wider than a vector, as in networks of a few units. A product of 16 x 8 x 4 is 512
// multiply-adds, 30 cycles of arithmetic: what counts is everything else. So the whole product is one function without
// tables, calls and packing, in vectors no longer than a row of C needs, and sums the columns of B on the way.
//
// The order of the additions is that of the micro-kernel: every element of C is one chain in the order of k.
#pragma once

#include "dlnative/gemm.h"
#include "gemm/core/epilogue.h"
#include "gemm/core/pack.h"
#include "gemm/core/tile.h"
#include "simd/width.h"

namespace dlnative::DLNATIVE_ISA {

template <class T, class W, bool whole>
struct SmallN {
  using V = typename W::Vector;
  const GemmArguments<T>& g;
  const T* b;
  std::int64_t ldb;
  int count = static_cast<int>(g.N);
  RegisterEpilogue<T> epilogue{g};

  DLNATIVE_INLINE V load_row(const T* from) const { return whole ? W::load(from) : W::load_partial(from, count); }
  DLNATIVE_INLINE void store_row(T* to, V v) const {
    if constexpr (whole) {
      W::store(to, v);
    } else {
      W::store_partial(to, v, count);
    }
  }

  // `rows` rows of C from row m.
  template <int rows, bool along_k, bool relu_gradient, bool sums>
  DLNATIVE_INLINE void tile(std::int64_t m) const {
    const std::int64_t lda = g.lda, ldc = g.ldc, step = along_k ? lda : 1;
    V acc[rows], sum = {};
    acc[0] = epilogue.bias == nullptr ? V{} : load_row(epilogue.bias);
#pragma GCC unroll 8
    for (int i = 1; i < rows; ++i) acc[i] = acc[0];
    const T* a = g.a + m * step;
    const T* from = b;
#pragma GCC unroll 1
    for (std::int64_t k = g.K; k > 0; --k) {
      const V row = load_row(from);
      from += ldb;
      if constexpr (sums) sum += row;
      const T* x = a;
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) {
        acc[i] = W::fma(*x - V{}, row, acc[i]);
        x += step;
      }
      a += along_k ? 1 : lda;
    }
    if (epilogue.relu) {
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) acc[i] = W::fast_max(V{}, acc[i]);
    }
    if constexpr (relu_gradient) {
      const T* y = epilogue.saved + m * ldc;
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i, y += ldc) acc[i] = load_row(y) > V{} ? acc[i] : V{};
    }
    T* to = g.c + m * ldc;
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i, to += ldc) store_row(to, acc[i]);
    if constexpr (sums) store_row(g.column_sums, sum);
  }

  // A tile of as many rows as there are, up to eight; returns how many.
  template <bool along_k, bool relu_gradient, bool sums>
  DLNATIVE_INLINE int next_tile(std::int64_t m) const {
    const std::int64_t left = g.M - m;
    if (left >= 8) return tile<8, along_k, relu_gradient, sums>(m), 8;
    if (left >= 4) return tile<4, along_k, relu_gradient, sums>(m), 4;
    if (left >= 2) return tile<2, along_k, relu_gradient, sums>(m), 2;
    return tile<1, along_k, relu_gradient, sums>(m), 1;
  }

  template <bool along_k, bool relu_gradient, bool sums = false>
  DLNATIVE_INLINE void tiles() const {
    std::int64_t m = 0;
    if constexpr (sums) m = next_tile<along_k, relu_gradient, true>(0);
    while (m < g.M) m += next_tile<along_k, relu_gradient, false>(m);
  }

  DLNATIVE_INLINE void run() const {
    const bool relu_gradient = epilogue.saved != nullptr;
    if (g.transpose_a) {
      if (relu_gradient) return tiles<false, true>();
      if (g.column_sums != nullptr) return tiles<false, false, true>();
      return tiles<false, false>();
    }
    if (relu_gradient) return tiles<true, true>();
    tiles<true, false>();
  }
};

// op(B) of a small B that is transposed, in rows `width` apart: squares of 16 bytes, the last ones beginning earlier.
template <class T>
__attribute__((noinline)) void transpose_small(T* to, std::int64_t width, const T* b, std::int64_t ldb, std::int64_t K,
                                               std::int64_t N) {
  constexpr int side = 16 / static_cast<int>(sizeof(T));
  using Piece = typename VecOf<T, 16>::type;
  if (K < side || N < side) {
    for (std::int64_t n = 0; n < N; ++n) {
      for (std::int64_t k = 0; k < K; ++k) to[k * width + n] = b[n * ldb + k];
    }
    return;
  }
  for (std::int64_t n = 0; n < N; n += side) {
    const std::int64_t column = n + side <= N ? n : N - side;
    for (std::int64_t k = 0; k < K; k += side) {
      const std::int64_t step = k + side <= K ? k : K - side;
      Piece v[side];
#pragma GCC unroll 4
      for (int i = 0; i < side; ++i) __builtin_memcpy(&v[i], b + (column + i) * ldb + step, 16);
      transpose_pieces(v);
#pragma GCC unroll 4
      for (int i = 0; i < side; ++i) __builtin_memcpy(to + (step + i) * width + column, &v[i], 16);
    }
  }
}

// Columns that one vector holds, and not so few that most of it would be empty.
template <class T>
DLNATIVE_INLINE bool is_small_n(const GemmArguments<T>& g) {
  return g.N <= lanes<T> && (vector_bytes > 16 || g.N == lanes<T>) &&
         (g.column_sums == nullptr || (g.transpose_a && g.saved == nullptr));
}

template <class T, class W>
__attribute__((noinline)) void small_n_product_of(const GemmArguments<T>& g, T* scratch) {
  const T* b = g.b;
  std::int64_t ldb = g.ldb;
  if (g.transpose_b) {
    transpose_small(scratch, W::size, g.b, g.ldb, g.K, g.N);
    b = scratch;
    ldb = W::size;
  }
  if (g.N == W::size) return SmallN<T, W, true>{g, b, ldb}.run();
  if constexpr (vector_bytes > 16) SmallN<T, W, false>{g, b, ldb}.run();
}

template <class T>
DLNATIVE_INLINE void small_n_product(const GemmArguments<T>& g, T* scratch) {
  if constexpr (has_half) {
    if (g.N <= lanes<T> / 2) return small_n_product_of<T, Half<T>>(g, scratch);
  }
  small_n_product_of<T, Whole<T>>(g, scratch);
}

}  // namespace dlnative::DLNATIVE_ISA
