// The blocks of B in the order in which a product multiplies with them.
#pragma once

#include "gemm/kernels.h"
#include "gemm/method.h"
#include "gemm/pack_b.h"

namespace dlnative::DLNATIVE_ISA {

// Rows [k0, k1) and columns [n0, n1) of B, as the tiles find them.
template <class T>
struct BlockOfB {
  std::int64_t k0, k1, n0, n1;
  const T* packed = nullptr;  // all of it or, of one that is used in place, a last vector that is not full
  T* to_pack = nullptr;       // `packed`, if all but its edge is still to be packed, by the tiles of the first panel
};

template <class T>
class BlocksOfB {
 public:
  // Of columns [n0, n1), for `panels` of A; `room` is what method.b_block_size says.
  BlocksOfB(const GemmArguments<T>& g, const Method<T>& method, std::int64_t n0, std::int64_t n1, const Parts& panels,
            T* room)
      : g_(g),
        method_(method),
        n0_(n0),
        n1_(n1),
        columns_(method.column_blocks(n1 - n0)),
        panels_(panels),
        room_(room) {}

  std::int64_t column_blocks() const { return columns_.count; }

  BlockOfB<T> take(std::int64_t k_block, std::int64_t column_block) const {
    BlockOfB<T> block{method_.k_blocks.start(k_block), method_.k_blocks.start(k_block + 1),
                      n0_ + columns_.start(column_block) * NR, least(n0_ + columns_.start(column_block + 1) * NR, n1_)};
    if (method_.kept_b) {
      block.packed = g_.packed_b + packed_offset(g_, block.k0, block.k1, block.n0);
    } else if (method_.pack_b) {
      const bool by_tiles = !g_.transpose_b && panels_.largest() >= least_rows_beside && !is_read_by_rows();
      pack_b_block(g_, block.k0, block.k1, block.n0, block.n1, room_, by_tiles);
      block.packed = room_;
      if (by_tiles) block.to_pack = room_;
    } else if (method_.pack_tail) {
      pack_tail(block);
      block.packed = room_;
    }
    return block;
  }

 private:
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;

  // Whether a block is packed row by row before it is multiplied. The tiles would read two lines of a row, then two of
  // the next, at half the speed where B comes from beyond the second cache; with fewer rows of C they are faster still.
  bool is_read_by_rows() const {
    constexpr std::int64_t column_bytes = 2400;  // of C
    constexpr std::int64_t item = sizeof(T);
    return g_.K * g_.N * item > near_bytes && panels_.total * item >= column_bytes;
  }

  void pack_tail(const BlockOfB<T>& block) const {
    const std::int64_t rest = block.n1 % L, tail = block.n1 - rest;
    if (rest == 0) return;
    pack_rows(room_, L, g_.b + block.k0 * g_.ldb + tail, g_.ldb, block.k1 - block.k0, rest);
  }

  const GemmArguments<T>& g_;
  const Method<T>& method_;
  const std::int64_t n0_, n1_;
  const Parts columns_, panels_;
  T* const room_;
};

}  // namespace dlnative::DLNATIVE_ISA
