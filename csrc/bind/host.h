// Ops that need not be fast: a plan calls a Python function for them.
#pragma once

#include <pybind11/pybind11.h>

#include "dlnative/kernel.h"

namespace dlnative::bind {

// A kernel that takes the interpreter's lock and hands the operands, as arrays, to the function that Python has named.
// Its only integer is handed on: it says what to compute. Throws what the function raises.
void call_host(const Call& call);

// Adds what names the function to the module.
void bind_host(pybind11::module_& module);

}  // namespace dlnative::bind
