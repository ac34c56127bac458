// Products on a GPU: C = epilogue(op(A) op(B)), with the arguments and the meaning of csrc/dlnative/gemm.h; the result
// has the same bits in each run. Sizes fit 31 bits.
#pragma once

#include "dlnative/gemm.h"
#include "runtime/queue.h"

namespace dlnative::cuda {

// `count` products, whose operands and results lie `stride` elements apart.
struct Batch {
  std::int64_t count = 1, a_stride = 0, b_stride = 0, c_stride = 0;
};

// `scratch`: as many bytes of device memory as gemm_scratch_bytes says.
template <class T>
void enqueue_gemm(const GemmArguments<T>& arguments, const Batch& batch, void* scratch, Queue& queue);
template <class T>
std::int64_t gemm_scratch_bytes(const GemmArguments<T>& arguments, const Batch& batch);

// For benchmarks and tests: the kernel that enqueue_gemm would choose, and one that it is to choose, by number, or -1;
// and into how many parts it is to split K.
template <class T>
const char* gemm_kernel_name(std::int64_t M, std::int64_t N, std::int64_t K, std::int64_t batch);
inline constexpr int gemm_kernels = 5;
void force_gemm_kernel(int number, int splits = -1);

}  // namespace dlnative::cuda
