// What chains use of the reductions.
#pragma once

#include "dlnative/kernel.h"

namespace dlnative::DLNATIVE_ISA {

// The sum of all elements of a float buffer, for a caller that adds up blocks of a larger one.
double sum_elements(const View& x);

}  // namespace dlnative::DLNATIVE_ISA
