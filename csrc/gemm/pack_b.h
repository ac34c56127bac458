// B in panels of NR columns: a block of it for the product that is on, or all of it, to be kept for many products.
#pragma once

#include "dlnative/gemm.h"
#include "gemm/dot.h"
#include "gemm/outer.h"
#include "gemm/pack.h"
#include "gemm/small.h"
#include "gemm/tile.h"

namespace dlnative::DLNATIVE_ISA {

// Packs rows [k0, k1) and columns [n0, n1) of op(B) into panels of NR columns; the last may be narrower by vectors.
// `only_edge` leaves the whole panels to the kernels.
template <class T>
void pack_b_block(const GemmArguments<T>& g, std::int64_t k0, std::int64_t k1, std::int64_t n0, std::int64_t n1, T* to,
                  bool only_edge) {
  constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const std::int64_t K = k1 - k0, whole = n0 + (n1 - n0) / NR * NR;
  if (g.transpose_b) {
    for (std::int64_t n = n0; n < n1; n += NR, to += K * NR) {
      const std::int64_t count = least(NR, n1 - n);
      pack_transposed(to, round_up(count, L), g.b + n * g.ldb + k0, g.ldb, K, count);
    }
    return;
  }
  if (!only_edge) pack_panels<T, NR>(to, g.b + k0 * g.ldb + n0, g.ldb, K, (whole - n0) / NR);
  if (whole < n1) {
    pack_rows(to + (whole - n0) * K, round_up(n1 - whole, L), g.b + k0 * g.ldb + whole, g.ldb, K, n1 - whole);
  }
}

// Whether a product is faster with a B that was packed before: where it would be packed each time, or comes from beyond
// the second cache. One row reads B as fast as it comes; a few more are dot products as fast.
template <class T>
bool is_worth_packing(const GemmArguments<T>& g) {
  constexpr std::int64_t few = 8;
  const bool large = g.K * g.N * static_cast<std::int64_t>(sizeof(T)) > block_bytes;
  return g.M > 1 && g.N >= Blocks<T>::NR && g.K > 0 && (large || g.transpose_b) && g.saved == nullptr &&
         g.column_sums == nullptr && !(is_dot(g) && least(g.M, g.N) <= few) && !is_outer(g) && !is_small(g);
}

template <class T>
std::int64_t packed_size(const GemmArguments<T>& g) {
  return is_worth_packing(g) ? g.K * round_up(g.N, lanes<T>) + lanes<T> : 0;
}

// Of all of B, the blocks of k lie one behind the other. Where rows [k0, k1) begin from column n0 on, a multiple of NR:
template <class T>
DLNATIVE_INLINE std::int64_t packed_offset(const GemmArguments<T>& g, std::int64_t k0, std::int64_t k1,
                                           std::int64_t n0) {
  return k0 * round_up(g.N, lanes<T>) + n0 * (k1 - k0);
}

template <class T>
void pack_whole_b(const GemmArguments<T>& g, T* to) {
  const Parts k_blocks(g.K, Blocks<T>::KC);
  for (std::int64_t block = 0; block < k_blocks.count; ++block) {
    const std::int64_t k0 = k_blocks.start(block), k1 = k_blocks.start(block + 1);
    pack_b_block(g, k0, k1, 0, g.N, to + packed_offset(g, k0, k1, 0), false);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
