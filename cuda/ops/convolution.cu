// Convolution of images with channels last and its gradients, as products whose left operand is found in the image;
// csrc/ops/convolution.cpp says what each op computes.
//
//   conv                  rows are output pixels, k is (tap, channel): x where the tap sees it, 0 outside
//   conv_input_gradient   the same over dy with the taps that meet an input; with strides, one product for each
//   remainder
//                         of the input's place, over the taps of the window that it meets
//   conv_weight_gradient  rows are (tap, channel), k is output pixels of all samples, of which blocks sum parts
//
// The kernel is that of matrix products (gemm/gemm_kernel.h), with its tiles and its epilogue; what differs is where a
// thread finds the pieces that it loads. Groups of channels are a batch.
#include "gemm/enqueue_tile.h"
#include "ops/convolution_product.h"
#include "ops/epilogue.h"

namespace dlnative::cuda {
namespace {

Divisor divisor(std::int64_t x) { return Divisor(static_cast<std::uint32_t>(x < 1 ? 1 : x)); }
template <class T>
bool in_packs(const void* data, std::int64_t stride) {
  return is_aligned(data) && stride % pack_width<T> == 0;
}

template <class T>
Image<T> image_of(const View& x, const std::int64_t (&extents)[3], const std::int64_t (&outputs)[3],
                  const std::int64_t (&step)[3], const Taps (&taps)[3], std::int64_t channels) {
  Image<T> image{};
  image.data = x.as<const T>();
  image.C = static_cast<std::int32_t>(x.extent(-1));
  for (int i = 0; i < 3; ++i) {
    image.axes[i] = {static_cast<std::int32_t>(extents[i]), static_cast<std::int32_t>(step[i]),
                     static_cast<std::int32_t>(taps[i].offset), static_cast<std::int32_t>(taps[i].offset_step)};
    image.outputs.extents[2 - i] = divisor(outputs[i]);
  }
  image.packs = in_packs<T>(x.data, channels) && x.extent(-1) % pack_width<T> == 0;
  return image;
}
Steps steps_of(const Taps (&taps)[3], std::int64_t channels) {
  return {divisor(channels), {divisor(taps[2].count), divisor(taps[1].count), divisor(taps[0].count)}};
}

// What is common to all three: geometry, channels and filters of a group.
template <class T>
struct Geometry {
  Windows windows;
  std::int64_t groups, C, F, in[3], out[3], stride[3];
  Taps taps[3];

  Geometry(const Call& call, const View& image, const View& result, const std::int64_t* window)
      : windows(call, image, result, window), groups(*Windows::rest(call)), C(image.extent(-1)), F(result.extent(-1)) {
    for (int i = 0; i < 3; ++i) {
      const Axis& axis = windows.axes[i];
      in[i] = axis.in;
      out[i] = axis.out;
      stride[i] = axis.stride;
      taps[i] = forward_taps(axis);
    }
  }
  std::int64_t channels() const { return C / groups; }
  std::int64_t filters() const { return F / groups; }
  std::int64_t steps() const { return windows.window() * channels(); }
  void refuse_large(const Queue& queue) const {
    constexpr std::int64_t most = (std::int64_t{1} << 31) - 4096;
    if (windows.N * windows.pixels_out() >= most || windows.N * windows.pixels_in() >= most || steps() >= most) {
      throw Error(std::string("cuda: ") + queue.op + ": the product is too large");
    }
  }
};

template <class T>
void read_epilogue_of(const Call& call, Output<T>& g, std::int64_t columns) {
  GemmArguments<T> from;
  read_epilogue(call, static_cast<int>(Windows::rest(call) - call.ints) + 1, from);
  read_output(from, g);
  g.c = call.outputs[0].as<T>();
  g.N = static_cast<std::int32_t>(columns);
  g.c_batch = g.bias_batch = columns;
  const std::int64_t ld = call.outputs[0].extent(-1);
  g.ldc = static_cast<std::int32_t>(ld);
  g.packs_c = in_packs<T>(g.c, ld) && columns % pack_width<T> == 0 && is_aligned(g.bias) && is_aligned(g.residual) &&
              is_aligned(g.saved);
}

template <class T>
void set_operands(ImageMatrixProduct<T>& g, const Geometry<T>& p, const View& x, const View& matrix) {
  g.image = image_of<T>(x, p.in, p.out, p.stride, p.taps, p.channels());
  g.image_batch = static_cast<std::int32_t>(p.channels());
  g.steps = steps_of(p.taps, p.channels());
  g.matrix = matrix.as<const T>();
  g.matrix_batch = static_cast<std::int32_t>(p.filters());
  g.ldb = static_cast<std::int32_t>(p.F);
  g.packs_b = in_packs<T>(matrix.data, p.F) && p.filters() % pack_width<T> == 0;
}

template <class T>
ProductSizes forward_sizes(const Geometry<T>& p) {
  return {p.windows.N * p.windows.pixels_out(), p.filters(), p.steps(), p.groups};
}
template <class T>
void convolution(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &w = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  const Geometry<T> p(call, x, y, w.shape);
  p.refuse_large(queue);
  const ProductSizes sizes = forward_sizes(p);
  ForwardProduct<T> g{};
  read_epilogue_of(call, g, p.filters());
  g.M = static_cast<std::int32_t>(sizes.M);
  g.K = static_cast<std::int32_t>(sizes.K);
  set_operands(g, p, x, w);
  enqueue_product<T, true, false>(g, sizes, call.scratch, queue);
}
template <class T>
std::int64_t convolution_bytes(const Call& call) {
  if (call.outputs[0].size == 0) return 0;
  const Geometry<T> p(call, call.inputs[0], call.outputs[0], call.inputs[1].shape);
  return product_scratch_bytes<T, true>(forward_sizes(p));
}

// Calls body(remainders, taps, inputs on each axis, sizes) for each class of inputs.
template <class T, class Body>
void for_classes(const Geometry<T>& p, const Body& body) {
  const auto classes = [&](int i) { return p.stride[i] < p.in[i] ? p.stride[i] : p.in[i]; };
  std::int64_t r[3];
  for (r[0] = 0; r[0] < classes(0); ++r[0]) {
    for (r[1] = 0; r[1] < classes(1); ++r[1]) {
      for (r[2] = 0; r[2] < classes(2); ++r[2]) {
        Taps taps[3];
        std::int64_t Q[3];
        for (int i = 0; i < 3; ++i) {
          taps[i] = backward_taps(p.windows.axes[i], r[i]);
          Q[i] = (p.in[i] - r[i] + p.stride[i] - 1) / p.stride[i];
        }
        const std::int64_t K = taps[0].count * taps[1].count * taps[2].count * p.filters();
        body(r, taps, Q, ProductSizes{p.windows.N * Q[0] * Q[1] * Q[2], p.channels(), K, p.groups});
      }
    }
  }
}
template <class T>
void input_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &w = call.inputs[1], &dx = call.outputs[0];
  if (dx.size == 0) return;
  const Geometry<T> p(call, dx, dy, w.shape);
  p.refuse_large(queue);
  constexpr std::int64_t ones[3] = {1, 1, 1};
  for_classes(
      p, [&](const std::int64_t (&r)[3], const Taps(&taps)[3], const std::int64_t (&Q)[3], const ProductSizes& sizes) {
        if (sizes.M == 0) return;
        BackwardProduct<T> g{};
        read_epilogue_of(call, g, p.channels());
        g.M = static_cast<std::int32_t>(sizes.M);
        g.K = static_cast<std::int32_t>(sizes.K);
        g.image = image_of<T>(dy, p.out, Q, ones, taps, p.filters());
        g.image_batch = static_cast<std::int32_t>(p.filters());
        g.steps = steps_of(taps, p.filters());
        g.weights.data = w.as<const T>();
        g.weights.ld = static_cast<std::int32_t>(p.F);
        g.weights.packs = in_packs<T>(w.data, p.F) && p.filters() % pack_width<T> == 0;
        g.weights_batch = static_cast<std::int32_t>(p.filters());
        std::int64_t tap = p.channels() * p.F, place = p.C, origin = 0;
        for (int i = 2; i >= 0; --i) {
          g.weights.first[i] = static_cast<std::int32_t>(taps[i].first);
          g.weights.step[i] = static_cast<std::int32_t>(taps[i].step);
          g.weights.stride[i] = static_cast<std::int32_t>(tap);
          tap *= p.windows.axes[i].window;
          g.axis[i] = p.stride[i] * place;
          origin += r[i] * place;
          place *= p.in[i];
        }
        g.sample = place;
        g.c += origin;
        if (g.residual != nullptr) g.residual += origin;
        if (g.saved != nullptr) g.saved += origin;
        enqueue_product<T, true, false>(g, sizes, call.scratch, queue);
      });
}
template <class T>
std::int64_t input_gradient_bytes(const Call& call) {
  if (call.outputs[0].size == 0) return 0;
  const Geometry<T> p(call, call.outputs[0], call.inputs[0], call.inputs[1].shape);
  std::int64_t most = 0;
  for_classes(p, [&](const auto&, const auto&, const auto&, const ProductSizes& sizes) {
    most = std::max(most, product_scratch_bytes<T, true>(sizes));
  });
  return most;
}

template <class T>
ProductSizes weight_sizes(const Geometry<T>& p) {
  return {p.steps(), p.filters(), p.windows.N * p.windows.pixels_out(), p.groups};
}
template <class T>
void weight_gradient(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &dy = call.inputs[1], &dw = call.outputs[0];
  if (dw.size == 0) return;
  const Geometry<T> p(call, x, dy, dw.shape);
  p.refuse_large(queue);
  const ProductSizes sizes = weight_sizes(p);
  WeightProduct<T> g{};
  g.c = dw.as<T>();
  g.M = static_cast<std::int32_t>(sizes.M);
  g.N = static_cast<std::int32_t>(sizes.N);
  g.K = static_cast<std::int32_t>(sizes.K);
  g.ldc = static_cast<std::int32_t>(p.F);
  g.c_batch = p.filters();
  g.packs_c = in_packs<T>(dw.data, p.F) && p.filters() % pack_width<T> == 0;
  set_operands(g, p, x, dy);
  enqueue_product<T, true, false>(g, sizes, call.scratch, queue);
}
template <class T>
std::int64_t weight_gradient_bytes(const Call& call) {
  if (call.outputs[0].size == 0) return 0;
  const Geometry<T> p(call, call.inputs[0], call.inputs[1], call.outputs[0].shape);
  return product_scratch_bytes<T, true>(weight_sizes(p));
}

template <std::int64_t (*single)(const Call&), std::int64_t (*twice)(const Call&)>
std::int64_t bytes_by_float(const Call& call) {
  return call.outputs[0].dtype == DType::float32 ? single(call) : twice(call);
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) \
  by_float<kernel<float>, kernel<double>>, same<Floats>, bytes_by_float<kernel##_bytes<float>, kernel##_bytes<double>>
extern const Row convolution_rows[] = {
    {"conv", DLNATIVE_BY_FLOAT(convolution)},
    {"conv_input_gradient", DLNATIVE_BY_FLOAT(input_gradient)},
    {"conv_weight_gradient", DLNATIVE_BY_FLOAT(weight_gradient)},
};
#undef DLNATIVE_BY_FLOAT
extern const int convolution_row_count = sizeof(convolution_rows) / sizeof(convolution_rows[0]);

}  // namespace dlnative::cuda
