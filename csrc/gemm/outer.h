// Products of very few steps of k, as the weight gradients of a few samples: C is a sum of so many outer products.
//
// The tile of micro_kernel.h has as many stores as multiply-adds there, and waits for each other in turn. Here a stripe
// of B, all its rows, stays in registers, and the rows of C are written one after the other while the next is computed.
//
// The order of the additions is that of the micro-kernel: every element of C is one chain in the order of k.
#pragma once

#include <utility>

#include "dlnative/gemm.h"
#include "gemm/epilogue.h"
#include "gemm/tile.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr int most_outer_k = vector_registers / 4, most_outer_vectors = 8;

// How many vectors wide a stripe is: each takes K registers and one for the row of C.
DLNATIVE_INLINE constexpr int outer_vectors(int K) {
  const int fit = (vector_registers - 1) / (K + 1);
  return fit < most_outer_vectors ? fit : most_outer_vectors;
}

template <class T>
DLNATIVE_INLINE bool is_outer(const GemmArguments<T>& g) {
  return g.K <= most_outer_k && g.K > 0 && g.M >= 4 && g.N > 1 && !g.transpose_b;
}

// A stripe of C, `vectors` wide, in its last vector `last_count` columns.
template <class T>
struct OuterCall {
  std::int64_t M;
  const T* a;
  std::int64_t a_row, a_step;  // from row to row of C, and from step to step of k
  const T* b;
  std::int64_t ldb;
  T* c;
  std::int64_t ldc;
  const T *bias, *saved;  // for the stripe, or null
  int last_count;
  bool relu;
};

template <class T, int K, int vectors, bool masked>
void outer_kernel(const OuterCall<T>& call) {
  const int last_count = call.last_count;
  Vec<T> b[K][vectors];
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) load_vectors<masked>(call.b + k * call.ldb, b[k], last_count);
  const T *a = call.a, *const bias = call.bias, *saved = call.saved;
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
    if (call.relu) {
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
using OuterKernel = void (*)(const OuterCall<T>&);

// By K and vectors, each less one.
template <class T, bool masked>
struct OuterKernels {
  OuterKernel<T> of[most_outer_k][most_outer_vectors] = {};

  constexpr OuterKernels() { fill(std::make_integer_sequence<int, most_outer_k * most_outer_vectors>{}); }
  template <int... pair>
  constexpr void fill(std::integer_sequence<int, pair...>) {
    (add<pair / most_outer_vectors + 1, pair % most_outer_vectors + 1>(), ...);
  }
  template <int K, int vectors>
  constexpr void add() {
    if constexpr (vectors <= outer_vectors(K)) of[K - 1][vectors - 1] = outer_kernel<T, K, vectors, masked>;
  }
};
template <class T, bool masked>
inline constexpr OuterKernels<T, masked> outer_kernels;

// Rows [m0, m1) and columns [n0, n1) of C.
template <class T>
void outer_rectangle(const GemmArguments<T>& g, std::int64_t m0, std::int64_t m1, std::int64_t n0, std::int64_t n1) {
  constexpr int L = lanes<T>;
  OuterCall<T> call;
  call.a_row = g.transpose_a ? 1 : g.lda;
  call.a_step = g.transpose_a ? g.lda : 1;
  call.ldb = g.ldb;
  call.ldc = g.ldc;
  call.relu = relu_in_registers(g);
  const T* const saved = saved_of_relu(g);
  // So few rows that the pages of C that a stripe touches are still at hand when the next stripe does, or an
  // activation.
  constexpr std::int64_t rows_of_stripes = 32, rows_of_one = 256;
  const std::int64_t most = outer_vectors(static_cast<int>(g.K)) * L;
  const Parts blocks(m1 - m0, n1 - n0 > most ? rows_of_stripes : rows_of_one);
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const std::int64_t m = m0 + blocks.start(block);
    call.M = blocks.start(block + 1) - blocks.start(block);
    call.a = g.a + (g.transpose_a ? m : m * g.lda);
    for (std::int64_t n = n0; n < n1; n += most) {
      const std::int64_t columns = least(most, n1 - n), vectors = (columns + L - 1) / L, at = m * g.ldc + n;
      call.b = g.b + n;
      call.c = g.c + at;
      call.bias = g.bias == nullptr ? nullptr : g.bias + n;
      call.saved = saved == nullptr ? nullptr : saved + at;
      call.last_count = static_cast<int>(columns - (vectors - 1) * L);
      const bool masked = call.last_count < L;
      (masked ? outer_kernels<T, true>.of : outer_kernels<T, false>.of)[g.K - 1][vectors - 1](call);
    }
    finish(g, m, m + call.M, n0, n1);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
