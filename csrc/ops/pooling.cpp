// Pooling of images with channels last, in one to three dimensions: over what a window sees of the image, and no more.
//
//   max_pool               y = max;   a NaN gives NaN
//   max_pool_gradient      dx[i] = sum of dy[o] over the windows whose first largest element is i;
//                          times the derivative of a relu, if one is before the pooling
//   max_pool_choice        v at the first largest element of each window: the derivative of the gradient by dy
//   average_pool           y = mean
//   average_pool_gradient  dx[i] = sum over the windows that see i of dy[o] / (number of elements that o sees)
//
// Attributes: as for a convolution strides, dilations and paddings in front; then the window. Samples are what threads
// share: no two of them write to one place.
#include "ops/dispatch.h"
#include "ops/epilogue.h"
#include "ops/window.h"
#include "simd/lanes.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

struct Pooling {
  Windows windows;
  std::int64_t C;

  Pooling(const Call& call, const View& image, const View& result)
      : windows(call, image, result, Windows::rest(call) + 1), C(image.extent(-1)) {}

  // What an output sees on one axis: the inputs first, first + dilation, ..., below end.
  struct Seen {
    std::int64_t first, end, count;
  };
  static DLNATIVE_INLINE Seen seen(const Axis& axis, std::int64_t o) {
    std::int64_t first = o * axis.stride - axis.low, end = first + axis.window * axis.dilation;
    if (first < 0) first += (-first + axis.dilation - 1) / axis.dilation * axis.dilation;
    if (end > axis.in) end = axis.in;
    return {first, end, first < end ? (end - first + axis.dilation - 1) / axis.dilation : 0};
  }
  // Whether no input is seen by two outputs.
  bool is_disjoint() const {
    for (const Axis& axis : windows.axes) {
      if (axis.stride < (axis.window - 1) * axis.dilation + 1) return false;
    }
    return true;
  }
  // Whether every input is seen by one output.
  bool is_partition() const {
    for (const Axis& axis : windows.axes) {
      const bool side_by_side = axis.stride == axis.window && (axis.dilation == 1 || axis.window == 1);
      if (!side_by_side || axis.low != 0 || axis.in != axis.out * axis.stride) return false;
    }
    return true;
  }

  // Calls body(where output o begins, how many inputs it sees, and a function that calls another with where each of
  // these begins) for the outputs of a sample; elements.
  template <class Body>
  DLNATIVE_INLINE void for_outputs(Body body) const {
    const Axis &D = windows.axes[0], &H = windows.axes[1], &W = windows.axes[2];
    std::int64_t at = 0;
    for (std::int64_t od = 0; od < D.out; ++od) {
      const Seen d = seen(D, od);
      for (std::int64_t oh = 0; oh < H.out; ++oh) {
        const Seen h = seen(H, oh);
        for (std::int64_t ow = 0; ow < W.out; ++ow, at += C) {
          const Seen w = seen(W, ow);
          body(at, d.count * h.count * w.count, [&](auto each) __attribute__((always_inline)) {
            for (std::int64_t i = d.first; i < d.end; i += D.dilation) {
              for (std::int64_t j = h.first; j < h.end; j += H.dilation) {
                const std::int64_t line = (i * H.in + j) * W.in;
                for (std::int64_t k = w.first; k < w.end; k += W.dilation) each((line + k) * C);
              }
            }
          });
        }
      }
    }
  }

  template <class Body>
  DLNATIVE_INLINE void for_samples(const Workers& workers, double nanoseconds, Body body) const {
    workers.parallel_for(workers.worthwhile(nanoseconds), windows.N, [&](std::int64_t n, int) { body(n); });
  }
  double work() const { return static_cast<double>(windows.N * windows.pixels_out() * windows.window() * C); }
};

template <class T>
void max_pool(const Call& call) {
  const Pooling pooling(call, call.inputs[0], call.outputs[0]);
  const T* const x = call.inputs[0].as<T>();
  T* const y = call.outputs[0].as<T>();
  const std::int64_t C = pooling.C, in = pooling.windows.pixels_in() * C, out = pooling.windows.pixels_out() * C;
  pooling.for_samples(*call.workers, 0.1 * pooling.work(), [&](std::int64_t n) {
    const T* const image = x + n * in;
    pooling.for_outputs([&](std::int64_t at, std::int64_t, auto inputs) __attribute__((always_inline)) {
      for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        Vec<T> most = broadcast(static_cast<T>(-__builtin_inf()));
        inputs([&](std::int64_t i)
                   __attribute__((always_inline)) { most = maximum(most, load_lanes(image + i + c, count)); });
        store_lanes(y + n * out + at + c, most, count);
      });
    });
  });
}

template <class T>
void max_pool_gradient(const Call& call) {
  const Pooling pooling(call, call.inputs[1], call.inputs[2]);
  const T *const dy = call.inputs[0].as<T>(), *const x = call.inputs[1].as<T>(), *const y = call.inputs[2].as<T>();
  T* const dx = call.outputs[0].as<T>();
  const std::int64_t C = pooling.C, in = pooling.windows.pixels_in() * C, out = pooling.windows.pixels_out() * C;
  const bool disjoint = pooling.is_disjoint(), partition = pooling.is_partition();
  GemmArguments<T> epilogue;
  read_epilogue(call, static_cast<int>(Windows::rest(call) - call.ints) + call.inputs[1].rank - 1, epilogue);
  const T* const saved = epilogue.saved;  // of a relu, or null
  pooling.for_samples(*call.workers, 0.2 * pooling.work(), [&](std::int64_t n) {
    const T* const image = x + n * in;
    T* const to = dx + n * in;
    if (!partition) std::memset(to, 0, static_cast<std::size_t>(in) * sizeof(T));
    pooling.for_outputs([&](std::int64_t at, std::int64_t, auto inputs) __attribute__((always_inline)) {
      for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        const std::int64_t o = n * out + at + c;
        const Vec<T> largest = load_lanes(y + o, count);
        Vec<T> left = load_lanes(dy + o, count);  // 0 where it has been given
        inputs([&](std::int64_t i) __attribute__((always_inline)) {
          const Vec<T> v = load_lanes(image + i + c, count);
          const auto here = (v == largest) | (v != v);
          Vec<T> given = select(here, left, Vec<T>{});
          if (saved != nullptr) given = select(load_lanes(saved + n * in + i + c, count) > T{0}, given, Vec<T>{});
          store_lanes(to + i + c, disjoint ? given : load_lanes(to + i + c, count) + given, count);
          left = select(here, Vec<T>{}, left);
        });
      });
    });
  });
}

template <class T>
void max_pool_choice(const Call& call) {
  const Pooling pooling(call, call.inputs[1], call.inputs[2]);
  const T *const v = call.inputs[0].as<T>(), *const x = call.inputs[1].as<T>(), *const y = call.inputs[2].as<T>();
  T* const chosen = call.outputs[0].as<T>();
  const std::int64_t C = pooling.C, in = pooling.windows.pixels_in() * C, out = pooling.windows.pixels_out() * C;
  pooling.for_samples(*call.workers, 0.2 * pooling.work(), [&](std::int64_t n) {
    pooling.for_outputs([&](std::int64_t at, std::int64_t, auto inputs) __attribute__((always_inline)) {
      for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        const std::int64_t o = n * out + at + c;
        const Vec<T> largest = load_lanes(y + o, count);
        Vec<T> found = {}, left = broadcast(T{1});
        inputs([&](std::int64_t i) __attribute__((always_inline)) {
          const Vec<T> u = load_lanes(x + n * in + i + c, count);
          const auto here = ((u == largest) | (u != u)) & (left != T{0});
          found = select(here, load_lanes(v + n * in + i + c, count), found);
          left = select(here, Vec<T>{}, left);
        });
        store_lanes(chosen + o, found, count);
      });
    });
  });
}

template <class T>
void average_pool(const Call& call) {
  const Pooling pooling(call, call.inputs[0], call.outputs[0]);
  const T* const x = call.inputs[0].as<T>();
  T* const y = call.outputs[0].as<T>();
  const std::int64_t C = pooling.C, in = pooling.windows.pixels_in() * C, out = pooling.windows.pixels_out() * C;
  pooling.for_samples(*call.workers, 0.1 * pooling.work(), [&](std::int64_t n) {
    const T* const image = x + n * in;
    pooling.for_outputs([&](std::int64_t at, std::int64_t seen, auto inputs) __attribute__((always_inline)) {
      const T share = T{1} / static_cast<T>(seen);
      for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        Vec<T> total = {};
        inputs([&](std::int64_t i) __attribute__((always_inline)) { total += load_lanes(image + i + c, count); });
        store_lanes(y + n * out + at + c, total * share, count);
      });
    });
  });
}

template <class T>
void average_pool_gradient(const Call& call) {
  const Pooling pooling(call, call.outputs[0], call.inputs[0]);
  const T* const dy = call.inputs[0].as<T>();
  T* const dx = call.outputs[0].as<T>();
  const std::int64_t C = pooling.C, in = pooling.windows.pixels_in() * C, out = pooling.windows.pixels_out() * C;
  pooling.for_samples(*call.workers, 0.15 * pooling.work(), [&](std::int64_t n) {
    T* const to = dx + n * in;
    std::memset(to, 0, static_cast<std::size_t>(in) * sizeof(T));
    pooling.for_outputs([&](std::int64_t at, std::int64_t seen, auto inputs) __attribute__((always_inline)) {
      const T share = T{1} / static_cast<T>(seen);
      for_lanes<T>(C, [&](std::int64_t c, int count) __attribute__((always_inline)) {
        const Vec<T> part = load_lanes(dy + n * out + at + c, count) * share;
        inputs([&](std::int64_t i) __attribute__((always_inline)) {
          store_lanes(to + i + c, load_lanes(to + i + c, count) + part, count);
        });
      });
    });
  });
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) by_float<kernel<float>, kernel<double>>, same<Floats>
extern const OpRow pooling_rows[] = {
    {"max_pool", DLNATIVE_BY_FLOAT(max_pool)},
    {"max_pool_gradient", DLNATIVE_BY_FLOAT(max_pool_gradient)},
    {"max_pool_choice", DLNATIVE_BY_FLOAT(max_pool_choice)},
    {"average_pool", DLNATIVE_BY_FLOAT(average_pool)},
    {"average_pool_gradient", DLNATIVE_BY_FLOAT(average_pool_gradient)},
};
#undef DLNATIVE_BY_FLOAT
extern const int pooling_row_count = sizeof(pooling_rows) / sizeof(pooling_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
