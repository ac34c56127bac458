// The long short-term memory and the simple recurrent network over whole sequences; csrc/ops/recurrent_lstm.cpp and
// recurrent_simple.cpp say what each op computes.
#include "ops/recurrent.h"

namespace dlnative::cuda {
namespace {

template <class T>
struct LstmStep {
  BatchRows<const T> z, h_before, c_before, mask;
  const T* p;
  BatchRows<T> gates, h, c;
  T *h_last, *c_last;  // or null
};
template <class T>
__global__ void __launch_bounds__(recurrent_threads)
    lstm_kernel(LstmStep<T> s, std::uint32_t size, Divisor units, std::int32_t H) {
  wait_for_previous_kernel();
  const Unit unit(size, units);
  if (!unit.inside) return;
  const std::uint32_t b = unit.b, u = unit.u;
  T next = s.c_before.row(b)[u], y;
  T* const gates = s.gates.row(b) + u;
  if (is_masked(s.mask, b)) {
    y = s.h_before.row(b)[u];
    for (int k = 0; k < 4; ++k) gates[k * H] = 0;
  } else {
    const T *const z = s.z.row(b) + u, *const p = s.p + std::int64_t{b} * 4 * H + u;
    const T i = sigmoid(z[0] + p[0]), f = sigmoid(z[H] + p[H]), g = tanh(z[2 * H] + p[2 * H]),
            o = sigmoid(z[3 * H] + p[3 * H]);
    next = fma(f, next, i * g);
    y = o * tanh(next);
    gates[0] = i;
    gates[H] = f;
    gates[2 * H] = g;
    gates[3 * H] = o;
  }
  s.c.row(b)[u] = next;
  s.h.row(b)[u] = y;
  if (s.h_last == nullptr) return;
  s.h_last[std::int64_t{b} * H + u] = y;
  s.c_last[std::int64_t{b} * H + u] = next;
}

template <class T>
struct Lstm {
  Sequence sequence;
  std::int64_t H;
  T* p;
  Scratch<T> scratch;

  explicit Lstm(const Call& call)
      : sequence(call.inputs[0], call.ints[0]), H(call.inputs[0].extent(2) / 4), scratch(call.scratch) {
    p = scratch.take(sequence.B * 4 * H);
  }
  GemmArguments<T> product(BatchRows<const T> h, const T* r) const {
    return step_product<T>(sequence.B, 4 * H, H, h, r, 4 * H, false, p, 4 * H);
  }
};
template <class T>
void lstm(const Call& call, Queue& queue) {
  const Lstm<T> m(call);
  const Sequence& sequence = m.sequence;
  const std::int64_t H = m.H;
  if (sequence.B * H == 0) return;
  const T *z = call.inputs[0].as<const T>(), *h0 = call.inputs[1].as<const T>(), *c0 = call.inputs[2].as<const T>(),
          *r = call.inputs[3].as<const T>(), *mask = call.input_count > 4 ? call.inputs[4].as<const T>() : nullptr;
  T *hs = call.outputs[0].as<T>(), *cs = call.outputs[3].as<T>(), *gates = call.outputs[4].as<T>();
  const Units units(sequence.B, H, queue);
  for (std::int64_t s = 0; s < sequence.T; ++s) {
    const BatchRows<const T> h = before<T>(h0, hs, sequence, s, H);
    enqueue_gemm(m.product(h, r), Batch{}, m.scratch.rest(), queue);
    const bool last = s == sequence.T - 1;
    const LstmStep<T> step{step_of(z, sequence, s, 4 * H),
                           h,
                           before<T>(c0, cs, sequence, s, H),
                           mask_of(mask, sequence, s),
                           m.p,
                           step_of(gates, sequence, s, 4 * H),
                           step_of(hs, sequence, s, H),
                           step_of(cs, sequence, s, H),
                           last ? call.outputs[1].as<T>() : nullptr,
                           last ? call.outputs[2].as<T>() : nullptr};
    launch(queue, lstm_kernel<T>, units.grid, step, units.size, units.units, static_cast<std::int32_t>(H));
  }
}
template <class T>
std::int64_t lstm_bytes(const Call& call) {
  const Lstm<T> m(call);
  return m.scratch.used() + products_bytes<T>({m.product({}, nullptr)});
}

template <class T>
struct LstmGradientStep {
  BatchRows<const T> gates, c, c_before, mask, dh;  // dh: of the step, or null
  const T *arriving_h, *arriving_c;                 // from the step behind, or null
  T *carry, *dc;                                    // what goes on: carry null without a mask
  BatchRows<T> dz;
};
template <class T>
__global__ void __launch_bounds__(recurrent_threads)
    lstm_gradient_kernel(LstmGradientStep<T> s, std::uint32_t size, Divisor units, std::int32_t H) {
  wait_for_previous_kernel();
  const Unit unit(size, units);
  if (!unit.inside) return;
  const std::uint32_t b = unit.b, u = unit.u;
  const std::int64_t at = std::int64_t{b} * H + u;
  T d = s.arriving_h != nullptr ? s.arriving_h[at] : T{0};
  if (s.dh.first != nullptr) d += s.dh.row(b)[u];
  const T arriving = s.arriving_c != nullptr ? s.arriving_c[at] : T{0};
  const T* const gates = s.gates.row(b) + u;
  T* const dz = s.dz.row(b) + u;
  if (is_masked(s.mask, b)) {
    s.carry[at] = d;
    s.dc[at] = arriving;
    for (int k = 0; k < 4; ++k) dz[k * H] = 0;
    return;
  }
  const T i = gates[0], f = gates[H], g = gates[2 * H], o = gates[3 * H], y = tanh(s.c.row(b)[u]);
  const T cell = fma(d * o, T{1} - y * y, arriving);
  const T df = cell * s.c_before.row(b)[u] * (f * (T{1} - f));
  if (s.carry != nullptr) s.carry[at] = 0;
  s.dc[at] = cell * f;
  dz[0] = cell * g * (i * (T{1} - i));
  dz[H] = df;
  dz[2 * H] = cell * i * (T{1} - g * g);
  dz[3 * H] = d * y * (o * (T{1} - o));
}

// Inputs: gates, c, h, h0, c0, r, then the mask, dh of all steps, dh and dc of the last, as far as there are any.
template <class T>
struct LstmGradient {
  Sequence sequence;
  std::int64_t H;
  Scratch<T> scratch;
  T *dh, *dc, *carry, *states;
  const T *mask = nullptr, *dhs = nullptr, *dh_last = nullptr, *dc_last = nullptr;

  explicit LstmGradient(const Call& call)
      : sequence(call.inputs[0], call.ints[0]), H(call.inputs[0].extent(2) / 4), scratch(call.scratch) {
    dh = scratch.take(sequence.B * H);
    dc = scratch.take(sequence.B * H);
    carry = scratch.take(sequence.B * H);
    states = scratch.take(sequence.B * sequence.T * H);
    int next = 6;
    if (call.ints[1] != 0) mask = call.inputs[next++].as<const T>();
    if (call.ints[2] != 0) dhs = call.inputs[next++].as<const T>();
    if (call.ints[3] != 0) dh_last = call.inputs[next++].as<const T>();
    if (call.ints[4] != 0) dc_last = call.inputs[next++].as<const T>();
  }
  GemmArguments<T> product(BatchRows<const T> dz, const T* r, T* to) const {
    return step_product<T>(sequence.B, H, 4 * H, dz, r, 4 * H, true, to, H, mask != nullptr ? carry : nullptr);
  }
  GemmArguments<T> weights(const T* dz, T* dr) const {
    return weight_product<T>(H, 4 * H, sequence.B * sequence.T, states, dz, 4 * H, dr, 4 * H);
  }
};
template <class T>
void lstm_gradient(const Call& call, Queue& queue) {
  const LstmGradient<T> m(call);
  const Sequence& sequence = m.sequence;
  const std::int64_t H = m.H;
  const T *gates = call.inputs[0].as<const T>(), *cs = call.inputs[1].as<const T>(), *hs = call.inputs[2].as<const T>(),
          *h0 = call.inputs[3].as<const T>(), *c0 = call.inputs[4].as<const T>(), *r = call.inputs[5].as<const T>();
  T *dz = call.outputs[0].as<T>(), *dh0 = call.outputs[1].as<T>(), *dc0 = call.outputs[2].as<T>();
  if (H == 0) return;
  if (sequence.B > 0) {
    const Units units(sequence.B, H, queue);
    for (std::int64_t s = sequence.T - 1; s >= 0; --s) {
      const bool last = s == sequence.T - 1;
      const LstmGradientStep<T> step{step_of(gates, sequence, s, 4 * H),
                                     step_of(cs, sequence, s, H),
                                     before<T>(c0, cs, sequence, s, H),
                                     mask_of(m.mask, sequence, s),
                                     m.dhs != nullptr ? step_of(m.dhs, sequence, s, H) : BatchRows<const T>{},
                                     last ? m.dh_last : m.dh,
                                     last ? m.dc_last : m.dc,
                                     m.mask != nullptr ? m.carry : nullptr,
                                     s == 0 ? dc0 : m.dc,
                                     step_of(dz, sequence, s, 4 * H)};
      launch(queue, lstm_gradient_kernel<T>, units.grid, step, units.size, units.units, static_cast<std::int32_t>(H));
      const BatchRows<T> own = step_of(dz, sequence, s, 4 * H);
      enqueue_gemm(m.product({own.first, own.ld}, r, s == 0 ? dh0 : m.dh), Batch{}, m.scratch.rest(), queue);
    }
    enqueue_shift(h0, hs, m.states, sequence, H, queue);
  }
  enqueue_gemm(m.weights(dz, call.outputs[3].as<T>()), Batch{}, m.scratch.rest(), queue);
}
template <class T>
std::int64_t lstm_gradient_bytes(const Call& call) {
  const LstmGradient<T> m(call);
  return m.scratch.used() + products_bytes<T>({m.product({}, nullptr, nullptr), m.weights(nullptr, nullptr)});
}

// The simple recurrent network.

template <class T>
__global__ void __launch_bounds__(recurrent_threads)
    simple_kernel(BatchRows<const T> z, BatchRows<const T> h_before, BatchRows<const T> mask, const T* p,
                  BatchRows<T> h, T* h_last, std::uint32_t size, Divisor units, std::int32_t H) {
  wait_for_previous_kernel();
  const Unit unit(size, units);
  if (!unit.inside) return;
  const std::int64_t at = std::int64_t{unit.b} * H + unit.u;
  const T y = is_masked(mask, unit.b) ? h_before.row(unit.b)[unit.u] : tanh(z.row(unit.b)[unit.u] + p[at]);
  h.row(unit.b)[unit.u] = y;
  if (h_last != nullptr) h_last[at] = y;
}

template <class T>
struct Simple {
  Sequence sequence;
  std::int64_t H;
  Scratch<T> scratch;
  T* p;

  explicit Simple(const Call& call)
      : sequence(call.inputs[0], call.ints[0]), H(call.inputs[0].extent(2)), scratch(call.scratch) {
    p = scratch.take(sequence.B * H);
  }
  GemmArguments<T> product(BatchRows<const T> h, const T* r) const {
    return step_product<T>(sequence.B, H, H, h, r, H, false, p, H);
  }
};
template <class T>
void simple_rnn(const Call& call, Queue& queue) {
  const Simple<T> m(call);
  const Sequence& sequence = m.sequence;
  const std::int64_t H = m.H;
  if (sequence.B * H == 0) return;
  const T *z = call.inputs[0].as<const T>(), *h0 = call.inputs[1].as<const T>(), *r = call.inputs[2].as<const T>(),
          *mask = call.input_count > 3 ? call.inputs[3].as<const T>() : nullptr;
  T* hs = call.outputs[0].as<T>();
  const Units units(sequence.B, H, queue);
  for (std::int64_t s = 0; s < sequence.T; ++s) {
    const BatchRows<const T> h = before<T>(h0, hs, sequence, s, H);
    enqueue_gemm(m.product(h, r), Batch{}, m.scratch.rest(), queue);
    launch(queue, simple_kernel<T>, units.grid, step_of(z, sequence, s, H), h, mask_of(mask, sequence, s), m.p,
           step_of(hs, sequence, s, H), s == sequence.T - 1 ? call.outputs[1].as<T>() : nullptr, units.size,
           units.units, static_cast<std::int32_t>(H));
  }
}
template <class T>
std::int64_t simple_rnn_bytes(const Call& call) {
  const Simple<T> m(call);
  return m.scratch.used() + products_bytes<T>({m.product({}, nullptr)});
}

template <class T>
__global__ void __launch_bounds__(recurrent_threads)
    simple_gradient_kernel(BatchRows<const T> h, BatchRows<const T> mask, BatchRows<const T> dh, const T* arriving,
                           T* carry, BatchRows<T> dz, std::uint32_t size, Divisor units, std::int32_t H) {
  wait_for_previous_kernel();
  const Unit unit(size, units);
  if (!unit.inside) return;
  const std::int64_t at = std::int64_t{unit.b} * H + unit.u;
  T d = arriving != nullptr ? arriving[at] : T{0};
  if (dh.first != nullptr) d += dh.row(unit.b)[unit.u];
  const bool masked = is_masked(mask, unit.b);
  const T y = h.row(unit.b)[unit.u];
  dz.row(unit.b)[unit.u] = masked ? T{0} : d * (T{1} - y * y);
  if (carry != nullptr) carry[at] = masked ? d : T{0};
}

// Inputs: h, h0, r, then the mask, dh of all steps and dh of the last, as far as there are any.
template <class T>
struct SimpleGradient {
  Sequence sequence;
  std::int64_t H;
  Scratch<T> scratch;
  T *dh, *carry, *states;
  const T *mask = nullptr, *dhs = nullptr, *dh_last = nullptr;

  explicit SimpleGradient(const Call& call)
      : sequence(call.inputs[0], call.ints[0]), H(call.inputs[0].extent(2)), scratch(call.scratch) {
    dh = scratch.take(sequence.B * H);
    carry = scratch.take(sequence.B * H);
    states = scratch.take(sequence.B * sequence.T * H);
    int next = 3;
    if (call.ints[1] != 0) mask = call.inputs[next++].as<const T>();
    if (call.ints[2] != 0) dhs = call.inputs[next++].as<const T>();
    if (call.ints[3] != 0) dh_last = call.inputs[next++].as<const T>();
  }
  GemmArguments<T> product(BatchRows<const T> dz, const T* r, T* to) const {
    return step_product<T>(sequence.B, H, H, dz, r, H, true, to, H, mask != nullptr ? carry : nullptr);
  }
  GemmArguments<T> weights(const T* dz, T* dr) const {
    return weight_product<T>(H, H, sequence.B * sequence.T, states, dz, H, dr, H);
  }
};
template <class T>
void simple_rnn_gradient(const Call& call, Queue& queue) {
  const SimpleGradient<T> m(call);
  const Sequence& sequence = m.sequence;
  const std::int64_t H = m.H;
  const T *hs = call.inputs[0].as<const T>(), *h0 = call.inputs[1].as<const T>(), *r = call.inputs[2].as<const T>();
  T *dz = call.outputs[0].as<T>(), *dh0 = call.outputs[1].as<T>();
  if (H == 0) return;
  if (sequence.B > 0) {
    // dz may take the place of what arrives, but nobody's of h.
    const Units units(sequence.B, H, queue);
    for (std::int64_t s = sequence.T - 1; s >= 0; --s) {
      const BatchRows<T> own = step_of(dz, sequence, s, H);
      launch(queue, simple_gradient_kernel<T>, units.grid, step_of(hs, sequence, s, H), mask_of(m.mask, sequence, s),
             m.dhs != nullptr ? step_of(m.dhs, sequence, s, H) : BatchRows<const T>{},
             s == sequence.T - 1 ? m.dh_last : m.dh, m.mask != nullptr ? m.carry : nullptr, own, units.size,
             units.units, static_cast<std::int32_t>(H));
      enqueue_gemm(m.product({own.first, own.ld}, r, s == 0 ? dh0 : m.dh), Batch{}, m.scratch.rest(), queue);
    }
    enqueue_shift(h0, hs, m.states, sequence, H, queue);
  }
  enqueue_gemm(m.weights(dz, call.outputs[2].as<T>()), Batch{}, m.scratch.rest(), queue);
}
template <class T>
std::int64_t simple_rnn_gradient_bytes(const Call& call) {
  const SimpleGradient<T> m(call);
  return m.scratch.used() + products_bytes<T>({m.product({}, nullptr, nullptr), m.weights(nullptr, nullptr)});
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) \
  by_float<kernel<float>, kernel<double>>, same<Floats>, bytes_by_float<kernel##_bytes<float>, kernel##_bytes<double>>
extern const Row recurrent_rows[] = {
    {"lstm", DLNATIVE_BY_FLOAT(lstm)},
    {"lstm_gradient", DLNATIVE_BY_FLOAT(lstm_gradient)},
    {"simple_rnn", DLNATIVE_BY_FLOAT(simple_rnn)},
    {"simple_rnn_gradient", DLNATIVE_BY_FLOAT(simple_rnn_gradient)},
};
#undef DLNATIVE_BY_FLOAT
extern const int recurrent_row_count = sizeof(recurrent_rows) / sizeof(recurrent_rows[0]);

}  // namespace dlnative::cuda
