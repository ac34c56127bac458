// Prefetches of what a loop will read or write in a while. A formula of dozens of instructions fills the window in
// which a processor looks for loads by itself, and its own prefetching leaves out what will be written.
#pragma once

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr std::int64_t prefetch_distance = 2048;  // bytes

// With vectors shorter than half a cache line each line would be prefetched too often.
inline constexpr bool prefetches = vector_bytes >= 32;

template <class T>
DLNATIVE_INLINE void prefetch(const T* p) {
  if constexpr (prefetches) __builtin_prefetch(reinterpret_cast<const char*>(p) + prefetch_distance);
}
template <class T>
DLNATIVE_INLINE void prefetch_for_write(T* p) {
  if constexpr (prefetches) __builtin_prefetch(reinterpret_cast<char*>(p) + prefetch_distance, 1);
}

}  // namespace dlnative::DLNATIVE_ISA
