// Products of matrices, all of them one call of csrc/gemm, which also does what follows on the result.
//
//   matmul   y = op(a) op(b), a batch of matrices; or a matrix b for all rows of a, with an epilogue:
//              forward   act(x w + bias + residual)             x (R, K), w (K, N), bias (N), residual (R, N)
//              backward  (op(dy) op(w) + residual) * act'(saved)
//              weights   dw = x^T dy, and db = sum of the rows of dy
//
// Leading axes count as rows.
#include "gemm/gemm.h"

#include <algorithm>

#include "dlnative/kernel.h"
#include "ops/dispatch.h"
#include "ops/epilogue.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Says what a call is: `each`, one product of `count`. Written in place: a copy of what was just written waits for it.
template <class T>
DLNATIVE_INLINE void read_call(const Call& call, GemmArguments<T>& each, std::int64_t& count) {
  const View &a = call.inputs[0], &b = call.inputs[1], &y = call.outputs[0];
  const bool shared = b.rank == 2;
  each.M = shared ? y.rows() : y.extent(-2);
  each.N = y.extent(-1);
  each.transpose_a = call.ints[0] != 0;
  each.transpose_b = call.ints[1] != 0;
  each.K = a.extent(each.transpose_a ? -2 : -1);
  each.a = a.as<T>();
  each.lda = each.transpose_a ? each.M : each.K;
  each.b = b.as<T>();
  each.ldb = each.transpose_b ? each.K : each.N;
  each.c = y.as<T>();
  each.ldc = each.N;
  each.packed_b = static_cast<const T*>(call.prepacked);
  read_epilogue(call, 2, each);
  count = shared ? 1 : y.size / (each.M * each.N);
}

template <class T>
struct Batch {
  DLNATIVE_INLINE explicit Batch(const Call& call) { read_call(call, each, count); }
  GemmArguments<T> each;
  std::int64_t count;
};

// For one product of a batch, by one thread. Each matrix begins elsewhere.
template <class T>
DLNATIVE_INLINE std::int64_t scratch_of_each(GemmArguments<T> each) {
  each.b = nullptr;
  return (DLNATIVE_ISA::gemm_scratch_bytes(each, 1) + 63) / 64 * 64;
}

// A batch of fewer products than threads is done one after another, by all threads.
template <class T>
DLNATIVE_INLINE std::int64_t scratch_of(const Batch<T>& batch, int threads) {
  GemmArguments<T> each = batch.each;
  if (batch.count > 1) each.b = nullptr;
  const std::int64_t by_all = DLNATIVE_ISA::gemm_scratch_bytes(each, threads);
  return batch.count > 1 ? std::max(by_all, threads * scratch_of_each(each)) : by_all;
}

// Whether there is nothing to write.
DLNATIVE_INLINE bool is_empty(const Call& call) { return call.outputs[call.output_count - 1].size == 0; }

template <class T>
__attribute__((noinline)) void run_batch(const Call& call, const Batch<T>& batch) {
  const auto& [each, count] = batch;
  const Workers& workers = *call.workers;
  const auto run = [&each = each](std::int64_t i, void* scratch, const Workers& inner) {
    GemmArguments<T> g = each;
    g.a += i * g.M * g.K;
    g.b += i * g.K * g.N;
    g.c += i * g.M * g.N;
    DLNATIVE_ISA::gemm(g, scratch, inner);
  };
  if (count < workers.threads) {
    for (std::int64_t i = 0; i < count; ++i) run(i, call.scratch, workers);
    return;
  }
  constexpr double flops_per_nanosecond = 3.0 * vector_bytes / sizeof(T), overhead = 20;
  const double each_nanoseconds = overhead + 2.0 * each.M * each.N * each.K / flops_per_nanosecond;
  const std::int64_t scratch_bytes = scratch_of_each(each);
  workers.parallel_for(workers.worthwhile(each_nanoseconds * static_cast<double>(count)), count,
                       [&](std::int64_t i, int thread) {
                         run(i, static_cast<char*>(call.scratch) + thread * scratch_bytes, Workers{});
                       });
}
template <class T>
DLNATIVE_INLINE void run_matmul(const Call& call) {
  if (is_empty(call)) return;
  const Batch<T> batch(call);
  if (batch.count == 1) return DLNATIVE_ISA::gemm(batch.each, call.scratch, *call.workers);
  run_batch(call, batch);
}
void matmul(const Call& call) {
  with_type(Floats{}, call.outputs[0].dtype, [&](auto type) { run_matmul<decltype(type)>(call); });
}
std::int64_t matmul_scratch(const Call& call, int threads) {
  if (call.outputs[0].size == 0) return 0;
  return with_type(Floats{}, call.outputs[0].dtype,
                   [&](auto type) { return scratch_of(Batch<decltype(type)>(call), threads); });
}
std::int64_t matmul_prepacked_bytes(const Call& call) {
  // A gradient's weights change with each step; whether there is a saved result is not known from its address.
  if (call.outputs[0].size == 0 || call.inputs[1].rank != 2 || call.ints[5] != 0) return 0;
  return with_type(Floats{}, call.outputs[0].dtype,
                   [&](auto type) { return DLNATIVE_ISA::gemm_packed_bytes(Batch<decltype(type)>(call).each); });
}
void matmul_prepack(const Call& call, void* to) {
  with_type(Floats{}, call.outputs[0].dtype,
            [&](auto type) { DLNATIVE_ISA::gemm_pack(Batch<decltype(type)>(call).each, to); });
}

}  // namespace

extern const OpRow linalg_rows[];
extern const int linalg_row_count;

const OpRow linalg_rows[] = {
    {"matmul", matmul, same<Floats>, matmul_scratch, matmul_prepacked_bytes, matmul_prepack},
};
const int linalg_row_count = sizeof(linalg_rows) / sizeof(linalg_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
