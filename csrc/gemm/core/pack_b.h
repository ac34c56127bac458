// B in panels of NR columns: a block of it for the product that is on, or all of it, once for many products.
#pragma once

#include "gemm/core/list.h"
#include "gemm/core/pack.h"

namespace dlnative::DLNATIVE_ISA {

// Packs columns [n0, n1) of a block of k into panels of NR columns, each with the steps of all parts one behind the
// other; the last may be narrower by vectors. `only_edge` leaves the whole panels to the kernels.
template <class T>
void pack_b_block(const BlockOfK<T>& block, bool transpose_b, std::int64_t n0, std::int64_t n1, T* to, bool only_edge) {
  constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const std::int64_t K = block.K, whole = n0 + (n1 - n0) / NR * NR;
  if (transpose_b) {
    for (std::int64_t n = n0; n < n1; n += NR, to += K * NR) {
      const std::int64_t count = min(NR, n1 - n), width = round_up(count, L);
      block.for_each([&](const Part<T>& part, std::int64_t k0, std::int64_t k1, std::int64_t before) {
        if (k0 < k1) pack_transposed(to + before * width, width, part.b + n * part.ldb + k0, part.ldb, k1 - k0, count);
      });
    }
    return;
  }
  const std::int64_t edge = round_up(n1 - whole, L);
  block.for_each([&](const Part<T>& part, std::int64_t k0, std::int64_t k1, std::int64_t before) {
    const T* const from = part.b + k0 * part.ldb;
    if (!only_edge) pack_panels<T, NR>(to + before * NR, K * NR, from + n0, part.ldb, k1 - k0, (whole - n0) / NR);
    if (whole < n1) {
      pack_rows(to + (whole - n0) * K + before * edge, edge, from + whole, part.ldb, k1 - k0, n1 - whole);
    }
  });
}

// Of all of B, the blocks of k lie one behind the other. Where columns from n0 on, a multiple of NR, of a block begin:
template <class T>
DLNATIVE_INLINE std::int64_t packed_offset(const BlockOfK<T>& block, std::int64_t N, std::int64_t n0) {
  return block.start * round_up(N, lanes<T>) + n0 * block.K;
}

template <class T>
std::int64_t packed_size(std::int64_t K, std::int64_t N) {
  return K * round_up(N, lanes<T>) + lanes<T>;
}

template <class T>
void pack_whole_b(const Part<T>* parts, std::int64_t part_count, std::int64_t K, bool transpose_b, std::int64_t N,
                  T* to) {
  BlocksOfK<T> blocks(parts, part_count, K, Blocks<T>::KC);
  for (BlockOfK<T> block; blocks.next(block);) {
    pack_b_block(block, transpose_b, 0, N, to + packed_offset(block, N, 0), false);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
