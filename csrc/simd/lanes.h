// Runs over elements a vector at a time, the last of which may have fewer lanes that count.
#pragma once

#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {

template <class T>
DLNATIVE_INLINE Vec<T> load_lanes(const T* from, int count) {
  return count == lanes<T> ? load(from) : load_partial(from, count);
}
template <class T>
DLNATIVE_INLINE void store_lanes(T* to, Vec<T> v, int count) {
  count == lanes<T> ? store(to, v) : store_partial(to, v, count);
}

// Calls f(first element, how many lanes) for the vectors of n elements.
template <class T, class F>
DLNATIVE_INLINE void for_lanes(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, lanes<T>);
  if (i < n) f(i, static_cast<int>(n - i));
}

}  // namespace dlnative::DLNATIVE_ISA
