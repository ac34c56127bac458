// How a product is done: the one place that decides it.
#pragma once

#include "gemm/core/pack_b.h"
#include "gemm/ways/dot.h"
#include "gemm/ways/gemv.h"
#include "gemm/ways/rank_k_update.h"
#include "gemm/ways/small.h"
#include "gemm/ways/small_n.h"

namespace dlnative::DLNATIVE_ISA {

enum class Way {
  small_n,        // ways/small_n.h: C is no wider than a vector, and small
  small_tiles,    // ways/small.h: tiles without blocks, by one thread
  rank_k_update,  // ways/rank_k_update.h: a few steps of k
  dot,            // ways/dot.h: k contiguous in both, and one side short
  gemv,           // ways/gemv.h: one row of A, and a B that is more than L1 holds
  blocked         // core/: everything else, and every list
};

// It depends on the product alone, not on threads, addresses or the CPU: ways differ in bits.
template <class T>
DLNATIVE_INLINE Way choose_way(const GemmArguments<T>& g) {
  if (g.M > 0 && is_small(g)) {
    return is_small_n(g) ? Way::small_n : is_rank_k_update(g) ? Way::rank_k_update : Way::small_tiles;
  }
  if (g.packed_b != nullptr) return Way::blocked;
  if (is_dot(g)) return Way::dot;
  if (is_gemv(g)) return Way::gemv;
  return is_rank_k_update(g) ? Way::rank_k_update : Way::blocked;
}

// Whether a product is faster with a B that was packed before: where it would be packed each time, or comes from beyond
// L2. One row reads B as fast as it comes; a few more are dot products as fast.
template <class T>
bool is_worth_prepacking(const GemmArguments<T>& g) {
  constexpr std::int64_t few = 8;
  const bool large = g.K * g.N * static_cast<std::int64_t>(sizeof(T)) > L2_block_bytes;
  return g.M > 1 && g.N >= Blocks<T>::NR && g.K > 0 && (large || g.transpose_b) && g.saved == nullptr &&
         g.column_sums == nullptr && !(is_dot(g) && min(g.M, g.N) <= few) && !is_rank_k_update(g) && !is_small(g);
}

}  // namespace dlnative::DLNATIVE_ISA
