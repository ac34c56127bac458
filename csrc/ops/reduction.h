// What chains use of the reductions.
#pragma once

#include "dlnative/kernel.h"

namespace dlnative::DLNATIVE_ISA {

// The sum of all elements of a float buffer, for a caller that adds up blocks of a larger one.
double sum_elements(const View& x);

// Whether a kernel of the table divides its sums by the number of their terms.
bool is_mean(Kernel kernel);

}  // namespace dlnative::DLNATIVE_ISA
