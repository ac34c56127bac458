// Products in which k is contiguous in both operands and one side is only a few rows or columns: C[i][j] is the dot
// product of two runs of memory, taken a vector of k at a time, and packing would cost more than it saves.
//
// A tile keeps one vector of partial sums for each of its elements and folds them together at the end. The order of
// summation depends on K alone.
#pragma once

#include <iterator>
#include <type_traits>
#include <utility>

#include "dlnative/gemm.h"
#include "gemm/core/epilogue.h"
#include "gemm/core/tile.h"
#include "simd/horizontal.h"

namespace dlnative::DLNATIVE_ISA {

// The sides of a tile are one of these, and so many elements have a vector of sums each.
inline constexpr int dot_sides[] = {1, 2, 3, 4, 8}, longest_dot_side = 8, dot_elements = 3 * vector_registers / 4;

// How long a tile is at most if its other side is `other`. Its rows fit a vector.
template <class T>
DLNATIVE_INLINE constexpr std::int64_t longest_side(int other) {
  const int registers = dot_elements / other, fit = registers < lanes<T> ? registers : lanes<T>;
  return fit >= longest_dot_side ? longest_dot_side : fit >= 4 ? 4 : fit;
}

// How much of `rest` the next tile takes: never less than the one after it.
DLNATIVE_INLINE constexpr std::int64_t next_side(std::int64_t rest, std::int64_t longest) {
  if (rest >= longest_dot_side || longest < 4) return min(rest, longest);
  return rest <= 4 ? rest : rest < 7 ? 3 : 4;  // rather 3 and 2 than 4 and 1
}

// Whether both operands are read along k, without packing. Packing B takes longer than folding the sums where it serves
// few panels, and a few columns leave most of a vector of B empty; but the shorter side is read again and again.
template <class T>
DLNATIVE_INLINE bool is_dot(const GemmArguments<T>& g) {
  constexpr std::int64_t few_rows = 4 * MR, few_columns = 12;
  const std::int64_t side = min(g.M, g.N), bytes = side * g.K * static_cast<std::int64_t>(sizeof(T));
  return !g.transpose_a && g.transpose_b && (g.M <= few_rows || g.N <= few_columns) &&
         (side <= 2 || g.K >= side * lanes<T>) && (side <= 8 || bytes <= L2_block_bytes);
}

template <class T>
struct DotCall {
  std::int64_t K;
  const T* a;
  std::int64_t lda;
  const T* b;
  std::int64_t ldb;
  T* c;
  std::int64_t ldc;
  RegisterEpilogue<T> epilogue;
};

template <class T, int rows, int columns>
void dot_kernel(const DotCall<T>& call) {
  // Three are kept as four.
  constexpr int L = lanes<T>, width = columns == 3 ? 4 : columns, elements = (rows == 3 ? 4 : rows) * width;
  Vec<T> acc[elements] = {};
  const auto step = [&](std::int64_t k, auto load_at) __attribute__((always_inline)) {
    // The shorter side stays in registers.
    constexpr int held = rows <= columns ? rows : columns, passing = rows <= columns ? columns : rows;
    const T *const hold = rows <= columns ? call.a : call.b, *const pass = rows <= columns ? call.b : call.a;
    const std::int64_t hold_stride = rows <= columns ? call.lda : call.ldb,
                       pass_stride = rows <= columns ? call.ldb : call.lda;
    Vec<T> x[held];
#pragma GCC unroll 8
    for (int i = 0; i < held; ++i) x[i] = load_at(hold + i * hold_stride + k);
#pragma GCC unroll 8
    for (int j = 0; j < passing; ++j) {
      const Vec<T> y = load_at(pass + j * pass_stride + k);
#pragma GCC unroll 8
      for (int i = 0; i < held; ++i) {
        const int at = rows <= columns ? i * width + j : j * width + i;
        acc[at] = fma(x[i], y, acc[at]);
      }
    }
  };
  const std::int64_t K = call.K, whole = K / L * L;
  for (std::int64_t k = 0; k < whole; k += L) {
    step(k, [](const T* from) __attribute__((always_inline)) { return load(from); });
  }
  if (whole < K) {
    const int rest = static_cast<int>(K - whole);
    step(whole, [rest](const T* from) __attribute__((always_inline)) { return load_partial(from, rest); });
  }

  constexpr int at_once = elements < L ? elements : L;
  alignas(vector_bytes) T values[elements + L];
#pragma GCC unroll 16
  for (int i = 0; i < elements; i += at_once) {
    Vec<T> together[at_once];
#pragma GCC unroll 16
    for (int j = 0; j < at_once; ++j) together[j] = acc[i + j];
    store(values + i, sums(together));
  }
  using Row = std::conditional_t<width == 1, T, typename VecOf<T, width * sizeof(T)>::type>;
  const auto load_row = [](const T* from) __attribute__((always_inline)) {
    Row row{};
    __builtin_memcpy(&row, from, columns * sizeof(T));
    return row;
  };
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
    Row row;
    __builtin_memcpy(&row, values + i * width, sizeof(Row));
    if (call.epilogue.bias != nullptr) row += load_row(call.epilogue.bias);
    if (call.epilogue.relu) row = select(row < T{0}, Row{}, row);
    if (call.epilogue.saved != nullptr) row = select(load_row(call.epilogue.saved + i * call.ldc) > T{0}, row, Row{});
    __builtin_memcpy(call.c + i * call.ldc, &row, columns * sizeof(T));
  }
}

template <class T>
using DotKernel = void (*)(const DotCall<T>&);

// By rows and columns, for the sides that a tile can have.
template <class T>
struct DotKernels {
  static constexpr int sides = static_cast<int>(std::size(dot_sides));
  DotKernel<T> of[longest_dot_side + 1][longest_dot_side + 1] = {};

  constexpr DotKernels() { fill(std::make_integer_sequence<int, sides * sides>{}); }
  template <int... pair>
  constexpr void fill(std::integer_sequence<int, pair...>) {
    (add<dot_sides[pair / sides], dot_sides[pair % sides]>(), ...);
  }
  template <int rows, int columns>
  constexpr void add() {
    if constexpr (rows * columns <= dot_elements && columns <= lanes<T>)
      of[rows][columns] = dot_kernel<T, rows, columns>;
  }
};
template <class T>
inline constexpr DotKernels<T> dot_kernels;

// Rows [m0, m1) and columns [n0, n1) of C.
template <class T>
void dot_rectangle(const GemmArguments<T>& g, std::int64_t m0, std::int64_t m1, std::int64_t n0, std::int64_t n1) {
  DotCall<T> call;
  call.K = g.K;
  call.lda = g.lda;
  call.ldb = g.ldb;
  call.ldc = g.ldc;
  const RegisterEpilogue<T> epilogue(g);
  const auto tile = [&](std::int64_t m, std::int64_t rows, std::int64_t n, std::int64_t columns) {
    call.a = g.a + m * g.lda;
    call.b = g.b + n * g.ldb;
    call.c = g.c + m * g.ldc + n;
    call.epilogue = epilogue.at(m, n, g.ldc);
    dot_kernels<T>.of[rows][columns](call);
  };
  // The shorter side goes round within the longer, so that the longer is read once.
  const bool rows_within = m1 - m0 <= n1 - n0;
  const std::int64_t outer = rows_within ? n1 - n0 : m1 - m0, inner = rows_within ? m1 - m0 : n1 - n0;
  const std::int64_t inner_most = min(4, lanes<T>), widest_inner = next_side(inner, inner_most);
  const std::int64_t outer_most = longest_side<T>(static_cast<int>(widest_inner));
  std::int64_t length = 0, width = 0;
  for (std::int64_t i = 0; i < outer; i += length) {
    length = next_side(outer - i, outer_most);
    for (std::int64_t j = 0; j < inner; j += width) {
      width = next_side(inner - j, inner_most);
      if (rows_within) {
        tile(m0 + j, width, n0 + i, length);
      } else {
        tile(m0 + i, length, n0 + j, width);
      }
    }
  }
  apply_epilogue<T>(g, g.c, g.ldc, m0, m1, n0, n1);
}

}  // namespace dlnative::DLNATIVE_ISA
