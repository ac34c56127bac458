// Rows of C elements, each taken by a group of threads: a warp, or a block of 256 for long rows. A thread keeps its
// elements in registers (`items` of them), or reads them again where a row is too long for that (items = 0).
#pragma once

#include "device/reduce.h"
#include "device/scalar.h"
#include "ops/rows.h"

namespace dlnative::cuda {

constexpr int row_threads = 256;

struct Larger {
  template <class T>
  DLNATIVE_INLINE T operator()(T a, T b) const {
    return maximum(a, b);
  }
};

template <class T, int group_, int items_>
struct RowGroup {
  static constexpr int group = group_, items = items_;
  static constexpr int rows_of_block = row_threads / group;
  struct Shared {
    T between[row_threads / 32];
  };

  std::int64_t row;
  int C, lane;
  T kept[items > 0 ? items : 1];
  const T* from = nullptr;

  __device__ __forceinline__ explicit RowGroup(int length)
      : row(std::int64_t{blockIdx.x} * rows_of_block + static_cast<int>(threadIdx.x) / group),
        C(length),
        lane(static_cast<int>(threadIdx.x) % group) {}

  __device__ __forceinline__ void load(const T* x) {
    from = x + row * C;
    if constexpr (items > 0) {
      DLN_UNROLL
      for (int k = 0; k < items; ++k) {
        const int i = k * group + lane;
        kept[k] = i < C ? from[i] : T{0};
      }
    }
  }
  // Calls f(i, x[i]) for the thread's elements; what x[i] was when it was loaded, if it is kept, or is now.
  template <class F>
  __device__ __forceinline__ void each(F f) const {
    if constexpr (items > 0) {
      DLN_UNROLL
      for (int k = 0; k < items; ++k) {
        const int i = k * group + lane;
        if (i < C) f(i, kept[k]);
      }
    } else {
      for (int i = lane; i < C; i += group) f(i, from[i]);
    }
  }
  template <class Join>
  __device__ __forceinline__ T fold(T x, Join join) const {
    if constexpr (group == 32) {
      return fold_warp(x, join);
    } else {
      return fold_block<group>(x, shared<Shared>().between, join);
    }
  }
  __device__ __forceinline__ T max() const {
    T largest = -static_cast<T>(__builtin_huge_val());
    each([&](int, T x) { largest = maximum(largest, x); });
    return fold(largest, Larger{});
  }
  // sum(exp(x - M))
  __device__ __forceinline__ T sum_exp(T M) const {
    T total = 0;
    each([&](int, T x) { total += exp(x - M); });
    return fold(total, Plus{});
  }
};

template <class Group>
Grid row_grid(std::int64_t rows) {
  return {blocks_for(rows, Group::rows_of_block), row_threads, sizeof(typename Group::Shared)};
}

// Calls body(group) with the kind of group that suits rows of C elements.
template <class T, class Body>
void with_row_group(std::int64_t C, const Body& body) {
  if (C <= 32) return body.template operator()<RowGroup<T, 32, 1>>();
  if (C <= 256) return body.template operator()<RowGroup<T, 32, 8>>();
  if (C <= 2048) return body.template operator()<RowGroup<T, 256, 8>>();
  body.template operator()<RowGroup<T, 256, 0>>();
}

}  // namespace dlnative::cuda
