// Products of matrices; csrc/ops/linalg.cpp says what each op computes.
#include "gemm/enqueue.h"
#include "ops/epilogue.h"
#include "ops/rows.h"

namespace dlnative::cuda {
namespace {

// y (M, N) = op(a) op(b), where the extents follow from y and from which axis of a is summed over.
template <class T>
GemmArguments<T> arguments(const View& a, bool transpose_a, const View& b, bool transpose_b, const View& y,
                           std::int64_t M) {
  GemmArguments<T> g;
  g.M = M;
  g.N = y.extent(-1);
  g.K = a.extent(transpose_a ? -2 : -1);
  g.a = a.as<const T>();
  g.lda = transpose_a ? M : g.K;
  g.transpose_a = transpose_a;
  g.b = b.as<const T>();
  g.ldb = transpose_b ? g.K : g.N;
  g.transpose_b = transpose_b;
  g.c = y.as<T>();
  g.ldc = g.N;
  return g;
}

template <class T>
void read_call(const Call& call, GemmArguments<T>& g, Batch& batch) {
  const View &a = call.inputs[0], &b = call.inputs[1], &y = call.outputs[0];
  const bool shared = b.rank == 2;
  const std::int64_t M = shared ? y.rows() : y.extent(-2);
  g = arguments<T>(a, call.ints[0] != 0, b, call.ints[1] != 0, y, M);
  read_epilogue(call, 2, g);
  if (!shared) batch = {y.size / (M * g.N), M * g.K, g.K * g.N, M * g.N};
}

template <class T>
void matmul(const Call& call, Queue& queue) {
  if (call.outputs[call.output_count - 1].size == 0) return;
  GemmArguments<T> g;
  Batch batch;
  read_call(call, g, batch);
  enqueue_gemm(g, batch, call.scratch, queue);
}
std::int64_t matmul_bytes(const Call& call) {
  if (call.outputs[call.output_count - 1].size == 0) return 0;
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    GemmArguments<decltype(type)> g;
    Batch batch;
    read_call(call, g, batch);
    return gemm_scratch_bytes(g, batch);
  });
}

}  // namespace

extern const Row linalg_rows[] = {
    {"matmul", by_float<matmul<float>, matmul<double>>, same<Floats>, matmul_bytes},
};
extern const int linalg_row_count = sizeof(linalg_rows) / sizeof(linalg_rows[0]);

}  // namespace dlnative::cuda
