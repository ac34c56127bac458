// The elementwise kernels whose result has another type than their operands, for the table in elementwise.cpp.
#pragma once

#include "dlnative/kernel.h"
#include "ops/dispatch.h"

namespace dlnative::DLNATIVE_ISA {

using Comparable = Types<float, double, std::int32_t, std::int64_t, std::uint8_t, Boolean>;

void equal(const Call& call);
void not_equal(const Call& call);
void less(const Call& call);
void less_equal(const Call& call);
void greater(const Call& call);
void greater_equal(const Call& call);
void logical_and(const Call& call);
void logical_or(const Call& call);
void logical_not(const Call& call);
void isfinite(const Call& call);
void where(const Call& call);
void cast(const Call& call);
void copy(const Call& call);

}  // namespace dlnative::DLNATIVE_ISA
