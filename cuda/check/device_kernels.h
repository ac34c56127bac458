// Small kernels that use each word of device/device.h, and one that can be given a mistake.
#pragma once

#include "runtime/queue.h"

namespace dlnative::cuda::check {

enum class Mistake {
  none,
  missing_barrier,         // between writing and reading shared memory
  missing_second_barrier,  // between reading it and writing it again
  divergent_barrier,       // half of the threads at another one
  ended_before_barrier,    // a thread has returned
  divergent_shuffle,       // lanes in different calls
  partial_shuffle,         // a lane does not come
  partial_mask,            // a mask that leaves lanes out
  stray_read,              // past the end of a buffer
  stray_write,
  stray_shared,         // past the end of shared memory
  read_before_written,  // shared memory that nobody wrote
  race_in_block,        // two threads write one place of shared memory
  race_of_blocks,       // two blocks write one place, or read what another writes
};

// y[i] of a block of 256 = what the block's thread 255 - i put into shared memory; with or without a mistake.
void enqueue_reverse(Queue& queue, float* y, int size, Mistake mistake);
// 64 results of each of __shfl_xor_sync(t, 5), __shfl_sync(t, 3), __ballot_sync(t % 4 == 0).
void enqueue_warp_calls(Queue& queue, int* y);
// The sum over a block of 256 of thread + block, `blocks` of them.
void enqueue_folds(Queue& queue, float* y, unsigned blocks);
// x = x / 2 + value
void enqueue_increment(Queue& queue, float* x, int size, int value);

}  // namespace dlnative::cuda::check
