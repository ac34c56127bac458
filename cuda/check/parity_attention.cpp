// Parity of attention: lengths around the tiles, masks of all shapes, heads wider than a block's columns.
#include <cmath>

#include "check/parity.h"

namespace dlnative::cuda::check {

void attentions() {
  struct Sizes {
    std::int64_t B, R, S, N, H, V;
  };
  const Sizes list[] = {
      {1, 1, 1, 1, 1, 1}, {2, 5, 7, 3, 4, 6}, {1, 33, 40, 2, 40, 34}, {1, 70, 70, 1, 8, 8}, {1, 3, 9, 1, 5, 140}};
  for (const DType dtype : floats) {
    for (const Sizes& s : list) {
      const Shape q_shape{s.B, s.R, s.N, s.H}, k_shape{s.B, s.S, s.N, s.H}, v_shape{s.B, s.S, s.N, s.V},
          y_shape{s.B, s.R, s.N, s.V}, sums{s.B, s.N, s.R};
      const Tensor q = random(generator, q_shape, dtype, -1, 1), k = random(generator, k_shape, dtype, -1, 1),
                   v = random(generator, v_shape, dtype, -1, 1), dy = random(generator, y_shape, dtype, -1, 1);
      for (const std::int64_t causal : {0, 1}) {
        for (const Shape& mask_shape : {Shape{}, {1, 1, s.R, s.S}, {s.B, 1, 1, s.S}, {s.B, s.N, s.R, s.S}}) {
          const std::int64_t masked = mask_shape.empty() ? 0 : 1;
          std::vector<Tensor> inputs{q, k, v}, more;
          if (masked != 0) {
            Tensor mask = random(generator, mask_shape, DType::boolean, 0, 2);
            // A query that sees nothing; its logarithm is the lowest of its own type.
            for (std::int64_t key = 0; key < s.S; ++key) mask.set(key, 0);
            for (std::int64_t at = 0; at < mask.size() && dtype == DType::float32; at += s.S) mask.set(at, 1);
            inputs.push_back(mask);
            more.push_back(mask);
          }
          const Instruction forward{
              "attention", inputs, {Tensor(y_shape, dtype), Tensor(sums, dtype)}, {causal, masked}, {0.7}, {}, 0};
          compare(forward, By::scale, 16, 4);
          const std::vector<Tensor> results = run_on_cpu(forward);
          inputs = {dy, q, k, v, results[0], results[1]};
          inputs.insert(inputs.end(), more.begin(), more.end());
          compare({"attention_gradient",
                   inputs,
                   {Tensor(q_shape, dtype), Tensor(k_shape, dtype), Tensor(v_shape, dtype)},
                   {causal, masked},
                   {0.7},
                   {},
                   0},
                  By::scale, 16, 4 + 2 * std::sqrt(static_cast<double>(s.R * s.V)));
        }
      }
    }
  }
}

}  // namespace dlnative::cuda::check
