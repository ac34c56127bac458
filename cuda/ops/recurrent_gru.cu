// The gated recurrent unit over whole sequences; csrc/ops/recurrent_gru.cpp says what each op computes, and what is
// saved.
#include "ops/recurrent.h"

namespace dlnative::cuda {
namespace {

template <class T>
struct GruStep {
  BatchRows<const T> x, h_before, mask;
  const T *p, *bias;
  BatchRows<T> gates, inner, h;
  T* h_last;  // or null
};

// With reset_after a step is one kernel; otherwise two, between which r h is multiplied by the weights of n.
enum class GruPart { all, reset, candidate };

template <class T, GruPart part>
__global__ void __launch_bounds__(recurrent_threads)
    gru_kernel(GruStep<T> s, std::uint32_t size, Divisor units, std::int32_t H) {
  wait_for_previous_kernel();
  const Unit unit(size, units);
  if (!unit.inside) return;
  const std::uint32_t b = unit.b, u = unit.u;
  const T *const x = s.x.row(b) + u, *const p = s.p + std::int64_t{b} * 3 * H + u, before = s.h_before.row(b)[u];
  T* const gates = s.gates.row(b) + u;
  const bool masked = is_masked(s.mask, b);
  T z = 0, r = 0, n = 0, inner = 0, y = before;
  if (!masked) {
    if constexpr (part == GruPart::all) {
      const T* const bias = s.bias + u;
      z = sigmoid(x[0] + p[0] + bias[0]);
      r = sigmoid(x[H] + p[H] + bias[H]);
      inner = p[2 * H] + bias[2 * H];
      n = tanh(fma(r, inner, x[2 * H]));
      y = fma(z, before - n, n);
    } else if constexpr (part == GruPart::reset) {
      z = sigmoid(x[0] + p[0]);
      r = sigmoid(x[H] + p[H]);
      inner = r * before;
    } else {
      n = tanh(x[2 * H] + p[2 * H]);
      y = fma(gates[0], before - n, n);
    }
  }
  if constexpr (part != GruPart::candidate) {
    gates[0] = z;
    gates[H] = r;
    s.inner.row(b)[u] = inner;
  }
  if constexpr (part != GruPart::reset) {
    gates[2 * H] = n;
    s.h.row(b)[u] = y;
    if (s.h_last != nullptr) s.h_last[std::int64_t{b} * H + u] = y;
  }
}

// Inputs: x, h0, w, then b and the mask, as far as there are any.
template <class T>
struct Gru {
  Sequence sequence;
  std::int64_t H;
  bool reset_after;
  Scratch<T> scratch;
  T* p;
  const T *bias = nullptr, *mask = nullptr;

  explicit Gru(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2) / 3),
        reset_after(call.ints[1] != 0),
        scratch(call.scratch) {
    p = scratch.take(sequence.B * 3 * H);
    int next = 3;
    if (reset_after) bias = call.inputs[next++].as<const T>();
    if (call.ints[2] != 0) mask = call.inputs[next++].as<const T>();
  }
  GemmArguments<T> product(BatchRows<const T> h, const T* w) const {
    return step_product<T>(sequence.B, (reset_after ? 3 : 2) * H, H, h, w, 3 * H, false, p, 3 * H);
  }
  GemmArguments<T> candidate(BatchRows<const T> inner, const T* w) const {
    return step_product<T>(sequence.B, H, H, inner, w + 2 * H, 3 * H, false, p + 2 * H, 3 * H);
  }
};

template <class T>
void gru(const Call& call, Queue& queue) {
  const Gru<T> m(call);
  const Sequence& sequence = m.sequence;
  const std::int64_t H = m.H;
  if (sequence.B * H == 0) return;
  const T *x = call.inputs[0].as<const T>(), *h0 = call.inputs[1].as<const T>(), *w = call.inputs[2].as<const T>();
  T *hs = call.outputs[0].as<T>(), *gates = call.outputs[2].as<T>(), *inner = call.outputs[3].as<T>();
  const Units units(sequence.B, H, queue);
  for (std::int64_t s = 0; s < sequence.T; ++s) {
    const BatchRows<const T> h = before<T>(h0, hs, sequence, s, H);
    const GruStep<T> step{step_of(x, sequence, s, 3 * H),
                          h,
                          mask_of(m.mask, sequence, s),
                          m.p,
                          m.bias,
                          step_of(gates, sequence, s, 3 * H),
                          step_of(inner, sequence, s, H),
                          step_of(hs, sequence, s, H),
                          s == sequence.T - 1 ? call.outputs[1].as<T>() : nullptr};
    const auto enqueue = [&](auto kernel) {
      launch(queue, kernel, units.grid, step, units.size, units.units, static_cast<std::int32_t>(H));
    };
    enqueue_gemm(m.product(h, w), Batch{}, m.scratch.rest(), queue);
    if (m.reset_after) {
      enqueue(gru_kernel<T, GruPart::all>);
      continue;
    }
    enqueue(gru_kernel<T, GruPart::reset>);
    enqueue_gemm(m.candidate({step.inner.first, step.inner.ld}, w), Batch{}, m.scratch.rest(), queue);
    enqueue(gru_kernel<T, GruPart::candidate>);
  }
}
template <class T>
std::int64_t gru_bytes(const Call& call) {
  const Gru<T> m(call);
  const T* const none = nullptr;
  return m.scratch.used() + products_bytes<T>({m.product({}, none), m.candidate({}, none)});
}

template <class T>
struct GruGradientStep {
  BatchRows<const T> gates, inner, h_before, mask, dh;  // dh: of the step, or null
  const T *from_behind, *made;                          // dh from the step behind, or null; dn w_n^T
  T *carry, *near;                                      // near: what arrives at the products, with reset_after
  BatchRows<T> dx, arriving;                            // arriving: at h w_n, with reset_after
};

template <class T, GruPart part>
__global__ void __launch_bounds__(recurrent_threads)
    gru_gradient_kernel(GruGradientStep<T> s, std::uint32_t size, Divisor units, std::int32_t H) {
  wait_for_previous_kernel();
  const Unit unit(size, units);
  if (!unit.inside) return;
  const std::uint32_t b = unit.b, u = unit.u;
  const std::int64_t at = std::int64_t{b} * H + u;
  const bool masked = is_masked(s.mask, b);
  const T *const gates = s.gates.row(b) + u, before = s.h_before.row(b)[u];
  T* const dx = s.dx.row(b) + u;
  const T r = masked ? T{0} : gates[H];
  if constexpr (part == GruPart::candidate) {  // of r h, when what arrives there is known
    if (masked) return;
    const T d = s.made[at];
    s.carry[at] = fma(d, r, s.carry[at]);
    dx[H] = d * before * (r * (T{1} - r));
    return;
  }
  T d = s.from_behind != nullptr ? s.from_behind[at] : T{0};
  if (s.dh.first != nullptr) d += s.dh.row(b)[u];
  T dn = 0, dz = 0, dr = 0, dinner = 0, kept = d;
  if (!masked) {
    const T z = gates[0], n = gates[2 * H];
    dn = d * (T{1} - z) * (T{1} - n * n);
    dz = d * (before - n) * (z * (T{1} - z));
    kept = d * z;
    if constexpr (part == GruPart::all) {
      dr = dn * s.inner.row(b)[u] * (r * (T{1} - r));
      dinner = dn * r;
    }
  }
  s.carry[at] = kept;
  dx[0] = dz;
  dx[2 * H] = dn;
  if (part == GruPart::all || masked) dx[H] = dr;
  if constexpr (part == GruPart::all) {
    T* const near = s.near + std::int64_t{b} * 3 * H + u;
    near[0] = dz;
    near[H] = dr;
    near[2 * H] = dinner;
    s.arriving.row(b)[u] = dinner;
  }
}

// Inputs: gates, inner, h, h0, w, then the mask, dh of all steps and dh of the last, as far as there are any. Outputs:
// the gradients of x, h0, w and, with reset_after, b.
template <class T>
struct GruGradient {
  Sequence sequence;
  std::int64_t H;
  bool reset_after;
  Scratch<T> scratch;
  T *dh, *carry, *made, *near, *arriving, *states;
  const T *mask = nullptr, *dhs = nullptr, *dh_last = nullptr;

  explicit GruGradient(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2) / 3),
        reset_after(call.ints[1] != 0),
        scratch(call.scratch) {
    dh = scratch.take(sequence.B * H);
    carry = scratch.take(sequence.B * H);
    made = scratch.take(sequence.B * H);
    near = scratch.take(sequence.B * 3 * H);
    arriving = scratch.take(reset_after ? sequence.B * sequence.T * H : 0);
    states = scratch.take(sequence.B * sequence.T * H);
    int next = 5;
    if (call.ints[2] != 0) mask = call.inputs[next++].as<const T>();
    if (call.ints[3] != 0) dhs = call.inputs[next++].as<const T>();
    if (call.ints[4] != 0) dh_last = call.inputs[next++].as<const T>();
  }
  GemmArguments<T> product(BatchRows<const T> d, const T* w, T* to) const {
    return step_product<T>(sequence.B, H, (reset_after ? 3 : 2) * H, d, w, 3 * H, true, to, H, carry);
  }
  GemmArguments<T> candidate(BatchRows<const T> dn, const T* w) const {
    return step_product<T>(sequence.B, H, H, dn, w + 2 * H, 3 * H, true, made, H);
  }
  std::int64_t rows() const { return sequence.B * sequence.T; }
  GemmArguments<T> of_gates(const T* dx, T* dw, T* db) const {
    return weight_product<T>(H, 2 * H, rows(), states, dx, 3 * H, dw, 3 * H, db);
  }
  // Of the state, or of r h.
  GemmArguments<T> of_candidate(const T* inner, const T* dx, T* dw, T* db) const {
    if (reset_after) return weight_product<T>(H, H, rows(), states, arriving, H, dw + 2 * H, 3 * H, db);
    return weight_product<T>(H, H, rows(), inner, dx + 2 * H, 3 * H, dw + 2 * H, 3 * H);
  }
};

template <class T>
void gru_gradient(const Call& call, Queue& queue) {
  const GruGradient<T> m(call);
  const Sequence& sequence = m.sequence;
  const std::int64_t H = m.H;
  const T *gates = call.inputs[0].as<const T>(), *inner = call.inputs[1].as<const T>(),
          *hs = call.inputs[2].as<const T>(), *h0 = call.inputs[3].as<const T>(), *w = call.inputs[4].as<const T>();
  T *dx = call.outputs[0].as<T>(), *dh0 = call.outputs[1].as<T>(), *dw = call.outputs[2].as<T>(),
    *db = m.reset_after ? call.outputs[3].as<T>() : nullptr;
  void* const rest = m.scratch.rest();
  if (H == 0) return;
  if (sequence.B > 0) {
    const Units units(sequence.B, H, queue);
    for (std::int64_t s = sequence.T - 1; s >= 0; --s) {
      const BatchRows<T> own = step_of(dx, sequence, s, 3 * H);
      const GruGradientStep<T> step{step_of(gates, sequence, s, 3 * H),
                                    step_of(inner, sequence, s, H),
                                    before<T>(h0, hs, sequence, s, H),
                                    mask_of(m.mask, sequence, s),
                                    m.dhs != nullptr ? step_of(m.dhs, sequence, s, H) : BatchRows<const T>{},
                                    s == sequence.T - 1 ? m.dh_last : m.dh,
                                    m.made,
                                    m.carry,
                                    m.near,
                                    own,
                                    m.reset_after ? step_of(m.arriving, sequence, s, H) : BatchRows<T>{}};
      const auto enqueue = [&](auto kernel) {
        launch(queue, kernel, units.grid, step, units.size, units.units, static_cast<std::int32_t>(H));
      };
      T* const to = s == 0 ? dh0 : m.dh;
      if (m.reset_after) {
        enqueue(gru_gradient_kernel<T, GruPart::all>);
        enqueue_gemm(m.product({m.near, 3 * H}, w, to), Batch{}, rest, queue);
        continue;
      }
      enqueue(gru_gradient_kernel<T, GruPart::reset>);
      enqueue_gemm(m.candidate({own.first + 2 * H, own.ld}, w), Batch{}, rest, queue);
      enqueue(gru_gradient_kernel<T, GruPart::candidate>);
      enqueue_gemm(m.product({own.first, own.ld}, w, to), Batch{}, rest, queue);
    }
    enqueue_shift(h0, hs, m.states, sequence, H, queue);
  }
  enqueue_gemm(m.of_gates(dx, dw, db), Batch{}, rest, queue);
  enqueue_gemm(m.of_candidate(inner, dx, dw, db != nullptr ? db + 2 * H : nullptr), Batch{}, rest, queue);
}
template <class T>
std::int64_t gru_gradient_bytes(const Call& call) {
  const GruGradient<T> m(call);
  const T* const none = nullptr;
  T any{};  // whether sums are wanted decides, not where they go
  T* const db = m.reset_after ? &any : nullptr;
  return m.scratch.used() + products_bytes<T>({m.product({}, none, nullptr), m.candidate({}, none),
                                               m.of_gates(none, nullptr, db), m.of_candidate(none, none, nullptr, db)});
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) \
  by_float<kernel<float>, kernel<double>>, same<Floats>, bytes_by_float<kernel##_bytes<float>, kernel##_bytes<double>>
extern const Row gru_rows[] = {
    {"gru", DLNATIVE_BY_FLOAT(gru)},
    {"gru_gradient", DLNATIVE_BY_FLOAT(gru_gradient)},
};
#undef DLNATIVE_BY_FLOAT
extern const int gru_row_count = sizeof(gru_rows) / sizeof(gru_rows[0]);

}  // namespace dlnative::cuda
