// Matrix multiplication for C++ callers, on the instruction set chosen at load:
//
//   gemm          C = epilogue(op(A) op(B))
//   batch_reduce  C = epilogue(sum over i of A_i op(B_i)), a tile of C in registers over a list of short products
//
// Row-major, float or double. C is M x N, op(A) is M x K, op(B) is K x N; a transposed operand is stored the other way
// round. The ops of csrc/ops are thin wrappers over the same code.
#pragma once

#include <cstdint>

#include "dlnative/types.h"
#include "dlnative/workers.h"

namespace dlnative {

// What is done with a sum before it is stored, in this order, in registers or while rows of C are in a near cache:
// c += bias, c += residual, c = act(c), c *= act'(saved).
template <class T>
struct Epilogue {
  const T* bias = nullptr;      // length N, or null
  const T* residual = nullptr;  // M x N with leading dimension ldc, or null; not c itself
  Activation activation = Activation::linear;
  // M x N with leading dimension ldc, or null; without residual and activation a relu's may be c. The derivative of
  // gradient_of, by which c is multiplied, is in terms of its result or, from softsign on, of its argument.
  const T* saved = nullptr;
  Activation gradient_of = Activation::linear;
  double parameter = 0;  // of both, where they have one: leaky_relu's slope, elu's alpha; not negative
};

template <class T>
struct GemmArguments : Epilogue<T> {
  std::int64_t M = 0, N = 0, K = 0;
  const T* a = nullptr;
  std::int64_t lda = 0;
  bool transpose_a = false;
  const T* b = nullptr;
  std::int64_t ldb = 0;
  bool transpose_b = false;
  T* c = nullptr;
  std::int64_t ldc = 0;

  const T* packed_b = nullptr;  // op(B) as gemm_pack left it, or null. Then b is not read.
  T* column_sums = nullptr;     // of a B that is not transposed, length N: a bias gradient; or null
};

// One product of a list. Element (m, k) of A lies at a[line * a_line + row * a_row + k * a_step], where m is row `row`
// of line `line`: see BatchReduceArguments::line_rows. Or, with an index, at a[a_index[m] * a_row + k].
template <class T>
struct Part {
  std::int64_t K = 0;
  const T* a = nullptr;
  std::int64_t a_row = 0, a_step = 1, a_line = 0;
  const std::int64_t* a_index = nullptr;
  const T* b = nullptr;
  std::int64_t ldb = 0;
};

// The ways in which A lies in memory.
template <class T>
DLNATIVE_INLINE Part<T> matrix_part(std::int64_t K, const T* a, std::int64_t lda, const T* b, std::int64_t ldb) {
  return {.K = K, .a = a, .a_row = lda, .b = b, .ldb = ldb};
}
template <class T>
DLNATIVE_INLINE Part<T> transposed_part(std::int64_t K, const T* a, std::int64_t lda, const T* b, std::int64_t ldb) {
  return {.K = K, .a = a, .a_row = 1, .a_step = lda, .b = b, .ldb = ldb};
}
// One row of a window over an image with channels last: K = (width of the window) * channels elements beside one
// another, row m of A begins `pixel` elements (column stride * channels) after row m - 1, and each line of output
// pixels `line` elements (row stride * width of the image * channels) after the one before. Rows may overlap.
template <class T>
DLNATIVE_INLINE Part<T> window_part(std::int64_t K, const T* a, std::int64_t pixel, std::int64_t line, const T* b,
                                    std::int64_t ldb) {
  return {.K = K, .a = a, .a_row = pixel, .a_line = line, .b = b, .ldb = ldb};
}
// Row m of A is row index[m] of a matrix.
template <class T>
DLNATIVE_INLINE Part<T> indexed_part(std::int64_t K, const T* a, std::int64_t lda, const std::int64_t* index,
                                     const T* b, std::int64_t ldb) {
  return {.K = K, .a = a, .a_row = lda, .a_index = index, .b = b, .ldb = ldb};
}

// C = epilogue(sum over i of A_i op(B_i)): a matrix product is a list of one; a convolution a list over the rows of its
// window, its B_i the rows of the kernel; an LSTM step x W + h R a list of two; a weight gradient a list over lines of
// output pixels, A_i the transposed window. Elements add up their products in the order of the list, and of k within a
// part; parts of the same blocks without a sum being stored between them.
template <class T>
struct BatchReduceArguments : Epilogue<T> {
  std::int64_t M = 0, N = 0;
  std::int64_t line_rows = 0;  // rows of C that are a line of output pixels, a divisor of M; or 0: M
  const Part<T>* parts = nullptr;
  std::int64_t part_count = 0;
  bool transpose_b = false;  // every B_i is stored N x K
  T* c = nullptr;
  std::int64_t ldc = 0;
  const T* packed_b = nullptr;  // all B_i as batch_reduce_pack left them, or null. Then no b is read.
};

// For each type of arguments:
//   scratch_bytes  of scratch for a product of these sizes, with packed_b if it is to have one, and with this b: or
//   with
//                  any, if b is null. `scratch` must be 64-byte aligned and at least this large.
//   packed_bytes   of a B that stays the same for many products and is packed once, for all M and all epilogues, best
//   from
//                  a cache line on. Of a gemm, 0 where it would not make this product faster.
// Denormals count as zero, as in a plan: the threads of a pool flush them, and their number is to change no bit.
#define DLNATIVE_PRODUCT(name, Arguments)                                              \
  std::int64_t name##_scratch_bytes(const Arguments<float>& arguments, int threads);   \
  std::int64_t name##_scratch_bytes(const Arguments<double>& arguments, int threads);  \
  std::int64_t name##_packed_bytes(const Arguments<float>& arguments);                 \
  std::int64_t name##_packed_bytes(const Arguments<double>& arguments);                \
  void name##_pack(const Arguments<float>& arguments, void* packed_b);                 \
  void name##_pack(const Arguments<double>& arguments, void* packed_b);                \
  void name(const Arguments<float>& arguments, void* scratch, const Workers& workers); \
  void name(const Arguments<double>& arguments, void* scratch, const Workers& workers);

DLNATIVE_PRODUCT(gemm, GemmArguments)
DLNATIVE_PRODUCT(batch_reduce, BatchReduceArguments)

}  // namespace dlnative
