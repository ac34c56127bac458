// The matrix product of one instruction set, for the kernels that use it; dlnative/gemm.h says what it computes.
#pragma once

#include "dlnative/gemm.h"

namespace dlnative::DLNATIVE_ISA {

std::int64_t gemm_scratch_bytes(const GemmArguments<float>& arguments, int threads);
std::int64_t gemm_scratch_bytes(const GemmArguments<double>& arguments, int threads);

std::int64_t gemm_packed_bytes(const GemmArguments<float>& arguments);
std::int64_t gemm_packed_bytes(const GemmArguments<double>& arguments);
void gemm_pack(const GemmArguments<float>& arguments, void* packed_b);
void gemm_pack(const GemmArguments<double>& arguments, void* packed_b);

void gemm(const GemmArguments<float>& arguments, void* scratch, const Workers& workers);
void gemm(const GemmArguments<double>& arguments, void* scratch, const Workers& workers);

// Floating-point operations per second of one core, from multiply-adds that do not wait for one another.
double measure_fma(double seconds);

// Bytes per second that one core reads of `count` elements, over and over.
double measure_read(const float* data, std::int64_t count, double seconds);

}  // namespace dlnative::DLNATIVE_ISA
