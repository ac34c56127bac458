// Matrix multiplication for C++ callers: C = act(op(A) op(B) + bias + residual), row-major, float or double, on the
// instruction set chosen at load. The ops of csrc/ops/linalg.cpp are thin wrappers over the same code.
#pragma once

#include <cstdint>

#include "dlnative/types.h"
#include "dlnative/workers.h"

namespace dlnative {

// C is M x N, op(A) is M x K, op(B) is K x N. A transposed operand is stored the other way round.
template <class T>
struct GemmArguments {
  std::int64_t M = 0, N = 0, K = 0;
  const T* a = nullptr;
  std::int64_t lda = 0;
  bool transpose_a = false;
  const T* b = nullptr;
  std::int64_t ldb = 0;
  bool transpose_b = false;
  T* c = nullptr;
  std::int64_t ldc = 0;

  // Epilogue, applied while rows of C are in a near cache: c = act(c + bias + residual), then c = c * act'(saved).
  const T* bias = nullptr;      // length N, or null
  const T* residual = nullptr;  // M x N with leading dimension ldc, or null; not c itself
  Activation activation = Activation::linear;
  // M x N with leading dimension ldc, or null; without residual and activation a relu's may be c. The derivative of
  // gradient_of, by which c is multiplied, is in terms of its result or, from softsign on, of its argument.
  const T* saved = nullptr;
  Activation gradient_of = Activation::linear;
  double parameter = 0;  // of both, where they have one: leaky_relu's slope, elu's alpha; not negative

  // op(B) as gemm_pack left it, or null. Then b is not read.
  const T* packed_b = nullptr;

  T* column_sums = nullptr;  // of a B that is not transposed, length N: a bias gradient; or null
};

// Scratch for a product of these sizes, with packed_b if it is to have one, and with this b: or with any, if b is null.
// `scratch` handed to gemm() must be 64-byte aligned and at least this large.
std::int64_t gemm_scratch_bytes(const GemmArguments<float>& arguments, int threads);
std::int64_t gemm_scratch_bytes(const GemmArguments<double>& arguments, int threads);

// A B that stays the same for many products may be packed once, for all M and all epilogues: so many bytes, best from a
// cache line on. 0 where it would not make this product faster.
std::int64_t gemm_packed_bytes(const GemmArguments<float>& arguments);
std::int64_t gemm_packed_bytes(const GemmArguments<double>& arguments);
void gemm_pack(const GemmArguments<float>& arguments, void* packed_b);
void gemm_pack(const GemmArguments<double>& arguments, void* packed_b);

// Denormals count as zero, as in a plan: the threads of a pool flush them, and their number is to change no bit.
void gemm(const GemmArguments<float>& arguments, void* scratch, const Workers& workers);
void gemm(const GemmArguments<double>& arguments, void* scratch, const Workers& workers);

}  // namespace dlnative
