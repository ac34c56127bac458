// A limit of the memory that NumPy's arrays may have: a model that is read from a file computes constants.
#pragma once

#include <pybind11/pybind11.h>

namespace dlnative::bind {

// Adds limit_arrays and restore_arrays to the module.
void bind_array_memory(pybind11::module_& module);

}  // namespace dlnative::bind
