// The part that softmax and the crossentropies of logits share: for each row x of C elements, M = max(x),
// e = exp(x - M) and S = sum(e). M is subtracted so that exp never overflows and S is at least 1.
//
// Rows are taken in blocks, so that what follows once a row (a division, a logarithm) is done for many rows in one
// vector. Rows of a few elements do not fill a vector: they are shifted into one flat run, whose exp is taken as a
// whole.
#pragma once

#include "dlnative/kernel.h"
#include "simd/math.h"
#include "simd/prefetch.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

constexpr std::int64_t most_rows = 64;  // of a block
constexpr std::int64_t short_row = 8;   // up to this length rows are taken flat

template <class T>
struct RowStatistics {
  T max[most_rows];
  T sum[most_rows];
};

// Calls body(first row, rows) for blocks of rows of C elements, which stay in L1.
template <class Body>
DLNATIVE_INLINE void for_row_blocks(const Workers& workers, std::int64_t rows, std::int64_t C, double nanoseconds_each,
                                    Body body) {
  constexpr std::int64_t elements = 4096;
  if (C == 0 || rows == 0) return;
  const std::int64_t block = C <= elements / most_rows ? most_rows : elements / (C + 1) + 1;
  if (rows <= block) return body(0, rows);
  const int threads = workers.worthwhile(nanoseconds_each * static_cast<double>(rows) * static_cast<double>(C));
  workers.parallel_for(threads, (rows + block - 1) / block, [&](std::int64_t task, int) {
    const std::int64_t first = task * block;
    body(first, rows - first < block ? rows - first : block);
  });
}

// Vector by vector over n elements: body(index, vector load) for whole vectors, then once with the lanes that are left.
template <class T, class Whole, class Rest>
DLNATIVE_INLINE void for_vectors(std::int64_t n, Whole whole, Rest rest) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) whole(i);
  if (i < n) rest(i, static_cast<int>(n - i));
}

// A NaN that is lost here comes back with the sum of the exponentials.
inline constexpr auto larger = [](auto a, auto b) __attribute__((always_inline)) { return fast_max(a, b); };

// The largest of the elements that each lane sees.
template <class T>
DLNATIVE_INLINE Vec<T> lane_max(const T* x, std::int64_t C) {
  Vec<T> a = broadcast(static_cast<T>(-__builtin_inf())), b = a;
  std::int64_t i = 0;
  for (; i + 2 * lanes<T> <= C; i += 2 * lanes<T>) {
    prefetch(x + i);
    prefetch(x + i + lanes<T>);
    a = fast_max(a, load(x + i));
    b = fast_max(b, load(x + i + lanes<T>));
  }
  a = fast_max(a, b);
  for_vectors<T>(
      C - i, [&](std::int64_t k) { a = fast_max(a, load(x + i + k)); },
      [&](std::int64_t k, int count) {
        a = fast_max(a, select(first_lanes<T>(count), load_partial(x + i + k, count), a));
      });
  return a;
}

// The sum of the exponentials that each lane sees. Writes them only where they are asked for; log_softmax needs none
// but the sums.
template <class T, bool keep>
DLNATIVE_INLINE Vec<T> lane_exp(const T* x, std::int64_t C, T max, T* e) {
  Vec<T> total = {};
  for_vectors<T>(
      C,
      [&](std::int64_t i) {
        const Vec<T> v = exp(load(x + i) - max);
        if constexpr (keep) {
          prefetch_for_write(e + i);
          store(e + i, v);
        }
        total += v;
      },
      [&](std::int64_t i, int count) {
        const Vec<T> v = exp(load_partial(x + i, count) - max);
        if constexpr (keep) store_partial(e + i, v, count);
        total += select(first_lanes<T>(count), v, Vec<T>{});
      });
  return total;
}

// As many rows at a time as a vector has lanes, reduced together. The last of them comes first: a row that ends within
// a vector is written with a mask, and a load from the row after it would wait for that.
template <class T, bool keep>
__attribute__((noinline)) void rows_together(const T* x, std::int64_t rows, std::int64_t C, T* e,
                                             RowStatistics<T>& statistics) {
  constexpr int count = lanes<T>;
  for (std::int64_t first = 0; first < rows; first += count) {
    const int here = rows - first < count ? static_cast<int>(rows - first) : count;
    Vec<T> of_lanes[count] = {};
    for (int i = 0; i < here; ++i) of_lanes[i] = lane_max(x + (first + i) * C, C);
    store(statistics.max + first, reduce_each(of_lanes, larger));
    for (int i = here - 1; i >= 0; --i) {
      const std::int64_t r = first + i;
      of_lanes[i] = lane_exp<T, keep>(x + r * C, C, statistics.max[r], keep ? e + r * C : nullptr);
    }
    store(statistics.sum + first, sums(of_lanes));
  }
}

// C is a constant here: loops of a length of three that the compiler does not know cost more than their work.
template <class T, int C, bool keep>
__attribute__((noinline)) void short_rows(const T* x, std::int64_t rows, T* e, RowStatistics<T>& statistics) {
  T flat[most_rows * C + lanes<T>];
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = x + r * C;
    T max = row[0];
    for (int c = 1; c < C; ++c) max = row[c] > max ? row[c] : max;
    for (int c = 0; c < C; ++c) flat[r * C + c] = row[c] - max;
    statistics.max[r] = max;
  }
  const std::int64_t size = rows * C;
  for (std::int64_t i = size; i % lanes<T> != 0; ++i) flat[i] = T{0};
  for (std::int64_t i = 0; i < size; i += lanes<T>) store(flat + i, exp(load(flat + i)));
  for (std::int64_t r = 0; r < rows; ++r) {
    T total = flat[r * C];
    for (int c = 1; c < C; ++c) total += flat[r * C + c];
    statistics.sum[r] = total;
  }
  if constexpr (keep) __builtin_memcpy(e, flat, static_cast<std::size_t>(size) * sizeof(T));
}

template <class T, int C>
__attribute__((noinline)) void scale_short_rows(T* y, std::int64_t rows, const T* scales) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (int c = 0; c < C; ++c) y[r * C + c] *= scales[r];
  }
}

template <class T, bool keep>
DLNATIVE_INLINE void long_rows(const T* x, std::int64_t rows, std::int64_t C, T* e, RowStatistics<T>& statistics) {
  constexpr std::int64_t longest_together = 16 * lanes<T>;  // L1 has room for them
  if (C <= longest_together) return rows_together<T, keep>(x, rows, C, e, statistics);
  for (std::int64_t r = 0; r < rows; ++r) {
    statistics.max[r] = horizontal_reduce(lane_max(x + r * C, C), larger);
    statistics.sum[r] = sum(lane_exp<T, keep>(x + r * C, C, statistics.max[r], keep ? e + r * C : nullptr));
  }
}

// e may be null where it is not kept.
template <class T, bool keep>
DLNATIVE_INLINE void exp_rows(const T* x, std::int64_t rows, std::int64_t C, T* e, RowStatistics<T>& statistics) {
  switch (C) {
    case 1:
      short_rows<T, 1, keep>(x, rows, e, statistics);
      break;
    case 2:
      short_rows<T, 2, keep>(x, rows, e, statistics);
      break;
    case 3:
      short_rows<T, 3, keep>(x, rows, e, statistics);
      break;
    case 4:
      short_rows<T, 4, keep>(x, rows, e, statistics);
      break;
    default:
      long_rows<T, keep>(x, rows, C, e, statistics);
  }
  for (std::int64_t r = rows; r % lanes<T> != 0; ++r) statistics.sum[r] = T{1};  // what for_each_row computes in vain
}

// Row r of y is multiplied by scales[r].
template <class T>
DLNATIVE_INLINE void scale_rows(T* y, std::int64_t rows, std::int64_t C, const T* scales) {
  switch (C) {
    case 1:
      return scale_short_rows<T, 1>(y, rows, scales);
    case 2:
      return scale_short_rows<T, 2>(y, rows, scales);
    case 3:
      return scale_short_rows<T, 3>(y, rows, scales);
    case 4:
      return scale_short_rows<T, 4>(y, rows, scales);
    default:
      break;
  }
  for (std::int64_t r = rows; r-- > 0;) {
    T* row = y + r * C;
    const T scale = scales[r];
    for_vectors<T>(
        C, [&](std::int64_t i) { store(row + i, load(row + i) * scale); },
        [&](std::int64_t i, int count) { store_partial(row + i, load_partial(row + i, count) * scale, count); });
  }
}

// y = function(x) for n numbers, one a row and at least one; both have room for whole vectors.
template <class T, class Function>
DLNATIVE_INLINE void for_each_row(const T* x, T* y, std::int64_t n, Function function) {
  std::int64_t i = 0;
  do {
    store(y + i, function(load(x + i)));
    i += lanes<T>;
  } while (i < n);
}

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
