// A block of memory for an arena or for scratch: starts on a cache line, and may be read a vector past its end.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace dlnative {

inline constexpr std::int64_t cache_line = 64;

struct FreeBytes {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

using AlignedBytes = std::unique_ptr<std::byte[], FreeBytes>;

inline constexpr std::int64_t padded_bytes(std::int64_t bytes) {
  return (bytes + cache_line - 1) / cache_line * cache_line;
}

inline AlignedBytes allocate_aligned(std::int64_t bytes) {
  const auto padded = static_cast<std::size_t>((bytes + 2 * cache_line - 1) / cache_line * cache_line);
  void* memory = std::aligned_alloc(cache_line, padded);
  if (memory == nullptr) throw std::bad_alloc();
  return AlignedBytes(static_cast<std::byte*>(memory));
}

}  // namespace dlnative
