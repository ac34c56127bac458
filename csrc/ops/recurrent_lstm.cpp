// The long short-term memory over whole sequences (Hochreiter & Schmidhuber, "Long short-term memory", 1997; Gers et
// al., "Learning to forget", 2000).
//
//   lstm            i, f, g, o side by side in z = x w + b of all steps (B, T, 4H), and in r (H, 4H); h0, c0 (B, H)
//                   (i, f, g, o) = (s, s, tanh, s)(z_t + h_{t-1} r), s the sigmoid
//                   c_t = f c_{t-1} + i g,  h_t = o tanh(c_t);  where a mask (B, T) is 0, both stay as they were
//   lstm_gradient   of dh_t, what arrives plus dz_{t+1} r^T, and dc_t:
//                   do = dh tanh(c_t),  dc = dc_{t+1} f_{t+1} + dh o (1 - tanh(c_t)^2),  di = dc g,  dg = dc i,
//                   df = dc c_{t-1};  dz the gates' gradients times i (1 - i), f (1 - f), 1 - g^2, o (1 - o);
//                   dr = sum of h_{t-1}^T dz_t
//
// Saved are h, c and the gates, which may take the place of z, as dz that of the gates.
#include "ops/recurrent.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class T>
struct Forward {
  Sequence sequence;
  std::int64_t H, ldp, ldh;  // rows of the product and of the state in scratch
  StepProduct<T> product;

  explicit Forward(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2) / 4),
        ldp(apart<T>(4 * H)),
        ldh(apart<T>(H)),
        product(sequence, H, 4 * H, call.inputs[3].as<T>(), 4 * H, false, ldh, ldp) {}

  std::int64_t thread_bytes() const {
    return cache_lines(product.rows * (ldp + ldh) * static_cast<std::int64_t>(sizeof(T))) + product.scratch_bytes();
  }
};

template <class T>
DLNATIVE_INLINE void forward_row(std::int64_t H, const T* z, const T* p, const T* c_before, T* gates, T* c, T* h,
                                 T* state) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    const auto gate = [=](int k) __attribute__((always_inline)) {
      return load_lanes(z + k * H + u, count) + load_lanes(p + k * H + u, count);
    };
    const Vec<T> i = sigmoid(gate(0)), f = sigmoid(gate(1)), g = tanh(gate(2)), o = sigmoid(gate(3));
    const Vec<T> next = fma(f, load_lanes(c_before + u, count), i * g);
    const Vec<T> y = o * tanh(next);
    store_lanes(gates + u, i, count);
    store_lanes(gates + H + u, f, count);
    store_lanes(gates + 2 * H + u, g, count);
    store_lanes(gates + 3 * H + u, o, count);
    store_lanes(c + u, next, count);
    store_lanes(h + u, y, count);
    store_lanes(state + u, y, count);
  });
}

template <class T>
void lstm(const Call& call) {
  Forward<T> forward(call);
  const Sequence sequence = forward.sequence;
  const std::int64_t H = forward.H, ldp = forward.ldp, ldh = forward.ldh, steps = sequence.T;
  const T *z = call.inputs[0].as<T>(), *h0 = call.inputs[1].as<T>(), *c0 = call.inputs[2].as<T>();
  const T* const mask = call.input_count > 4 ? call.inputs[4].as<T>() : nullptr;
  T *hs = call.outputs[0].as<T>(), *h_last = call.outputs[1].as<T>(), *c_last = call.outputs[2].as<T>();
  T *cs = call.outputs[3].as<T>(), *gates = call.outputs[4].as<T>();
  char* const by_thread = forward.product.pack(call.scratch);
  const std::int64_t thread_bytes = forward.thread_bytes(), block = forward.product.rows;
  for_batch_blocks(call, sequence, H, 4,
                   [&](std::int64_t first, std::int64_t rows, int thread, const Workers& workers) {
                     T* const p = reinterpret_cast<T*>(by_thread + thread * thread_bytes);
                     T* const state = p + block * ldp;
                     void* const rest = state + block * ldh;
                     copy_rows(rows, H, h0 + first * H, H, state, ldh);
                     for (std::int64_t s = 0; s < steps; ++s) {
                       forward.product.run(rows, state, ldh, p, rest, workers);
                       for (std::int64_t r = 0; r < rows; ++r) {
                         const std::int64_t b = first + r, here = sequence.at(b, s);
                         const T* const c_before = s == 0 ? c0 + b * H : cs + sequence.at(b, s - 1) * H;
                         T *const c = cs + here * H, *const h = hs + here * H, *const gates_row = gates + here * 4 * H;
                         if (is_masked(mask, here)) {
                           clear_row(4 * H, gates_row);
                           copy_row(H, state + r * ldh, h);
                           copy_row(H, c_before, c);
                         } else {
                           forward_row(H, z + here * 4 * H, p + r * ldp, c_before, gates_row, c, h, state + r * ldh);
                         }
                       }
                     }
                     copy_rows(rows, H, state, ldh, h_last + first * H, H);
                     for (std::int64_t b = first; b < first + rows; ++b) {
                       copy_row(H, cs + sequence.at(b, steps - 1) * H, c_last + b * H);
                     }
                   });
}

// Inputs: gates, c, h, h0, c0, r, then the mask, dh of all steps, dh and dc of the last, as far as there are any.
template <class T>
struct Backward {
  Sequence sequence;
  std::int64_t H, ldz, ldh;
  StepProduct<T> product;
  RecurrentGradient<T> weights;
  const T *mask = nullptr, *dh = nullptr, *dh_last = nullptr, *dc_last = nullptr;

  explicit Backward(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2) / 4),
        ldz(apart<T>(4 * H)),
        ldh(apart<T>(H)),
        product(sequence, 4 * H, H, call.inputs[5].as<T>(), 4 * H, true, ldz, ldh),
        weights{sequence,
                H,
                4 * H,
                4 * H,
                call.inputs[2].as<T>(),
                call.inputs[3].as<T>(),
                call.outputs[0].as<T>(),
                call.outputs[3].as<T>(),
                4 * H} {
    int next = 6;
    if (call.ints[1] != 0) mask = call.inputs[next++].as<T>();
    if (call.ints[2] != 0) dh = call.inputs[next++].as<T>();
    if (call.ints[3] != 0) dh_last = call.inputs[next++].as<T>();
    if (call.ints[4] != 0) dc_last = call.inputs[next++].as<T>();
  }

  std::int64_t thread_bytes() const {
    const std::int64_t elements = product.rows * (ldz + 3 * ldh);
    return cache_lines(elements * static_cast<std::int64_t>(sizeof(T))) + product.scratch_bytes();
  }
};

// dh is what arrives at h; dc goes from dc_t to dc_{t-1} f_t. dz may be the gates.
template <class T>
DLNATIVE_INLINE void backward_row(std::int64_t H, const T* gates, const T* c, const T* c_before, const T* dh, T* dc,
                                  T* dz, T* near) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    constexpr T one = 1;
    const Vec<T> i = load_lanes(gates + u, count), f = load_lanes(gates + H + u, count),
                 g = load_lanes(gates + 2 * H + u, count), o = load_lanes(gates + 3 * H + u, count);
    const Vec<T> y = tanh(load_lanes(c + u, count)), d = load_lanes(dh + u, count);
    const Vec<T> cell = fma(d * o, one - y * y, load_lanes(dc + u, count));
    const Vec<T> df = cell * load_lanes(c_before + u, count) * (f * (one - f));
    const Vec<T> slopes[4] = {cell * g * (i * (one - i)), df, cell * i * (one - g * g), d * y * (o * (one - o))};
    store_lanes(dc + u, cell * f, count);
    for (int k = 0; k < 4; ++k) {
      store_lanes(dz + k * H + u, slopes[k], count);
      store_lanes(near + k * H + u, slopes[k], count);
    }
  });
}

template <class T>
void lstm_gradient(const Call& call) {
  Backward<T> backward(call);
  const Sequence sequence = backward.sequence;
  const std::int64_t H = backward.H, ldz = backward.ldz, ldh = backward.ldh, steps = sequence.T;
  const T *gates = call.inputs[0].as<T>(), *cs = call.inputs[1].as<T>(), *c0 = call.inputs[4].as<T>();
  const T *const mask = backward.mask, *const dhs = backward.dh;
  T *dz = call.outputs[0].as<T>(), *dh0 = call.outputs[1].as<T>(), *dc0 = call.outputs[2].as<T>();
  char* const by_thread = backward.product.pack(call.scratch);
  const std::int64_t thread_bytes = backward.thread_bytes(), block = backward.product.rows;
  for_batch_blocks(
      call, sequence, H, 4, [&](std::int64_t first, std::int64_t rows, int thread, const Workers& workers) {
        T* const near = reinterpret_cast<T*>(by_thread + thread * thread_bytes);
        T *const dh = near + block * ldz, *const dc = dh + block * ldh, *const kept = dc + block * ldh;
        void* const rest = kept + block * ldh;
        copy_rows(rows, H, backward.dh_last == nullptr ? nullptr : backward.dh_last + first * H, H, dh, ldh);
        copy_rows(rows, H, backward.dc_last == nullptr ? nullptr : backward.dc_last + first * H, H, dc, ldh);
        for (std::int64_t s = steps - 1; s >= 0; --s) {
          for (std::int64_t r = 0; r < rows; ++r) {
            const std::int64_t b = first + r, here = sequence.at(b, s);
            T *const dh_row = dh + r * ldh, *const dz_row = dz + here * 4 * H;
            if (dhs != nullptr) add_row(H, dhs + here * H, dh_row);
            if (is_masked(mask, here)) {
              copy_row(H, dh_row, kept + r * ldh);
              clear_row(4 * H, dz_row);
              clear_row(4 * H, near + r * ldz);
            } else {
              const T* const c_before = s == 0 ? c0 + b * H : cs + sequence.at(b, s - 1) * H;
              backward_row(H, gates + here * 4 * H, cs + here * H, c_before, dh_row, dc + r * ldh, dz_row,
                           near + r * ldz);
            }
          }
          backward.product.run(rows, near, ldz, dh, rest, workers);
          for (std::int64_t r = 0; mask != nullptr && r < rows; ++r) {
            if (is_masked(mask, sequence.at(first + r, s))) copy_row(H, kept + r * ldh, dh + r * ldh);
          }
        }
        copy_rows(rows, H, dh, ldh, dh0 + first * H, H);
        copy_rows(rows, H, dc, ldh, dc0 + first * H, H);
      });
  backward.weights.run(call.scratch, *call.workers);
}

}  // namespace

extern const OpRow lstm_rows[] = {
    {"lstm", by_float<lstm<float>, lstm<double>>, same<Floats>, forward_scratch<Forward>},
    {"lstm_gradient", by_float<lstm_gradient<float>, lstm_gradient<double>>, same<Floats>, backward_scratch<Backward>},
};
extern const int lstm_row_count = sizeof(lstm_rows) / sizeof(lstm_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
