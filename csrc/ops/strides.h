// Where the elements of a copy lie on both sides: y[i, j, ...] = x[...] where each side has a stride for every axis.
//
// A transpose permutes the strides of x, a broadcast sets some of them to 0, a slice multiplies them, a pad or a
// concatenation writes into a part of y. Axes that lie behind one another on both sides are merged.
#pragma once

#include "dlnative/types.h"

namespace dlnative::DLNATIVE_ISA {

struct StridedCopy {
  static constexpr int most_axes = max_rank + 1;  // those of a tensor, and that of the bytes of an element

  int rank = 0;
  std::int64_t shape[most_axes];
  std::int64_t x_stride[most_axes];  // in elements; 0 repeats
  std::int64_t y_stride[most_axes];  // row-major, so it never grows from one axis to the next

  void append(std::int64_t extent, std::int64_t x, std::int64_t y) {
    if (extent == 1) return;
    if (rank > 0 && x_stride[rank - 1] == x * extent && y_stride[rank - 1] == y * extent) {
      shape[rank - 1] *= extent;
      x_stride[rank - 1] = x;
      y_stride[rank - 1] = y;
      return;
    }
    shape[rank] = extent;
    x_stride[rank] = x;
    y_stride[rank] = y;
    ++rank;
  }
};

// Row-major strides of a view, in elements.
class Strides {
 public:
  explicit Strides(const View& view) {
    std::int64_t stride = 1;
    for (int axis = view.rank - 1; axis >= 0; --axis) {
      strides_[axis] = stride;
      stride *= view.shape[axis];
    }
  }
  std::int64_t operator[](std::int64_t axis) const { return strides_[axis]; }

 private:
  std::int64_t strides_[max_rank] = {};
};

}  // namespace dlnative::DLNATIVE_ISA
