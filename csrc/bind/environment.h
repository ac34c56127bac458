#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>

#include "dlnative/isa.h"
#include "dlnative/threads.h"
#include "runtime/caches.h"

namespace dlnative::bind {

// Raises when DLNATIVE_ISA names an instruction set that cannot run, DLNATIVE_NUM_THREADS is no number of threads, or
// DLNATIVE_CACHES says no caches: importing the module still works, so that the message reaches the user as what it is.
inline void require_environment() {
  if (const char* error = isa_error()) throw std::runtime_error(error);
  if (const char* error = threads_error()) throw pybind11::value_error(error);
  if (const char* error = caches_error()) throw pybind11::value_error(error);
}

}  // namespace dlnative::bind
