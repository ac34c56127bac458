// Outputs that see an image through the taps of a window, by batch-reduce products: a convolution, and each class of
// its gradient by the input. ops/convolution.cpp says how.
#pragma once

#include <cstring>

#include "ops/convolution_parts.h"
#include "ops/epilogue.h"
#include "ops/window.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

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
  int threads = 1;                                                      // that run it

  std::int64_t channels() const { return C / groups; }
  std::int64_t filters() const { return F / groups; }
  std::int64_t taps_of(int axis) const { return taps[axis].count; }
  std::int64_t part_count() const { return taps_of(0) * taps_of(1) * (window_rows ? 1 : taps_of(2)); }
  std::int64_t steps() const { return taps_of(0) * taps_of(1) * taps_of(2) * channels(); }
  // Nanoseconds on one thread. What a tile takes beside its steps is as much as two dozen of them.
  double work() const { return nanoseconds<T>(2.0 * N * Q[0] * Q[1] * Q[2] * (steps() + 24) * F); }

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

  // Lines of outputs that a task does: some hundred outputs, whose inputs stay in L2; of a few images fewer, so that
  // all threads have something to do.
  std::int64_t lines_of_task() const {
    constexpr std::int64_t outputs = 784, least_outputs = 24, bytes = 192 << 10;
    const std::int64_t line_outputs = larger_of(Q[2], 1);
    const std::int64_t each = larger_of((N * Q[0] * Q[1] * Q[2] + threads - 1) / threads, least_outputs);
    const std::int64_t by_outputs = (smaller(outputs, each) + line_outputs - 1) / line_outputs;
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
  std::int64_t product_size(int most) const {
    const PartList<T> parts(part_count() + 1);
    list(parts, nullptr, 0, inside() ? extents[2] : columns(), nullptr, 0);
    BatchReduceArguments<T> g = product(parts, is_matrix() ? 1 : lines_of_task());
    if (is_matrix()) g.M = g.line_rows = N * Q[0] * Q[1] * Q[2];
    alignas(alignment) static constexpr T anything[1] = {};
    g.packed_b = anything;
    const std::int64_t bytes = DLNATIVE_ISA::batch_reduce_scratch_bytes(g, most);
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

// Enough for any number of threads up to `most`.
template <class T>
std::int64_t scratch_size(TapProduct<T> p, int most) {
  if (p.is_matrix()) return p.list_size() + p.product_size(most);
  p.threads = most;
  const std::int64_t lines = p.lines_of_task();
  std::int64_t size = most * thread_size(p);
  for (p.threads = 1; p.threads < most && p.lines_of_task() > lines; ++p.threads) {
    size = larger_of(size, p.threads * thread_size(p));
  }
  return size;
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
void run_taps(TapProduct<T> p, const T* x, const T* packed, const Places<T>& places, const Epilogue<T>& epilogue,
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
  p.threads = workers.worthwhile(p.work());
  const bool inside = p.inside();
  const std::int64_t lines = p.lines_of_task(), blocks = (p.Q[1] + lines - 1) / lines;
  const std::int64_t image_size = p.image_size(), list_size = p.list_size();
  const std::int64_t each = thread_size(p), C = p.C;
  const std::int64_t columns = p.columns(), least[3] = {p.taps[0].least(), p.taps[1].least(), p.taps[2].least()};
  const std::int64_t sample_size = p.extents[0] * p.extents[1] * p.extents[2] * C;
  workers.parallel_for(p.threads, p.N * p.Q[0] * blocks, [&](std::int64_t task, int thread) {
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

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
