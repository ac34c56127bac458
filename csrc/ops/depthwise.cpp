// Convolution of each channel by itself, and its gradients: arithmetic along the channels, a vector of them at a time.
//
//   depthwise_conv                   y[n, o, c] = sum over k of x[n, o stride + k dilation - low, c] w[k, c]
//   depthwise_conv_input_gradient    dx[n, i, c] = sum over k of dy[n, (i + low - k dilation) / stride, c] w[k, c],
//                                    where whole
//   depthwise_conv_weight_gradient   dw[k, c] = sum over n, o of x[n, o stride + k dilation - low, c] dy[n, o, c]
//
// Images that a window reaches over are copied, with zeros around, some lines at a time. Four neighbouring outputs
// share each load of a weight; those of a 3 x 3 window stay in registers for a whole line, as do the sums of its
// gradient by the weights. These are of single samples, added up in order.
#include "ops/dispatch.h"
#include "ops/window.h"
#include "simd/lanes.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Outputs that see an image through taps; output q of a sample lies at y + sum of q[i] place[i].
struct Depthwise {
  std::int64_t N, C, extents[3], Q[3], step[3], tap_strides[3], sample, place[3], origin;
  Taps taps[3];

  bool inside() const {
    for (int i = 0; i < 3; ++i) {
      if (taps[i].count > 0 && (taps[i].least() < 0 || (Q[i] - 1) * step[i] + taps[i].most() >= extents[i]))
        return false;
    }
    return true;
  }
  std::int64_t spread(int i) const { return taps[i].most() - taps[i].least(); }
  std::int64_t columns() const { return (Q[2] - 1) * step[2] + spread(2) + 1; }
  std::int64_t rows(std::int64_t lines) const { return (lines - 1) * step[1] + spread(1) + 1; }
  // Whose inputs stay in L2.
  std::int64_t lines_of_task() const {
    constexpr std::int64_t bytes = 256 << 10;
    const std::int64_t line = columns() * C * (taps[0].count + 1) * 8 + 1, fit = (bytes / line - spread(1)) / step[1];
    const std::int64_t most = fit < 1 ? 1 : fit > Q[1] ? (Q[1] < 1 ? 1 : Q[1]) : fit, count = (Q[1] + most - 1) / most;
    return count == 0 ? 1 : (Q[1] + count - 1) / count;
  }
  std::int64_t image_size() const { return inside() ? 0 : taps[0].count * rows(lines_of_task()) * columns() * C; }
};

Depthwise forward(const Call& call) {
  const View &x = call.inputs[0], &w = call.inputs[1], &y = call.outputs[0];
  const Windows windows(call, x, y, w.shape);
  Depthwise p{};
  p.N = windows.N;
  p.C = x.extent(-1);
  p.tap_strides[2] = p.C;
  p.tap_strides[1] = windows.axes[2].window * p.C;
  p.tap_strides[0] = windows.axes[1].window * p.tap_strides[1];
  for (int i = 0; i < 3; ++i) {
    const Axis& axis = windows.axes[i];
    p.extents[i] = axis.in;
    p.Q[i] = axis.out;
    p.step[i] = axis.stride;
    p.taps[i] = forward_taps(axis);
  }
  p.place[2] = p.C;
  p.place[1] = p.Q[2] * p.C;
  p.place[0] = p.Q[1] * p.place[1];
  p.sample = p.Q[0] * p.place[0];
  return p;
}

// Calls body(product) for the inputs of each remainder by the strides.
template <class Body>
void for_classes(const Call& call, Body body) {
  const View &dy = call.inputs[0], &w = call.inputs[1], &dx = call.outputs[0];
  const Windows windows(call, dx, dy, w.shape);
  const Axis* const axes = windows.axes;
  const auto classes = [&](int i) { return axes[i].stride < axes[i].in ? axes[i].stride : axes[i].in; };
  for (std::int64_t r0 = 0; r0 < classes(0); ++r0) {
    for (std::int64_t r1 = 0; r1 < classes(1); ++r1) {
      for (std::int64_t r2 = 0; r2 < classes(2); ++r2) {
        const std::int64_t r[3] = {r0, r1, r2};
        Depthwise p{};
        p.N = windows.N;
        p.C = dy.extent(-1);
        p.tap_strides[2] = p.C;
        p.tap_strides[1] = axes[2].window * p.C;
        p.tap_strides[0] = axes[1].window * p.tap_strides[1];
        std::int64_t size = p.C;
        for (int i = 2; i >= 0; --i) {
          p.extents[i] = axes[i].out;
          p.Q[i] = (axes[i].in - r[i] + axes[i].stride - 1) / axes[i].stride;
          p.step[i] = 1;
          p.taps[i] = backward_taps(axes[i], r[i]);
          p.origin += r[i] * size;
          p.place[i] = axes[i].stride * size;
          size *= axes[i].in;
        }
        p.sample = size;
        body(p);
      }
    }
  }
}

// `together` neighbouring outputs of a line.
template <class T, int together>
DLNATIVE_INLINE void outputs(const Depthwise& p, const T* image, std::int64_t plane, std::int64_t line, const T* w,
                             T* y, int count) {
  Vec<T> sums[together] = {};
  for (std::int64_t d = 0; d < p.taps[0].count; ++d) {
    for (std::int64_t h = 0; h < p.taps[1].count; ++h) {
      const T* at = image + d * plane + (p.taps[1].at(h) - p.taps[1].least()) * line +
                    (p.taps[2].offset - p.taps[2].least()) * p.C;
      const T* weight = w + p.taps[0].tap(d) * p.tap_strides[0] + p.taps[1].tap(h) * p.tap_strides[1] +
                        p.taps[2].first * p.tap_strides[2];
      for (std::int64_t v = 0; v < p.taps[2].count; ++v) {
        const Vec<T> factor = load_lanes(weight, count);
        for (int k = 0; k < together; ++k) sums[k] = fma(load_lanes(at + k * p.step[2] * p.C, count), factor, sums[k]);
        at += p.taps[2].offset_step * p.C;
        weight += p.taps[2].step * p.tap_strides[2];
      }
    }
  }
  for (int k = 0; k < together; ++k) store_lanes(y + k * p.place[2], sums[k], count);
}

// The taps of a 3 x 3 window: where they are in an image, and their weights.
template <class T>
struct NineTaps {
  std::int64_t rows[3], step;
  Vec<T> weights[9];

  DLNATIVE_INLINE NineTaps(const Depthwise& p, std::int64_t line, const T* w, int count)
      : step(p.taps[2].offset_step * p.C) {
    for (int h = 0; h < 3; ++h) {
      rows[h] = (p.taps[1].at(h) - p.taps[1].least()) * line + (p.taps[2].offset - p.taps[2].least()) * p.C;
      for (int v = 0; v < 3; ++v) {
        const std::int64_t at = p.taps[0].first * p.tap_strides[0] + p.taps[1].tap(h) * p.tap_strides[1] +
                                p.taps[2].tap(v) * p.tap_strides[2];
        weights[h * 3 + v] = load_lanes(w + at, count);
      }
    }
  }
  static bool fits(const Depthwise& p) { return p.taps[0].count == 1 && p.taps[1].count == 3 && p.taps[2].count == 3; }

  template <int together>
  DLNATIVE_INLINE void outputs(const T* image, std::int64_t apart, T* y, std::int64_t y_apart, int count) const {
    Vec<T> sums[together] = {};
    for (int h = 0; h < 3; ++h) {
      for (int v = 0; v < 3; ++v) {
        const T* const at = image + rows[h] + v * step;
        for (int k = 0; k < together; ++k)
          sums[k] = fma(load_lanes(at + k * apart, count), weights[h * 3 + v], sums[k]);
      }
    }
    for (int k = 0; k < together; ++k) store_lanes(y + k * y_apart, sums[k], count);
  }
};

template <class T>
void run(const Depthwise& p, const T* x, const T* w, T* y, T* scratch, const Workers& workers) {
  const bool inside = p.inside(), nine = NineTaps<T>::fits(p);
  const std::int64_t lines = p.lines_of_task(), blocks = (p.Q[1] + lines - 1) / lines, each = p.image_size();
  const std::int64_t taps = p.taps[0].count * p.taps[1].count * p.taps[2].count;
  const double work = 0.1 * static_cast<double>(p.N * p.Q[0] * p.Q[1] * p.Q[2] * p.C) * static_cast<double>(taps + 1);
  const std::int64_t least[3] = {p.taps[0].least(), p.taps[1].least(), p.taps[2].least()};
  workers.parallel_for(workers.worthwhile(work), p.N * p.Q[0] * blocks, [&](std::int64_t task, int thread) {
    const std::int64_t n = task / (p.Q[0] * blocks), qd = task / blocks % p.Q[0], q0 = task % blocks * lines;
    const std::int64_t here = p.Q[1] - q0 < lines ? p.Q[1] - q0 : lines;
    const T* image = x + n * p.extents[0] * p.extents[1] * p.extents[2] * p.C;
    std::int64_t line = p.extents[2] * p.C, plane = p.extents[1] * line;
    if (inside) {
      image += (qd * p.step[0] + p.taps[0].offset) * plane + (q0 * p.step[1] + least[1]) * line + least[2] * p.C;
      plane *= p.taps[0].offset_step;
    } else {
      T* const memory = scratch + thread * each;
      const auto plane_at = [&](std::int64_t d) { return qd * p.step[0] + p.taps[0].at(d); };
      copy_padded(image, p.C, p.taps[0].count, plane_at, q0 * p.step[1] + least[1], p.rows(here), least[2], p.columns(),
                  memory, p.extents);
      image = memory;
      line = p.columns() * p.C;
      plane = p.rows(here) * line;
    }
    for (std::int64_t q = 0; q < here; ++q) {
      const T* const from = image + q * p.step[1] * line;
      T* const to = y + p.origin + n * p.sample + qd * p.place[0] + (q0 + q) * p.place[1];
      for_lanes<T>(p.C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        std::int64_t v = 0;
        if (nine) {
          const NineTaps<T> window(p, line, w + c, count);
          const std::int64_t apart = p.step[2] * p.C, y_apart = p.place[2];
          for (; v + 4 <= p.Q[2]; v += 4) {
            window.template outputs<4>(from + v * apart + c, apart, to + v * y_apart + c, y_apart, count);
          }
          for (; v < p.Q[2]; ++v) {
            window.template outputs<1>(from + v * apart + c, apart, to + v * y_apart + c, y_apart, count);
          }
          return;
        }
        for (; v + 4 <= p.Q[2]; v += 4) {
          outputs<T, 4>(p, from + v * p.step[2] * p.C + c, plane, line, w + c, to + v * p.place[2] + c, count);
        }
        for (; v < p.Q[2]; ++v) {
          outputs<T, 1>(p, from + v * p.step[2] * p.C + c, plane, line, w + c, to + v * p.place[2] + c, count);
        }
      });
    }
  });
}

template <class T>
void depthwise_conv(const Call& call) {
  run(forward(call), call.inputs[0].as<T>(), call.inputs[1].as<T>(), call.outputs[0].as<T>(),
      static_cast<T*>(call.scratch), *call.workers);
}
std::int64_t depthwise_bytes(const Call& call, int threads) {
  return threads * forward(call).image_size() * item_size(call.outputs[0].dtype);
}

template <class T>
void depthwise_input_gradient(const Call& call) {
  for_classes(call, [&](const Depthwise& p) {
    run(p, call.inputs[0].as<T>(), call.inputs[1].as<T>(), call.outputs[0].as<T>(), static_cast<T*>(call.scratch),
        *call.workers);
  });
}
std::int64_t input_gradient_bytes(const Call& call, int threads) {
  std::int64_t most = 0;
  for_classes(call, [&](const Depthwise& p) { most = most < p.image_size() ? p.image_size() : most; });
  return threads * most * item_size(call.outputs[0].dtype);
}

struct WeightSums {
  Windows windows;
  std::int64_t C, size;
  explicit WeightSums(const Call& call)
      : windows(call, call.inputs[0], call.inputs[1], call.outputs[0].shape),
        C(call.inputs[0].extent(-1)),
        size(call.outputs[0].size) {}
  std::int64_t covered(int i) const {
    const Axis& a = windows.axes[i];
    return (a.out - 1) * a.stride + (a.window - 1) * a.dilation + 1;
  }
  bool inside() const {
    for (int i = 0; i < 3; ++i) {
      if (windows.axes[i].low > 0 || covered(i) > windows.axes[i].in) return false;
    }
    return true;
  }
  std::int64_t image_size() const { return inside() ? 0 : covered(0) * covered(1) * covered(2) * C; }
};

// The sums of a sample for a 3 x 3 window, a line of outputs at a time.
template <class T>
void nine_weight_gradients(const WeightSums& p, const T* image, std::int64_t line, std::int64_t plane, const T* dy,
                           T* dw) {
  const Axis &D = p.windows.axes[0], &H = p.windows.axes[1], &W = p.windows.axes[2];
  const std::int64_t C = p.C, apart = W.stride * C, column = W.dilation * C, row = H.dilation * line;
  std::memset(dw, 0, static_cast<std::size_t>(p.size) * sizeof(T));
  for (std::int64_t od = 0; od < D.out; ++od) {
    for (std::int64_t oh = 0; oh < H.out; ++oh) {
      const T* const seen = image + od * D.stride * plane + oh * H.stride * line;
      const T* const given = dy + (od * H.out + oh) * W.out * C;
      for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        Vec<T> sums[9];
        for (int k = 0; k < 9; ++k) sums[k] = load_lanes(dw + k * C + c, count);
        for (std::int64_t ow = 0; ow < W.out; ++ow) {
          const T* const at = seen + ow * apart + c;
          const Vec<T> factor = load_lanes(given + ow * C + c, count);
          for (int h = 0; h < 3; ++h) {
            for (int v = 0; v < 3; ++v) {
              sums[h * 3 + v] = fma(load_lanes(at + h * row + v * column, count), factor, sums[h * 3 + v]);
            }
          }
        }
        for (int k = 0; k < 9; ++k) store_lanes(dw + k * C + c, sums[k], count);
      });
    }
  }
}

template <class T>
void depthwise_weight_gradient(const Call& call) {
  const WeightSums p(call);
  const Axis *const axes = p.windows.axes, &D = axes[0], &H = axes[1], &W = axes[2];
  const std::int64_t C = p.C, N = p.windows.N;
  const T *const x = call.inputs[0].as<T>(), *const dy = call.inputs[1].as<T>();
  T *const dw = call.outputs[0].as<T>(), *const partials = static_cast<T*>(call.scratch);
  T* const memory = partials + N * p.size;
  const std::int64_t pixels = p.windows.pixels_out(), each = p.image_size();
  const double work = 0.1 * static_cast<double>(N * pixels) * static_cast<double>(p.size);
  call.workers->parallel_for(call.workers->worthwhile(work), N, [&](std::int64_t n, int thread) {
    const T* image = x + n * p.windows.pixels_in() * C;
    std::int64_t line = W.in * C, plane = H.in * line;
    if (!p.inside()) {
      T* const padded = memory + thread * each;
      const std::int64_t extents[3] = {D.in, H.in, W.in};
      copy_padded(
          image, C, p.covered(0), [&](std::int64_t d) { return d - D.low; }, -H.low, p.covered(1), -W.low, p.covered(2),
          padded, extents);
      image = padded;
      line = p.covered(2) * C;
      plane = p.covered(1) * line;
    }
    const T* const arriving = dy + n * pixels * C;
    T* to = partials + n * p.size;
    if (D.window == 1 && H.window == 3 && W.window == 3) {
      nine_weight_gradients(p, image, line, plane, arriving, to);
      return;
    }
    for (std::int64_t d = 0; d < D.window; ++d) {
      for (std::int64_t h = 0; h < H.window; ++h) {
        for (std::int64_t v = 0; v < W.window; ++v, to += C) {
          const T* const from = image + d * D.dilation * plane + h * H.dilation * line + v * W.dilation * C;
          for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
            Vec<T> a = {}, b = {};
            for (std::int64_t od = 0; od < D.out; ++od) {
              for (std::int64_t oh = 0; oh < H.out; ++oh) {
                const T* const seen = from + od * D.stride * plane + oh * H.stride * line + c;
                const T* const given = arriving + (od * H.out + oh) * W.out * C + c;
                std::int64_t ow = 0;
                for (; ow + 2 <= W.out; ow += 2) {
                  a = fma(load_lanes(seen + ow * W.stride * C, count), load_lanes(given + ow * C, count), a);
                  b = fma(load_lanes(seen + (ow + 1) * W.stride * C, count), load_lanes(given + (ow + 1) * C, count),
                          b);
                }
                if (ow < W.out)
                  a = fma(load_lanes(seen + ow * W.stride * C, count), load_lanes(given + ow * C, count), a);
              }
            }
            store_lanes(to + c, a + b, count);
          });
        }
      }
    }
  });
  for (std::int64_t i = 0; i < p.size; i += lanes<T>) {
    const int count = static_cast<int>(p.size - i < lanes<T> ? p.size - i : lanes<T>);
    Vec<T> total = {};
    for (std::int64_t n = 0; n < N; ++n) total += load_partial(partials + n * p.size + i, count);
    store_partial(dw + i, total, count);
  }
}
std::int64_t weight_gradient_bytes(const Call& call, int threads) {
  const WeightSums p(call);
  return (p.windows.N * p.size + threads * p.image_size()) * item_size(call.outputs[0].dtype);
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) by_float<kernel<float>, kernel<double>>, same<Floats>
extern const OpRow depthwise_rows[] = {
    {"depthwise_conv", DLNATIVE_BY_FLOAT(depthwise_conv), depthwise_bytes},
    {"depthwise_conv_input_gradient", DLNATIVE_BY_FLOAT(depthwise_input_gradient), input_gradient_bytes},
    {"depthwise_conv_weight_gradient", DLNATIVE_BY_FLOAT(depthwise_weight_gradient), weight_gradient_bytes},
};
#undef DLNATIVE_BY_FLOAT
extern const int depthwise_row_count = sizeof(depthwise_rows) / sizeof(depthwise_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
