// Products of very few steps of k, as the weight gradients of a few samples: C is a sum of so many outer products.
//
// The tile of micro_kernel.h has as many stores as multiply-adds there, and waits for each other in turn. Here a stripe
// of B, all its rows, stays in registers, and the rows of C are written one after the other while the next is computed.
//
// The order of the additions is that of the micro-kernel: every element of C is one chain in the order of k.
#pragma once

#include <utility>

#include "dlnative/gemm.h"
#include "gemm/core/epilogue.h"
#include "gemm/core/tile.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr int max_rank_k_k = vector_registers / 4, max_rank_k_vectors = 8;

// How many vectors wide a stripe is: each takes K registers and one for the row of C.
DLNATIVE_INLINE constexpr int rank_k_vectors(int K) {
  const int fit = (vector_registers - 1) / (K + 1);
  return fit < max_rank_k_vectors ? fit : max_rank_k_vectors;
}

template <class T>
DLNATIVE_INLINE bool is_rank_k_update(const GemmArguments<T>& g) {
  return g.K <= max_rank_k_k && g.K > 0 && g.M >= 4 && g.N > 1 && !g.transpose_b;
}

// A stripe of C, `vectors` wide, in its last vector `last_count` columns.
template <class T>
struct RankKCall {
  std::int64_t M;
  const T* a;
  std::int64_t a_row, a_step;  // from row to row of C, and from step to step of k
  const T* b;
  std::int64_t ldb;
  T* c;
  std::int64_t ldc;
  RegisterEpilogue<T> epilogue;
  int last_count;
};

template <class T, int K, int vectors, bool masked>
void rank_k_kernel(const RankKCall<T>& call) {
  const int last_count = call.last_count;
  Vec<T> b[K][vectors];
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) load_vectors<masked>(call.b + k * call.ldb, b[k], last_count);
  const T *a = call.a, *const bias = call.epilogue.bias, *saved = call.epilogue.saved;
  T* c = call.c;
#pragma GCC unroll 1
  for (std::int64_t m = call.M; m > 0; --m) {
    Vec<T> total[vectors] = {};
    if (bias != nullptr) load_vectors<masked>(bias, total, last_count);
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const Vec<T> x = broadcast(a[k * call.a_step]);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) total[j] = fma(x, b[k][j], total[j]);
    }
    if (call.epilogue.relu) {
      for (int j = 0; j < vectors; ++j) total[j] = fast_max(Vec<T>{}, total[j]);
    }
    if (saved != nullptr) {
      Vec<T> y[vectors];
      load_vectors<masked>(saved, y, last_count);
      for (int j = 0; j < vectors; ++j) total[j] = select(y[j] > T{0}, total[j], Vec<T>{});
      saved += call.ldc;
    }
    store_vectors<masked>(c, total, last_count);
    a += call.a_row;
    c += call.ldc;
  }
}

template <class T>
using RankKKernel = void (*)(const RankKCall<T>&);

// Stripes as wide as fit, and of one, two and four vectors; those whose last vector is not full, of one and two.
DLNATIVE_INLINE constexpr bool has_rank_k_kernel(int K, int vectors, bool masked) {
  const int most = rank_k_vectors(K);
  return vectors <= most && (vectors <= 2 || (!masked && (vectors == 4 || vectors == most)));
}

// By K and vectors, each less one.
template <class T, bool masked>
struct RankKKernels {
  RankKKernel<T> of[max_rank_k_k][max_rank_k_vectors] = {};

  constexpr RankKKernels() { fill(std::make_integer_sequence<int, max_rank_k_k * max_rank_k_vectors>{}); }
  template <int... pair>
  constexpr void fill(std::integer_sequence<int, pair...>) {
    (add<pair / max_rank_k_vectors + 1, pair % max_rank_k_vectors + 1>(), ...);
  }
  template <int K, int vectors>
  constexpr void add() {
    if constexpr (has_rank_k_kernel(K, vectors, masked)) of[K - 1][vectors - 1] = rank_k_kernel<T, K, vectors, masked>;
  }
};
template <class T, bool masked>
inline constexpr RankKKernels<T, masked> rank_k_kernels;

// Rows [m0, m1) and columns [n0, n1) of C.
template <class T>
void rank_k_rectangle(const GemmArguments<T>& g, std::int64_t m0, std::int64_t m1, std::int64_t n0, std::int64_t n1) {
  constexpr int L = lanes<T>;
  RankKCall<T> call;
  call.a_row = g.transpose_a ? 1 : g.lda;
  call.a_step = g.transpose_a ? g.lda : 1;
  call.ldb = g.ldb;
  call.ldc = g.ldc;
  const RegisterEpilogue<T> epilogue(g);
  // So few rows that the pages of C that a stripe touches are still at hand when the next stripe does, or an
  // activation.
  constexpr std::int64_t rows_of_stripes = 32, rows_of_one = 256;
  const int K = static_cast<int>(g.K), most = rank_k_vectors(K);
  const EvenPartition blocks(m1 - m0, n1 - n0 > most * L ? rows_of_stripes : rows_of_one);
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const std::int64_t m = m0 + blocks.start(block);
    call.M = blocks.start(block + 1) - blocks.start(block);
    call.a = g.a + (g.transpose_a ? m : m * g.lda);
    for (std::int64_t n = n0; n < n1;) {
      const std::int64_t left = n1 - n;
      const bool last = left <= most * L;
      int vectors = last ? static_cast<int>((left + L - 1) / L) : most;
      bool masked = last && left % L != 0;
      if (masked && vectors > 2) {
        masked = false;
        --vectors;
      }
      while (!has_rank_k_kernel(K, vectors, masked)) --vectors;
      call.b = g.b + n;
      call.c = g.c + m * g.ldc + n;
      call.epilogue = epilogue.at(m, n, g.ldc);
      call.last_count = masked ? static_cast<int>(left % L) : L;
      (masked ? rank_k_kernels<T, true>.of : rank_k_kernels<T, false>.of)[K - 1][vectors - 1](call);
      n += masked ? left : vectors * L;
    }
    apply_epilogue<T>(g, g.c, g.ldc, m, m + call.M, n0, n1);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
