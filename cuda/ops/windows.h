// Windows that slide over images (csrc/ops/window.h), as kernels take them: in 32 bits.
#pragma once

#include "device/divisor.h"
#include "ops/rows.h"
#include "ops/window.h"

namespace dlnative::cuda {

constexpr int window_threads = 256;

struct WindowAxis {
  std::int32_t in, out, window, stride, dilation, low;

  // The inputs first, first + dilation, ..., below end: those that output o sees.
  struct Seen {
    std::int32_t first, end;
  };
  __device__ __forceinline__ Seen seen(std::int32_t o) const {
    std::int32_t first = o * stride - low;
    const std::int32_t end = first + window * dilation;
    if (first < 0) first += (-first + dilation - 1) / dilation * dilation;
    return {first, end < in ? end : in};
  }
  __device__ __forceinline__ std::int32_t seen_count(std::int32_t o) const {
    const Seen s = seen(o);
    return s.first < s.end ? (s.end - s.first + dilation - 1) / dilation : 0;
  }
  // Tap k connects input i to this output, or to none, which is -1.
  __device__ __forceinline__ std::int32_t output_of(std::int32_t i, std::int32_t k) const {
    const std::int32_t apart = i + low - k * dilation;
    if (apart < 0) return -1;
    const std::int32_t o = apart / stride;
    return o * stride == apart && o < out ? o : -1;
  }
};

// An element of an image with channels last.
struct Pixel {
  std::int32_t n, at[3], c;
};

// The geometry, and elements of the images that windows slide over (inputs) or of their results.
struct WindowShape {
  WindowAxis axes[3];
  std::int32_t C, pixels_in, pixels_out;
  Divisor channels, in[3], out[3];

  WindowShape(const Windows& windows, std::int64_t channel_count, const char* op) : C(int(channel_count)) {
    constexpr std::int64_t most = (std::int64_t{1} << 31) - 1;
    pixels_in = static_cast<std::int32_t>(windows.pixels_in());
    pixels_out = static_cast<std::int32_t>(windows.pixels_out());
    const std::int64_t larger = windows.pixels_in() > windows.pixels_out() ? windows.pixels_in() : windows.pixels_out();
    if (windows.N * larger * channel_count > most)
      throw Error(std::string("cuda: ") + op + ": more than 2^31 elements");
    channels = divisor(channel_count);
    for (int i = 0; i < 3; ++i) {
      const Axis& a = windows.axes[i];
      axes[i] = {int(a.in), int(a.out), int(a.window), int(a.stride), int(a.dilation), int(a.low)};
      in[i] = divisor(a.in);
      out[i] = divisor(a.out);
    }
  }

  __device__ __forceinline__ Pixel input(std::uint32_t i) const { return pixel(i, in); }
  __device__ __forceinline__ Pixel output(std::uint32_t i) const { return pixel(i, out); }
  // Where an element lies in an image.
  __device__ __forceinline__ std::int32_t input_place(std::int32_t n, std::int32_t d, std::int32_t h,
                                                      std::int32_t w) const {
    return (((n * axes[0].in + d) * axes[1].in + h) * axes[2].in + w) * C;
  }
  __device__ __forceinline__ std::int32_t output_place(std::int32_t n, std::int32_t d, std::int32_t h,
                                                       std::int32_t w) const {
    return (((n * axes[0].out + d) * axes[1].out + h) * axes[2].out + w) * C;
  }

 private:
  static Divisor divisor(std::int64_t extent) { return Divisor(static_cast<std::uint32_t>(extent < 1 ? 1 : extent)); }
  __device__ __forceinline__ Pixel pixel(std::uint32_t i, const Divisor (&extents)[3]) const {
    Pixel p;
    std::uint32_t rest = channels.divide(i, reinterpret_cast<std::uint32_t&>(p.c));
    DLN_UNROLL
    for (int axis = 2; axis >= 0; --axis) {
      std::uint32_t index;
      rest = extents[axis].divide(rest, index);
      p.at[axis] = static_cast<std::int32_t>(index);
    }
    p.n = static_cast<std::int32_t>(rest);
    return p;
  }
};

}  // namespace dlnative::cuda
