// Conversion between all element types.
#pragma once

#include "dlnative/types.h"

namespace dlnative::DLNATIVE_ISA {

// The loop between two types, for who converts many short rows; null where one loop does not do.
ConvertLoop convert_loop(DType from, DType to);

// y[i] = x[i] in another type; x and y do not overlap.
void convert(DType from, const void* x, DType to, void* y, std::int64_t count);

}  // namespace dlnative::DLNATIVE_ISA
