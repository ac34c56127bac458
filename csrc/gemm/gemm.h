// The products of one instruction set, for the kernels that use them; dlnative/gemm.h says what they compute.
#pragma once

#include "dlnative/gemm.h"

namespace dlnative::DLNATIVE_ISA {

DLNATIVE_PRODUCT(gemm, GemmArguments)
DLNATIVE_PRODUCT(batch_reduce, BatchReduceArguments)

// Floating-point operations per second of one core, from multiply-adds that do not wait for one another.
double measure_fma(double seconds);

// Bytes per second that one core reads of `count` elements, over and over.
double measure_read(const float* data, std::int64_t count, double seconds);

}  // namespace dlnative::DLNATIVE_ISA
