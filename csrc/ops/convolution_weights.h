// The gradient of a convolution by the weights: products of windows transposed with lines of dy.
// ops/convolution.cpp says how.
#pragma once

#include <cstring>
#include <initializer_list>

#include "ops/convolution_parts.h"
#include "ops/window.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

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

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
