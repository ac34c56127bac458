// The simple recurrent network over whole sequences (Elman, "Finding structure in time", 1990).
//
//   simple_rnn            h_t = tanh(z_t + h_{t-1} r), z = x w + b of all steps (B, T, H); where a mask (B, T) is 0, h
//                         stays as it was
//   simple_rnn_gradient   of dh_t, what arrives plus dz_{t+1} r^T: dz_t = dh_t (1 - h_t^2), dr = sum of h_{t-1}^T dz_t
//
// h is all that is saved, and may take the place of z, as dz that of what arrives.
#include "ops/recurrent.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class T>
struct Forward {
  Sequence sequence;
  std::int64_t H, ldh;
  StepProduct<T> product;

  explicit Forward(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2)),
        ldh(apart<T>(H)),
        product(sequence, H, H, call.inputs[2].as<T>(), H, false, ldh, ldh) {}

  std::int64_t thread_bytes() const {
    return cache_lines(product.rows * 2 * ldh * static_cast<std::int64_t>(sizeof(T))) + product.scratch_bytes();
  }
};

template <class T>
void simple_rnn(const Call& call) {
  Forward<T> forward(call);
  const Sequence sequence = forward.sequence;
  const std::int64_t H = forward.H, ldh = forward.ldh, steps = sequence.T;
  const T *z = call.inputs[0].as<T>(), *h0 = call.inputs[1].as<T>();
  const T* const mask = call.input_count > 3 ? call.inputs[3].as<T>() : nullptr;
  T *hs = call.outputs[0].as<T>(), *h_last = call.outputs[1].as<T>();
  char* const by_thread = forward.product.pack(call.scratch);
  const std::int64_t thread_bytes = forward.thread_bytes();
  for_batch_blocks(call, sequence, H, 1,
                   [&](std::int64_t first, std::int64_t rows, int thread, const Workers& workers) {
                     T* const p = reinterpret_cast<T*>(by_thread + thread * thread_bytes);
                     T* const state = p + forward.product.rows * ldh;
                     void* const rest = state + forward.product.rows * ldh;
                     copy_rows(rows, H, h0 + first * H, H, state, ldh);
                     for (std::int64_t s = 0; s < steps; ++s) {
                       forward.product.run(rows, state, ldh, p, rest, workers);
                       for (std::int64_t r = 0; r < rows; ++r) {
                         const std::int64_t here = sequence.at(first + r, s);
                         const T *const z_row = z + here * H, *const p_row = p + r * ldh;
                         T *const h = hs + here * H, *const near = state + r * ldh;
                         if (is_masked(mask, here)) {
                           copy_row(H, near, h);
                           continue;
                         }
                         for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
                           const Vec<T> y = tanh(load_lanes(z_row + u, count) + load_lanes(p_row + u, count));
                           store_lanes(h + u, y, count);
                           store_lanes(near + u, y, count);
                         });
                       }
                     }
                     copy_rows(rows, H, state, ldh, h_last + first * H, H);
                   });
}

// Inputs: h, h0, r, then the mask, dh of all steps and dh of the last, as far as there are any.
template <class T>
struct Backward {
  Sequence sequence;
  std::int64_t H, ldh;
  StepProduct<T> product;
  RecurrentGradient<T> weights;
  const T *mask = nullptr, *dh = nullptr, *dh_last = nullptr;

  explicit Backward(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2)),
        ldh(apart<T>(H)),
        product(sequence, H, H, call.inputs[2].as<T>(), H, true, ldh, ldh),
        weights{sequence,
                H,
                H,
                H,
                call.inputs[0].as<T>(),
                call.inputs[1].as<T>(),
                call.outputs[0].as<T>(),
                call.outputs[2].as<T>(),
                H} {
    int next = 3;
    if (call.ints[1] != 0) mask = call.inputs[next++].as<T>();
    if (call.ints[2] != 0) dh = call.inputs[next++].as<T>();
    if (call.ints[3] != 0) dh_last = call.inputs[next++].as<T>();
  }

  std::int64_t thread_bytes() const {
    return cache_lines(product.rows * 3 * ldh * static_cast<std::int64_t>(sizeof(T))) + product.scratch_bytes();
  }
};

template <class T>
void simple_rnn_gradient(const Call& call) {
  Backward<T> backward(call);
  const Sequence sequence = backward.sequence;
  const std::int64_t H = backward.H, ldh = backward.ldh, steps = sequence.T;
  const T* const hs = call.inputs[0].as<T>();
  const T *const dhs = backward.dh, *const mask = backward.mask;
  T *dz = call.outputs[0].as<T>(), *dh0 = call.outputs[1].as<T>();
  char* const by_thread = backward.product.pack(call.scratch);
  const std::int64_t thread_bytes = backward.thread_bytes(), block = backward.product.rows * ldh;
  for_batch_blocks(
      call, sequence, H, 1, [&](std::int64_t first, std::int64_t rows, int thread, const Workers& workers) {
        T* const near = reinterpret_cast<T*>(by_thread + thread * thread_bytes);
        T *const dh = near + block, *const kept = dh + block;
        void* const rest = kept + block;
        copy_rows(rows, H, backward.dh_last == nullptr ? nullptr : backward.dh_last + first * H, H, dh, ldh);
        for (std::int64_t s = steps - 1; s >= 0; --s) {
          for (std::int64_t r = 0; r < rows; ++r) {
            const std::int64_t here = sequence.at(first + r, s);
            const T* const h = hs + here * H;
            T *const dz_row = dz + here * H, *const dh_row = dh + r * ldh, *const near_row = near + r * ldh;
            if (dhs != nullptr) add_row(H, dhs + here * H, dh_row);
            if (is_masked(mask, here)) {
              copy_row(H, dh_row, kept + r * ldh);
              clear_row(H, dz_row);
              clear_row(H, near_row);
              continue;
            }
            for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
              const Vec<T> y = load_lanes(h + u, count), d = load_lanes(dh_row + u, count) * (T{1} - y * y);
              store_lanes(dz_row + u, d, count);
              store_lanes(near_row + u, d, count);
            });
          }
          backward.product.run(rows, near, ldh, dh, rest, workers);
          for (std::int64_t r = 0; mask != nullptr && r < rows; ++r) {
            if (is_masked(mask, sequence.at(first + r, s))) copy_row(H, kept + r * ldh, dh + r * ldh);
          }
        }
        copy_rows(rows, H, dh, ldh, dh0 + first * H, H);
      });
  backward.weights.run(call.scratch, *call.workers);
}

}  // namespace

extern const OpRow simple_rnn_rows[] = {
    {"simple_rnn", by_float<simple_rnn<float>, simple_rnn<double>>, same<Floats>, forward_scratch<Forward>},
    {"simple_rnn_gradient", by_float<simple_rnn_gradient<float>, simple_rnn_gradient<double>>, same<Floats>,
     backward_scratch<Backward>},
};
extern const int simple_rnn_row_count = sizeof(simple_rnn_rows) / sizeof(simple_rnn_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
