// Convolution of images with channels last, in one to three dimensions, and its gradients, by batch-reduce products.
//
//   conv                   y[n, o, f] = act(bias + residual +
//                              sum over k, c of x[n, o stride + k dilation - low, c] w[k, c, f])
//   conv_input_gradient    dx[n, i, c] = sum over k, f of dy[n, (i + low - k dilation) / stride, f] w[k, c, f],
//                          where whole; with the epilogue of a product where all strides are 1
//   conv_weight_gradient   dw[k, c, f] = sum over n, o of x[n, o stride + k dilation - low, c] dy[n, o, f]
//
// Channels may come in groups: w has C / groups of them, and a filter sees those of its group.
//
// Nothing is gathered: for one row of the window, A is the image itself. Its rows, the output pixels, lie stride * C
// elements apart and overlap, and (width of the window) * C steps of k lie side by side; the rows of the window are the
// list. Images that a window reaches over are copied, with zeros around, some lines at a time. The gradient by the
// input is a convolution of dy whose weights are taken transposed and in reverse; with strides, one for each remainder
// of the input's place, over the taps of the window that this meets. The gradient by the weights has windows
// transposed, and a list over lines of output pixels; chunks of samples are summed by themselves and added up in order.
//
// Each sum depends on shapes alone: how lines are dealt out to threads does not change it.
#include "ops/convolution_taps.h"
#include "ops/convolution_weights.h"
#include "ops/dispatch.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// conv, and its gradient by the input.

template <class T>
TapProduct<T> forward_product(const Call& call) {
  const View &x = call.inputs[0], &w = call.inputs[1], &y = call.outputs[0];
  const Windows windows(call, x, y, w.shape);
  TapProduct<T> p;
  p.N = windows.N;
  p.C = x.extent(-1);
  p.F = y.extent(-1);
  p.groups = *Windows::rest(call);
  for (int i = 0; i < 3; ++i) {
    const Axis& axis = windows.axes[i];
    p.extents[i] = axis.in;
    p.Q[i] = axis.out;
    p.step[i] = axis.stride;
    p.taps[i] = forward_taps(axis);
  }
  p.window_rows = p.groups == 1 && (windows.axes[2].dilation == 1 || windows.axes[2].window == 1);
  p.weights_ld = p.F;
  p.weights_group = p.filters();
  p.tap_strides[2] = p.channels() * p.F;
  p.tap_strides[1] = windows.axes[2].window * p.tap_strides[2];
  p.tap_strides[0] = windows.axes[1].window * p.tap_strides[1];
  return p;
}

// Rows of a result lie one behind the other.
template <class T>
Places<T> dense_places(const TapProduct<T>& p, T* y) {
  Places<T> places;
  places.y = y;
  places.axis[2] = p.F;
  places.axis[1] = p.Q[2] * p.F;
  places.axis[0] = p.Q[1] * places.axis[1];
  places.sample = p.Q[0] * places.axis[0];
  return places;
}

template <class T>
Epilogue<T> epilogue_of(const Call& call) {
  GemmArguments<T> g;
  read_epilogue(call, static_cast<int>(Windows::rest(call) - call.ints) + 1, g);
  return g;
}

template <class T>
void convolution(const Call& call) {
  const TapProduct<T> p = forward_product<T>(call);
  T* scratch = static_cast<T*>(call.scratch);
  const T* packed = static_cast<const T*>(call.prepacked);
  if (packed == nullptr) {
    const std::int64_t size = p.groups * p.packed_size();
    pack_weights(p, call.inputs[1].as<T>(), scratch, reinterpret_cast<Part<T>*>(scratch + size));
    packed = scratch;
    scratch += size;
  }
  run_taps(p, call.inputs[0].as<T>(), packed, dense_places(p, call.outputs[0].as<T>()), epilogue_of<T>(call), scratch,
           *call.workers);
}

void conv(const Call& call) {
  with_type(Floats{}, call.outputs[0].dtype, [&](auto type) { convolution<decltype(type)>(call); });
}
std::int64_t conv_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    using T = decltype(type);
    const TapProduct<T> p = forward_product<T>(call);
    const std::int64_t running = larger_of(scratch_size(p, threads), p.list_size());
    return (p.groups * p.packed_size() + running) * static_cast<std::int64_t>(sizeof(T));
  });
}
std::int64_t conv_prepacked_bytes(const Call& call) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    const auto p = forward_product<decltype(type)>(call);
    return p.groups * p.packed_size() * static_cast<std::int64_t>(sizeof(type));
  });
}
void conv_prepack(const Call& call, void* to) {
  with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    using T = decltype(type);
    const TapProduct<T> p = forward_product<T>(call);
    const PartList<T> parts(p.part_count() + 1);
    pack_weights<T>(p, call.inputs[1].as<T>(), static_cast<T*>(to), parts);
  });
}

// The inputs whose places leave the remainders r by the strides.
template <class T>
TapProduct<T> backward_product(const Call& call, const std::int64_t (&r)[3]) {
  const View &dy = call.inputs[0], &w = call.inputs[1], &dx = call.outputs[0];
  const Windows windows(call, dx, dy, w.shape);
  TapProduct<T> p;
  p.N = windows.N;
  p.C = dy.extent(-1);
  p.F = dx.extent(-1);
  p.groups = *Windows::rest(call);
  for (int i = 0; i < 3; ++i) {
    const Axis& axis = windows.axes[i];
    p.extents[i] = axis.out;
    p.Q[i] = (axis.in - r[i] + axis.stride - 1) / axis.stride;
    p.step[i] = 1;
    p.taps[i] = backward_taps(axis, r[i]);
  }
  p.transpose_b = true;
  p.scattered = windows.axes[1].stride > 1 || windows.axes[2].stride > 1;
  p.weights_ld = p.C;
  p.weights_group = p.channels();
  p.tap_strides[2] = p.filters() * p.C;
  p.tap_strides[1] = windows.axes[2].window * p.tap_strides[2];
  p.tap_strides[0] = windows.axes[1].window * p.tap_strides[1];
  return p;
}

// Calls body(product, places) for each class of inputs.
template <class T, class Body>
void for_classes(const Call& call, Body body) {
  const View& dx = call.outputs[0];
  const Windows windows(call, dx, call.inputs[0], call.inputs[1].shape);
  const Axis* const axes = windows.axes;
  std::int64_t r[3];
  for (r[0] = 0; r[0] < smaller(axes[0].stride, axes[0].in); ++r[0]) {
    for (r[1] = 0; r[1] < smaller(axes[1].stride, axes[1].in); ++r[1]) {
      for (r[2] = 0; r[2] < smaller(axes[2].stride, axes[2].in); ++r[2]) {
        const TapProduct<T> p = backward_product<T>(call, r);
        const std::int64_t line = axes[2].in * p.F, plane = axes[1].in * line;
        Places<T> places;
        places.sample = axes[0].in * plane;
        places.axis[0] = axes[0].stride * plane;
        places.axis[1] = axes[1].stride * line;
        places.axis[2] = axes[2].stride * p.F;
        places.y = dx.as<T>();
        if (places.y != nullptr) places.y += r[0] * plane + r[1] * line + r[2] * p.F;
        body(p, places);
      }
    }
  }
}

template <class T>
void input_gradient(const Call& call) {
  if (call.outputs[0].size == 0) return;
  const Epilogue<T> epilogue = epilogue_of<T>(call);
  T* const scratch = static_cast<T*>(call.scratch);
  for_classes<T>(call, [&](const TapProduct<T>& p, const Places<T>& places) {
    const std::int64_t size = p.groups * p.packed_size();
    pack_weights(p, call.inputs[1].as<T>(), scratch, reinterpret_cast<Part<T>*>(scratch + size));
    run_taps(p, call.inputs[0].as<T>(), scratch, places, epilogue, scratch + size, *call.workers);
  });
}

void conv_input_gradient(const Call& call) {
  with_type(Floats{}, call.outputs[0].dtype, [&](auto type) { input_gradient<decltype(type)>(call); });
}
std::int64_t conv_input_gradient_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    using T = decltype(type);
    std::int64_t most = 0;
    if (call.outputs[0].size == 0) return most;
    for_classes<T>(call, [&](const TapProduct<T>& p, const Places<T>&) {
      const std::int64_t running = larger_of(scratch_size(p, threads), p.list_size());
      most = larger_of(most, (p.groups * p.packed_size() + running) * static_cast<std::int64_t>(sizeof(T)));
    });
    return most;
  });
}

void conv_weight_gradient(const Call& call) {
  with_type(Floats{}, call.outputs[0].dtype, [&](auto type) { WeightGradient<decltype(type)>(call).run(call); });
}
std::int64_t conv_weight_gradient_scratch(const Call& call, int threads) {
  return with_type(Floats{}, call.outputs[0].dtype, [&](auto type) {
    return WeightGradient<decltype(type)>(call).scratch_size(threads) * static_cast<std::int64_t>(sizeof(type));
  });
}

}  // namespace

extern const OpRow convolution_rows[] = {
    {"conv", conv, same<Floats>, conv_scratch, conv_prepacked_bytes, conv_prepack},
    {"conv_input_gradient", conv_input_gradient, same<Floats>, conv_input_gradient_scratch},
    {"conv_weight_gradient", conv_weight_gradient, same<Floats>, conv_weight_gradient_scratch},
};
extern const int convolution_row_count = sizeof(convolution_rows) / sizeof(convolution_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
