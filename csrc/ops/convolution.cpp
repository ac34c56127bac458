// Convolution of images with channels last, in one to three dimensions, and its gradients, by batch-reduce products.
//
//   conv                   y[n, o, f] = act(sum over k, c of x[n, o stride + k dilation - low, c] w[k, c, f] + bias +
//   residual) conv_input_gradient    dx[n, i, c] = sum over k, f of dy[n, (i + low - k dilation) / stride, f] w[k, c,
//   f], where whole;
//                          with the epilogue of a product where all strides are 1
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
// What a task does, and so each sum, depends on shapes alone, not on the number of threads.
#include <cstring>

#include "gemm/gemm.h"
#include "ops/dispatch.h"
#include "ops/epilogue.h"
#include "ops/window.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

constexpr std::int64_t alignment = 64;

template <class T>
DLNATIVE_INLINE std::int64_t aligned(std::int64_t elements) {
  constexpr std::int64_t unit = alignment / static_cast<std::int64_t>(sizeof(T));
  return (elements + unit - 1) / unit * unit;
}

DLNATIVE_INLINE std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
DLNATIVE_INLINE std::int64_t larger_of(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

template <class T>
DLNATIVE_INLINE double nanoseconds(double flops) {
  return flops / (6.0 * vector_bytes / sizeof(T));
}

// Room for a list that only sizes are taken of: on the stack, unless the window is very large.
template <class T>
class PartList {
 public:
  explicit PartList(std::int64_t count) {
    if (count > most_on_stack) parts_ = long_ = new Part<T>[static_cast<std::size_t>(count)];
  }
  ~PartList() { delete[] long_; }
  PartList(const PartList&) = delete;
  PartList& operator=(const PartList&) = delete;

  operator Part<T>*() const { return parts_; }

 private:
  static constexpr std::int64_t most_on_stack = 128;
  alignas(Part<T>) unsigned char short_[most_on_stack * sizeof(Part<T>)];  // not initialized: that would take long
  Part<T>* parts_ = reinterpret_cast<Part<T>*>(short_);
  Part<T>* long_ = nullptr;
};

// Outputs that see an image through taps: a convolution, or one of the classes of its gradient by the input.
template <class T>
struct TapProduct {
  std::int64_t N = 0, extents[3] = {}, C = 0, F = 0, groups = 1;  // of the image; channels in all, and of the output
  std::int64_t Q[3] = {}, step[3] = {};  // outputs, and how far one is from the next in the image
  Taps taps[3];
  bool window_rows = false;  // the taps of a row of the window are one part
  bool transpose_b = false;  // the weights of a tap of a group are F x C
  bool scattered = false;    // outputs of a line are not side by side in the result
  std::int64_t tap_strides[3] = {}, weights_ld = 0, weights_group = 0;  // where the weights of a tap and of a group lie

  std::int64_t channels() const { return C / groups; }
  std::int64_t filters() const { return F / groups; }
  std::int64_t taps_of(int axis) const { return taps[axis].count; }
  std::int64_t part_count() const { return taps_of(0) * taps_of(1) * (window_rows ? 1 : taps_of(2)); }
  std::int64_t steps() const { return taps_of(0) * taps_of(1) * taps_of(2) * channels(); }
  double flops() const { return 2.0 * N * Q[0] * Q[1] * Q[2] * steps() * filters() * groups; }

  // Whether windows stay inside of the image.
  bool inside() const {
    for (int i = 0; i < 3; ++i) {
      if (taps[i].count == 0) continue;
      if (taps[i].least() < 0 || (Q[i] - 1) * step[i] + taps[i].most() >= extents[i]) return false;
    }
    return true;
  }
  // Of all samples, one line: the product of two matrices.
  bool is_matrix() const {
    if (groups > 1 || scattered) return false;
    for (int i = 0; i < 3; ++i) {
      if (taps[i].count != 1 || taps[i].offset != 0 || step[i] != 1 || Q[i] != extents[i]) return false;
    }
    return true;
  }

  // Lines of outputs that a task does: some hundred outputs, whose inputs stay in L2.
  std::int64_t lines_of_task() const {
    constexpr std::int64_t outputs = 784, bytes = 192 << 10;
    const std::int64_t by_outputs = larger_of(outputs / larger_of(Q[2], 1), 1);
    const std::int64_t line = larger_of(columns() * C * planes() * static_cast<std::int64_t>(sizeof(T)), 1);
    const std::int64_t fit = larger_of((bytes / line - spread(1)) / step[1], 1);
    const std::int64_t most = larger_of(smaller(smaller(by_outputs, fit), Q[1]), 1), count = (Q[1] + most - 1) / most;
    return (Q[1] + count - 1) / count;
  }
  std::int64_t spread(int axis) const { return taps[axis].most() - taps[axis].least(); }
  std::int64_t planes() const { return taps_of(0); }
  std::int64_t columns() const { return (Q[2] - 1) * step[2] + spread(2) + 1; }
  std::int64_t rows(std::int64_t lines) const { return (lines - 1) * step[1] + spread(1) + 1; }

  // The list for outputs that begin where `image` does, which holds planes, rows and columns from the least tap on.
  // Without an image, the list as the weights see it.
  void list(Part<T>* parts, const T* image, std::int64_t plane_size, std::int64_t width, const T* weights,
            std::int64_t group) const {
    for (std::int64_t d = 0; d < taps_of(0); ++d) {
      for (std::int64_t h = 0; h < taps_of(1); ++h) {
        const std::int64_t row = d * plane_size + (taps[1].at(h) - taps[1].least()) * width * C + group * channels();
        for (std::int64_t v = 0; v < (window_rows ? 1 : taps_of(2)); ++v, ++parts) {
          const std::int64_t at = row + (window_rows ? 0 : taps[2].at(v) - taps[2].least()) * C;
          const T* b = nullptr;
          if (weights != nullptr) {
            b = weights + group * weights_group + taps[0].tap(d) * tap_strides[0] + taps[1].tap(h) * tap_strides[1] +
                taps[2].tap(v) * tap_strides[2];
          }
          *parts = window_part((window_rows ? taps_of(2) : 1) * channels(), image == nullptr ? nullptr : image + at,
                               step[2] * C, step[1] * width * C, b, weights_ld);
        }
      }
    }
  }

  BatchReduceArguments<T> product(const Part<T>* parts, std::int64_t lines) const {
    BatchReduceArguments<T> g;
    g.M = lines * Q[2];
    g.line_rows = Q[2];
    g.N = filters();
    g.ldc = F;
    g.parts = parts;
    g.part_count = part_count();
    g.transpose_b = transpose_b;
    return g;
  }

  // Memory, in elements: of the weights, packed, of a group; of a thread, for its image, its outputs where they are to
  // be scattered, its list, and the product.
  std::int64_t packed_size() const {
    const PartList<T> parts(part_count() + 1);
    list(parts, nullptr, 0, 0, nullptr, 0);
    const std::int64_t bytes = DLNATIVE_ISA::batch_reduce_packed_bytes(product(parts, 1));
    return aligned<T>(bytes / static_cast<std::int64_t>(sizeof(T)));
  }
  std::int64_t image_size() const {
    return inside() ? 0 : aligned<T>(planes() * rows(lines_of_task()) * columns() * C);
  }
  std::int64_t list_size() const {
    return aligned<T>((part_count() + 1) * static_cast<std::int64_t>(sizeof(Part<T>) / sizeof(T)));
  }
  std::int64_t product_size(int threads) const {
    const PartList<T> parts(part_count() + 1);
    list(parts, nullptr, 0, inside() ? extents[2] : columns(), nullptr, 0);
    BatchReduceArguments<T> g = product(parts, is_matrix() ? 1 : lines_of_task());
    if (is_matrix()) g.M = g.line_rows = N * Q[0] * Q[1] * Q[2];
    alignas(alignment) static constexpr T anything[1] = {};
    g.packed_b = anything;
    const std::int64_t bytes = DLNATIVE_ISA::batch_reduce_scratch_bytes(g, threads);
    return aligned<T>(bytes / static_cast<std::int64_t>(sizeof(T)) + 1);
  }
};

// Where results go: pixel q of sample n at y + sample * n + axis[i] * q[i].
template <class T>
struct Places {
  T* y = nullptr;
  std::int64_t sample = 0, axis[3] = {};
};

template <class T>
DLNATIVE_INLINE Epilogue<T> moved(const Epilogue<T>& epilogue, std::int64_t at, std::int64_t column) {
  Epilogue<T> there = epilogue;
  if (there.bias != nullptr) there.bias += column;
  if (there.residual != nullptr) there.residual += at;
  if (there.saved != nullptr) there.saved += at;
  return there;
}

template <class T>
std::int64_t thread_size(const TapProduct<T>& p) {
  const std::int64_t tile = p.scattered ? aligned<T>(p.lines_of_task() * p.Q[2] * p.F) : 0;
  return p.image_size() + tile + p.list_size() + p.product_size(1);
}

template <class T>
std::int64_t scratch_size(const TapProduct<T>& p, int threads) {
  if (p.is_matrix()) return p.list_size() + p.product_size(threads);
  return threads * thread_size(p);
}

template <class T>
void pack_weights(const TapProduct<T>& p, const T* weights, T* packed, Part<T>* parts) {
  const std::int64_t size = p.packed_size();
  for (std::int64_t group = 0; group < p.groups; ++group) {
    p.list(parts, nullptr, 0, 0, weights, group);
    DLNATIVE_ISA::batch_reduce_pack(p.product(parts, 1), packed + group * size);
  }
}

// `packed`: the weights, packed; `scratch` of scratch_size.
template <class T>
void run_taps(const TapProduct<T>& p, const T* x, const T* packed, const Places<T>& places, const Epilogue<T>& epilogue,
              T* scratch, const Workers& workers) {
  const std::int64_t packed_size = p.packed_size(), pixels = p.Q[0] * p.Q[1] * p.Q[2];
  if (p.N * pixels == 0) return;
  const auto run = [&](BatchReduceArguments<T>& g, std::int64_t group, T* c, std::int64_t at, T* memory,
                       const Workers& threads) {
    static_cast<Epilogue<T>&>(g) = moved(epilogue, at, group * p.filters());
    g.packed_b = packed + group * packed_size;
    g.c = c;
    DLNATIVE_ISA::batch_reduce(g, memory, threads);
  };
  if (p.is_matrix()) {
    auto* const parts = reinterpret_cast<Part<T>*>(scratch);
    p.list(parts, x, 0, 0, nullptr, 0);
    BatchReduceArguments<T> g = p.product(parts, 1);
    g.M = g.line_rows = p.N * pixels;
    return run(g, 0, places.y, 0, scratch + p.list_size(), workers);
  }
  const bool inside = p.inside();
  const std::int64_t lines = p.lines_of_task(), blocks = (p.Q[1] + lines - 1) / lines;
  const std::int64_t image_size = p.image_size(), list_size = p.list_size();
  const std::int64_t each = thread_size(p), C = p.C;
  const std::int64_t columns = p.columns(), least[3] = {p.taps[0].least(), p.taps[1].least(), p.taps[2].least()};
  const std::int64_t sample_size = p.extents[0] * p.extents[1] * p.extents[2] * C;
  workers.parallel_for(
      workers.worthwhile(nanoseconds<T>(p.flops())), p.N * p.Q[0] * blocks, [&](std::int64_t task, int thread) {
        const std::int64_t n = task / (p.Q[0] * blocks), qd = task / blocks % p.Q[0], q0 = task % blocks * lines;
        const std::int64_t here = smaller(lines, p.Q[1] - q0);
        T* memory = scratch + thread * each;
        const T* image = x + n * sample_size;
        std::int64_t plane_size = p.extents[1] * p.extents[2] * C, width = p.extents[2];
        auto* const parts = reinterpret_cast<Part<T>*>(memory + image_size);
        if (inside) {
          image += (((qd * p.step[0] + least[0]) * p.extents[1] + q0 * p.step[1] + least[1]) * width + least[2]) * C;
          plane_size *= p.taps[0].offset_step < 0 ? -p.taps[0].offset_step : p.taps[0].offset_step;
          if (p.taps[0].offset_step < 0) {
            image += (p.taps_of(0) - 1) * plane_size;
            plane_size = -plane_size;
          }
        } else {
          const auto plane_at = [&](std::int64_t d) { return qd * p.step[0] + p.taps[0].at(d); };
          const std::int64_t rows = p.rows(here);
          copy_padded(image, C, p.planes(), plane_at, q0 * p.step[1] + least[1], rows, least[2], columns, memory,
                      p.extents);
          image = memory;
          width = columns;
          plane_size = rows * columns * C;
        }
        BatchReduceArguments<T> g = p.product(parts, here);
        T* const tile = memory + image_size + list_size;
        T* const rest = !p.scattered ? tile : tile + aligned<T>(lines * p.Q[2] * p.F);
        const std::int64_t at = n * places.sample + qd * places.axis[0] + q0 * places.axis[1];
        for (std::int64_t group = 0; group < p.groups; ++group) {
          const std::int64_t column = group * p.filters();
          p.list(parts, image, plane_size, width, nullptr, group);
          if (g.part_count == 0) {
            parts[0] = Part<T>{};
            g.part_count = 1;
          }
          run(g, group, (!p.scattered ? places.y + at : tile) + column, at + column, rest, Workers{});
        }
        if (!p.scattered) return;
        for (std::int64_t q = 0; q < here; ++q) {
          for (std::int64_t v = 0; v < p.Q[2]; ++v) {
            std::memcpy(places.y + at + q * places.axis[1] + v * places.axis[2], tile + (q * p.Q[2] + v) * p.F,
                        static_cast<std::size_t>(p.F) * sizeof(T));
          }
        }
      });
}

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

// The gradient by the weights.

template <class T>
struct WeightGradient {
  Windows windows;
  std::int64_t C, F, groups, channels, filters, size;  // size: of dw
  bool window_rows, inside, is_matrix;
  std::int64_t columns, rows, planes;         // of an image with its borders
  std::int64_t chunks, samples_of_chunk;      // which are summed by themselves
  std::int64_t samples_together, list_parts;  // in one list
  static constexpr std::int64_t most_chunks = 16;

  explicit WeightGradient(const Call& call)
      : windows(call, call.inputs[0], call.inputs[1], call.outputs[0].shape),
        C(call.inputs[0].extent(-1)),
        F(call.inputs[1].extent(-1)),
        groups(*Windows::rest(call)),
        channels(C / groups),
        filters(F / groups),
        size(call.outputs[0].size) {
    constexpr std::int64_t together_bytes = 384 << 10, most_lines = 512, chunk_bytes = 8 << 20;
    constexpr std::int64_t item = sizeof(T);
    window_rows = groups == 1 && (axis(2).dilation == 1 || axis(2).window == 1);
    inside = true;
    is_matrix = true;
    for (int i = 0; i < 3; ++i) {
      const Axis& a = axis(i);
      inside = inside && a.low == 0 && (a.out - 1) * a.stride + (a.window - 1) * a.dilation < a.in;
      is_matrix = is_matrix && a.window == 1 && a.stride == 1 && a.low == 0 && a.in == a.out;
    }
    columns = inside ? axis(2).in : covered(2);
    rows = inside ? axis(1).in : covered(1);
    planes = inside ? axis(0).in : covered(0);
    const std::int64_t lines = larger_of(axis(0).out * axis(1).out, 1), image = planes * rows * columns * C * item;
    // Enough samples that a sum of weights costs little beside them; few enough chunks that their sums do.
    const std::int64_t fit = larger_of(chunk_bytes / larger_of(size * item, 1), 1);
    chunks = larger_of(smaller(smaller(most_chunks, fit), windows.N), 1);
    samples_of_chunk = (windows.N + chunks - 1) / chunks;
    chunks = samples_of_chunk == 0 ? 0 : (windows.N + samples_of_chunk - 1) / samples_of_chunk;
    samples_together =
        larger_of(smaller(most_lines / lines, inside ? samples_of_chunk : together_bytes / larger_of(image, 1)), 1);
    samples_together = smaller(samples_together, larger_of(samples_of_chunk, 1));
    list_parts = is_matrix ? 1 : samples_together * lines;
  }

  const Axis& axis(int i) const { return windows.axes[i]; }
  std::int64_t covered(int i) const {
    return (axis(i).out - 1) * axis(i).stride + (axis(i).window - 1) * axis(i).dilation + 1;
  }
  std::int64_t rows_of_window() const { return axis(0).window * axis(1).window; }
  // Where the weights are many, a task has one row of the window.
  bool rows_apart() const { return chunks < most_chunks / 2 && rows_of_window() > 1; }
  std::int64_t row_size() const { return size / rows_of_window(); }
  std::int64_t M() const { return (window_rows ? axis(2).window : 1) * channels; }
  double flops() const {
    return 2.0 * static_cast<double>(windows.N * windows.pixels_out()) * static_cast<double>(size);
  }

  BatchReduceArguments<T> product(const Part<T>* parts, std::int64_t count) const {
    BatchReduceArguments<T> g;
    g.M = M();
    g.N = filters;
    g.ldc = F;
    g.parts = parts;
    g.part_count = count;
    return g;
  }
  // For `samples` images that lie one behind the other, and one tap or one row of the window.
  std::int64_t list(Part<T>* parts, const T* images, const T* dy, std::int64_t samples, std::int64_t d, std::int64_t h,
                    std::int64_t v, std::int64_t group) const {
    const std::int64_t line = axis(2).out * F, image = planes * rows * columns * C;
    const std::int64_t dy_sample = windows.pixels_out() * F;
    if (is_matrix) {
      parts[0] = transposed_part(samples * windows.pixels_out(), images + group * channels, C, dy + group * filters, F);
      return 1;
    }
    std::int64_t count = 0;
    for (std::int64_t n = 0; n < samples; ++n) {
      for (std::int64_t od = 0; od < axis(0).out; ++od) {
        const std::int64_t plane = od * axis(0).stride + d * axis(0).dilation;
        for (std::int64_t oh = 0; oh < axis(1).out; ++oh) {
          const std::int64_t row = oh * axis(1).stride + h * axis(1).dilation;
          const T* const a = images + n * image + ((plane * rows + row) * columns + v * axis(2).dilation) * C;
          const T* const b = dy + n * dy_sample + (od * axis(1).out + oh) * line;
          parts[count++] =
              transposed_part(axis(2).out, a + group * channels, axis(2).stride * C, b + group * filters, F);
        }
      }
    }
    return count;
  }

  std::int64_t image_size() const { return inside ? 0 : aligned<T>(samples_together * planes * rows * columns * C); }
  std::int64_t list_size() const {
    return aligned<T>((list_parts + 1) * static_cast<std::int64_t>(sizeof(Part<T>) / sizeof(T)));
  }
  std::int64_t sums_size() const { return aligned<T>(rows_apart() ? row_size() : size); }
  std::int64_t product_size() const {
    const PartList<T> parts(list_parts + 1);
    // How B is read depends on whether its rows begin with a cache line.
    alignas(alignment) static constexpr T places[2] = {};
    std::int64_t most = 0;
    for (const std::int64_t samples : {samples_together, std::int64_t{1}}) {
      for (const T* const b : {places, places + 1}) {
        const std::int64_t count = list(parts, places, b, samples, 0, 0, 0, 0);
        most = larger_of(most, DLNATIVE_ISA::batch_reduce_scratch_bytes(product(parts, count), 1));
      }
    }
    return aligned<T>(most / static_cast<std::int64_t>(sizeof(T)) + 1);
  }
  // Of a thread: images, a list, the sums before, the product.
  std::int64_t thread_size() const { return image_size() + list_size() + sums_size() + product_size(); }
  std::int64_t scratch_size(int threads) const { return chunks * aligned<T>(size) + threads * thread_size(); }

  // Rows [w0, w1) of the window, summed over the samples of a chunk, to `sums`.
  void sum_chunk(const T* x, const T* dy, std::int64_t chunk, std::int64_t w0, std::int64_t w1, T* sums,
                 T* memory) const {
    T* const images = memory;
    auto* const parts = reinterpret_cast<Part<T>*>(memory + image_size());
    T *const before = memory + image_size() + list_size(), *const rest = before + sums_size();
    const std::int64_t first = chunk * samples_of_chunk, end = smaller(first + samples_of_chunk, windows.N);
    const std::int64_t in_sample = windows.pixels_in() * C, out_sample = windows.pixels_out() * F;
    const std::int64_t extents[3] = {axis(0).in, axis(1).in, axis(2).in};
    const std::int64_t taps = window_rows ? 1 : axis(2).window, tap_size = row_size() / taps;
    for (std::int64_t n = first; n < end; n += samples_together) {
      const std::int64_t samples = smaller(samples_together, end - n);
      const T* from = x + n * in_sample;
      if (!inside) {
        for (std::int64_t i = 0; i < samples; ++i) {
          copy_padded(
              from + i * in_sample, C, planes, [&](std::int64_t d) { return d - axis(0).low; }, -axis(1).low, rows,
              -axis(2).low, columns, images + i * planes * rows * columns * C, extents);
        }
        from = images;
      }
      if (n > first) std::memcpy(before, sums, static_cast<std::size_t>((w1 - w0) * row_size()) * sizeof(T));
      for (std::int64_t w = w0; w < w1; ++w) {
        for (std::int64_t v = 0; v < taps; ++v) {
          for (std::int64_t group = 0; group < groups; ++group) {
            const std::int64_t count =
                list(parts, from, dy + n * out_sample, samples, w / axis(1).window, w % axis(1).window, v, group);
            const std::int64_t at = (w - w0) * row_size() + v * tap_size + group * filters;
            BatchReduceArguments<T> g = product(parts, count);
            g.c = sums + at;
            if (n > first) g.residual = before + at;
            DLNATIVE_ISA::batch_reduce(g, rest, Workers{});
          }
        }
      }
    }
  }

  void run(const Call& call) const {
    const T *const x = call.inputs[0].as<T>(), *const dy = call.inputs[1].as<T>();
    T *const dw = call.outputs[0].as<T>(), *const partials = static_cast<T*>(call.scratch);
    T* const memory = partials + chunks * aligned<T>(size);
    if (windows.N * windows.pixels_out() == 0) {
      std::memset(dw, 0, static_cast<std::size_t>(size) * sizeof(T));
      return;
    }
    const std::int64_t each = thread_size(), stride = aligned<T>(size);
    const std::int64_t pieces = rows_apart() ? rows_of_window() : 1, rows_each = rows_of_window() / pieces;
    const int threads = call.workers->worthwhile(nanoseconds<T>(flops()));
    call.workers->parallel_for(threads, chunks * pieces, [&](std::int64_t task, int thread) {
      const std::int64_t chunk = task / pieces, w0 = task % pieces * rows_each;
      T* const sums = (chunks == 1 ? dw : partials + chunk * stride) + w0 * row_size();
      sum_chunk(x, dy, chunk, w0, w0 + rows_each, sums, memory + thread * each);
    });
    if (chunks == 1) return;
    constexpr std::int64_t piece = 4096;
    const int adding = call.workers->worthwhile(0.05 * static_cast<double>(size * chunks));
    call.workers->parallel_for(adding, (size + piece - 1) / piece, [&](std::int64_t task, int) {
      const std::int64_t start = task * piece, end = smaller(start + piece, size);
      for (std::int64_t i = start; i < end; i += lanes<T>) {
        const int count = static_cast<int>(smaller(end - i, lanes<T>));
        Vec<T> total = load_partial(partials + i, count);
        for (std::int64_t chunk = 1; chunk < chunks; ++chunk)
          total += load_partial(partials + chunk * stride + i, count);
        store_partial(dw + i, total, count);
      }
    });
  }
};

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
