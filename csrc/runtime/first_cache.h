// The first data cache of this CPU, as the operating system reports it: of 32 KB in eight ways, where it does not.
// Whoever asks may choose how to move data by it, but not the order of a sum.
#pragma once

#include <cstdint>

namespace dlnative {

// Addresses a multiple of `way_bytes` apart meet in one set of the cache, which holds `ways` of them.
struct FirstCache {
  std::uint64_t way_bytes, ways;
};

extern const FirstCache first_cache;

}  // namespace dlnative
