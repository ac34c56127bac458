// The first data cache of this CPU, as the operating system reports it.
#pragma once

#include <cstdint>

namespace dlnative {

// Addresses a multiple of `way_bytes` apart meet in one set of the cache, which holds `ways` of them.
struct FirstCache {
  std::uint64_t way_bytes, ways;
};

extern const FirstCache first_cache;

}  // namespace dlnative
