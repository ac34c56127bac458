// The data caches of this CPU, as the operating system or the processor describes them. Whoever asks may choose how to
// move data by them, but not the order of a sum: results do not depend on a machine's caches.
#pragma once

#include <cstdint>

#include "dlnative/types.h"

namespace dlnative {

// Addresses a multiple of way_bytes() apart meet in one set, which holds `ways` lines.
struct Cache {
  std::int64_t bytes = 0, ways = 0;  // 0 where it is not known
  std::int64_t sharers = 1;          // hardware threads that the machine shows behind it

  DLNATIVE_INLINE std::int64_t way_bytes() const { return ways > 0 ? bytes / ways : bytes; }
};

struct Caches {
  Cache L1, L2, L3;
  // Whether the LLC is that of a few cores beside one another, which feeds each of them while all read (the core
  // complexes of AMD's family 17h and later), not one spread over the whole chip.
  bool near_L3 = false;
};

// The environment variable DLNATIVE_CACHES says which caches to assume, for example "32K/8,512K/8,32M/16/8,near": bytes
// and ways of L1, of L2, and of L3, this with its sharers; "near" if the L3 is. Otherwise, in this order: Linux's
// sysfs, CPUID, sysctl, and where nothing is found, 32 KB in eight ways and unknown others.
const Caches& caches();

// Null, or one line that says what is wrong with DLNATIVE_CACHES.
const char* caches_error();

// False, and `caches` as it was, when the text is not of the form above.
bool parse_caches(const char* text, Caches& caches);

}  // namespace dlnative
