// C cut into rectangles, one for each thread.
#pragma once

#include "dlnative/workers.h"
#include "gemm/core/partition.h"

namespace dlnative::DLNATIVE_ISA {

// Rows [m0, m1) and columns [n0, n1) of C.
struct Rectangle {
  std::int64_t m0, m1, n0, n1;
};

// Calls body(rectangle, thread) for rectangles whose sides are multiples of the units, for work that takes one thread
// so many nanoseconds.
template <class Body>
DLNATIVE_INLINE void cut_by_threads(const Workers& workers, double nanoseconds, std::int64_t M, std::int64_t N,
                                    std::int64_t row_unit, std::int64_t column_unit, Body body) {
  const int threads = workers.worthwhile(nanoseconds);
  if (threads == 1) return body(Rectangle{0, M, 0, N}, 0);
  // The cut with the least to pack: each rectangle packs its own rows of A and columns of B. Of equal ones the one by
  // rows, for then a thread reads rows of A that it made itself, if A is the result of such a product.
  std::int64_t row_cuts = 1, column_cuts = 1;
  double best = 0;
  for (std::int64_t rows = 1; rows <= threads; ++rows) {
    const std::int64_t columns = threads / rows;
    if (rows * columns < threads) continue;
    const double cost = static_cast<double>(M) / rows + static_cast<double>(N) / columns;
    if (best == 0 || cost <= best) {
      best = cost;
      row_cuts = rows;
      column_cuts = columns;
    }
  }
  const std::int64_t row_units = (M + row_unit - 1) / row_unit, column_units = (N + column_unit - 1) / column_unit;
  const EvenPartition row_parts(row_units, (row_units + row_cuts - 1) / row_cuts),
      column_parts(column_units, (column_units + column_cuts - 1) / column_cuts);
  workers.parallel_for(threads, row_parts.count * column_parts.count, [&](std::int64_t task, int thread) {
    const std::int64_t row = task / column_parts.count, column = task % column_parts.count;
    body(Rectangle{row_parts.start(row) * row_unit, min(row_parts.start(row + 1) * row_unit, M),
                   column_parts.start(column) * column_unit, min(column_parts.start(column + 1) * column_unit, N)},
         thread);
  });
}

}  // namespace dlnative::DLNATIVE_ISA
