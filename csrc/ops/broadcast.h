// NumPy's broadcasting as strides: an input whose axis has extent 1 gets stride 0 there. Axes that every operand walks
// in one step are merged, so that equal shapes are one axis, and rows and columns two.
#pragma once

#include "dlnative/types.h"

namespace dlnative::DLNATIVE_ISA {

template <int inputs>
struct Broadcast {
  int rank = 0;
  std::int64_t shape[max_rank];           // last axis first
  std::int64_t stride[max_rank][inputs];  // in elements

  DLNATIVE_INLINE Broadcast(const View* x, const View& y) {
    std::int64_t dense[inputs];  // what the stride of this axis is unless it repeats
    shape[0] = 1;
    for (int i = 0; i < inputs; ++i) {
      dense[i] = 1;
      stride[0][i] = 0;
    }
    for (int axis = 1; axis <= y.rank; ++axis) {
      const std::int64_t extent = y.shape[y.rank - axis];
      if (extent == 1) continue;
      std::int64_t step[inputs];
      bool merges = rank > 0;
      for (int i = 0; i < inputs; ++i) {
        const std::int64_t own = axis <= x[i].rank ? x[i].shape[x[i].rank - axis] : 1;
        step[i] = own == 1 ? 0 : dense[i];
        dense[i] *= own;
        merges = merges && step[i] == stride[rank - 1][i] * shape[rank - 1];
      }
      if (merges) {
        shape[rank - 1] *= extent;
        continue;
      }
      shape[rank] = extent;
      for (int i = 0; i < inputs; ++i) stride[rank][i] = step[i];
      ++rank;
    }
  }

  // Calls f(offsets of the inputs, first row, rows) for ranges of rows [first, last) that axis 1 walks evenly. A row
  // has shape[0] elements.
  template <class F>
  DLNATIVE_INLINE void for_row_ranges(std::int64_t first, std::int64_t last, F f) const {
    while (first < last) {
      std::int64_t offset[inputs] = {}, rest = first, rows = last - first;
      for (int axis = 1; axis < rank && rest > 0; ++axis) {
        const std::int64_t index = rest % shape[axis];
        rest /= shape[axis];
        for (int i = 0; i < inputs; ++i) offset[i] += index * stride[axis][i];
        if (axis == 1 && rows > shape[1] - index) rows = shape[1] - index;
      }
      if (rank > 1 && rows > shape[1]) rows = shape[1];
      f(offset, first, rows);
      first += rows;
    }
  }
};

}  // namespace dlnative::DLNATIVE_ISA
