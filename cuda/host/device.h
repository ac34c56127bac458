// CUDA's words on the host, for device/device.h: the machine of host/machine.h behind them.
#pragma once

#include <cstdint>
#include <cstring>

#include "device/types.h"
#include "host/machine.h"

#define DLN_NOINLINE __attribute__((noinline))
#define DLN_UNROLL
#define DLN_UNROLL_BY(n)
#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

#define threadIdx (::dlnative::cuda::host::position.thread)
#define blockIdx (::dlnative::cuda::host::position.block)
#define blockDim (::dlnative::cuda::host::position.block_extent)
#define gridDim (::dlnative::cuda::host::position.grid_extent)

namespace dlnative::cuda {

inline constexpr unsigned full_warp = 0xffffffffu;

template <class Shared>
inline Shared& shared() {
  return *static_cast<Shared*>(host::shared_memory());
}

inline void wait_for_previous_kernel() {}

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  host::wait_for_block({file, line});
}

namespace host {

// What a lane gives to a shuffle, and gets.
template <class T>
struct Shuffled {
  T given, got;
  unsigned from;
};
template <class T>
void shuffle(void* const* operands) {
  for (int lane = 0; lane < 32; ++lane) {
    auto* own = static_cast<Shuffled<T>*>(operands[lane]);
    own->got = static_cast<const Shuffled<T>*>(operands[own->from % 32])->given;
  }
}

struct Vote {
  bool given;
  unsigned got;
};
inline void vote(void* const* operands) {
  unsigned all = 0;
  for (int lane = 0; lane < 32; ++lane) all |= static_cast<unsigned>(static_cast<Vote*>(operands[lane])->given) << lane;
  for (int lane = 0; lane < 32; ++lane) static_cast<Vote*>(operands[lane])->got = all;
}

inline void nothing(void* const*) {}

}  // namespace host

inline void __syncwarp(unsigned mask = full_warp, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  host::call_warp({file, line}, mask, host::nothing, nullptr);
}
template <class T>
T __shfl_sync(unsigned mask, T x, int lane, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  host::Shuffled<T> operand{x, x, static_cast<unsigned>(lane)};
  host::call_warp({file, line}, mask, host::shuffle<T>, &operand);
  return operand.got;
}
template <class T>
T __shfl_xor_sync(unsigned mask, T x, int lanes, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return __shfl_sync(mask, x, static_cast<int>(threadIdx.x % 32) ^ lanes, file, line);
}
inline unsigned __ballot_sync(unsigned mask, bool x, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  host::Vote operand{x, 0};
  host::call_warp({file, line}, mask, host::vote, &operand);
  return operand.got;
}

}  // namespace dlnative::cuda
