// What the recurrent kernels share: rows of a batch in blocks, each block through all steps before the next, so that a
// thread needs no other one; the product with the recurrent weights, which are packed once and stay in L2; and the
// gradient of these weights, one product over all steps at the end.
//
// Sequences are (B, T, ...). A step s is the s-th that is computed; in `reverse` it is step T - 1 - s of the sequence.
// Rows of a batch are independent of one another, so neither blocks nor threads change a bit.
#pragma once

#include <cstddef>

#include "dlnative/kernel.h"
#include "gemm/core/tile.h"
#include "gemm/gemm.h"
#include "ops/dispatch.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

DLNATIVE_INLINE std::int64_t cache_lines(std::int64_t bytes) { return round_up(bytes, cache_line); }

// Rows that are no multiple of a page apart, wherever their length leads.
template <class T>
DLNATIVE_INLINE std::int64_t apart(std::int64_t columns) {
  constexpr std::int64_t line = cache_line / static_cast<int>(sizeof(T));
  return round_up(columns, line) + line;
}

template <class T>
DLNATIVE_INLINE void copy_row(std::int64_t n, const T* from, T* to) {
  for_lanes<T>(n, [=](std::int64_t i, int count) { store_lanes(to + i, load_lanes(from + i, count), count); });
}
template <class T>
DLNATIVE_INLINE void clear_row(std::int64_t n, T* to) {
  for_lanes<T>(n, [=](std::int64_t i, int count) { store_lanes(to + i, Vec<T>{}, count); });
}
template <class T>
DLNATIVE_INLINE void add_row(std::int64_t n, const T* from, T* to) {
  for_lanes<T>(n, [=](std::int64_t i, int count) {
    store_lanes(to + i, load_lanes(to + i, count) + load_lanes(from + i, count), count);
  });
}
// Zeros where there is nothing to copy from.
template <class T>
DLNATIVE_INLINE void copy_rows(std::int64_t rows, std::int64_t n, const T* from, std::int64_t ld_from, T* to,
                               std::int64_t ld_to) {
  for (std::int64_t r = 0; r < rows; ++r) {
    from == nullptr ? clear_row(n, to + r * ld_to) : copy_row(n, from + r * ld_from, to + r * ld_to);
  }
}
template <class T>
DLNATIVE_INLINE bool is_masked(const T* mask, std::int64_t at) {
  return mask != nullptr && mask[at] == T{0};
}

struct Sequence {
  std::int64_t B, T;
  bool reverse;

  Sequence(const View& x, std::int64_t backwards) : B(x.extent(0)), T(x.extent(1)), reverse(backwards != 0) {}
  // Where step s of row b is, in rows of a sequence.
  DLNATIVE_INLINE std::int64_t at(std::int64_t b, std::int64_t s) const { return b * T + (reverse ? T - 1 - s : s); }
};

// Rows in all that do not repay packing the weights. How their product is done depends on how many there are, so they
// stay together.
constexpr std::int64_t few_rows = 4;

// y = x w for a few rows at a time, with the same w (K x N, or stored N x K) each time.
template <class T>
struct StepProduct {
  std::int64_t rows;  // of a block, at most
  bool packs;
  GemmArguments<T> one;
  Part<T> part;
  BatchReduceArguments<T> list;

  StepProduct(const Sequence& sequence, std::int64_t K, std::int64_t N, const T* w, std::int64_t ldw, bool transposed,
              std::int64_t ldx, std::int64_t ldy)
      : rows(min(sequence.B, MR)), packs(sequence.B >= few_rows), part(matrix_part<T>(K, nullptr, ldx, w, ldw)) {
    one.M = list.M = rows;
    one.N = list.N = N;
    one.K = K;
    one.b = w;
    one.ldb = ldw;
    one.transpose_b = list.transpose_b = transposed;
    one.lda = ldx;
    one.ldc = list.ldc = ldy;
  }

  std::int64_t packed_bytes() const {
    return packs ? cache_lines(DLNATIVE_ISA::batch_reduce_packed_bytes(as_list(&part))) : 0;
  }
  // For one thread, wherever the operands will lie.
  std::int64_t scratch_bytes() const {
    if (!packs) {
      GemmArguments<T> any = one;
      any.b = nullptr;
      return cache_lines(DLNATIVE_ISA::gemm_scratch_bytes(any, 1));
    }
    alignas(cache_line) const T place[1] = {};
    BatchReduceArguments<T> packed = as_list(&part);
    packed.packed_b = place;  // which is not read
    return cache_lines(DLNATIVE_ISA::batch_reduce_scratch_bytes(packed, 1));
  }
  // Returns what comes after the packed weights.
  char* pack(void* to) {
    if (packs) {
      DLNATIVE_ISA::batch_reduce_pack(as_list(&part), to);
      list.packed_b = static_cast<const T*>(to);
    }
    return static_cast<char*>(to) + packed_bytes();
  }
  DLNATIVE_INLINE void run(std::int64_t M, const T* x, std::int64_t ldx, T* y, void* scratch,
                           const Workers& workers) const {
    if (!packs) {
      GemmArguments<T> g = one;
      g.M = M;
      g.a = x;
      g.lda = ldx;
      g.c = y;
      return DLNATIVE_ISA::gemm(g, scratch, workers);
    }
    Part<T> step = part;
    step.a = x;
    step.a_row = ldx;
    BatchReduceArguments<T> g = as_list(&step);
    g.M = M;
    g.c = y;
    DLNATIVE_ISA::batch_reduce(g, scratch, workers);
  }

 private:
  DLNATIVE_INLINE BatchReduceArguments<T> as_list(const Part<T>* only) const {
    BatchReduceArguments<T> g = list;
    g.parts = only;
    g.part_count = 1;
    return g;
  }
};

// Calls body(first row, rows, thread, workers) for blocks of rows of a batch, as many to each thread. The workers are
// those that a block has for itself: all, and the memory of all, where it is the only one.
template <class Body>
DLNATIVE_INLINE void for_batch_blocks(const Call& call, const Sequence& sequence, std::int64_t H, int gates,
                                      Body body) {
  if (sequence.B == 0) return;
  const double flops_per_nanosecond = 4.0 * vector_bytes / static_cast<double>(item_size(call.outputs[0].dtype));
  const auto units = static_cast<double>(gates * H), steps = static_cast<double>(sequence.B * sequence.T);
  const double nanoseconds = steps * units * (2.0 * static_cast<double>(H) / flops_per_nanosecond + 0.3);
  const std::int64_t threads = call.workers->worthwhile(nanoseconds), B = sequence.B;
  const std::int64_t count = B < few_rows ? 1 : min(round_up((B + MR - 1) / MR, threads), B);
  const EvenPartition blocks(B, (B + count - 1) / count);
  const Workers workers = blocks.count == 1 ? *call.workers : Workers{};
  call.workers->parallel_for(static_cast<int>(threads), blocks.count, [&](std::int64_t task, int thread) {
    const std::int64_t first = blocks.start(task);
    body(first, blocks.start(task + 1) - first, thread, workers);
  });
}

// dw (M x N) = sum over all rows and steps of h^T d, where h (M columns) is the state before a step: that of the step
// before, or h0; or, if not `shifted`, that of the step itself. `d` are N columns of rows `ldd` apart.
template <class T>
struct RecurrentGradient {
  Sequence sequence;
  std::int64_t M, N, ldd;
  const T *h, *h0, *d;
  T* dw;
  std::int64_t lddw;
  bool shifted = true;

  std::int64_t part_count() const { return 1 + (shifted && sequence.T > 1 ? sequence.B : 0); }
  std::int64_t parts_bytes() const { return cache_lines(part_count() * static_cast<std::int64_t>(sizeof(Part<T>))); }

  BatchReduceArguments<T> arguments(Part<T>* parts) const {
    const std::int64_t B = sequence.B, steps = sequence.T;
    std::int64_t count = 0;
    if (shifted) {
      parts[count++] = transposed_part<T>(B, h0, M, d + sequence.at(0, 0) * ldd, steps * ldd);
    } else {
      parts[count++] = transposed_part<T>(B * steps, h, M, d, ldd);
    }
    for (std::int64_t b = 0; count < part_count(); ++b) {
      const std::int64_t first = b * steps, after = first + 1;
      parts[count++] = transposed_part<T>(steps - 1, h + (sequence.reverse ? after : first) * M, M,
                                          d + (sequence.reverse ? first : after) * ldd, ldd);
    }
    BatchReduceArguments<T> g;
    g.M = M;
    g.N = N;
    g.parts = parts;
    g.part_count = count;
    g.c = dw;
    g.ldc = lddw;
    return g;
  }

  // Wherever the operands will lie.
  std::int64_t scratch_bytes(int threads) const {
    alignas(cache_line) const T places[cache_line / sizeof(T) + 1] = {};
    Part<T>* const parts = new Part<T>[static_cast<std::size_t>(part_count())];
    BatchReduceArguments<T> g = arguments(parts);
    std::int64_t most = 0;
    for (int offset = 0; offset < 2; ++offset) {
      for (std::int64_t i = 0; i < g.part_count; ++i) parts[i].b = places + offset;
      most = max(most, DLNATIVE_ISA::batch_reduce_scratch_bytes(g, threads));
    }
    delete[] parts;
    return cache_lines(most) + parts_bytes();
  }
  void run(void* scratch, const Workers& workers) const {
    if (sequence.B == 0) return copy_rows<T>(M, N, nullptr, 0, dw, lddw);
    const BatchReduceArguments<T> g = arguments(static_cast<Part<T>*>(scratch));
    DLNATIVE_ISA::batch_reduce(g, static_cast<char*>(scratch) + parts_bytes(), workers);
  }
};

// Scratch of a kernel whose threads share the packed recurrent weights.
template <template <class> class Forward>
std::int64_t forward_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    const Forward<decltype(type)> forward(call);
    return forward.product.packed_bytes() + threads * forward.thread_bytes();
  });
}
// Of its gradient: the product over all steps comes after them.
template <template <class> class Backward>
std::int64_t backward_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    const Backward<decltype(type)> backward(call);
    return max(backward.product.packed_bytes() + threads * backward.thread_bytes(),
               backward.weights.scratch_bytes(threads));
  });
}

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
