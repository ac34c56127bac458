// A few elements that are loaded and stored as one: a thread's accesses are best 16 bytes wide.
#pragma once

#include "dlnative/types.h"

namespace dlnative::cuda {

template <class T>
inline constexpr int pack_width = 16 / static_cast<int>(sizeof(T));

template <class T, int width = pack_width<T>>
struct alignas(width * sizeof(T) < 16 ? width * sizeof(T) : 16) Pack {
  T at[width];
};

template <class T>
DLNATIVE_INLINE Pack<T> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T>*>(from);
}
template <class T>
DLNATIVE_INLINE void store_pack(T* to, const Pack<T>& pack) {
  *reinterpret_cast<Pack<T>*>(to) = pack;
}

inline bool is_aligned(const void* address) { return reinterpret_cast<std::uintptr_t>(address) % 16 == 0; }

}  // namespace dlnative::cuda
