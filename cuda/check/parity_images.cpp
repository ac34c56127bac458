// Parity of what slides over images, and of normalisation.
#include <cmath>

#include "check/parity.h"
#include "gemm/enqueue.h"

namespace dlnative::cuda::check {
namespace {

struct Geometry {
  std::int64_t N, C, F, groups;
  Shape in, window, strides, dilation, low, high;

  Shape out() const {
    Shape extents;
    for (std::size_t i = 0; i < in.size(); ++i) {
      extents.push_back((in[i] + low[i] + high[i] - (window[i] - 1) * dilation[i] - 1) / strides[i] + 1);
    }
    return extents;
  }
  Shape image(const Shape& extents, std::int64_t channels) const {
    Shape shape{N};
    shape.insert(shape.end(), extents.begin(), extents.end());
    shape.push_back(channels);
    return shape;
  }
  Shape weights(std::int64_t rows, std::int64_t columns) const {
    Shape shape = window;
    shape.insert(shape.end(), {rows, columns});
    return shape;
  }
  std::vector<std::int64_t> ints() const {
    std::vector<std::int64_t> list;
    for (const Shape* part : {&strides, &dilation, &low}) {
      list.push_back(static_cast<std::int64_t>(part->size()));
      list.insert(list.end(), part->begin(), part->end());
    }
    return list;
  }
};

std::vector<std::int64_t> with(std::vector<std::int64_t> list, const std::vector<std::int64_t>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

const Geometry geometries[] = {
    {2, 3, 4, 1, {5, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
    {1, 1, 2, 1, {7}, {3}, {1}, {2}, {4}, {0}},
    {2, 2, 3, 1, {4, 3, 5}, {2, 2, 3}, {1, 2, 1}, {1, 1, 1}, {0, 1, 1}, {1, 0, 1}},
    {1, 4, 6, 2, {6, 5}, {3, 2}, {2, 1}, {1, 1}, {1, 0}, {0, 0}},
    {2, 3, 5, 1, {8, 7}, {3, 3}, {2, 3}, {1, 1}, {0, 1}, {1, 1}},
    {2, 6, 4, 2, {4, 4}, {1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}},
    {1, 2, 2, 1, {10}, {2}, {4}, {1}, {0}, {0}},
    {1, 16, 36, 1, {9, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
    {1, 8, 16, 2, {8, 6}, {3, 2}, {2, 1}, {1, 2}, {1, 0}, {1, 2}},
};

void convolutions(DType dtype, const Geometry& g) {
  const Shape x_shape = g.image(g.in, g.C), y_shape = g.image(g.out(), g.F), w_shape = g.weights(g.C / g.groups, g.F);
  const Tensor x = random(generator, x_shape, dtype, -1, 1), w = random(generator, w_shape, dtype, -1, 1),
               dy = random(generator, y_shape, dtype, -1, 1), bias = random(generator, {g.F}, dtype, -1, 1);
  const std::vector<std::int64_t> ints = with(g.ints(), {g.groups});
  const double taps = static_cast<double>(w.size()) / static_cast<double>(g.F);
  const double scale = 4 * std::sqrt(taps * static_cast<double>(g.F)) + 4;
  const auto tanh = static_cast<std::int64_t>(Activation::tanh), relu = static_cast<std::int64_t>(Activation::relu);
  const auto check = [&](const char* op, std::vector<Tensor> inputs, const Shape& result,
                         const std::vector<std::int64_t>& epilogue, double larger = 1) {
    compare({op, std::move(inputs), {Tensor(result, dtype)}, with(ints, epilogue), {0.0}, {}, 0}, By::scale, 4,
            larger * scale);
  };
  check("conv", {x, w}, y_shape, {0, 0, 0, 0, 0});
  check("conv", {x, w, bias}, y_shape, {1, 0, relu, 0, 0});
  check("conv", {x, w, bias, dy}, y_shape, {1, 1, tanh, 0, 0}, 2);
  check("conv_input_gradient", {dy, w}, x_shape, {0, 0, 0, 0, 0});
  if (size_of(g.strides) == 1) check("conv_input_gradient", {dy, w, x, x}, x_shape, {0, 1, 0, tanh, 0}, 4);
  check("conv_weight_gradient", {x, dy}, w_shape, {},
        std::sqrt(static_cast<double>(dy.size()) / static_cast<double>(g.F)));
}

void depthwise(DType dtype, const Geometry& g) {
  const Shape x_shape = g.image(g.in, g.C), y_shape = g.image(g.out(), g.C);
  Shape w_shape = g.window;
  w_shape.push_back(g.C);
  const Tensor x = random(generator, x_shape, dtype, -1, 1), w = random(generator, w_shape, dtype, -1, 1),
               dy = random(generator, y_shape, dtype, -1, 1);
  compare({"depthwise_conv", {x, w}, {Tensor(y_shape, dtype)}, g.ints(), {}, {}, 0}, By::scale, 4, 9);
  compare({"depthwise_conv_input_gradient", {dy, w}, {Tensor(x_shape, dtype)}, g.ints(), {}, {}, 0}, By::scale, 4, 9);
  compare({"depthwise_conv_weight_gradient", {x, dy}, {Tensor(w_shape, dtype)}, g.ints(), {}, {}, 0}, By::scale, 4,
          4 * std::sqrt(static_cast<double>(dy.size())));
}

void poolings(DType dtype, const Geometry& g) {
  const Shape x_shape = g.image(g.in, g.C), y_shape = g.image(g.out(), g.C);
  // Ties, and a NaN.
  Tensor x = random(generator, x_shape, DType::int32, 0, 4).as(dtype);
  const std::vector<std::int64_t> ints = with(with(g.ints(), {static_cast<std::int64_t>(g.window.size())}), g.window);
  const Tensor dy = random(generator, y_shape, dtype, -1, 1), v = random(generator, x_shape, dtype, -1, 1);
  for (const bool nan : {false, true}) {
    if (nan) x.set(x.size() / 2, NAN);
    const Instruction pool{"max_pool", {x}, {Tensor(y_shape, dtype)}, ints, {}, {}, 0};
    compare(pool, By::element, 0, 0);
    const Tensor y = run_on_cpu(pool)[0];
    const auto relu = static_cast<std::int64_t>(Activation::relu);
    compare({"max_pool_gradient", {dy, x, y}, {Tensor(x_shape, dtype)}, with(ints, {0, 0, 0, 0, 0}), {0.0}, {}, 0},
            By::scale, 2, 9);
    compare(
        {"max_pool_gradient", {dy, x, y, v}, {Tensor(x_shape, dtype)}, with(ints, {0, 0, 0, relu, 0}), {0.0}, {}, 0},
        By::scale, 2, 9);
    compare({"max_pool_choice", {v, x, y}, {Tensor(y_shape, dtype)}, ints, {}, {}, 0}, By::element, 0, 0);
  }
  compare({"average_pool", {v}, {Tensor(y_shape, dtype)}, ints, {}, {}, 0}, By::scale, 4, 2);
  compare({"average_pool_gradient", {dy}, {Tensor(x_shape, dtype)}, ints, {}, {}, 0}, By::scale, 4, 4);
}

}  // namespace

void images() {
  for (const DType dtype : floats) {
    for (const Geometry& g : geometries) {
      convolutions(dtype, g);
      depthwise(dtype, g);
    }
    // Pooling windows lie over the image, at most on its border.
    for (const Geometry& g : {geometries[0], geometries[2], geometries[4], geometries[5], geometries[6]}) {
      poolings(dtype, g);
    }
    depthwise(dtype, {3, 37, 0, 1, {20, 20}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
    for (const auto& [kernel, splits] : {std::pair{0, 1}, {0, 3}, {2, 2}}) {
      force_gemm_kernel(kernel, splits);
      convolutions(dtype, geometries[3]);
      convolutions(dtype, geometries[7]);
    }
    force_gemm_kernel(-1);
  }
}

void normalization() {
  const Shape shapes[] = {{3, 1}, {5, 4}, {2, 3, 10}, {37, 33}, {300, 16}, {16, 70}, {3, 2051}};
  for (const DType dtype : floats) {
    for (const Shape& shape : shapes) {
      const std::int64_t C = shape.back();
      const double rows = static_cast<double>(size_of(shape)) / static_cast<double>(C);
      const Tensor x = random(generator, shape, dtype, 1, 3), dy = random(generator, shape, dtype, -2, 2);
      const Tensor gamma = random(generator, {C}, dtype, -1, 1), beta = random(generator, {C}, dtype, -1, 1);
      const Tensor mean = random(generator, {C}, dtype, 1, 2), variance = random(generator, {C}, dtype, 0.5, 2);
      const Tensor result(shape, dtype), column({C}, dtype);
      for (const std::int64_t centered : {0, 1}) {
        compare({"layer_normalization", {x, gamma, beta}, {result}, {centered}, {0.1}, {0}, 0}, By::scale, 64, 4);
        for (const int place : {0, 1}) {
          compare({"layer_normalization_gradient",
                   {dy, x, gamma},
                   {result, column, column},
                   {centered},
                   {0.1},
                   {place, -1, -1},
                   0},
                  By::scale, 64, 8 + 4 * std::sqrt(rows));
        }
      }
      for (const std::int64_t residual : {0, 1}) {
        const std::vector<std::int64_t> ints{0, residual, residual, 0, 0};
        std::vector<Tensor> training{x, gamma, beta}, given{x, mean, variance, gamma, beta};
        if (residual != 0) training.push_back(dy), given.push_back(dy);
        compare({"batch_normalization_training", training, {result, column, column}, ints, {0.1, 0.0}, {}, 0},
                By::scale, 64, 8);
        compare({"batch_normalization", given, {result}, ints, {0.1, 0.0}, {}, 0}, By::scale, 64, 8);
      }
      compare(
          {"batch_normalization_gradient", {dy, x, gamma, mean, variance}, {result, column, column}, {}, {0.1}, {}, 0},
          By::scale, 64, 16 + 8 * std::sqrt(rows));
    }
  }
}

}  // namespace dlnative::cuda::check
