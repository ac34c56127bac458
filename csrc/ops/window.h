// Windows that slide over images, channels last: what convolutions and poolings have in common.
//
// An image has up to three axes, (depth, height, width); what is missing in front has extent 1. On each axis an output
// o sees the inputs o * stride + k * dilation - low for k in [0, window); what lies outside of the image is not there
// (0 in a convolution).
#pragma once

#include <cstring>

#include "dlnative/kernel.h"

namespace dlnative::DLNATIVE_ISA {

struct Axis {
  std::int64_t in = 1, out = 1, window = 1, stride = 1, dilation = 1, low = 0;
};

struct Windows {
  Axis axes[3];
  std::int64_t N = 0;

  // Of the attributes, strides, dilations and the paddings in front come first, each a list.
  DLNATIVE_HOST_INLINE Windows(const Call& call, const View& image, const View& result, const std::int64_t* window)
      : N(image.shape[0]) {
    const int rank = image.rank - 2;
    const std::int64_t *const strides = call.ints + 1, *const dilations = strides + rank + 1,
                              *const lows = dilations + rank + 1;
    for (int i = 0; i < rank; ++i) {
      axes[3 - rank + i] = {image.shape[1 + i], result.shape[1 + i], window[i], strides[i], dilations[i], lows[i]};
    }
  }
  // Where further attributes begin.
  static DLNATIVE_HOST_INLINE const std::int64_t* rest(const Call& call) { return call.ints + 3 * (call.ints[0] + 1); }

  DLNATIVE_HOST_INLINE std::int64_t pixels_in() const { return axes[0].in * axes[1].in * axes[2].in; }
  DLNATIVE_HOST_INLINE std::int64_t pixels_out() const { return axes[0].out * axes[1].out * axes[2].out; }
  DLNATIVE_HOST_INLINE std::int64_t window() const { return axes[0].window * axes[1].window * axes[2].window; }
};

// The taps of a window that count on one axis: tap first + i * step, for i below count, sees the input at q * (the
// caller's step) + offset + i * offset_step.
struct Taps {
  std::int64_t first = 0, step = 1, count = 0, offset = 0, offset_step = 0;

  DLNATIVE_HOST_INLINE std::int64_t tap(std::int64_t i) const { return first + i * step; }
  DLNATIVE_HOST_INLINE std::int64_t at(std::int64_t i) const { return offset + i * offset_step; }
  DLNATIVE_HOST_INLINE std::int64_t least() const { return offset_step < 0 ? at(count - 1) : offset; }
  DLNATIVE_HOST_INLINE std::int64_t most() const { return offset_step < 0 ? offset : at(count - 1); }
};

// All of them, for outputs that see inputs.
DLNATIVE_HOST_INLINE Taps forward_taps(const Axis& axis) { return {0, 1, axis.window, -axis.low, axis.dilation}; }

// Those by which the inputs r, r + stride, r + 2 stride, ... are seen, as they see outputs: tap k connects the input i
// to the output (i + low - k * dilation) / stride, if that is whole.
DLNATIVE_HOST_INLINE Taps backward_taps(const Axis& axis, std::int64_t r) {
  std::int64_t k = 0;
  const auto apart = [&](std::int64_t tap) { return r + axis.low - tap * axis.dilation; };
  while (k < axis.window && apart(k) % axis.stride != 0) ++k;
  if (k == axis.window) return {};
  std::int64_t step = 1;
  while (step * axis.dilation % axis.stride != 0) ++step;
  return {k, step, (axis.window - k + step - 1) / step, apart(k) / axis.stride, -step * axis.dilation / axis.stride};
}

// Copies a box of an image with zeros where it is outside: `planes` planes, plane j being plane plane_at(j), of `rows`
// rows from row0 on and `columns` columns from column0 on, of C elements each.
template <class T, class PlaneAt>
DLNATIVE_HOST_INLINE void copy_padded(const T* image, std::int64_t C, std::int64_t planes, PlaneAt plane_at,
                                      std::int64_t row0, std::int64_t rows, std::int64_t column0, std::int64_t columns,
                                      T* to, const std::int64_t (&extents)[3]) {
  const std::int64_t first = column0 < 0 ? (column0 < -columns ? columns : -column0) : 0;
  const std::int64_t inside = extents[2] - column0;
  const std::int64_t last = inside < columns ? (inside < first ? first : inside) : columns;
  const auto zero = [](T* at, std::int64_t count) {
    if (count > 0) std::memset(at, 0, static_cast<std::size_t>(count) * sizeof(T));
  };
  for (std::int64_t j = 0; j < planes; ++j) {
    const std::int64_t plane = plane_at(j);
    for (std::int64_t r = row0; r < row0 + rows; ++r, to += columns * C) {
      if (plane < 0 || plane >= extents[0] || r < 0 || r >= extents[1] || last <= first) {
        zero(to, columns * C);
        continue;
      }
      const T* const from = image + ((plane * extents[1] + r) * extents[2] + column0) * C;
      zero(to, first * C);
      std::memcpy(to + first * C, from + first * C, static_cast<std::size_t>((last - first) * C) * sizeof(T));
      zero(to + last * C, (columns - last) * C);
    }
  }
}

}  // namespace dlnative::DLNATIVE_ISA
