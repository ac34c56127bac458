// What the parity checks have in common (parity.cpp): a case is one call of compare().
#pragma once

#include <random>

#include "check/tensor.h"

namespace dlnative::cuda::check {

extern std::mt19937 generator;

inline constexpr DType floats[] = {DType::float32, DType::float64};
inline bool is_float(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

enum class By { bits, element, scale };

// Compares with the CPU's result: exactly, or to `ulps` of the element and of `scale`, the size of what went in.
void compare(const Instruction& instruction, By by, double ulps, double scale);

// All cases, by the kind of kernel.
void elementwise();
void arithmetic();
void movement();
void reductions();
void rows();
void drawn();
void optimizers();
void products();
void chains();
void images();
void normalization();
void attentions();
void recurrence();

}  // namespace dlnative::cuda::check
