#pragma once

#include <pybind11/pybind11.h>

namespace dlnative::bind {

// Adds the class Plan to the module.
void bind_plan(pybind11::module_& module);

}  // namespace dlnative::bind
