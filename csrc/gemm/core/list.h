// A list of products in blocks of k: as many parts as come to KC steps at most, or a piece of a part that is longer.
#pragma once

#include "dlnative/gemm.h"
#include "gemm/core/tile.h"

namespace dlnative::DLNATIVE_ISA {

// Steps [k0, k0 + K) of a part, or `count` parts from the first to the last.
template <class T>
struct BlockOfK {
  const Part<T>* parts = nullptr;
  std::int64_t count = 0;
  std::int64_t k0 = 0, K = 0;
  std::int64_t start = 0;  // steps of the whole list before it
  bool last = false;

  // Calls f(part, first step, one past the last, steps of the block before it).
  template <class F>
  DLNATIVE_INLINE void for_each(F f) const {
    std::int64_t before = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t steps = count == 1 ? K : parts[i].K;
      f(parts[i], k0, k0 + steps, before);
      before += steps;
    }
  }
};

// Walks through the blocks. Where sums are cut decides bits: it depends on the list and on `limit` alone.
template <class T>
class BlocksOfK {
 public:
  DLNATIVE_INLINE BlocksOfK(const Part<T>* parts, std::int64_t part_count, std::int64_t total, std::int64_t limit)
      : parts_(parts), part_count_(part_count), total_(total), limit_(limit), pieces_(0, 1) {}

  // The next block; false at the end. A list without steps has one block without parts.
  DLNATIVE_INLINE bool next(BlockOfK<T>& block) {
    if (done_) return false;
    block = BlockOfK<T>{parts_ + part_, 0, 0, 0, start_, false};
    if (total_ <= limit_) {
      block.count = part_count_;
      block.K = total_;
      part_ = part_count_;
    } else if (parts_[part_].K > limit_) {
      if (piece_ == 0) pieces_ = EvenPartition(parts_[part_].K, limit_);
      block.count = 1;
      block.k0 = pieces_.start(piece_);
      block.K = pieces_.start(piece_ + 1) - block.k0;
      if (++piece_ == pieces_.count) {
        piece_ = 0;
        ++part_;
      }
    } else {
      while (part_ < part_count_ && block.K + parts_[part_].K <= limit_) {
        block.K += parts_[part_++].K;
        ++block.count;
      }
    }
    start_ += block.K;
    done_ = block.last = start_ == total_;
    return true;
  }

 private:
  const Part<T>* parts_;
  std::int64_t part_count_, total_, limit_;
  EvenPartition pieces_;
  std::int64_t part_ = 0, piece_ = 0, start_ = 0;
  bool done_ = false;
};

// No block of a list is longer.
DLNATIVE_INLINE std::int64_t largest_block(std::int64_t total, std::int64_t part_count, std::int64_t limit) {
  return part_count == 1 ? EvenPartition(total, limit).largest() : min(total, limit);
}

}  // namespace dlnative::DLNATIVE_ISA
