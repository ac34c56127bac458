// Copies a part of an operand into a panel, in the order in which the micro-kernel reads it: panel[k * width + i] is
// element i (a row of A or a column of B) of step k.
//
// Where i is contiguous in memory this copies rows. Where k is contiguous it transposes, in squares whose side is 16
// bytes: a vector is put together from such pieces of rows that are far apart, transposed within each 16 bytes, and is
// then a whole vector of neighbouring i. Behind the panel there must be workspace for one more vector.
// The rows are far apart, so while one panel is copied, the next one, beside it, is prefetched.
#pragma once

#include "dlnative/gemm.h"
#include "gemm/core/tile.h"

namespace dlnative::DLNATIVE_ISA {

// from[k * stride + i]
template <class T>
void pack_rows(T* panel, std::int64_t width, const T* from, std::int64_t stride, std::int64_t K, std::int64_t count) {
  constexpr int L = lanes<T>;
  const std::int64_t whole = count / L * L;
  const int rest = static_cast<int>(count - whole);
  for (std::int64_t k = 0; k < K; ++k, panel += width, from += stride) {
    for (std::int64_t i = 0; i < width; i += 64 / static_cast<int>(sizeof(T))) __builtin_prefetch(from + width + i);
    for (std::int64_t i = 0; i < whole; i += L) store(panel + i, load(from + i));
    if (rest > 0) store(panel + whole, load_partial(from + whole, rest));
  }
}

// The same for many full panels, `panel_size` elements apart, row by row of the source: memory is read from one end to
// the other.
template <class T, int width>
void pack_panels(T* panels, std::int64_t panel_size, const T* from, std::int64_t stride, std::int64_t K,
                 std::int64_t count) {
  for (std::int64_t k = 0; k < K; ++k, from += stride) {
    T* to = panels + k * width;
    const T* row = from;
    for (std::int64_t panel = 0; panel < count; ++panel, to += panel_size, row += width) {
#pragma GCC unroll 4
      for (int i = 0; i < width; i += lanes<T>) store(to + i, load(row + i));
    }
  }
}

// Transposes a square of 16 bytes by 16 bytes in each 16-byte column of the vectors.
template <class V>
DLNATIVE_INLINE void transpose_pieces(V (&v)[4]) {
  using Pairs = typename VecOf<double, sizeof(V)>::type;
  const auto pairs = [](V x) __attribute__((always_inline)) { return bit_cast<Pairs>(x); };
  const Pairs low01 = pairs(interleave<0>(v[0], v[1])), high01 = pairs(interleave<1>(v[0], v[1]));
  const Pairs low23 = pairs(interleave<0>(v[2], v[3])), high23 = pairs(interleave<1>(v[2], v[3]));
  v[0] = bit_cast<V>(interleave<0>(low01, low23));
  v[1] = bit_cast<V>(interleave<1>(low01, low23));
  v[2] = bit_cast<V>(interleave<0>(high01, high23));
  v[3] = bit_cast<V>(interleave<1>(high01, high23));
}
template <class V>
DLNATIVE_INLINE void transpose_pieces(V (&v)[2]) {
  const V low = interleave<0>(v[0], v[1]), high = interleave<1>(v[0], v[1]);
  v[0] = low;
  v[1] = high;
}

// Element k of row i lies at row_at(i)[k].
template <class T, class RowAt>
DLNATIVE_INLINE void pack_transposed_rows(T* panel, std::int64_t width, std::int64_t K, std::int64_t count,
                                          RowAt row_at) {
  constexpr int L = lanes<T>, side = 16 / static_cast<int>(sizeof(T));
  // From the last vector of a step to the first: only the last can reach into the next step, whose first is yet to
  // come.
  for (std::int64_t start = (count - 1) / L * L; start >= 0; start -= L) {
    const T* rows[L];  // past the last row, that row again: nobody reads the result
    for (int i = 0; i < L; ++i) rows[i] = row_at(start + i < count ? start + i : count - 1);
    const auto pack_square = [&](std::int64_t k) __attribute__((always_inline)) {
      Vec<T> v[side];
#pragma GCC unroll 4
      for (int i = 0; i < side; ++i) {
        v[i] = load_pieces<T>([&](int q) __attribute__((always_inline)) { return rows[q * side + i] + k; });
      }
      transpose_pieces(v);
#pragma GCC unroll 4
      for (int i = 0; i < side; ++i) store(panel + (k + i) * width + start, v[i]);
    };
    if (K < side) {
      for (std::int64_t k = 0; k < K; ++k) {
        for (int i = 0; i < L; ++i) panel[k * width + start + i] = rows[i][k];
      }
      continue;
    }
    std::int64_t k = 0;
    for (; k + side <= K; k += side) pack_square(k);
    if (k < K) pack_square(K - side);  // some steps twice
  }
}

// from[i * stride + k]
template <class T>
__attribute__((noinline)) void pack_transposed(T* panel, std::int64_t width, const T* from, std::int64_t stride,
                                               std::int64_t K, std::int64_t count) {
  pack_transposed_rows(panel, width, K, count,
                       [=](std::int64_t i) __attribute__((always_inline)) { return from + i * stride; });
}

// from[index[i] * stride + k]
template <class T>
__attribute__((noinline)) void pack_indexed(T* panel, std::int64_t width, const T* from, std::int64_t stride,
                                            const std::int64_t* index, std::int64_t K, std::int64_t count) {
  pack_transposed_rows(panel, width, K, count,
                       [=](std::int64_t i) __attribute__((always_inline)) { return from + index[i] * stride; });
}

// Where the rows of a part's A begin, from row `row` of line `line` on, at step k.
template <class T>
DLNATIVE_INLINE const T* place_in(const Part<T>& part, std::int64_t line, std::int64_t row, std::int64_t k) {
  return part.a + line * part.a_line + row * part.a_row + k * part.a_step;
}

// `rows` rows of the A of a part, from row m of C on, which is row `row` of line `line`; steps [k0, k1) of it.
template <class T>
void pack_a(const Part<T>& part, std::int64_t m, std::int64_t line, std::int64_t row, std::int64_t rows,
            std::int64_t k0, std::int64_t k1, T* panel) {
  const std::int64_t K = k1 - k0;
  if (K <= 0) return;
  if (part.a_index != nullptr) return pack_indexed(panel, rows, part.a + k0, part.a_row, part.a_index + m, K, rows);
  const T* const from = place_in(part, line, row, k0);
  if (part.a_row == 1) return pack_rows(panel, rows, from, part.a_step, K, rows);
  if (part.a_step == 1) return pack_transposed(panel, rows, from, part.a_row, K, rows);
  for (std::int64_t k = 0; k < K; ++k) {
    for (std::int64_t i = 0; i < rows; ++i) panel[k * rows + i] = from[i * part.a_row + k * part.a_step];
  }
}

}  // namespace dlnative::DLNATIVE_ISA
