// The places that sort rows of n elements, equal ones in their order and NaN above all others: always the same,
// whatever the threads do.
//
// Tiles of 2048 elements are sorted in shared memory by a bitonic network (Batcher, "Sorting networks and their
// applications", 1968) over (value, place), in which no two are equal; several short rows share a tile. Longer rows are
// then merged, run by run of twice the length: an element finds its place by a binary search in the other run (after
// Satish, Harris & Garland, "Designing efficient sorting algorithms for manycore GPUs", 2009). n log^2 n steps in all.
#pragma once

#include "device/device.h"
#include "device/scalar.h"
#include "ops/rows.h"

namespace dlnative::cuda {

constexpr int sort_threads = 256, sort_tile = 2048;

template <class T>
DLNATIVE_INLINE bool sorts_before(T a, T b, bool descending) {
  if (descending) return b == b && (a != a || a > b);
  return a == a && (b != b || a < b);
}

template <class T>
struct SortShared {
  T value[sort_tile];
  std::int32_t place[sort_tile];  // in the row; of what pads a tile, the largest there is
};

struct SortShape {
  std::int64_t rows, n;
  std::int32_t segment;       // elements of a tile that a row has: a power of two
  std::int32_t tiles_of_row;  // more than one: the segment is the tile
  bool descending;
};

template <class T>
__global__ void __launch_bounds__(sort_threads)
    sort_tiles_kernel(const T* x, T* values, std::int32_t* places, SortShape shape) {
  wait_for_previous_kernel();
  auto& s = shared<SortShared<T>>();
  constexpr std::int32_t nothing = INT32_MAX;
  const std::int32_t segment = shape.segment;
  const std::int64_t tile = blockIdx.x;
  const auto row_of = [&](int e) {
    return shape.tiles_of_row > 1 ? tile / shape.tiles_of_row : tile * (sort_tile / segment) + e / segment;
  };
  const auto column_of = [&](int e) {
    return (shape.tiles_of_row > 1 ? tile % shape.tiles_of_row * sort_tile : 0) + e % segment;
  };
  for (int e = static_cast<int>(threadIdx.x); e < sort_tile; e += sort_threads) {
    const std::int64_t row = row_of(e), column = column_of(e);
    const bool inside = row < shape.rows && column < shape.n;
    s.value[e] = inside ? x[row * shape.n + column] : T{0};
    s.place[e] = inside ? static_cast<std::int32_t>(column) : nothing;
  }
  __syncthreads();
  for (int run = 2; run <= segment; run *= 2) {
    for (int apart = run / 2; apart > 0; apart /= 2) {
      for (int pair = static_cast<int>(threadIdx.x); pair < sort_tile / 2; pair += sort_threads) {
        const int a = pair / apart * 2 * apart + pair % apart, b = a + apart;
        const bool up = (a & run) == 0 || run == segment;
        const std::int32_t place_a = s.place[a], place_b = s.place[b];
        const T value_a = s.value[a], value_b = s.value[b];
        bool after = place_b != nothing;  // whether b is to come before a
        if (after && place_a != nothing) {
          after = sorts_before(value_b, value_a, shape.descending) ||
                  (!sorts_before(value_a, value_b, shape.descending) && place_b < place_a);
        }
        if (after != up) continue;
        s.place[a] = place_b;
        s.place[b] = place_a;
        s.value[a] = value_b;
        s.value[b] = value_a;
      }
      __syncthreads();
    }
  }
  for (int e = static_cast<int>(threadIdx.x); e < sort_tile; e += sort_threads) {
    const std::int64_t row = row_of(e), column = column_of(e);
    if (row >= shape.rows || column >= shape.n) continue;
    places[row * shape.n + column] = s.place[e];
    if (values != nullptr) values[row * shape.n + column] = s.value[e];
  }
}

// Runs of `length` become runs of twice as many.
template <class T>
__global__ void __launch_bounds__(sort_threads)
    merge_runs_kernel(const T* x, const std::int32_t* from, T* values, std::int32_t* places, std::int64_t size,
                      std::int64_t n, std::int64_t length, bool descending) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * sort_threads + threadIdx.x;
  if (at >= size) return;
  const std::int64_t row = at / n * n, i = at - row;
  const std::int64_t begin = i / (2 * length) * 2 * length;
  const std::int64_t middle = begin + length < n ? begin + length : n, end = middle + length < n ? middle + length : n;
  const T own = x[at];
  const bool first = i < middle;
  // How many of the other run come before it; of equal ones those of the first run.
  std::int64_t low = first ? middle : begin, high = first ? end : middle;
  const std::int64_t start = low;
  while (low < high) {
    const std::int64_t half = (low + high) / 2;
    const T other = x[row + half];
    const bool before = first ? sorts_before(other, own, descending) : !sorts_before(own, other, descending);
    (before ? low : high) = before ? half + 1 : half;
  }
  const std::int64_t to = row + begin + (i - (first ? begin : middle)) + (low - start);
  places[to] = from[at];
  if (values != nullptr) values[to] = own;
}

// What the sorting of rows of n elements needs: two arrays of values and one of places.
template <class T>
std::int64_t sort_bytes(std::int64_t rows, std::int64_t n) {
  if (n <= sort_tile) return 0;
  const std::int64_t size = rows * n;
  return 2 * size * static_cast<std::int64_t>(sizeof(T)) +
         (size + 1) / 2 * 2 * static_cast<std::int64_t>(sizeof(std::int32_t));
}

// y: for each row the places of its elements in order.
template <class T>
void enqueue_sort(const T* x, std::int32_t* y, std::int64_t rows, std::int64_t n, bool descending, void* scratch,
                  Queue& queue) {
  const std::int64_t size = rows * n;
  if (size == 0) return;
  if (n > INT32_MAX) throw Error(std::string("cuda: ") + queue.op + ": more than 2^31 elements in a row");
  SortShape shape{rows, n, sort_tile, static_cast<std::int32_t>((n + sort_tile - 1) / sort_tile), descending};
  while (shape.segment > 2 && shape.segment / 2 >= n) shape.segment /= 2;
  const std::int64_t rows_of_tile = sort_tile / shape.segment;
  const std::int64_t tiles =
      shape.tiles_of_row > 1 ? rows * shape.tiles_of_row : (rows + rows_of_tile - 1) / rows_of_tile;
  int passes = 0;
  for (std::int64_t length = sort_tile; length < n; length *= 2) ++passes;
  T* values[2] = {static_cast<T*>(scratch), static_cast<T*>(scratch) + size};
  std::int32_t* places[2] = {y, reinterpret_cast<std::int32_t*>(values[1] + size)};
  launch(queue, sort_tiles_kernel<T>, Grid{static_cast<unsigned>(tiles), sort_threads, sizeof(SortShared<T>)}, x,
         passes > 0 ? values[0] : nullptr, places[passes % 2], shape);
  std::int64_t length = sort_tile;
  for (int pass = 1; pass <= passes; ++pass, length *= 2) {
    launch(queue, merge_runs_kernel<T>, Grid{blocks_for(size, sort_threads), sort_threads}, values[(pass - 1) % 2],
           places[(passes - pass + 1) % 2], pass < passes ? values[pass % 2] : nullptr, places[(passes - pass) % 2],
           size, n, length, descending);
  }
}

}  // namespace dlnative::cuda
