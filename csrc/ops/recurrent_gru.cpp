// The gated recurrent unit over whole sequences (Cho et al., "Learning phrase representations using RNN
// encoder-decoder", 2014; with `reset_after` as in cuDNN).
//
//   gru            z, r, n side by side in x w + b of all steps (B, T, 3H) and in the recurrent weights (H, 3H)
//                  z = s(x_z + h w_z),  r = s(x_r + h w_r),  h' = z h + (1 - z) n, s the sigmoid;
//                  reset_after: products with a bias, inner = h w_n + b_n, n = tanh(x_n + r inner);
//                  otherwise:   inner = r h, n = tanh(x_n + inner w_n);  where a mask (B, T) is 0, h stays as it was
//   gru_gradient   dn = dh (1 - z) (1 - n^2), dz = dh (h - n) z (1 - z), dr = r (1 - r) times
//                  reset_after: dn inner, and what arrives at the products is (dz, dr, dn r);
//                  otherwise:   dinner h, dinner = dn w_n^T, of which dinner r goes on to h;
//                  dw = sum over all steps of h^T (dz, dr, ...), db the sum of what arrives at the products
//
// Saved are h, the gates (z, r, n), which may take the place of the inputs, as their gradients that of the gates, and
// inner, whose place what arrives at w_n may take with reset_after.
#include "ops/recurrent.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Inputs: x, h0, w, then b and the mask, as far as there are any.
template <class T>
struct Forward {
  Sequence sequence;
  std::int64_t H, ldp, ldh;
  bool reset_after;
  StepProduct<T> product, candidate;  // with all weights or those of z and r; and with those of n
  const T *bias = nullptr, *mask = nullptr;

  explicit Forward(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2) / 3),
        ldp(apart<T>(3 * H)),
        ldh(apart<T>(H)),
        reset_after(call.ints[1] != 0),
        product(sequence, H, (reset_after ? 3 : 2) * H, call.inputs[2].as<T>(), 3 * H, false, ldh, ldp),
        candidate(sequence, H, H, call.inputs[2].as<T>() + 2 * H, 3 * H, false, ldh, ldp) {
    int next = 3;
    if (reset_after) bias = call.inputs[next++].as<T>();
    if (call.ints[2] != 0) mask = call.inputs[next++].as<T>();
  }

  std::int64_t packed_bytes() const {
    return product.packed_bytes() + (reset_after ? std::int64_t{0} : candidate.packed_bytes());
  }
  std::int64_t thread_bytes() const {
    const std::int64_t products =
        max(product.scratch_bytes(), reset_after ? std::int64_t{0} : candidate.scratch_bytes());
    return cache_lines(product.rows * (ldp + 2 * ldh) * static_cast<std::int64_t>(sizeof(T))) + products;
  }
};

// The row of a step: x and the products p are z, r, n side by side.
template <class T>
struct Row {
  const T *x, *p;
  T *gates, *inner, *h, *state;
};

template <class T>
DLNATIVE_INLINE void reset_after_row(std::int64_t H, const Row<T>& row, const T* bias) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    const auto arriving = [=](int k) __attribute__((always_inline)) {
      return load_lanes(row.p + k * H + u, count) + load_lanes(bias + k * H + u, count);
    };
    const Vec<T> z = sigmoid(load_lanes(row.x + u, count) + arriving(0));
    const Vec<T> r = sigmoid(load_lanes(row.x + H + u, count) + arriving(1));
    const Vec<T> inner = arriving(2), n = tanh(fma(r, inner, load_lanes(row.x + 2 * H + u, count)));
    const Vec<T> y = fma(z, load_lanes(row.state + u, count) - n, n);
    store_lanes(row.gates + u, z, count);
    store_lanes(row.gates + H + u, r, count);
    store_lanes(row.gates + 2 * H + u, n, count);
    store_lanes(row.inner + u, inner, count);
    store_lanes(row.h + u, y, count);
    store_lanes(row.state + u, y, count);
  });
}
// In two parts, between which r h is multiplied by the weights of n; `near` gets it, too.
template <class T>
DLNATIVE_INLINE void reset_row(std::int64_t H, const Row<T>& row, T* near) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    const Vec<T> z = sigmoid(load_lanes(row.x + u, count) + load_lanes(row.p + u, count));
    const Vec<T> r = sigmoid(load_lanes(row.x + H + u, count) + load_lanes(row.p + H + u, count));
    const Vec<T> inner = r * load_lanes(row.state + u, count);
    store_lanes(row.gates + u, z, count);
    store_lanes(row.gates + H + u, r, count);
    store_lanes(row.inner + u, inner, count);
    store_lanes(near + u, inner, count);
  });
}
template <class T>
DLNATIVE_INLINE void candidate_row(std::int64_t H, const Row<T>& row) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    const Vec<T> n = tanh(load_lanes(row.x + 2 * H + u, count) + load_lanes(row.p + 2 * H + u, count));
    const Vec<T> y = fma(load_lanes(row.gates + u, count), load_lanes(row.state + u, count) - n, n);
    store_lanes(row.gates + 2 * H + u, n, count);
    store_lanes(row.h + u, y, count);
    store_lanes(row.state + u, y, count);
  });
}

template <class T>
void gru(const Call& call) {
  Forward<T> forward(call);
  const Sequence sequence = forward.sequence;
  const std::int64_t H = forward.H, ldp = forward.ldp, ldh = forward.ldh, steps = sequence.T;
  const T *x = call.inputs[0].as<T>(), *h0 = call.inputs[1].as<T>(), *mask = forward.mask;
  T *hs = call.outputs[0].as<T>(), *h_last = call.outputs[1].as<T>(), *gates = call.outputs[2].as<T>(),
    *inner = call.outputs[3].as<T>();
  char* by_thread = forward.product.pack(call.scratch);
  if (!forward.reset_after) by_thread = forward.candidate.pack(by_thread);
  const std::int64_t thread_bytes = forward.thread_bytes(), block = forward.product.rows;
  for_batch_blocks(call, sequence, H, 3,
                   [&](std::int64_t first, std::int64_t rows, int thread, const Workers& workers) {
                     T* const p = reinterpret_cast<T*>(by_thread + thread * thread_bytes);
                     T *const state = p + block * ldp, *const near = state + block * ldh;
                     void* const rest = near + block * ldh;
                     copy_rows(rows, H, h0 + first * H, H, state, ldh);
                     copy_rows(rows, H, static_cast<const T*>(nullptr), H, near, ldh);
                     for (std::int64_t s = 0; s < steps; ++s) {
                       const auto row_at = [&](std::int64_t r) {
                         const std::int64_t here = sequence.at(first + r, s);
                         return Row<T>{x + here * 3 * H, p + r * ldp,   gates + here * 3 * H,
                                       inner + here * H, hs + here * H, state + r * ldh};
                       };
                       forward.product.run(rows, state, ldh, p, rest, workers);
                       for (std::int64_t r = 0; r < rows; ++r) {
                         const Row<T> row = row_at(r);
                         if (is_masked(mask, sequence.at(first + r, s))) {
                           clear_row(3 * H, row.gates);
                           clear_row(H, row.inner);
                           copy_row(H, row.state, row.h);
                         } else if (forward.reset_after) {
                           reset_after_row(H, row, forward.bias);
                         } else {
                           reset_row(H, row, near + r * ldh);
                         }
                       }
                       if (forward.reset_after) continue;
                       forward.candidate.run(rows, near, ldh, p + 2 * H, rest, workers);
                       for (std::int64_t r = 0; r < rows; ++r) {
                         if (!is_masked(mask, sequence.at(first + r, s))) candidate_row(H, row_at(r));
                       }
                     }
                     copy_rows(rows, H, state, ldh, h_last + first * H, H);
                   });
}
std::int64_t gru_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    const Forward<decltype(type)> forward(call);
    return forward.packed_bytes() + threads * forward.thread_bytes();
  });
}

// Inputs: gates, inner, h, h0, w, then the mask, dh of all steps and dh of the last, as far as there are any. Outputs:
// the gradients of x, h0, w and, with reset_after, b.
template <class T>
struct Backward {
  Sequence sequence;
  std::int64_t H, ldz, ldh;
  bool reset_after;
  StepProduct<T> product, candidate;
  const T *gates, *inner, *hs, *h0;
  const T *mask = nullptr, *dh = nullptr, *dh_last = nullptr;
  T *dx, *dh0, *dw, *db;

  explicit Backward(const Call& call)
      : sequence(call.inputs[0], call.ints[0]),
        H(call.inputs[0].extent(2) / 3),
        ldz(apart<T>(3 * H)),
        ldh(apart<T>(H)),
        reset_after(call.ints[1] != 0),
        product(sequence, (reset_after ? 3 : 2) * H, H, call.inputs[4].as<T>(), 3 * H, true, ldz, ldh),
        candidate(sequence, H, H, call.inputs[4].as<T>() + 2 * H, 3 * H, true, ldz, ldh),
        gates(call.inputs[0].as<T>()),
        inner(call.inputs[1].as<T>()),
        hs(call.inputs[2].as<T>()),
        h0(call.inputs[3].as<T>()),
        dx(call.outputs[0].as<T>()),
        dh0(call.outputs[1].as<T>()),
        dw(call.outputs[2].as<T>()),
        db(reset_after ? call.outputs[3].as<T>() : nullptr) {
    int next = 5;
    if (call.ints[2] != 0) mask = call.inputs[next++].as<T>();
    if (call.ints[3] != 0) dh = call.inputs[next++].as<T>();
    if (call.ints[4] != 0) dh_last = call.inputs[next++].as<T>();
  }

  // What arrives at h w_n of all steps, with reset_after; and what arrives at b, summed up over the steps of each row.
  std::int64_t arriving_bytes() const {
    const std::int64_t rows = sequence.B * sequence.T, item = sizeof(T);
    return reset_after ? cache_lines(rows * H * item) + cache_lines(sequence.B * 3 * H * item) : 0;
  }
  std::int64_t packed_bytes() const {
    return product.packed_bytes() + (reset_after ? std::int64_t{0} : candidate.packed_bytes());
  }
  std::int64_t thread_bytes() const {
    const std::int64_t products =
        max(product.scratch_bytes(), reset_after ? std::int64_t{0} : candidate.scratch_bytes());
    return cache_lines(product.rows * (ldz + 3 * ldh) * static_cast<std::int64_t>(sizeof(T))) + products;
  }
  RecurrentGradient<T> of_gates() const { return {sequence, H, 2 * H, 3 * H, hs, h0, dx, dw, 3 * H}; }
  RecurrentGradient<T> of_candidate(const T* arriving) const {
    return {sequence, H, H, H, hs, h0, arriving, dw + 2 * H, 3 * H};
  }
  RecurrentGradient<T> of_reset() const {
    return {sequence, H, H, 3 * H, inner, nullptr, dx + 2 * H, dw + 2 * H, 3 * H, false};
  }
};

// Of dh, which becomes what goes on to the state before, but for the products.
template <class T>
struct GradientRow {
  const T *gates, *inner, *before;
  T *dh, *dx, *near;
};
template <class T>
DLNATIVE_INLINE void reset_after_gradient_row(std::int64_t H, const GradientRow<T>& row, T* arriving, T* sums) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    constexpr T one = 1;
    const Vec<T> z = load_lanes(row.gates + u, count), r = load_lanes(row.gates + H + u, count),
                 n = load_lanes(row.gates + 2 * H + u, count), d = load_lanes(row.dh + u, count);
    const Vec<T> dn = d * (one - z) * (one - n * n);
    const Vec<T> dz = d * (load_lanes(row.before + u, count) - n) * (z * (one - z));
    const Vec<T> dr = dn * load_lanes(row.inner + u, count) * (r * (one - r)), dinner = dn * r;
    store_lanes(row.dh + u, d * z, count);
    const auto leave = [=](int k, Vec<T> dx, Vec<T> dproduct) __attribute__((always_inline)) {
      store_lanes(row.dx + k * H + u, dx, count);
      store_lanes(row.near + k * H + u, dproduct, count);
      store_lanes(sums + k * H + u, load_lanes(sums + k * H + u, count) + dproduct, count);
    };
    leave(0, dz, dz);
    leave(1, dr, dr);
    leave(2, dn, dinner);
    store_lanes(arriving + u, dinner, count);
  });
}
template <class T>
DLNATIVE_INLINE void candidate_gradient_row(std::int64_t H, const GradientRow<T>& row) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    constexpr T one = 1;
    const Vec<T> z = load_lanes(row.gates + u, count), n = load_lanes(row.gates + 2 * H + u, count),
                 d = load_lanes(row.dh + u, count);
    const Vec<T> dn = d * (one - z) * (one - n * n);
    const Vec<T> dz = d * (load_lanes(row.before + u, count) - n) * (z * (one - z));
    store_lanes(row.dh + u, d * z, count);
    store_lanes(row.dx + u, dz, count);
    store_lanes(row.near + u, dz, count);
    store_lanes(row.dx + 2 * H + u, dn, count);
    store_lanes(row.near + 2 * H + u, dn, count);
  });
}
template <class T>
DLNATIVE_INLINE void reset_gradient_row(std::int64_t H, const GradientRow<T>& row, const T* r_row, const T* dinner) {
  for_lanes<T>(H, [=](std::int64_t u, int count) __attribute__((always_inline)) {
    constexpr T one = 1;
    const Vec<T> r = load_lanes(r_row + u, count), d = load_lanes(dinner + u, count);
    const Vec<T> dr = d * load_lanes(row.before + u, count) * (r * (one - r));
    store_lanes(row.dh + u, fma(d, r, load_lanes(row.dh + u, count)), count);
    store_lanes(row.dx + H + u, dr, count);
    store_lanes(row.near + H + u, dr, count);
  });
}

template <class T>
void gru_gradient(const Call& call) {
  Backward<T> backward(call);
  const Sequence sequence = backward.sequence;
  const std::int64_t B = sequence.B, H = backward.H, ldz = backward.ldz, ldh = backward.ldh, steps = sequence.T;
  const std::int64_t item = sizeof(T);
  const T *const mask = backward.mask, *const hs = backward.hs;
  T* const arriving = static_cast<T*>(call.scratch);
  T* const sums = reinterpret_cast<T*>(static_cast<char*>(call.scratch) + cache_lines(B * steps * H * item));
  char* const rest_of_scratch = static_cast<char*>(call.scratch) + backward.arriving_bytes();
  char* by_thread = backward.product.pack(rest_of_scratch);
  if (!backward.reset_after) by_thread = backward.candidate.pack(by_thread);
  const std::int64_t thread_bytes = backward.thread_bytes(), block = backward.product.rows;
  for_batch_blocks(
      call, sequence, H, 3, [&](std::int64_t first, std::int64_t rows, int thread, const Workers& workers) {
        T* const near = reinterpret_cast<T*>(by_thread + thread * thread_bytes);
        T *const dh = near + block * ldz, *const made = dh + block * ldh, *const reset = made + block * ldh;
        void* const rest = reset + block * ldh;
        copy_rows(rows, H, backward.dh_last == nullptr ? nullptr : backward.dh_last + first * H, H, dh, ldh);
        if (backward.reset_after) clear_row(rows * 3 * H, sums + first * 3 * H);
        for (std::int64_t s = steps - 1; s >= 0; --s) {
          const auto row_at = [&](std::int64_t r) {
            const std::int64_t b = first + r, here = sequence.at(b, s);
            const T* const before = s == 0 ? backward.h0 + b * H : hs + sequence.at(b, s - 1) * H;
            return GradientRow<T>{backward.gates + here * 3 * H,
                                  backward.inner + here * H,
                                  before,
                                  dh + r * ldh,
                                  backward.dx + here * 3 * H,
                                  near + r * ldz};
          };
          for (std::int64_t r = 0; r < rows; ++r) {
            const std::int64_t here = sequence.at(first + r, s);
            const GradientRow<T> row = row_at(r);
            if (backward.dh != nullptr) add_row(H, backward.dh + here * H, row.dh);
            if (is_masked(mask, here)) {
              clear_row(3 * H, row.dx);
              clear_row(3 * H, row.near);
              if (backward.reset_after) clear_row(H, arriving + here * H);
            } else if (backward.reset_after) {
              reset_after_gradient_row(H, row, arriving + here * H, sums + (first + r) * 3 * H);
            } else {
              copy_row(H, row.gates + H, reset + r * ldh);  // its place may be that of dx
              candidate_gradient_row(H, row);
            }
          }
          if (!backward.reset_after) {
            backward.candidate.run(rows, near + 2 * H, ldz, made, rest, workers);
            for (std::int64_t r = 0; r < rows; ++r) {
              if (!is_masked(mask, sequence.at(first + r, s))) {
                reset_gradient_row(H, row_at(r), reset + r * ldh, made + r * ldh);
              }
            }
          }
          backward.product.run(rows, near, ldz, made, rest, workers);
          for (std::int64_t r = 0; r < rows; ++r) add_row(H, made + r * ldh, dh + r * ldh);
        }
        copy_rows(rows, H, dh, ldh, backward.dh0 + first * H, H);
      });
  backward.of_gates().run(rest_of_scratch, *call.workers);
  if (backward.reset_after) {
    backward.of_candidate(arriving).run(rest_of_scratch, *call.workers);
    clear_row(3 * H, backward.db);
    for (std::int64_t b = 0; b < B; ++b) add_row(3 * H, sums + b * 3 * H, backward.db);
  } else {
    backward.of_reset().run(rest_of_scratch, *call.workers);
  }
}
std::int64_t gru_gradient_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    const Backward<decltype(type)> backward(call);
    const std::int64_t last = backward.reset_after ? backward.of_candidate(nullptr).scratch_bytes(threads)
                                                   : backward.of_reset().scratch_bytes(threads);
    return backward.arriving_bytes() + max(backward.packed_bytes() + threads * backward.thread_bytes(),
                                           max(backward.of_gates().scratch_bytes(threads), last));
  });
}

}  // namespace

extern const OpRow gru_rows[] = {
    {"gru", by_float<gru<float>, gru<double>>, same<Floats>, gru_scratch},
    {"gru_gradient", by_float<gru_gradient<float>, gru_gradient<double>>, same<Floats>, gru_gradient_scratch},
};
extern const int gru_row_count = sizeof(gru_rows) / sizeof(gru_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
