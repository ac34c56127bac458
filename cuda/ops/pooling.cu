// Pooling of images with channels last; csrc/ops/pooling.cpp says what each op computes.
//
// A thread for each element of what is written, neighbours in channels: a gradient gathers from the windows that see
// its element, in their order, so that the sums are the CPU's to the bit.
#include "device/scalar.h"
#include "ops/epilogue.h"
#include "ops/windows.h"

namespace dlnative::cuda {
namespace {

// Calls f(where the element lies) for what output p sees, in order, until f gives true.
template <class F>
__device__ __forceinline__ void for_seen(const WindowShape& shape, const Pixel& p, F f) {
  const WindowAxis &D = shape.axes[0], &H = shape.axes[1], &W = shape.axes[2];
  const auto d = D.seen(p.at[0]), h = H.seen(p.at[1]), w = W.seen(p.at[2]);
  for (std::int32_t i = d.first; i < d.end; i += D.dilation) {
    for (std::int32_t j = h.first; j < h.end; j += H.dilation) {
      for (std::int32_t k = w.first; k < w.end; k += W.dilation) {
        if (f(shape.input_place(p.n, i, j, k) + p.c)) return;
      }
    }
  }
}
// Calls f(output) for the outputs that see input p, in order: the later the tap, the earlier the output.
template <class F>
__device__ __forceinline__ void for_seeing(const WindowShape& shape, const Pixel& p, F f) {
  for (std::int32_t d = shape.axes[0].window - 1; d >= 0; --d) {
    const std::int32_t od = shape.axes[0].output_of(p.at[0], d);
    if (od < 0) continue;
    for (std::int32_t h = shape.axes[1].window - 1; h >= 0; --h) {
      const std::int32_t oh = shape.axes[1].output_of(p.at[1], h);
      if (oh < 0) continue;
      for (std::int32_t w = shape.axes[2].window - 1; w >= 0; --w) {
        const std::int32_t ow = shape.axes[2].output_of(p.at[2], w);
        if (ow >= 0) f(Pixel{p.n, {od, oh, ow}, p.c});
      }
    }
  }
}

template <class T>
__global__ void __launch_bounds__(window_threads)
    max_pool_kernel(const T* x, T* y, std::uint32_t size, WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * window_threads + threadIdx.x;
  if (i >= size) return;
  T most = -static_cast<T>(__builtin_huge_val());
  for_seen(shape, shape.output(i), [&](std::int32_t at) {
    most = maximum(most, x[at]);
    return false;
  });
  y[i] = most;
}

template <class T>
__global__ void __launch_bounds__(window_threads, 4)
    max_pool_gradient_kernel(const T* dy, const T* x, const T* y, const T* saved, T* dx, std::uint32_t size,
                             WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * window_threads + threadIdx.x;
  if (i >= size) return;
  if (saved != nullptr && !(saved[i] > 0)) {  // of a relu
    dx[i] = 0;
    return;
  }
  const T own = x[i];
  T total = 0;
  for_seeing(shape, shape.input(i), [&](const Pixel& o) {
    const std::int32_t at = shape.output_place(o.n, o.at[0], o.at[1], o.at[2]) + o.c;
    const T largest = y[at];
    if (own != largest && own == own) return;
    bool first = false;  // of those that are the largest
    for_seen(shape, o, [&](std::int32_t other) {
      const T value = x[other];
      first = static_cast<std::uint32_t>(other) == i;
      return value == largest || value != value;
    });
    if (first) total += dy[at];
  });
  dx[i] = total;
}

template <class T>
__global__ void __launch_bounds__(window_threads)
    max_pool_choice_kernel(const T* v, const T* x, const T* y, T* chosen, std::uint32_t size, WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * window_threads + threadIdx.x;
  if (i >= size) return;
  const T largest = y[i];
  T found = 0;
  for_seen(shape, shape.output(i), [&](std::int32_t at) {
    const T value = x[at];
    if (value != largest && value == value) return false;
    found = v[at];
    return true;
  });
  chosen[i] = found;
}

template <class T>
__device__ __forceinline__ T share_of(const WindowShape& shape, const Pixel& o) {
  const std::int32_t count =
      shape.axes[0].seen_count(o.at[0]) * shape.axes[1].seen_count(o.at[1]) * shape.axes[2].seen_count(o.at[2]);
  return T{1} / static_cast<T>(count);
}

template <class T>
__global__ void __launch_bounds__(window_threads)
    average_pool_kernel(const T* x, T* y, std::uint32_t size, WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * window_threads + threadIdx.x;
  if (i >= size) return;
  const Pixel o = shape.output(i);
  T total = 0;
  for_seen(shape, o, [&](std::int32_t at) {
    total += x[at];
    return false;
  });
  y[i] = total * share_of<T>(shape, o);
}

template <class T>
__global__ void __launch_bounds__(window_threads)
    average_pool_gradient_kernel(const T* dy, T* dx, std::uint32_t size, WindowShape shape) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * window_threads + threadIdx.x;
  if (i >= size) return;
  T total = 0;
  for_seeing(shape, shape.input(i), [&](const Pixel& o) {
    total += dy[shape.output_place(o.n, o.at[0], o.at[1], o.at[2]) + o.c] * share_of<T>(shape, o);
  });
  dx[i] = total;
}

WindowShape shape_of(const Call& call, const View& image, const View& result, const Queue& queue) {
  return {Windows(call, image, result, Windows::rest(call) + 1), image.extent(-1), queue.op};
}
Grid pool_grid(const View& y) { return {blocks_for(y.size, window_threads), window_threads}; }
std::uint32_t size_of(const View& y) { return static_cast<std::uint32_t>(y.size); }

template <class T>
void max_pool(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  launch(queue, max_pool_kernel<T>, pool_grid(y), x.as<const T>(), y.as<T>(), size_of(y), shape_of(call, x, y, queue));
}
template <class T>
void max_pool_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &x = call.inputs[1], &y = call.inputs[2], &dx = call.outputs[0];
  if (dx.size == 0) return;
  GemmArguments<T> epilogue;
  read_epilogue(call, static_cast<int>(Windows::rest(call) - call.ints) + x.rank - 1, epilogue);
  launch(queue, max_pool_gradient_kernel<T>, pool_grid(dx), dy.as<const T>(), x.as<const T>(), y.as<const T>(),
         epilogue.saved, dx.as<T>(), size_of(dx), shape_of(call, x, y, queue));
}
template <class T>
void max_pool_choice(const Call& call, Queue& queue) {
  const View &v = call.inputs[0], &x = call.inputs[1], &y = call.inputs[2], &chosen = call.outputs[0];
  if (chosen.size == 0) return;
  launch(queue, max_pool_choice_kernel<T>, pool_grid(chosen), v.as<const T>(), x.as<const T>(), y.as<const T>(),
         chosen.as<T>(), size_of(chosen), shape_of(call, x, y, queue));
}
template <class T>
void average_pool(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  launch(queue, average_pool_kernel<T>, pool_grid(y), x.as<const T>(), y.as<T>(), size_of(y),
         shape_of(call, x, y, queue));
}
template <class T>
void average_pool_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &dx = call.outputs[0];
  if (dx.size == 0) return;
  launch(queue, average_pool_gradient_kernel<T>, pool_grid(dx), dy.as<const T>(), dx.as<T>(), size_of(dx),
         shape_of(call, dx, dy, queue));
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) by_float<kernel<float>, kernel<double>>, same<Floats>
extern const Row pooling_rows[] = {
    {"max_pool", DLNATIVE_BY_FLOAT(max_pool)},
    {"max_pool_gradient", DLNATIVE_BY_FLOAT(max_pool_gradient)},
    {"max_pool_choice", DLNATIVE_BY_FLOAT(max_pool_choice)},
    {"average_pool", DLNATIVE_BY_FLOAT(average_pool)},
    {"average_pool_gradient", DLNATIVE_BY_FLOAT(average_pool_gradient)},
};
#undef DLNATIVE_BY_FLOAT
extern const int pooling_row_count = sizeof(pooling_rows) / sizeof(pooling_rows[0]);

}  // namespace dlnative::cuda
