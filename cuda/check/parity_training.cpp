// Parity of optimizers and of products of matrices, with every kernel for these and every epilogue.
#include <cmath>

#include "check/parity.h"
#include "gemm/enqueue.h"

namespace dlnative::cuda::check {

void optimizers() {
  for (const DType dtype : floats) {
    for (const std::int64_t size : {1, 37, 1025}) {
      const Shape shape{size};
      const auto positive = [&] { return random(generator, shape, dtype, 0.01, 2); };
      const auto any = [&] { return random(generator, shape, dtype, -2, 2); };
      Tensor lr({}, dtype), iterations({}, DType::int64);
      lr.set(0, 0.125);
      iterations.set(0, 11);
      const Tensor result(shape, dtype);
      const Tensor param = any(), gradient = any();
      const double ulps = dtype == DType::float32 ? 16 : 64;
      compare({"sgd", {param, gradient, lr}, {result}, {0}, {0.0, 0.01}, {0}, 0}, By::element, ulps, 4);
      for (const std::int64_t nesterov : {0, 1}) {
        compare({"sgd", {param, gradient, lr, any()}, {result, result}, {nesterov}, {0.75, 0.01}, {0, 3}, 0},
                By::element, ulps, 4);
      }
      compare({"adam",
               {param, gradient, lr, iterations, any(), positive()},
               {result, result, result},
               {0},
               {0.9, 0.999, 1e-7, 0.01},
               {0, 4, 5},
               0},
              By::element, dtype == DType::float32 ? 400 : 64, 4);
      compare({"adam",
               {param, gradient, lr, iterations, any(), positive(), positive()},
               {result, result, result, result},
               {0},
               {0.9, 0.999, 1e-7, 0.0},
               {},
               0},
              By::element, dtype == DType::float32 ? 400 : 64, 4);
      for (const std::int64_t centered : {0, 1}) {
        for (const double momentum : {0.0, 0.5}) {
          std::vector<Tensor> inputs{param, gradient, lr, random(generator, shape, dtype, 5, 9)};
          std::vector<Tensor> outputs{result, result};
          if (momentum > 0) inputs.push_back(any()), outputs.push_back(result);
          if (centered != 0) inputs.push_back(random(generator, shape, dtype, -1, 1)), outputs.push_back(result);
          compare({"rmsprop", inputs, outputs, {centered}, {0.9, momentum, 1e-7, 0.01}, {}, 0}, By::element, ulps, 4);
        }
      }
    }
  }
}

namespace {

// The attributes of a product (csrc/ops/epilogue.h).
struct Epilogue {
  bool bias = false, residual = false;
  Activation activation = Activation::linear, gradient_of = Activation::linear;
  bool sums = false;
};
std::vector<std::int64_t> product(std::int64_t transpose_a, std::int64_t transpose_b, const Epilogue& e = {}) {
  return {transpose_a,
          transpose_b,
          e.bias,
          e.residual,
          static_cast<std::int64_t>(e.activation),
          static_cast<std::int64_t>(e.gradient_of),
          e.sums};
}

}  // namespace

void products() {
  struct Sizes {
    std::int64_t M, N, K;
  };
  const Sizes list[] = {{1, 1, 1}, {5, 3, 7}, {33, 65, 17}, {64, 64, 64}, {130, 72, 52}, {16, 10, 300}};
  const std::pair<int, int> kernels[] = {{-1, -1}, {0, -1}, {1, -1}, {2, -1}, {3, -1}, {4, -1}, {0, 2}, {2, 3}};
  for (const auto& [kernel, splits] : kernels) {
    force_gemm_kernel(kernel, splits);
    for (const DType dtype : floats) {
      for (const Sizes& s : list) {
        const double scale = 4 * std::sqrt(static_cast<double>(s.K)) + 4;
        const auto matrix = [&](std::int64_t rows, std::int64_t columns) {
          return random(generator, {rows, columns}, dtype, -2, 2);
        };
        const Tensor c({s.M, s.N}, dtype);
        const auto check = [&](std::vector<Tensor> inputs, std::vector<std::int64_t> ints, double larger = 1) {
          compare({"matmul", std::move(inputs), {c}, std::move(ints), {0.0}, {}, 0}, By::scale, 4, larger * scale);
        };
        for (const std::int64_t ta : {0, 1}) {
          for (const std::int64_t tb : {0, 1}) {
            const Tensor a = ta != 0 ? matrix(s.K, s.M) : matrix(s.M, s.K);
            const Tensor b = tb != 0 ? matrix(s.N, s.K) : matrix(s.K, s.N);
            check({a, b}, product(ta, tb));
            compare({"matmul",
                     {a, b, matrix(s.M, s.N)},
                     {c},
                     product(ta, tb, {false, false, Activation::linear, Activation::relu}),
                     {0.0},
                     {2},
                     0},
                    By::scale, 4, scale);
          }
        }
        const Tensor x = matrix(s.M, s.K), w = matrix(s.K, s.N), bias = random(generator, {s.N}, dtype, -2, 2);
        check({x, w, bias}, product(0, 0, {true, false, Activation::relu}));
        compare({"matmul", {x, w}, {c}, product(0, 0), {0.0}, {}, 1}, By::scale, 4, scale);
        check({x, w, bias, matrix(s.M, s.N)}, product(0, 0, {true, true, Activation::tanh}), 2);
        check({x, w, matrix(s.M, s.N), matrix(s.M, s.N)},
              product(0, 0, {false, true, Activation::linear, Activation::sigmoid}), 20);
        check({x, w, bias, matrix(s.M, s.N)}, product(0, 0, {true, false, Activation::tanh, Activation::relu}), 2);
        compare({"matmul",
                 {matrix(s.K, s.M), matrix(s.K, s.N)},
                 {c, Tensor({s.N}, dtype)},
                 product(1, 0, {false, false, Activation::linear, Activation::linear, true}),
                 {0.0},
                 {},
                 0},
                By::scale, 4, scale);
      }
      compare({"matmul",
               {random(generator, {3, 2, 20, 12}, dtype, -2, 2), random(generator, {3, 2, 12, 9}, dtype, -2, 2)},
               {Tensor({3, 2, 20, 9}, dtype)},
               product(0, 0),
               {0.0},
               {},
               0},
              By::scale, 4, 16);
      compare({"matmul",
               {random(generator, {3, 20, 12}, dtype, -2, 2), random(generator, {12, 8}, dtype, -2, 2)},
               {Tensor({3, 20, 8}, dtype)},
               product(0, 0),
               {0.0},
               {},
               0},
              By::scale, 4, 16);
    }
  }
  for (const auto& [kernel, dtype] :
       {std::pair{0, DType::float32}, {0, DType::float64}, {2, DType::float32}, {2, DType::float64}}) {
    force_gemm_kernel(kernel);
    const Tensor x = random(generator, {20, 12}, dtype, -2, 2), w = random(generator, {12, 17}, dtype, -2, 2);
    const Tensor saved = random(generator, {20, 17}, dtype, -2, 2), y({20, 17}, dtype);
#define DLNATIVE_CHECK(name, Formula)                                                                                 \
  compare({"matmul", {x, w}, {y}, product(0, 0, {false, false, Activation::name}), {0.7}, {}, 0}, By::scale, 32, 16); \
  compare({"matmul",                                                                                                  \
           {x, w, saved},                                                                                             \
           {y},                                                                                                       \
           product(0, 0, {false, false, Activation::linear, Activation::name}),                                       \
           {0.7},                                                                                                     \
           {},                                                                                                        \
           0},                                                                                                        \
          By::scale, 32, 60);
    DLNATIVE_ACTIVATIONS(DLNATIVE_CHECK)
#undef DLNATIVE_CHECK
  }
  force_gemm_kernel(-1);
}

}  // namespace dlnative::cuda::check
