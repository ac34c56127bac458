// The sums of the columns of B, which are a bias gradient where B is the gradient of a layer's result.
//
// They add up blocks of rows and then the blocks: the error grows with the number of blocks, not of rows. Columns are
// what threads share, so their number changes nothing.
#pragma once

#include "dlnative/gemm.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

// Column sums of R rows, `vectors` vectors of columns at a time, the last of them with `count` columns.
template <class T, int vectors>
DLNATIVE_INLINE void sum_columns(const T* b, std::int64_t ldb, std::int64_t R, T* sums, int count) {
  constexpr int L = lanes<T>, side_by_side = 8 / vectors;  // enough sums at a time to hide the latency of an addition
  constexpr std::int64_t block = 256;
  const auto add_row = [&](std::int64_t row, Vec<T>(&to)[vectors]) __attribute__((always_inline)) {
    const T* from = b + row * ldb;
    for (int j = 0; j < vectors - 1; ++j) to[j] += load(from + j * L);
    from += (vectors - 1) * L;
    to[vectors - 1] += count == L ? load(from) : load_partial(from, count);
  };
  Vec<T> total[vectors] = {};
  for (std::int64_t start = 0; start < R; start += block) {
    const std::int64_t stop = start + block < R ? start + block : R;
    Vec<T> acc[side_by_side][vectors] = {};
    std::int64_t row = start;
    for (; row + side_by_side <= stop; row += side_by_side) {
#pragma GCC unroll 8
      for (int i = 0; i < side_by_side; ++i) add_row(row + i, acc[i]);
    }
    for (; row < stop; ++row) add_row(row, acc[0]);
#pragma GCC unroll 8
    for (int i = 1; i < side_by_side; ++i) {
      for (int j = 0; j < vectors; ++j) acc[0][j] += acc[i][j];
    }
    for (int j = 0; j < vectors; ++j) total[j] += acc[0][j];
  }
  for (int j = 0; j < vectors - 1; ++j) store(sums + j * L, total[j]);
  if (count == L) {
    store(sums + (vectors - 1) * L, total[vectors - 1]);
  } else {
    store_partial(sums + (vectors - 1) * L, total[vectors - 1], count);
  }
}

template <class T>
DLNATIVE_INLINE void column_sums(const GemmArguments<T>& g, const Workers& workers) {
  constexpr std::int64_t L = lanes<T>, vectors = 4, strip = vectors * L;
  constexpr double bytes_per_nanosecond = 10.0;
  const double bytes = static_cast<double>(g.K) * static_cast<double>(g.N) * static_cast<double>(sizeof(T));
  workers.parallel_for(workers.worthwhile(bytes / bytes_per_nanosecond), (g.N + strip - 1) / strip,
                       [&](std::int64_t task, int) __attribute__((always_inline)) {
                         std::int64_t n = task * strip;
                         const std::int64_t stop = n + strip < g.N ? n + strip : g.N;
                         if (n + strip == stop) {
                           return sum_columns<T, vectors>(g.b + n, g.ldb, g.K, g.column_sums + n, L);
                         }
                         for (; n < stop; n += L) {
                           sum_columns<T, 1>(g.b + n, g.ldb, g.K, g.column_sums + n,
                                             static_cast<int>(stop - n < L ? stop - n : L));
                         }
                       });
}

}  // namespace dlnative::DLNATIVE_ISA
