// Parity of kernels that move elements, reduce them, work on rows, or draw numbers.
#include <cmath>

#include "check/parity.h"

namespace dlnative::cuda::check {

void movement() {
  const DType types[] = {DType::float32, DType::float64, DType::uint8};
  for (const DType dtype : types) {
    const auto x = [&](const Shape& shape) { return random(generator, shape, dtype, 0, 99); };
    compare({"transpose", {x({33, 70})}, {Tensor({70, 33}, dtype)}, {2, 1, 0}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({128, 64})}, {Tensor({64, 128}, dtype)}, {2, 1, 0}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({3, 40, 50})}, {Tensor({3, 50, 40}, dtype)}, {3, 0, 2, 1}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({2, 66, 130})}, {Tensor({2, 130, 66}, dtype)}, {3, 0, 2, 1}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({128, 64})}, {Tensor({64, 128}, dtype)}, {2, 1, 0}, {}, {}, 1}, By::bits, 0, 0);
    compare({"transpose", {x({5, 4, 3})}, {Tensor({3, 5, 4}, dtype)}, {3, 2, 0, 1}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({2, 3, 4, 5})}, {Tensor({5, 3, 2, 4}, dtype)}, {4, 3, 1, 0, 2}, {}, {}, 0}, By::bits, 0,
            0);
    compare({"concatenate", {x({5, 3}), x({5, 4}), x({5, 1})}, {Tensor({5, 8}, dtype)}, {1}, {}, {}, 0}, By::bits, 0,
            0);
    compare({"concatenate", {x({5, 3}), x({2, 3})}, {Tensor({7, 3}, dtype)}, {0}, {}, {}, 0}, By::bits, 0, 0);
    compare({"slice", {x({9, 10})}, {Tensor({4, 3}, dtype)}, {2, 1, 2, 2, 2, 3}, {}, {}, 0}, By::bits, 0, 0);
    compare({"pad", {x({9, 10})}, {Tensor({12, 15}, dtype)}, {2, 1, 2, 2, 2, 3}, {}, {}, 0}, By::bits, 0, 0);
    compare({"broadcast_to", {x({3, 1})}, {Tensor({2, 3, 7}, dtype)}, {3, 2, 3, 7}, {}, {}, 0}, By::bits, 0, 0);
    compare({"broadcast_to", {x({1})}, {Tensor({1000}, dtype)}, {1, 1000}, {}, {}, 0}, By::bits, 0, 0);
    compare({"view", {x({6, 8})}, {Tensor({6, 8 * item_size(dtype)}, DType::uint8)}, {}, {}, {}, 0}, By::bits, 0, 0);
    for (const DType index : {DType::int32, DType::int64}) {
      compare({"one_hot", {random(generator, {50}, index, -2, 12)}, {Tensor({50, 10}, dtype)}, {10}, {}, {}, 0},
              By::bits, 0, 0);
    }
  }
}

void reductions() {
  struct Case {
    Shape x;
    std::int64_t axis, count;
    Shape y;
  };
  const Case list[] = {{{7}, 0, 1, {}},
                       {{1, 1}, 0, 2, {}},
                       {{30011}, 0, 1, {}},
                       {{5, 37}, 1, 1, {5}},
                       {{5, 37}, 0, 1, {37}},
                       {{300, 3}, 0, 1, {3}},
                       {{9, 1500}, 1, 1, {9}},
                       {{700, 40}, 0, 1, {40}},
                       {{3, 130, 37}, 1, 1, {3, 37}},
                       {{3, 4, 5, 6}, 1, 2, {3, 6}},
                       {{130, 20}, 1, 1, {130}},
                       {{2, 20000}, 1, 1, {2}}};
  const DType types[] = {DType::float32, DType::float64, DType::int32, DType::int64};
  for (const DType dtype : types) {
    for (const Case& c : list) {
      const Tensor x = random(generator, c.x, dtype, -2, 9);
      const double summed = static_cast<double>(x.size()) / static_cast<double>(size_of(c.y));
      const std::vector<std::int64_t> ints{c.axis, c.count};
      compare({"sum", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, is_float(dtype) ? By::scale : By::bits, 1,
              std::sqrt(summed) * 9);
      if (is_float(dtype)) {
        compare({"mean", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::scale, 1, 9);
      }
      compare({"max", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::bits, 0, 0);
      compare({"min", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::bits, 0, 0);
      if (c.count != 1) continue;
      compare({"argmax", {x}, {Tensor(c.y, DType::int32)}, ints, {}, {}, 0}, By::bits, 0, 0);
      Tensor ties = random(generator, c.x, DType::int32, 0, 3).as(dtype);
      compare({"argmin", {ties}, {Tensor(c.y, DType::int32)}, ints, {}, {}, 0}, By::bits, 0, 0);
      if (!is_float(dtype)) continue;
      ties.set(ties.size() / 2, NAN);
      compare({"argmax", {ties}, {Tensor(c.y, DType::int32)}, ints, {}, {}, 0}, By::bits, 0, 0);
      compare({"max", {ties}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::element, 0, 0);
    }
  }
}

void rows() {
  const Shape shapes[] = {{5, 10}, {3, 4, 33}, {9, 200}, {2, 300}, {2, 2051}, {300, 3}, {1, 1}};
  for (const DType dtype : floats) {
    for (const Shape& shape : shapes) {
      const Shape of_rows(shape.begin(), shape.end() - 1);
      const std::int64_t C = shape.back();
      const Tensor x = random(generator, shape, dtype, -5, 5), dy = random(generator, shape, dtype, -2, 2);
      compare({"softmax", {x}, {Tensor(shape, dtype)}, {}, {}, {0}, 0}, By::element, 64, 0.01);
      compare({"log_softmax", {x}, {Tensor(shape, dtype)}, {}, {}, {}, 0}, By::element, 64, 10);
      const Tensor y = random(generator, shape, dtype, 0, 1), log_y = random(generator, shape, dtype, -5, 0);
      const double root = std::sqrt(static_cast<double>(C));
      compare({"softmax_gradient", {dy, y}, {Tensor(shape, dtype)}, {}, {}, {0}, 0}, By::scale, 16, 2 * root);
      compare({"log_softmax_gradient", {dy, log_y}, {Tensor(shape, dtype)}, {}, {}, {0}, 0}, By::scale, 16, 2 * root);
      compare({"categorical_crossentropy_with_logits",
               {x, y},
               {Tensor(of_rows, dtype), Tensor(shape, dtype)},
               {},
               {0.25},
               {-1, 0},
               0},
              By::scale, 16, 10.0 * static_cast<double>(C));
      for (const DType index : {DType::int32, DType::int64}) {
        const Tensor labels = random(generator, of_rows, index, C > 3 ? -1 : 0, static_cast<double>(C));
        compare({"sparse_categorical_crossentropy_with_logits",
                 {x, labels},
                 {Tensor(of_rows, dtype), Tensor(shape, dtype)},
                 {},
                 {0.25},
                 {-1, 0},
                 0},
                By::element, 64, 10);
      }
    }
  }
}

void drawn() {
  Tensor state({2}, DType::int64);
  state.set(0, 123456789012.0);
  state.set(1, 77);
  for (const std::int64_t size : {1, 2, 7, 1029, 2048, 9001}) {
    compare({"random_permutation", {state}, {Tensor({size}, DType::int64)}, {}, {}, {}, 0}, By::bits, 0, 0);
  }
  for (const DType dtype : floats) {
    for (const std::int64_t size : {1, 7, 64, 1029, 2049}) {
      const Shape shape{size};
      for (const int misaligned : {0, 1}) {
        compare({"random_uniform", {state}, {Tensor(shape, dtype)}, {}, {}, {}, misaligned}, By::bits, 0, 0);
        compare({"dropout",
                 {random(generator, shape, dtype, -2, 2), state},
                 {Tensor(shape, dtype)},
                 {},
                 {0.3},
                 {},
                 misaligned},
                By::bits, 0, 0);
        compare({"random_normal", {state}, {Tensor(shape, dtype)}, {}, {}, {}, misaligned}, By::element, 64, 2);
      }
    }
  }
}

}  // namespace dlnative::cuda::check
