// How large the blocks of B are, from the caches of the machine. It is the rule of docs/gemm.md; what it decides
// changes no bit of a result.
#pragma once

#include "runtime/caches.h"

namespace dlnative {

struct Blocking {
  // A packed block of B lies in L2, or in a near L3 where L2 is small: that gives each core twice what the micro-kernel
  // takes. A block of B in place always lies in L2: its rows are read in pieces.
  std::int64_t packed_b_bytes, b_in_place_bytes;
  std::int64_t L1_way_bytes, L1_ways;
};

// L2_block_bytes: the largest block of B in L2 that the instruction set has a use for.
Blocking blocking_for(const Caches& caches, std::int64_t L2_block_bytes);

}  // namespace dlnative
