#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>

#include "dlnative/isa.h"

namespace dlnative::bind {

// Raises when DLNATIVE_ISA names an instruction set that cannot run: importing the module still works, so that the
// message reaches the user as what it is.
inline void require_isa() {
  if (const char* error = isa_error()) throw std::runtime_error(error);
}

}  // namespace dlnative::bind
