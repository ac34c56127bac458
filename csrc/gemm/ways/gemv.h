// One row of A: C is a sum of the rows of B, which are read once, at the speed of where they come from. Eight rows at a
// time, from one end to the other: the processor sees eight streams and asks for what comes next by itself.
#pragma once

#include "dlnative/gemm.h"
#include "gemm/core/epilogue.h"
#include "gemm/core/tile.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr int rows_side_by_side = 8;

// Worth its passes over C where B is larger than L1. A saved y may lie where C does, so not with one.
template <class T>
DLNATIVE_INLINE bool is_gemv(const GemmArguments<T>& g) {
  return g.M == 1 && !g.transpose_a && !g.transpose_b && g.saved == nullptr && g.N >= 8 * lanes<T> && g.K > 0 &&
         g.K * g.N * static_cast<std::int64_t>(sizeof(T)) > L1_bytes;
}

// C[n0, n1) gets `rows` rows of B more, from row k on.
template <class T, int rows>
DLNATIVE_INLINE void add_rows(const GemmArguments<T>& g, std::int64_t k, std::int64_t n0, std::int64_t n1) {
  constexpr int L = lanes<T>;
  Vec<T> x[rows];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) x[i] = broadcast(g.a[k + i]);
  const T* const start = k > 0 ? g.c : g.bias;
  const bool relu = k + rows == g.K && RegisterEpilogue<T>(g).relu;
  const T* b = g.b + k * g.ldb;
  const auto sum = [&](std::int64_t n, auto load_at) __attribute__((always_inline)) {
    Vec<T> total{};
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) total = fma(x[i], load_at(b + i * g.ldb + n), total);
    if (start != nullptr) total += load_at(start + n);
    return relu ? fast_max(Vec<T>{}, total) : total;
  };
  std::int64_t n = n0;
  const auto load_whole = [](const T* at) __attribute__((always_inline)) { return load(at); };
  for (; n + L <= n1; n += L) store(g.c + n, sum(n, load_whole));
  if (n == n1) return;
  const int rest = static_cast<int>(n1 - n);
  const auto load_rest = [rest](const T* at) __attribute__((always_inline)) { return load_partial(at, rest); };
  store_partial(g.c + n, sum(n, load_rest), rest);
}

template <class T>
void gemv_rectangle(const GemmArguments<T>& g, std::int64_t n0, std::int64_t n1) {
  std::int64_t k = 0;
  for (; k + rows_side_by_side <= g.K; k += rows_side_by_side) add_rows<T, rows_side_by_side>(g, k, n0, n1);
  for (; k < g.K; ++k) add_rows<T, 1>(g, k, n0, n1);
  apply_epilogue<T>(g, g.c, g.ldc, 0, 1, n0, n1);
}

}  // namespace dlnative::DLNATIVE_ISA
