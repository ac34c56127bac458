#include "gemm/blocking.h"

#include <algorithm>

namespace dlnative {

Blocking blocking_for(const Caches& caches, std::int64_t L2_block_bytes) {
  // A guest sees only its own CPUs behind an L3, and of its bytes only what is touched again soon stays.
  constexpr std::int64_t min_sharers = 8, max_L3_block_bytes = 4 << 20;
  // A block of three quarters of such an L2 is wide enough: a larger one in L3 gained nothing (Zen 5).
  constexpr std::int64_t min_L2_bytes = 1 << 20;
  Blocking blocking;
  blocking.b_in_place_bytes = caches.L2.bytes > 0 ? std::min(caches.L2.bytes / 4 * 3, L2_block_bytes) : L2_block_bytes;
  blocking.packed_b_bytes = blocking.b_in_place_bytes;
  if (caches.near_L3 && caches.L2.bytes < min_L2_bytes) {
    const std::int64_t share = caches.L3.bytes / std::max(caches.L3.sharers, min_sharers);
    blocking.packed_b_bytes = std::max(blocking.packed_b_bytes, std::min(share, max_L3_block_bytes));
  }
  blocking.L1_way_bytes = caches.L1.way_bytes();
  blocking.L1_ways = caches.L1.ways;
  return blocking;
}

}  // namespace dlnative
