// The blocks of B in the order in which a product multiplies with them.
//
// A block that has to be packed waits for the memory it comes from. So where few panels of A share that wait, the next
// block is packed into a room of its own while this one is multiplied: each tile asks for a few of its rows, which are
// copied when the tile is done.
#pragma once

#include "gemm/kernels.h"
#include "gemm/method.h"
#include "gemm/pack_b.h"

namespace dlnative::DLNATIVE_ISA {

// Rows of B on their way into panels of NR columns.
template <class T>
struct RowsOfB {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const T* from;  // the next row,
  std::int64_t stride;
  T* to;  // and where it goes
  std::int64_t K;
  std::int64_t rows, panels;    // still to come: rows of this panel, and panels after it
  std::int64_t share, at_once;  // rows for each tile, and for each line of its k

  DLNATIVE_INLINE Ahead<T> wanted() const {
    return {from, line / static_cast<int>(sizeof(T)), stride, rows > 0 ? at_once : 0};
  }

  DLNATIVE_INLINE void pack(std::int64_t count) {
    while (count > 0 && rows > 0) {
      const std::int64_t now = least(count, rows);
      for (std::int64_t row = 0; row < now; ++row, from += stride, to += NR) {
        for (int j = 0; j < NV; ++j) store(to + j * L, load(from + j * L));
      }
      count -= now;
      rows -= now;
      if (rows == 0 && panels > 0) {
        from += NR - K * stride;
        rows = K;
        --panels;
      }
    }
  }
};

// Rows [k0, k1) and columns [n0, n1) of B, as the tiles find them.
template <class T>
struct BlockOfB {
  std::int64_t k0, k1, n0, n1;
  const T* packed = nullptr;   // all of it or, of one that is used in place, a last vector that is not full
  T* to_pack = nullptr;        // `packed`, if all but its edge is still to be packed, by the tiles of the first panel
  RowsOfB<T>* next = nullptr;  // of the block after this one, to be packed meanwhile
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
        rooms_{room, room + method.b_block_size(n1 - n0) / 2} {}

  std::int64_t column_blocks() const { return columns_.count; }

  // To be called for one block after the other, column blocks first.
  BlockOfB<T> take(std::int64_t k_block, std::int64_t column_block) {
    BlockOfB<T> block = at(k_block, column_block);
    if (method_.kept_b) {
      block.packed = g_.packed_b + packed_offset(g_, block.k0, block.k1, block.n0);
      return block;
    }
    block.packed = rooms_[turn_];
    if (!method_.pack_b) {
      if (method_.pack_tail) pack_tail(block);
      return block;
    }
    pack(block);
    if (method_.ahead_b) {
      turn_ ^= 1;
      if (column_block + 1 < columns_.count) {
        send_for(at(k_block, column_block + 1), block);
      } else if (k_block + 1 < method_.k_blocks.count) {
        send_for(at(k_block + 1, 0), block);
      }
      if (on_the_way_) block.next = &moving_;
    }
    return block;
  }

 private:
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;

  BlockOfB<T> at(std::int64_t k_block, std::int64_t column_block) const {
    return {method_.k_blocks.start(k_block), method_.k_blocks.start(k_block + 1),
            n0_ + columns_.start(column_block) * NR, least(n0_ + columns_.start(column_block + 1) * NR, n1_)};
  }

  void pack_tail(const BlockOfB<T>& block) {
    const std::int64_t rest = block.n1 % L, tail = block.n1 - rest;
    if (rest == 0) return;
    pack_rows(rooms_[turn_], L, g_.b + block.k0 * g_.ldb + tail, g_.ldb, block.k1 - block.k0, rest);
  }

  // What is not on its way already, and what is left of that.
  void pack(BlockOfB<T>& block) {
    const bool by_tiles = !g_.transpose_b && !on_the_way_ && panels_.largest() >= least_rows_beside;
    if (on_the_way_) moving_.pack(moving_.rows + moving_.panels * moving_.K);
    pack_b_block(g_, block.k0, block.k1, block.n0, block.n1, rooms_[turn_], by_tiles || on_the_way_);
    if (by_tiles) block.to_pack = rooms_[turn_];
    on_the_way_ = false;
  }

  void send_for(const BlockOfB<T>& next, const BlockOfB<T>& now) {
    const std::int64_t K = next.k1 - next.k0, whole = (next.n1 - next.n0) / NR;
    const std::int64_t tiles = panels_.count * ((now.n1 - now.n0) / NR);
    if (whole == 0 || tiles == 0) return;
    const std::int64_t share = (K * whole + tiles - 1) / tiles;
    const std::int64_t turns = (now.k1 - now.k0) * static_cast<std::int64_t>(sizeof(T)) / line;
    const std::int64_t at_once = turns > 0 ? (share + turns - 1) / turns : share;
    moving_ = {g_.b + next.k0 * g_.ldb + next.n0, g_.ldb, rooms_[turn_], K, K, whole - 1, share, at_once};
    on_the_way_ = true;
  }

  const GemmArguments<T>& g_;
  const Method<T>& method_;
  const std::int64_t n0_, n1_;
  const Parts columns_, panels_;
  T* const rooms_[2];
  int turn_ = 0;
  bool on_the_way_ = false;
  RowsOfB<T> moving_;
};

}  // namespace dlnative::DLNATIVE_ISA
