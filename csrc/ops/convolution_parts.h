// What the products of a convolution and of its gradients share: sizes, and lists of parts.
#pragma once

#include <cstdint>

#include "gemm/gemm.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

constexpr std::int64_t alignment = 64;

template <class T>
DLNATIVE_INLINE std::int64_t aligned(std::int64_t elements) {
  constexpr std::int64_t unit = alignment / static_cast<std::int64_t>(sizeof(T));
  return (elements + unit - 1) / unit * unit;
}

DLNATIVE_INLINE std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
DLNATIVE_INLINE std::int64_t larger_of(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

template <class T>
DLNATIVE_INLINE double nanoseconds(double flops) {
  return flops / (6.0 * vector_bytes / sizeof(T));
}

// Room for a list that only sizes are taken of: on the stack, unless the window is very large.
template <class T>
class PartList {
 public:
  explicit PartList(std::int64_t count) {
    if (count > most_on_stack) parts_ = long_ = new Part<T>[static_cast<std::size_t>(count)];
  }
  ~PartList() { delete[] long_; }
  PartList(const PartList&) = delete;
  PartList& operator=(const PartList&) = delete;

  operator Part<T>*() const { return parts_; }

 private:
  static constexpr std::int64_t most_on_stack = 128;
  alignas(Part<T>) unsigned char short_[most_on_stack * sizeof(Part<T>)];  // not initialized: that would take long
  Part<T>* parts_ = reinterpret_cast<Part<T>*>(short_);
  Part<T>* long_ = nullptr;
};

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
