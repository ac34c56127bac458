// Convolution of each channel by itself, and its gradients; csrc/ops/depthwise.cpp says what each op computes.
//
// Forward and by the input a thread makes an element, neighbours in channels. By the weights, a block sums 32 channels
// of a tap over a chunk of outputs, and a second kernel adds the chunks up in order.
#include "device/scalar.h"
#include "ops/windows.h"

namespace dlnative::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(window_threads)
    depthwise_kernel(const T* x, const T* w, T* y, std::uint32_t size, WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t index = blockIdx.x * window_threads + threadIdx.x;
  if (index >= size) return;
  const Pixel o = shape.output(index);
  const WindowAxis &D = shape.axes[0], &H = shape.axes[1], &W = shape.axes[2];
  T total = 0;
  const T* weight = w + o.c;
  for (std::int32_t d = 0; d < D.window; ++d) {
    const std::int32_t i = o.at[0] * D.stride + d * D.dilation - D.low;
    for (std::int32_t h = 0; h < H.window; ++h) {
      const std::int32_t j = o.at[1] * H.stride + h * H.dilation - H.low;
      const bool inside = i >= 0 && i < D.in && j >= 0 && j < H.in;
      for (std::int32_t v = 0; v < W.window; ++v, weight += shape.C) {
        const std::int32_t k = o.at[2] * W.stride + v * W.dilation - W.low;
        if (inside && k >= 0 && k < W.in) total = fma(x[shape.input_place(o.n, i, j, k) + o.c], *weight, total);
      }
    }
  }
  y[index] = total;
}

template <class T>
__global__ void __launch_bounds__(window_threads)
    depthwise_input_kernel(const T* dy, const T* w, T* dx, std::uint32_t size, WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t index = blockIdx.x * window_threads + threadIdx.x;
  if (index >= size) return;
  const Pixel p = shape.input(index);
  T total = 0;
  const T* weight = w + p.c;
  for (std::int32_t d = 0; d < shape.axes[0].window; ++d) {
    const std::int32_t od = shape.axes[0].output_of(p.at[0], d);
    for (std::int32_t h = 0; h < shape.axes[1].window; ++h) {
      const std::int32_t oh = shape.axes[1].output_of(p.at[1], h);
      for (std::int32_t v = 0; v < shape.axes[2].window; ++v, weight += shape.C) {
        const std::int32_t ow = shape.axes[2].output_of(p.at[2], v);
        if (od < 0 || oh < 0 || ow < 0) continue;
        total = fma(dy[shape.output_place(p.n, od, oh, ow) + p.c], *weight, total);
      }
    }
  }
  dx[index] = total;
}

constexpr int columns = 32, parts = window_threads / columns;

// Outputs of all samples in chunks; blockIdx.y is the tap, blockIdx.z the chunk.
template <class T>
__global__ void __launch_bounds__(window_threads)
    depthwise_weight_kernel(const T* x, const T* dy, T* partials, std::int32_t pixels, std::int32_t chunk,
                            WindowShape shape) {
  wait_for_previous_kernel();
  auto& s = shared<T[parts][columns]>();
  const int lane = static_cast<int>(threadIdx.x) % columns, part = static_cast<int>(threadIdx.x) / columns;
  const std::int32_t c = static_cast<std::int32_t>(blockIdx.x) * columns + lane;
  const std::int32_t tap = static_cast<std::int32_t>(blockIdx.y);
  const WindowAxis &D = shape.axes[0], &H = shape.axes[1], &W = shape.axes[2];
  const std::int32_t v = tap % W.window, h = tap / W.window % H.window, d = tap / W.window / H.window;
  const std::int32_t first = static_cast<std::int32_t>(blockIdx.z) * chunk;
  const std::int32_t last = first + chunk < pixels ? first + chunk : pixels;
  T total = 0;
  if (c < shape.C) {
    for (std::int32_t o = first + part; o < last; o += parts) {
      std::uint32_t at[3];
      std::uint32_t rest = static_cast<std::uint32_t>(o);
      DLN_UNROLL
      for (int axis = 2; axis >= 0; --axis) rest = shape.out[axis].divide(rest, at[axis]);
      const std::int32_t i = static_cast<std::int32_t>(at[0]) * D.stride + d * D.dilation - D.low;
      const std::int32_t j = static_cast<std::int32_t>(at[1]) * H.stride + h * H.dilation - H.low;
      const std::int32_t k = static_cast<std::int32_t>(at[2]) * W.stride + v * W.dilation - W.low;
      if (i < 0 || i >= D.in || j < 0 || j >= H.in || k < 0 || k >= W.in) continue;
      total = fma(x[shape.input_place(static_cast<std::int32_t>(rest), i, j, k) + c], dy[o * shape.C + c], total);
    }
  }
  s[part][lane] = total;
  __syncthreads();
  if (part != 0 || c >= shape.C) return;
  for (int other = 1; other < parts; ++other) total += s[other][lane];
  partials[(std::int64_t{blockIdx.z} * gridDim.y + tap) * shape.C + c] = total;
}

template <class T>
__global__ void __launch_bounds__(window_threads)
    add_chunks_kernel(const T* partials, T* y, std::int64_t size, std::int32_t chunks) {
  wait_for_previous_kernel();
  const std::int64_t i = std::int64_t{blockIdx.x} * window_threads + threadIdx.x;
  if (i >= size) return;
  T total = 0;
  for (std::int32_t chunk = 0; chunk < chunks; ++chunk) total += partials[chunk * size + i];
  y[i] = total;
}

template <class T>
void depthwise_conv(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &w = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  const WindowShape shape(Windows(call, x, y, w.shape), x.extent(-1), queue.op);
  launch(queue, depthwise_kernel<T>, Grid{blocks_for(y.size, window_threads), window_threads}, x.as<const T>(),
         w.as<const T>(), y.as<T>(), static_cast<std::uint32_t>(y.size), shape);
}
template <class T>
void depthwise_input_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &w = call.inputs[1], &dx = call.outputs[0];
  if (dx.size == 0) return;
  const WindowShape shape(Windows(call, dx, dy, w.shape), dx.extent(-1), queue.op);
  launch(queue, depthwise_input_kernel<T>, Grid{blocks_for(dx.size, window_threads), window_threads}, dy.as<const T>(),
         w.as<const T>(), dx.as<T>(), static_cast<std::uint32_t>(dx.size), shape);
}

// How the outputs are cut; only shapes decide.
struct WeightChunks {
  std::int64_t pixels, chunk, chunks;

  explicit WeightChunks(const Call& call) {
    const View &dy = call.inputs[1], &dw = call.outputs[0];
    constexpr std::int64_t fewest = 64, enough = 512;  // outputs of a chunk, blocks in all
    pixels = dy.extent(-1) == 0 ? 0 : dy.size / dy.extent(-1);
    const std::int64_t taps = dw.rows(), tiles = (dw.extent(-1) + columns - 1) / columns;
    const std::int64_t blocks = taps * tiles < 1 ? 1 : taps * tiles, wanted = (enough + blocks - 1) / blocks;
    chunk = (pixels + wanted - 1) / wanted;
    chunk = chunk < fewest ? fewest : chunk;
    chunks = pixels == 0 ? 1 : (pixels + chunk - 1) / chunk;
  }
};
template <class T>
void depthwise_weight_gradient(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &dy = call.inputs[1], &dw = call.outputs[0];
  if (dw.size == 0) return;
  const WindowShape shape(Windows(call, x, dy, dw.shape), x.extent(-1), queue.op);
  const WeightChunks cut(call);
  auto* const partials = cut.chunks == 1 ? dw.as<T>() : static_cast<T*>(call.scratch);
  const Grid grid{blocks_for(shape.C, columns), window_threads, sizeof(T[parts][columns]),
                  static_cast<unsigned>(dw.rows()), static_cast<unsigned>(cut.chunks)};
  launch(queue, depthwise_weight_kernel<T>, grid, x.as<const T>(), dy.as<const T>(), partials,
         static_cast<std::int32_t>(cut.pixels), static_cast<std::int32_t>(cut.chunk), shape);
  if (cut.chunks == 1) return;
  launch(queue, add_chunks_kernel<T>, Grid{blocks_for(dw.size, window_threads), window_threads}, partials, dw.as<T>(),
         dw.size, static_cast<std::int32_t>(cut.chunks));
}
std::int64_t weight_gradient_bytes(const Call& call) {
  const WeightChunks cut(call);
  return cut.chunks == 1 ? 0 : cut.chunks * call.outputs[0].size * item_size(call.outputs[0].dtype);
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) by_float<kernel<float>, kernel<double>>, same<Floats>
extern const Row depthwise_rows[] = {
    {"depthwise_conv", DLNATIVE_BY_FLOAT(depthwise_conv)},
    {"depthwise_conv_input_gradient", DLNATIVE_BY_FLOAT(depthwise_input_gradient)},
    {"depthwise_conv_weight_gradient", DLNATIVE_BY_FLOAT(depthwise_weight_gradient), weight_gradient_bytes},
};
#undef DLNATIVE_BY_FLOAT
extern const int depthwise_row_count = sizeof(depthwise_rows) / sizeof(depthwise_rows[0]);

}  // namespace dlnative::cuda
