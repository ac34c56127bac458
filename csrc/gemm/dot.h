// Products in which k is contiguous in both operands and one side is only a few rows or columns: C[i][j] is the dot
// product of two runs of memory, taken a vector of k at a time, and packing would cost more than it saves.
//
// A tile keeps one vector of partial sums for each of its elements and folds them at the end. The order of summation
// depends on K alone.
#pragma once

#include "dlnative/gemm.h"
#include "gemm/epilogue.h"
#include "gemm/tile.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr int dot_side = 4;  // of the largest tile

// Whether both operands are read along k, without packing.
template <class T>
DLNATIVE_INLINE bool is_dot(const GemmArguments<T>& g) {
  const std::int64_t side = least(g.M, g.N);
  return !g.transpose_a && g.transpose_b && side <= 2 * dot_side && (side <= 2 || g.K >= side * lanes<T>);
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
  const T* bias;   // for the columns of the tile, or null
  const T* saved;  // the tile of y that a relu gave, or null
  bool relu;
};

template <class T, int rows, int columns>
void dot_kernel(const DotCall<T>& call) {
  constexpr int L = lanes<T>;
  Vec<T> acc[rows][columns] = {};
  const auto step = [&](std::int64_t k, auto load_at) __attribute__((always_inline)) {
    Vec<T> y[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) y[j] = load_at(call.b + j * call.ldb + k);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      const Vec<T> x = load_at(call.a + i * call.lda + k);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) acc[i][j] = fma(x, y[j], acc[i][j]);
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
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      T value = sum(acc[i][j]);
      if (call.bias != nullptr) value += call.bias[j];
      if (call.relu && value < T{0}) value = T{0};
      if (call.saved != nullptr && !(call.saved[i * call.ldc + j] > T{0})) value = T{0};
      call.c[i * call.ldc + j] = value;
    }
  }
}

template <class T>
using DotKernel = void (*)(const DotCall<T>&);

template <class T>
inline constexpr DotKernel<T> dot_kernels[dot_side][dot_side] = {
    {dot_kernel<T, 1, 1>, dot_kernel<T, 1, 2>, dot_kernel<T, 1, 3>, dot_kernel<T, 1, 4>},
    {dot_kernel<T, 2, 1>, dot_kernel<T, 2, 2>, dot_kernel<T, 2, 3>, dot_kernel<T, 2, 4>},
    {dot_kernel<T, 3, 1>, dot_kernel<T, 3, 2>, dot_kernel<T, 3, 3>, dot_kernel<T, 3, 4>},
    {dot_kernel<T, 4, 1>, dot_kernel<T, 4, 2>, dot_kernel<T, 4, 3>, dot_kernel<T, 4, 4>}};

}  // namespace dlnative::DLNATIVE_ISA
