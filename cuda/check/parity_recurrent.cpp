// Parity of recurrence: both directions, masks, and gradients with each of what may arrive.
#include "check/parity.h"

namespace dlnative::cuda::check {
namespace {

struct Sizes {
  std::int64_t B, T, H;
};

// `given`: which of the mask, dh of all steps, dh and, of an lstm, dc of the last there are.
struct Given {
  std::int64_t mask, dh, dh_last, dc_last;
};

Tensor mask_of(const Sizes& s, DType dtype) { return random(generator, {s.B, s.T}, DType::int32, 0, 3).as(dtype); }

}  // namespace

void recurrence() {
  for (const DType dtype : floats) {
    for (const Sizes& s : {Sizes{1, 1, 1}, {3, 4, 5}, {2, 3, 33}, {9, 2, 8}}) {
      const auto any = [&](const Shape& shape) { return random(generator, shape, dtype, -1, 1); };
      const Shape state{s.B, s.H}, states{s.B, s.T, s.H};
      for (const std::int64_t reverse : {0, 1}) {
        for (const Given& given : {Given{0, 1, 0, 0}, {1, 1, 1, 1}, {1, 0, 1, 0}, {0, 1, 1, 1}}) {
          const Tensor mask = mask_of(s, dtype), h0 = any(state), dh = any(states), dh_last = any(state);
          const auto optional = [&](std::vector<Tensor>& inputs) {
            if (given.mask != 0) inputs.push_back(mask);
            if (given.dh != 0) inputs.push_back(dh);
            if (given.dh_last != 0) inputs.push_back(dh_last);
          };
          const auto check = [&](const Instruction& forward, const Instruction& backward) {
            compare(forward, By::scale, 32, 8);
            compare(backward, By::scale, 64, 32);
          };
          const Tensor out(states, dtype), last(state, dtype);

          const Tensor r = any({s.H, s.H});
          std::vector<Tensor> inputs{any(states), h0, r};
          if (given.mask != 0) inputs.push_back(mask);
          Instruction forward{"simple_rnn", inputs, {out, last}, {reverse}, {}, {0, -1}, 0};
          std::vector<Tensor> back{run_on_cpu(forward)[0], h0, r};
          optional(back);
          check(forward, {"simple_rnn_gradient",
                          back,
                          {out, last, Tensor({s.H, s.H}, dtype)},
                          {reverse, given.mask, given.dh, given.dh_last},
                          {},
                          {},
                          0});

          const Shape four{s.B, s.T, 4 * s.H}, r_four{s.H, 4 * s.H};
          const Tensor c0 = any(state), weights = any(r_four);
          inputs = {any(four), h0, c0, weights};
          if (given.mask != 0) inputs.push_back(mask);
          forward = {"lstm", inputs, {out, last, last, out, Tensor(four, dtype)}, {reverse}, {}, {-1, -1, -1, -1, 0},
                     0};
          std::vector<Tensor> results = run_on_cpu(forward);
          back = {results[4], results[3], results[0], h0, c0, weights};
          optional(back);
          if (given.dc_last != 0) back.push_back(any(state));
          check(forward, {"lstm_gradient",
                          back,
                          {Tensor(four, dtype), last, last, Tensor(r_four, dtype)},
                          {reverse, given.mask, given.dh, given.dh_last, given.dc_last},
                          {},
                          {0, -1, -1, -1},
                          0});

          const Shape three{s.B, s.T, 3 * s.H}, w_three{s.H, 3 * s.H};
          const Tensor w = any(w_three);
          for (const std::int64_t reset_after : {0, 1}) {
            inputs = {any(three), h0, w};
            if (reset_after != 0) inputs.push_back(any({3 * s.H}));
            if (given.mask != 0) inputs.push_back(mask);
            forward = {
                "gru",           inputs, {out, last, Tensor(three, dtype), out}, {reverse, reset_after, given.mask}, {},
                {-1, -1, 0, -1}, 0};
            results = run_on_cpu(forward);
            back = {results[2], results[3], results[0], h0, w};
            optional(back);
            std::vector<Tensor> outputs{Tensor(three, dtype), last, Tensor(w_three, dtype)};
            if (reset_after != 0) outputs.push_back(Tensor({3 * s.H}, dtype));
            check(forward, {"gru_gradient",
                            back,
                            outputs,
                            {reverse, reset_after, given.mask, given.dh, given.dh_last},
                            {},
                            {0, -1, -1},
                            0});
          }
        }
      }
    }
  }
}

}  // namespace dlnative::cuda::check
