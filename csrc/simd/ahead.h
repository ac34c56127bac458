// Asking for memory before a loop comes to it. A formula of dozens of instructions fills the window in which a
// processor looks for loads by itself, and its own prefetching does not ask for what will be written.
#pragma once

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr std::int64_t bytes_ahead = 2048;

// With vectors shorter than half a line it would be asked for too often.
inline constexpr bool asks_ahead = vector_bytes >= 32;

template <class T>
DLNATIVE_INLINE void ask_ahead(const T* p) {
  if constexpr (asks_ahead) __builtin_prefetch(reinterpret_cast<const char*>(p) + bytes_ahead);
}
template <class T>
DLNATIVE_INLINE void ask_ahead_to_write(T* p) {
  if constexpr (asks_ahead) __builtin_prefetch(reinterpret_cast<char*>(p) + bytes_ahead, 1);
}

}  // namespace dlnative::DLNATIVE_ISA
