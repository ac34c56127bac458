#include "check/device_kernels.h"

#include "device/device.h"
#include "device/reduce.h"

namespace dlnative::cuda::check {
namespace {

constexpr int threads = 256;

struct ReverseShared {
  float at[threads];
};

__global__ void __launch_bounds__(threads) reverse_kernel(float* y, int size, Mistake mistake) {
  wait_for_previous_kernel();
  auto& s = shared<ReverseShared>();
  const int t = static_cast<int>(threadIdx.x), i = static_cast<int>(blockIdx.x) * threads + t;
  float shuffled = 0;
  if (mistake == Mistake::ended_before_barrier && t == 77) return;
  s.at[t] = static_cast<float>(i);
  if (mistake == Mistake::race_in_block) s.at[t / 2 * 2] = static_cast<float>(i);
  if (mistake == Mistake::stray_shared && t == 3) s.at[t + threads] = 1;
  if (mistake == Mistake::read_before_written) shuffled = t == 9 ? 0 : s.at[(t + 31) % threads];
  if (mistake == Mistake::divergent_barrier && t % 64 < 32) {
    __syncthreads();
  } else if (mistake != Mistake::missing_barrier) {
    __syncthreads();
  }
  float value = s.at[threads - 1 - t];
  if (mistake == Mistake::divergent_shuffle) {
    if (t % 2 == 0) {
      shuffled = __shfl_xor_sync(full_warp, value, 1);
    } else {
      shuffled = __shfl_xor_sync(full_warp, value, 1);
    }
  }
  if (mistake == Mistake::partial_shuffle && t % 32 != 5) shuffled = __shfl_xor_sync(full_warp, value, 1);
  if (mistake == Mistake::partial_mask) shuffled = __shfl_xor_sync(0xffffu, value, 1);
  if (mistake == Mistake::stray_read && i == size - 1) value += y[size];
  if (mistake == Mistake::stray_write && i == size - 1) y[size] = value;
  if (mistake == Mistake::missing_second_barrier) {
    s.at[t] = -1;  // others may not have read it yet
    __syncthreads();
    shuffled = 0;
  }
  if (mistake == Mistake::race_of_blocks) y[t] = value;
  y[i] = value + (mistake == Mistake::read_before_written ? shuffled : 0 * shuffled);
}

__global__ void __launch_bounds__(64) warp_calls_kernel(int* y) {
  wait_for_previous_kernel();
  const int t = static_cast<int>(threadIdx.x);
  y[t] = __shfl_xor_sync(full_warp, t, 5);
  y[64 + t] = __shfl_sync(full_warp, t, 3);
  y[128 + t] = static_cast<int>(__ballot_sync(full_warp, t % 4 == 0));
}

__global__ void __launch_bounds__(threads) folds_kernel(float* y) {
  wait_for_previous_kernel();
  auto& between = shared<float[threads / 32]>();
  const auto mine = static_cast<float>(threadIdx.x + blockIdx.x);
  const float total = fold_block<threads>(mine, between, Plus{});
  if (threadIdx.x == 0) y[blockIdx.x] = total;
}

__global__ void __launch_bounds__(threads) increment_kernel(float* x, int size, int value) {
  wait_for_previous_kernel();
  const int i = static_cast<int>(blockIdx.x * threads + threadIdx.x);
  if (i < size) x[i] = x[i] * 0.5f + static_cast<float>(value);
}

}  // namespace

void enqueue_reverse(Queue& queue, float* y, int size, Mistake mistake) {
  launch(queue, reverse_kernel, Grid{blocks_for(size, threads), threads, sizeof(ReverseShared)}, y, size, mistake);
}
void enqueue_warp_calls(Queue& queue, int* y) { launch(queue, warp_calls_kernel, Grid{1, 64}, y); }
void enqueue_folds(Queue& queue, float* y, unsigned blocks) {
  launch(queue, folds_kernel, Grid{blocks, threads, sizeof(float) * threads / 32}, y);
}
void enqueue_increment(Queue& queue, float* x, int size, int value) {
  launch(queue, increment_kernel, Grid{blocks_for(size, threads), threads}, x, size, value);
}

}  // namespace dlnative::cuda::check
