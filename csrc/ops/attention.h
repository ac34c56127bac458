// What attention and its gradient share: sizes, the mask, and how many queries and keys are done together.
#pragma once

#include "dlnative/kernel.h"
#include "gemm/core/tile.h"
#include "gemm/gemm.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Bytes that broadcast to (B, N, T, S).
struct Mask {
  const std::uint8_t* data = nullptr;
  std::int64_t b = 0, n = 0, t = 0;  // strides
  bool exists = false;

  Mask(const View* view, std::int64_t S) {
    exists = view != nullptr;
    if (!exists) return;
    data = view->as<std::uint8_t>();
    std::int64_t stride = S;
    t = view->shape[2] > 1 ? stride : 0;
    stride *= view->shape[2];
    n = view->shape[1] > 1 ? stride : 0;
    stride *= view->shape[1];
    b = view->shape[0] > 1 ? stride : 0;
  }
  DLNATIVE_INLINE const std::uint8_t* row(std::int64_t sample, std::int64_t head, std::int64_t query) const {
    return data + sample * b + head * n + query * t;
  }
};

template <class T>
struct Attention {
  static constexpr std::int64_t NR = Blocks<T>::NR, unit = 64, most_queries = 252;
  std::int64_t B, R, N, H, S, V;  // R: queries
  bool causal;
  T scale;
  Mask mask;

  Attention(const Call& call, int q, int mask_input)
      : B(call.inputs[q].shape[0]),
        R(call.inputs[q].shape[1]),
        N(call.inputs[q].shape[2]),
        H(call.inputs[q].shape[3]),
        S(call.inputs[q + 1].shape[1]),
        V(call.inputs[q + 2].shape[3]),
        causal(call.ints[0] != 0),
        scale(static_cast<T>(call.floats[0])),
        mask(call.ints[1] != 0 ? call.inputs + mask_input : nullptr, S) {}

  // Queries that are done together, and keys: whose scores stay in L2.
  std::int64_t queries() const {
    const std::int64_t fit = round_up((160 << 10) / (S * static_cast<std::int64_t>(sizeof(T)) + 1), 14);
    return min(min(max(fit, 14), most_queries), R);
  }
  std::int64_t keys() const { return min(max((224 << 10) / (R * std::int64_t{sizeof(T)} + 1) / 32 * 32, 32), S); }
  // Keys that queries up to `last` see, and as many as a product is done for.
  std::int64_t seen(std::int64_t last) const { return causal ? min(last + 1, S) : S; }
  std::int64_t columns(std::int64_t count) const { return H > Blocks<T>::KC ? S : min(round_up(count, NR), S); }
  std::int64_t steps(std::int64_t count) const { return min(round_up(count, unit), S); }
  std::int64_t row() const { return round_up(S, NR); }

  BatchReduceArguments<T> scores(const Part<T>* part, std::int64_t M, std::int64_t count) const {
    BatchReduceArguments<T> g;
    g.M = M;
    g.N = count;
    g.parts = part;
    g.part_count = 1;
    g.transpose_b = true;
    g.ldc = row();
    return g;
  }
  GemmArguments<T> result(std::int64_t M, std::int64_t K) const {
    GemmArguments<T> g;
    g.M = M;
    g.N = V;
    g.K = K;
    g.lda = row();
    g.ldb = g.ldc = N * V;
    return g;
  }
  static std::int64_t elements(std::int64_t bytes) {
    return round_up(bytes / static_cast<std::int64_t>(sizeof(T)) + 1, 64 / static_cast<std::int64_t>(sizeof(T)));
  }
  std::int64_t packed_size() const {
    const Part<T> part = matrix_part<T>(H, nullptr, N * H, nullptr, N * H);
    return elements(DLNATIVE_ISA::batch_reduce_packed_bytes(scores(&part, 1, S)));
  }
  std::int64_t scores_size() const { return round_up(queries() * row(), 64); }
  std::int64_t product_size() const {
    alignas(64) static constexpr T places[1] = {};
    const Part<T> part = matrix_part<T>(H, places, N * H, nullptr, N * H);
    std::int64_t bytes = 0;
    for (std::int64_t first = 0; first < R; first += queries()) {
      const std::int64_t M = min(queries(), R - first);
      BatchReduceArguments<T> g = scores(&part, M, columns(seen(first + M - 1)));
      g.packed_b = places;
      bytes = max(bytes, DLNATIVE_ISA::batch_reduce_scratch_bytes(g, 1));
      for (std::int64_t K = min(unit, S);; K = min(K + unit, S)) {
        bytes = max(bytes, DLNATIVE_ISA::gemm_scratch_bytes(result(M, K), 1));
        if (K == S) break;
      }
      if (!causal && M == queries() && first + 2 * M < R) first += (R - first) / M * M - 2 * M;  // all alike
    }
    return elements(bytes);
  }
  std::int64_t forward_size() const { return S == 0 ? 0 : packed_size() + scores_size() + product_size(); }
};

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
