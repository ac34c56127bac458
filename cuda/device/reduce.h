// Folds over the threads of a warp or a block, always in the same order. The result is with every thread.
#pragma once

#include "device/device.h"

namespace dlnative::cuda {

// Over groups of `group` neighbouring lanes, a power of two.
template <int group, class T, class Join>
__device__ __forceinline__ T fold_lanes(T x, Join join) {
  static_assert(group <= 32 && 32 % group == 0);
  DLN_UNROLL
  for (int lanes = group / 2; lanes > 0; lanes /= 2) x = join(x, __shfl_xor_sync(full_warp, x, lanes));
  return x;
}
template <class T, class Join>
__device__ __forceinline__ T fold_warp(T x, Join join) {
  return fold_lanes<32>(x, join);
}

// `between` has room for one T a warp; it may be used again after the call.
template <int threads, class T, class Join>
__device__ __forceinline__ T fold_block(T x, T* between, Join join) {
  static_assert(threads % 32 == 0 && threads <= 1024);
  constexpr int warps = threads / 32;
  x = fold_warp(x, join);
  if constexpr (warps > 1) {
    if (threadIdx.x % 32 == 0) between[threadIdx.x / 32] = x;
    __syncthreads();
    x = between[0];
    for (int warp = 1; warp < warps; ++warp) x = join(x, between[warp]);
    __syncthreads();
  }
  return x;
}

struct Plus {
  template <class T>
  DLNATIVE_INLINE T operator()(T a, T b) const {
    return a + b;
  }
};

}  // namespace dlnative::cuda
