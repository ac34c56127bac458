// Products of matrices, all of them one call of csrc/gemm, which also does what follows on the result.
//
//   matmul                      y = op(a) op(b); a batch of matrices, or a matrix b for all rows of a
//   dense                       y = act(x w + bias)         x (R, K), w (K, N), bias (N)
//   matmul_activation_gradient  (op(dy) op(w)) * act'(y)    act' in terms of the saved y
//   matmul_bias_gradient        dw = x^T dy, db = sum of the rows of dy
//
// Leading axes count as rows. db adds up blocks of rows and then the blocks: the error grows with the number of blocks,
// not of rows. Columns are what threads share, so their number changes nothing.
#include "gemm/gemm.h"

#include "dlnative/kernel.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Calls body(T{}) with the element type of a floating-point buffer.
template <class Body>
DLNATIVE_INLINE auto with_float(DType dtype, Body body) {
  return dtype == DType::float32 ? body(float{}) : body(double{});
}

// y (M, N) = op(a) op(b), where the extents follow from y and from which axis of a is summed over.
template <class T>
DLNATIVE_INLINE GemmArguments<T> arguments(const View& a, bool transpose_a, const View& b, bool transpose_b,
                                           const View& y, std::int64_t M) {
  GemmArguments<T> g;
  g.M = M;
  g.N = y.extent(-1);
  g.K = a.extent(transpose_a ? -2 : -1);
  g.a = a.as<T>();
  g.lda = transpose_a ? M : g.K;
  g.transpose_a = transpose_a;
  g.b = b.as<T>();
  g.ldb = transpose_b ? g.K : g.N;
  g.transpose_b = transpose_b;
  g.c = y.as<T>();
  g.ldc = g.N;
  return g;
}

DLNATIVE_INLINE std::int64_t rows_of(const View& y) { return y.size / y.extent(-1); }

template <class T>
struct Batch {
  GemmArguments<T> each;
  std::int64_t count;
};

template <class T>
DLNATIVE_INLINE Batch<T> matmul_batch(const Call& call) {
  const View &a = call.inputs[0], &b = call.inputs[1], &y = call.outputs[0];
  const bool shared = b.rank == 2;
  const std::int64_t M = shared ? rows_of(y) : y.extent(-2);
  return {arguments<T>(a, call.ints[0] != 0, b, call.ints[1] != 0, y, M), shared ? 1 : y.size / (M * y.extent(-1))};
}

template <class T>
void run_matmul(const Call& call) {
  if (call.outputs[0].size == 0) return;
  const auto [each, count] = matmul_batch<T>(call);
  const Workers& workers = *call.workers;
  const auto run = [&, each = each](std::int64_t i, void* scratch, const Workers& inner) {
    GemmArguments<T> g = each;
    g.a += i * g.M * g.K;
    g.b += i * g.K * g.N;
    g.c += i * g.M * g.N;
    DLNATIVE_ISA::gemm(g, scratch, inner);
  };
  if (count == 1) return run(0, call.scratch, workers);
  if (count < workers.threads) {
    for (std::int64_t i = 0; i < count; ++i) run(i, call.scratch, workers);
    return;
  }
  constexpr double flops_per_nanosecond = 3.0 * vector_bytes / sizeof(T), overhead = 20;
  const double each_nanoseconds = overhead + 2.0 * each.M * each.N * each.K / flops_per_nanosecond;
  const std::int64_t scratch_bytes = DLNATIVE_ISA::gemm_scratch_bytes(each, 1);
  workers.parallel_for(workers.worthwhile(each_nanoseconds * static_cast<double>(count)), count,
                       [&](std::int64_t i, int thread) {
                         run(i, static_cast<char*>(call.scratch) + thread * scratch_bytes, Workers{});
                       });
}
void matmul(const Call& call) {
  with_float(call.outputs[0].dtype, [&](auto type) { run_matmul<decltype(type)>(call); });
}
std::int64_t matmul_scratch(const Call& call, int threads) {
  if (call.outputs[0].size == 0) return 0;
  return with_float(call.outputs[0].dtype, [&](auto type) {
    return DLNATIVE_ISA::gemm_scratch_bytes(matmul_batch<decltype(type)>(call).each, threads);
  });
}

template <class T>
DLNATIVE_INLINE GemmArguments<T> dense_arguments(const Call& call) {
  const View& y = call.outputs[0];
  GemmArguments<T> g = arguments<T>(call.inputs[0], false, call.inputs[1], false, y, rows_of(y));
  if (call.input_count > 2) g.bias = call.inputs[2].as<T>();
  g.activation = static_cast<Activation>(call.ints[0]);
  return g;
}
void dense(const Call& call) {
  if (call.outputs[0].size == 0) return;
  with_float(call.outputs[0].dtype, [&](auto type) {
    DLNATIVE_ISA::gemm(dense_arguments<decltype(type)>(call), call.scratch, *call.workers);
  });
}
std::int64_t dense_scratch(const Call& call, int threads) {
  if (call.outputs[0].size == 0) return 0;
  return with_float(call.outputs[0].dtype, [&](auto type) {
    return DLNATIVE_ISA::gemm_scratch_bytes(dense_arguments<decltype(type)>(call), threads);
  });
}

template <class T>
DLNATIVE_INLINE GemmArguments<T> activation_gradient_arguments(const Call& call) {
  const View& dx = call.outputs[0];
  GemmArguments<T> g =
      arguments<T>(call.inputs[0], call.ints[0] != 0, call.inputs[1], call.ints[1] != 0, dx, rows_of(dx));
  g.gradient_of = static_cast<Activation>(call.ints[2]);
  if (g.gradient_of != Activation::linear) g.saved = call.inputs[2].as<T>();
  return g;
}
void matmul_activation_gradient(const Call& call) {
  if (call.outputs[0].size == 0) return;
  with_float(call.outputs[0].dtype, [&](auto type) {
    DLNATIVE_ISA::gemm(activation_gradient_arguments<decltype(type)>(call), call.scratch, *call.workers);
  });
}
std::int64_t matmul_activation_gradient_scratch(const Call& call, int threads) {
  if (call.outputs[0].size == 0) return 0;
  return with_float(call.outputs[0].dtype, [&](auto type) {
    return DLNATIVE_ISA::gemm_scratch_bytes(activation_gradient_arguments<decltype(type)>(call), threads);
  });
}

// Column sums of R rows, `vectors` vectors of columns at a time, the last of them with `count` columns.
template <class T, int vectors>
DLNATIVE_INLINE void sum_columns(const T* dy, std::int64_t R, std::int64_t N, T* db, int count) {
  constexpr int L = lanes<T>, side_by_side = 8 / vectors;  // enough sums at a time to hide the latency of an addition
  constexpr std::int64_t block = 256;
  const auto add_row = [&](std::int64_t row, Vec<T>(&to)[vectors]) __attribute__((always_inline)) {
    const T* from = dy + row * N;
    for (int j = 0; j < vectors - 1; ++j) to[j] += load(from + j * L);
    from += (vectors - 1) * L;
    to[vectors - 1] += count == L ? load(from) : load_partial(from, count);
  };
  Vec<T> total[vectors] = {};
  for (std::int64_t start = 0; start < R; start += block) {
    const std::int64_t stop = start + block < R ? start + block : R;
    Vec<T> acc[side_by_side][vectors] = {};
    std::int64_t row = start;
    for (; row + side_by_side <= stop; row += side_by_side) {
#pragma GCC unroll 8
      for (int i = 0; i < side_by_side; ++i) add_row(row + i, acc[i]);
    }
    for (; row < stop; ++row) add_row(row, acc[0]);
#pragma GCC unroll 8
    for (int i = 1; i < side_by_side; ++i) {
      for (int j = 0; j < vectors; ++j) acc[0][j] += acc[i][j];
    }
    for (int j = 0; j < vectors; ++j) total[j] += acc[0][j];
  }
  for (int j = 0; j < vectors - 1; ++j) store(db + j * L, total[j]);
  if (count == L) {
    store(db + (vectors - 1) * L, total[vectors - 1]);
  } else {
    store_partial(db + (vectors - 1) * L, total[vectors - 1], count);
  }
}

template <class T>
DLNATIVE_INLINE void bias_gradient(const T* dy, std::int64_t R, std::int64_t N, T* db, const Workers& workers) {
  constexpr std::int64_t L = lanes<T>, vectors = 4, strip = vectors * L;
  constexpr double bytes_per_nanosecond = 10.0;
  const double bytes = static_cast<double>(R) * static_cast<double>(N) * static_cast<double>(sizeof(T));
  workers.parallel_for(workers.worthwhile(bytes / bytes_per_nanosecond), (N + strip - 1) / strip,
                       [&](std::int64_t task, int) __attribute__((always_inline)) {
                         std::int64_t n = task * strip;
                         const std::int64_t stop = n + strip < N ? n + strip : N;
                         if (n + strip == stop) return sum_columns<T, vectors>(dy + n, R, N, db + n, L);
                         for (; n < stop; n += L) {
                           sum_columns<T, 1>(dy + n, R, N, db + n, static_cast<int>(stop - n < L ? stop - n : L));
                         }
                       });
}

template <class T>
DLNATIVE_INLINE GemmArguments<T> weight_gradient_arguments(const Call& call) {
  const View &x = call.inputs[0], &dy = call.inputs[1], &dw = call.outputs[0];
  GemmArguments<T> g = arguments<T>(x, true, dy, false, dw, dw.extent(-2));
  g.K = rows_of(dy);
  return g;
}
void matmul_bias_gradient(const Call& call) {
  const View &dy = call.inputs[1], &dw = call.outputs[0], &db = call.outputs[1];
  if (db.size == 0) return;
  with_float(dw.dtype, [&](auto type) {
    using T = decltype(type);
    if (dw.size > 0) DLNATIVE_ISA::gemm(weight_gradient_arguments<T>(call), call.scratch, *call.workers);
    bias_gradient(dy.as<T>(), rows_of(dy), db.size, db.as<T>(), *call.workers);
  });
}
std::int64_t matmul_bias_gradient_scratch(const Call& call, int threads) {
  if (call.outputs[0].size == 0) return 0;
  return with_float(call.outputs[0].dtype, [&](auto type) {
    return DLNATIVE_ISA::gemm_scratch_bytes(weight_gradient_arguments<decltype(type)>(call), threads);
  });
}

}  // namespace

extern const OpRow linalg_rows[];
extern const int linalg_row_count;

const OpRow linalg_rows[] = {
    {"matmul", matmul, matmul_scratch},
    {"dense", dense, dense_scratch},
    {"matmul_activation_gradient", matmul_activation_gradient, matmul_activation_gradient_scratch},
    {"matmul_bias_gradient", matmul_bias_gradient, matmul_bias_gradient_scratch},
};
const int linalg_row_count = sizeof(linalg_rows) / sizeof(linalg_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
