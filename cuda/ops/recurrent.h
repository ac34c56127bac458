// What the recurrent kernels share. A step of all rows of a batch is a product with the recurrent weights and a kernel
// for the gates, a thread for each unit; a plan records the steps one after the other. The gradient of the recurrent
// weights is one product over all steps at the end, whose left operand is the state before each step.
//
// Sequences are (B, T, ...). A step s is the s-th that is computed; in `reverse` it is step T - 1 - s of the sequence.
#pragma once

#include <algorithm>

#include "device/divisor.h"
#include "device/scalar.h"
#include "gemm/enqueue.h"
#include "ops/rows.h"

namespace dlnative::cuda {

constexpr int recurrent_threads = 128;

struct Sequence {
  std::int64_t B, T;
  bool reverse;

  Sequence(const View& x, std::int64_t backwards) : B(x.extent(0)), T(x.extent(1)), reverse(backwards != 0) {}
  std::int64_t place(std::int64_t s) const { return reverse ? T - 1 - s : s; }
};

// Rows of something, one for each of the batch.
template <class T>
struct BatchRows {
  T* first = nullptr;
  std::int64_t ld = 0;

  DLNATIVE_INLINE T* row(std::int64_t b) const { return first + b * ld; }
};
// Step s of a sequence whose rows are `columns` long.
template <class T>
BatchRows<T> step_of(T* all, const Sequence& sequence, std::int64_t s, std::int64_t columns) {
  return {all + sequence.place(s) * columns, sequence.T * columns};
}
// The state before step s.
template <class T>
BatchRows<const T> before(const T* first, const T* all, const Sequence& sequence, std::int64_t s, std::int64_t H) {
  if (s == 0) return {first, H};
  return step_of(all, sequence, s - 1, H);
}
// The mask of step s; or null.
template <class T>
BatchRows<const T> mask_of(const T* mask, const Sequence& sequence, std::int64_t s) {
  if (mask == nullptr) return {};
  return step_of(mask, sequence, s, 1);
}
template <class T>
DLNATIVE_INLINE bool is_masked(const BatchRows<const T>& mask, std::int64_t b) {
  return mask.first != nullptr && *mask.row(b) == T{0};
}

// The unit of a batch that a thread computes; none past the end.
struct Unit {
  std::uint32_t b, u;
  bool inside;

  __device__ __forceinline__ Unit(std::uint32_t size, const Divisor& units) {
    const std::uint32_t i = blockIdx.x * recurrent_threads + threadIdx.x;
    inside = i < size;
    b = units.divide(inside ? i : 0, u);
  }
};
struct Units {
  std::uint32_t size;
  Divisor units;
  Grid grid;

  Units(std::int64_t B, std::int64_t H, const Queue& queue)
      : size(static_cast<std::uint32_t>(B * H)),
        units(static_cast<std::uint32_t>(H < 1 ? 1 : H)),
        grid{blocks_for(B * H, recurrent_threads), recurrent_threads} {
    if (B * H >= std::int64_t{1} << 31) throw Error(std::string("cuda: ") + queue.op + ": more than 2^31 units");
  }
};

// y = x w (+ residual) for the rows of a batch; w is K x N, or N x K, with rows of ldw.
template <class T>
GemmArguments<T> step_product(std::int64_t M, std::int64_t N, std::int64_t K, BatchRows<const T> x, const T* w,
                              std::int64_t ldw, bool transposed, T* y, std::int64_t ldy, const T* residual = nullptr) {
  GemmArguments<T> g;
  g.M = M;
  g.N = N;
  g.K = K;
  g.a = x.first;
  g.lda = x.ld;
  g.b = w;
  g.ldb = ldw;
  g.transpose_b = transposed;
  g.c = y;
  g.ldc = ldy;
  g.residual = residual;
  return g;
}
// dw = sum over rows of x^T d, and the sums of d's columns.
template <class T>
GemmArguments<T> weight_product(std::int64_t M, std::int64_t N, std::int64_t rows, const T* x, const T* d,
                                std::int64_t ldd, T* dw, std::int64_t lddw, T* sums = nullptr) {
  GemmArguments<T> g;
  g.M = M;
  g.N = N;
  g.K = rows;
  g.a = x;
  g.lda = M;
  g.transpose_a = true;
  g.b = d;
  g.ldb = ldd;
  g.c = dw;
  g.ldc = lddw;
  g.column_sums = sums;
  return g;
}

// Memory of a call's scratch, piece after piece; what is left is for products.
template <class T>
class Scratch {
 public:
  explicit Scratch(void* memory) : begin_(static_cast<char*>(memory)) {}
  T* take(std::int64_t elements) {
    T* const piece = reinterpret_cast<T*>(begin_ + used_);
    used_ += (elements * static_cast<std::int64_t>(sizeof(T)) + 15) / 16 * 16;
    return piece;
  }
  void* rest() const { return begin_ + used_; }
  std::int64_t used() const { return used_; }

 private:
  char* begin_;
  std::int64_t used_ = 0;
};

// Bytes that the largest of these products (M, N, K) needs.
template <class T>
std::int64_t products_bytes(std::initializer_list<GemmArguments<T>> products) {
  std::int64_t most = 0;
  for (const GemmArguments<T>& g : products) most = std::max(most, gemm_scratch_bytes(g, Batch{}));
  return most;
}

// states[b, t] = the state before the step that is at t.
template <class T>
__global__ void __launch_bounds__(recurrent_threads)
    shift_kernel(const T* h0, const T* h, T* states, std::uint32_t size, Divisor units, Divisor steps, std::int32_t H,
                 std::int32_t T_, bool reverse) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * recurrent_threads + threadIdx.x;
  if (i >= size) return;
  std::uint32_t u, t;
  const std::uint32_t b = steps.divide(units.divide(i, u), t);
  const bool first = static_cast<std::int32_t>(t) == (reverse ? T_ - 1 : 0);
  states[i] = first ? h0[std::int64_t{b} * H + u] : h[reverse ? i + H : i - H];
}
template <class T>
void enqueue_shift(const T* h0, const T* h, T* states, const Sequence& sequence, std::int64_t H, Queue& queue) {
  const std::int64_t size = sequence.B * sequence.T * H;
  if (size == 0) return;
  if (size >= std::int64_t{1} << 31) throw Error(std::string("cuda: ") + queue.op + ": more than 2^31 elements");
  launch(queue, shift_kernel<T>, Grid{blocks_for(size, recurrent_threads), recurrent_threads}, h0, h, states,
         static_cast<std::uint32_t>(size), Divisor(static_cast<std::uint32_t>(H)),
         Divisor(static_cast<std::uint32_t>(sequence.T)), static_cast<std::int32_t>(H),
         static_cast<std::int32_t>(sequence.T), sequence.reverse);
}

template <std::int64_t (*single)(const Call&), std::int64_t (*twice)(const Call&)>
std::int64_t bytes_by_float(const Call& call) {
  return call.outputs[0].dtype == DType::float32 ? single(call) : twice(call);
}

}  // namespace dlnative::cuda
