// Attention of each head: y = softmax(scale q k^T) v, over queries (B, T, N, H), keys (B, S, N, H) and values (B, S, N,
// V).
//
//   attention            y (B, T, N, V), and for each query the logarithm of the sum of the exponentials (B, N, T)
//   attention_gradient   dq, dk and dv from dy, the operands and what attention gave
//
// causal: query i sees the keys up to i. A mask, bytes of a shape that broadcasts to (B, N, T, S), says what is seen; a
// query that sees nothing sees everything alike, with weights that pass no gradient on.
//
// Heads lie side by side, so rows of a head are N * H apart, and nothing is transposed. Memory is linear in T and S:
// forward, the scores of some queries at a time, which stay in L2, are made by one product, turned into weights and
// multiplied by the values; backward, the weights of all queries for some keys are made again from the logarithms:
//
//   P = exp(scale q k^T - logarithm)    dv = P^T dy    dS = scale P (dy v^T - D), D = sum(dy y) of a query
//   dq = dS k    dk = dS^T q
//
// After Dao et al., "FlashAttention", NeurIPS 2022. A task is a head of a sample.
#include <cstring>

#include "ops/attention.h"
#include "ops/dispatch.h"
#include "ops/softmax_rows.h"
#include "simd/horizontal.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Scores that are not seen: as low as they may be so that a difference of two is still finite.
template <class T>
constexpr T unseen = sizeof(T) == 4 ? static_cast<T>(-2.3e38) : static_cast<T>(-1.2e308);

// A row of scores, of which the first `count` may be seen, becomes weights that are still to be divided by their sum.
// Returns the largest score, and the sum.
template <class T>
DLNATIVE_INLINE void weights_of(T* row, std::int64_t count, std::int64_t end, T scale, const std::uint8_t* seen,
                                T& largest, T& total) {
  for_vectors<T>(
      count, [=](std::int64_t i) { store(row + i, load(row + i) * scale); },
      [=](std::int64_t i, int rest) { store_partial(row + i, load_partial(row + i, rest) * scale, rest); });
  if (seen != nullptr) {
    for (std::int64_t i = 0; i < count; ++i) row[i] = seen[i] != 0 ? row[i] : unseen<T>;
  }
  largest = horizontal_reduce(lane_max(row, count), larger);
  if (!(largest >= unseen<T>)) largest = largest == largest ? unseen<T> : largest;  // -inf alone
  total = sum(lane_exp<T, true>(row, count, largest, row));
  if (end > count) std::memset(row + count, 0, static_cast<std::size_t>(end - count) * sizeof(T));
}

template <class T>
void attention(const Call& call) {
  const Attention<T> p(call, 0, 3);
  const T *const q = call.inputs[0].as<T>(), *const k = call.inputs[1].as<T>(), *const v = call.inputs[2].as<T>();
  T *const y = call.outputs[0].as<T>(), *const logarithms = call.outputs[1].as<T>();
  if (p.B * p.R * p.N == 0) return;
  const std::int64_t size = p.forward_size(), packed = p.packed_size(), block = p.queries(), row = p.row();
  const double work =
      static_cast<double>(p.B * p.N * p.R * p.S) * (static_cast<double>(p.H + p.V) / 96 + 0.3) / (p.causal ? 2 : 1);
  call.workers->parallel_for(call.workers->worthwhile(work), p.B * p.N, [&](std::int64_t task, int thread) {
    const std::int64_t b = task / p.N, n = task % p.N;
    T *const packed_k = static_cast<T*>(call.scratch) + thread * size, *const scores = packed_k + packed,
             *const rest = scores + p.scores_size();
    const std::int64_t q_row = p.N * p.H, v_row = p.N * p.V;
    Part<T> part = matrix_part(p.H, q + b * p.R * q_row + n * p.H, q_row, k + b * p.S * q_row + n * p.H, q_row);
    DLNATIVE_ISA::batch_reduce_pack(p.scores(&part, 1, p.S), packed_k);
    const T *const q_head = part.a, *const v_head = v + b * p.S * v_row + n * p.V;
    T *const y_head = y + b * p.R * v_row + n * p.V, *const logarithm = logarithms + (b * p.N + n) * p.R;
    for (std::int64_t first = 0; first < p.R; first += block) {
      const std::int64_t M = min(block, p.R - first);
      std::int64_t limit = p.seen(first + M - 1);
      if (p.mask.exists && p.mask.t == 0) {  // what nobody sees behind the last key need not be looked at
        const std::uint8_t* const seen = p.mask.row(b, n, 0);
        std::int64_t last = limit;
        while (last > 0 && seen[last - 1] == 0) --last;
        if (last > 0) limit = last;
      }
      part.a = q_head + first * q_row;
      BatchReduceArguments<T> g = p.scores(&part, M, p.columns(limit));
      g.packed_b = packed_k;
      g.c = scores;
      DLNATIVE_ISA::batch_reduce(g, rest, Workers{});
      const std::int64_t steps = p.steps(limit);
      T totals[Attention<T>::most_queries];
      for (std::int64_t i = 0; i < M; ++i) {
        T largest = 0;
        const std::int64_t count = min(p.seen(first + i), limit);
        const std::uint8_t* const seen = p.mask.exists ? p.mask.row(b, n, first + i) : nullptr;
        weights_of<T>(scores + i * row, count, steps, p.scale, seen, largest, totals[i]);
        logarithm[first + i] = largest + static_cast<T>(__builtin_log(static_cast<double>(totals[i])));
      }
      GemmArguments<T> product = p.result(M, steps);
      product.a = scores;
      product.b = v_head;
      product.c = y_head + first * v_row;
      DLNATIVE_ISA::gemm(product, rest, Workers{});
      for (std::int64_t i = 0; i < M; ++i) {
        T* const to = product.c + i * v_row;
        const T share = T{1} / totals[i];
        for_vectors<T>(
            p.V, [=](std::int64_t c) { store(to + c, load(to + c) * share); },
            [=](std::int64_t c, int left) { store_partial(to + c, load_partial(to + c, left) * share, left); });
      }
    }
  });
}

// The products of the gradient, for keys [j, j + J) and queries from `first` on.
template <class T>
struct GradientProducts {
  const Attention<T>& p;
  std::int64_t M, J;

  // rows (M, K) of a matrix of heads times the rows (J, K) of another, transposed
  GemmArguments<T> inner(const T* a, const T* b, std::int64_t K, T* c) const {
    GemmArguments<T> g;
    g.M = M;
    g.N = J;
    g.K = K;
    g.a = a;
    g.b = b;
    g.lda = g.ldb = p.N * K;
    g.transpose_b = true;
    g.c = c;
    g.ldc = J;
    return g;
  }
  // panel (M, J), transposed, times the rows (M, K) of a matrix of heads
  GemmArguments<T> to_keys(const T* panel, const T* b, std::int64_t K, T* c) const {
    GemmArguments<T> g;
    g.M = J;
    g.N = K;
    g.K = M;
    g.a = panel;
    g.lda = J;
    g.transpose_a = true;
    g.b = b;
    g.ldb = p.N * K;
    g.c = c;
    g.ldc = p.N * K;
    return g;
  }
  // panel (M, J) times the rows (J, H) of the keys
  GemmArguments<T> to_queries(const T* panel, const T* keys, T* c) const {
    GemmArguments<T> g;
    g.M = M;
    g.N = p.H;
    g.K = J;
    g.a = panel;
    g.lda = J;
    g.b = keys;
    g.ldb = p.N * p.H;
    g.c = c;
    g.ldc = p.H;
    return g;
  }
  std::int64_t bytes() const {
    std::int64_t all = 0;
    for (const GemmArguments<T>& g : {inner(nullptr, nullptr, p.H, nullptr), inner(nullptr, nullptr, p.V, nullptr),
                                      to_keys(nullptr, nullptr, p.H, nullptr), to_keys(nullptr, nullptr, p.V, nullptr),
                                      to_queries(nullptr, nullptr, nullptr)}) {
      all = max(all, DLNATIVE_ISA::gemm_scratch_bytes(g, 1));
    }
    return all;
  }
};

template <class T>
struct Gradient : Attention<T> {
  using Attention<T>::R, Attention<T>::S, Attention<T>::H;
  explicit Gradient(const Call& call) : Attention<T>(call, 1, 6) {}

  std::int64_t first_query(std::int64_t j) const { return this->causal ? min(j, R) : 0; }
  std::int64_t panel() const { return round_up(R * this->keys(), 64); }
  std::int64_t sums() const { return round_up(R, 64); }
  std::int64_t query_size() const { return round_up(R * H, 64); }
  std::int64_t product_size() const {
    std::int64_t bytes = 0;
    const std::int64_t block = max(this->keys(), 1);
    for (std::int64_t j = 0; j < S; j += block) {
      const GradientProducts<T> products{*this, R - first_query(j), min(block, S - j)};
      bytes = max(bytes, products.bytes());
      if (!this->causal && j + 2 * block < S) j += (S - j) / block * block - 2 * block;  // all alike
    }
    return this->elements(bytes);
  }
  // Weights and what arrives at them; D; dq as far as it is summed, and what comes to it.
  std::int64_t size() const { return 2 * panel() + sums() + 2 * query_size() + product_size(); }
};

template <class T>
void attention_gradient(const Call& call) {
  const Gradient<T> p(call);
  const T *const dy = call.inputs[0].as<T>(), *const q = call.inputs[1].as<T>(), *const k = call.inputs[2].as<T>(),
                 *const v = call.inputs[3].as<T>(), *const y = call.inputs[4].as<T>(),
                 *const logarithms = call.inputs[5].as<T>();
  T *const dq = call.outputs[0].as<T>(), *const dk = call.outputs[1].as<T>(), *const dv = call.outputs[2].as<T>();
  if (p.B * p.N == 0) return;
  const std::int64_t size = p.size(), block = max(p.keys(), 1);
  const double work = static_cast<double>(p.B * p.N * p.R * p.S) * (static_cast<double>(3 * p.H + 2 * p.V) / 96 + 0.4) /
                      (p.causal ? 2 : 1);
  call.workers->parallel_for(call.workers->worthwhile(work), p.B * p.N, [&](std::int64_t task, int thread) {
    const std::int64_t b = task / p.N, n = task % p.N, q_row = p.N * p.H, v_row = p.N * p.V;
    const std::int64_t at_q = b * p.R * q_row + n * p.H, at_k = b * p.S * q_row + n * p.H;
    const std::int64_t at_y = b * p.R * v_row + n * p.V, at_v = b * p.S * v_row + n * p.V;
    const T* const logarithm = logarithms + task * p.R;
    T *const weights = static_cast<T*>(call.scratch) + thread * size, *const arriving = weights + p.panel(),
             *const D = arriving + p.panel(), *const to_q = D + p.sums(), *const part_of_q = to_q + p.query_size(),
             *const rest = part_of_q + p.query_size();
    for (std::int64_t i = 0; i < p.R; ++i) {
      const T *const given = dy + at_y + i * v_row, *const result = y + at_y + i * v_row;
      Vec<T> total = {};
      for_vectors<T>(
          p.V, [&](std::int64_t c) { total = fma(load(given + c), load(result + c), total); },
          [&](std::int64_t c, int left) {
            total = fma(load_partial(given + c, left), load_partial(result + c, left), total);
          });
      D[i] = sum(total);
    }
    std::memset(to_q, 0, static_cast<std::size_t>(p.R * p.H) * sizeof(T));
    for (std::int64_t j = 0; j < p.S; j += block) {
      const std::int64_t J = min(block, p.S - j), first = p.first_query(j), M = p.R - first;
      T *const dk_block = dk + at_k + j * q_row, *const dv_block = dv + at_v + j * v_row;
      if (M == 0) {
        for (std::int64_t i = 0; i < J; ++i) {
          std::memset(dk_block + i * q_row, 0, static_cast<std::size_t>(p.H) * sizeof(T));
          std::memset(dv_block + i * v_row, 0, static_cast<std::size_t>(p.V) * sizeof(T));
        }
        continue;
      }
      const GradientProducts<T> products{p, M, J};
      const T *const q_block = q + at_q + first * q_row, *const k_block = k + at_k + j * q_row;
      const T *const dy_block = dy + at_y + first * v_row, *const v_block = v + at_v + j * v_row;
      DLNATIVE_ISA::gemm(products.inner(q_block, k_block, p.H, weights), rest, Workers{});
      DLNATIVE_ISA::gemm(products.inner(dy_block, v_block, p.V, arriving), rest, Workers{});
      for (std::int64_t i = 0; i < M; ++i) {
        T *const w = weights + i * J, *const a = arriving + i * J;
        const std::int64_t query = first + i, seen = p.causal ? min(max(query + 1 - j, 0), J) : J;
        const T log_sum = logarithm[query], d = D[query], scale = p.scale;
        if (p.mask.exists) {
          const std::uint8_t* const mask = p.mask.row(b, n, query) + j;
          for (std::int64_t c = 0; c < seen; ++c) w[c] = mask[c] != 0 ? w[c] : static_cast<T>(-__builtin_inf());
        }
        const auto finish = [=](std::int64_t c, int count) __attribute__((always_inline)) {
          const Vec<T> s = count == lanes<T> ? load(w + c) : load_partial(w + c, count);
          const Vec<T> g = count == lanes<T> ? load(a + c) : load_partial(a + c, count);
          const Vec<T> shares = select(s == static_cast<T>(-__builtin_inf()), Vec<T>{}, exp(s * scale - log_sum));
          const Vec<T> ds = shares * (g - d) * scale;
          if (count == lanes<T>) {
            store(w + c, shares);
            store(a + c, ds);
          } else {
            store_partial(w + c, shares, count);
            store_partial(a + c, ds, count);
          }
        };
        for_vectors<T>(
            seen, [=](std::int64_t c) __attribute__((always_inline)) { finish(c, lanes<T>); },
            [=](std::int64_t c, int left) __attribute__((always_inline)) { finish(c, left); });
        if (seen < J) {
          std::memset(w + seen, 0, static_cast<std::size_t>(J - seen) * sizeof(T));
          std::memset(a + seen, 0, static_cast<std::size_t>(J - seen) * sizeof(T));
        }
      }
      DLNATIVE_ISA::gemm(products.to_keys(weights, dy_block, p.V, dv_block), rest, Workers{});
      DLNATIVE_ISA::gemm(products.to_keys(arriving, q_block, p.H, dk_block), rest, Workers{});
      DLNATIVE_ISA::gemm(products.to_queries(arriving, k_block, part_of_q), rest, Workers{});
      T* const sums = to_q + first * p.H;
      for_vectors<T>(
          M * p.H, [=](std::int64_t c) { store(sums + c, load(sums + c) + load(part_of_q + c)); },
          [=](std::int64_t c, int left) {
            store_partial(sums + c, load_partial(sums + c, left) + load_partial(part_of_q + c, left), left);
          });
    }
    for (std::int64_t i = 0; i < p.R; ++i) {
      std::memcpy(dq + at_q + i * q_row, to_q + i * p.H, static_cast<std::size_t>(p.H) * sizeof(T));
    }
  });
}

template <class T>
std::int64_t forward_bytes(const Call& call, int threads) {
  return threads * Attention<T>(call, 0, 3).forward_size() * static_cast<std::int64_t>(sizeof(T));
}
std::int64_t attention_bytes(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype,
                   [&](auto type) { return forward_bytes<decltype(type)>(call, threads); });
}
std::int64_t attention_gradient_bytes(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    return threads * Gradient<decltype(type)>(call).size() * static_cast<std::int64_t>(sizeof(type));
  });
}

// Floats of one type, and a mask behind them.
template <int floats>
bool takes(const Call& call) {
  const DType type = call.inputs[0].dtype;
  for (int i = 0; i < call.input_count; ++i) {
    if (call.inputs[i].dtype != (i < floats ? type : DType::boolean)) return false;
  }
  for (int i = 0; i < call.output_count; ++i) {
    if (call.outputs[i].dtype != type) return false;
  }
  return (Floats::set & set_of(type)) != 0;
}

}  // namespace

extern const OpRow attention_rows[] = {
    {"attention", by_float<attention<float>, attention<double>>, same<Floats>, attention_bytes, nullptr, nullptr,
     takes<3>},
    {"attention_gradient", by_float<attention_gradient<float>, attention_gradient<double>>, same<Floats>,
     attention_gradient_bytes, nullptr, nullptr, takes<6>},
};
extern const int attention_row_count = sizeof(attention_rows) / sizeof(attention_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
