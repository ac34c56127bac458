// What kernels are written in. It is the only place that knows how a compiler says it: under nvcc these are CUDA's own
// words, in a build for the host the same names come from host/device.h, which runs a kernel thread by thread.
//
// A kernel is a __global__ function, of blocks of whole warps.
//   wait_for_previous_kernel();        its first line: a kernel may begin before the one in front of it has ended
//   S& s = shared<S>();                all shared memory of the block, as one type; Grid says its size
//   __syncthreads(), __syncwarp()      nobody returns before a barrier that others wait at
//   __shfl_xor_sync(full_warp, x, 1)   shuffles are for whole warps
//   DLN_NOINLINE                       before a function that is to be in the code once
//   DLN_UNROLL, DLN_UNROLL_BY(4)       before a loop whose bounds are constants; any loop
#pragma once

#include <cstdint>

#include "device/types.h"

#if defined(DLNATIVE_CUDA_HOST)
#include "host/device.h"
#else

#define DLN_NOINLINE __noinline__
#define DLN_TEXT(x) #x
#define DLN_UNROLL _Pragma("unroll")
#define DLN_UNROLL_BY(n) _Pragma(DLN_TEXT(unroll n))

namespace dlnative::cuda {

inline constexpr unsigned full_warp = 0xffffffffu;

template <class Shared>
__device__ __forceinline__ Shared& shared() {
  extern __shared__ __align__(16) unsigned char memory[];
  return *reinterpret_cast<Shared*>(memory);
}

// Waits until the kernel in front has ended and its writes are seen; then lets the next one come up to this line.
__device__ __forceinline__ void wait_for_previous_kernel() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

}  // namespace dlnative::cuda

#endif
