// Which instruction set runs. Kernels are compiled once for each; the best one the CPU has is chosen when the library
// loads, or the one that the environment variable DLNATIVE_ISA names.
#pragma once

#include "dlnative/gemm.h"
#include "dlnative/kernel.h"

namespace dlnative {

// Everything that is compiled once per instruction set, as one table of entry points.
struct IsaTable {
  const char* name;  // "avx512", "avx2", "neon" or "portable"
  OpTable ops;
  std::int64_t (*gemm_scratch_float)(const GemmArguments<float>&, int threads);
  std::int64_t (*gemm_scratch_double)(const GemmArguments<double>&, int threads);
  void (*gemm_float)(const GemmArguments<float>&, void* scratch, const Workers&);
  void (*gemm_double)(const GemmArguments<double>&, void* scratch, const Workers&);
  // Floating-point operations per second of one core, measured by a chain-free loop of multiply-adds.
  double (*measure_fma)(double seconds);
};

// The chosen instruction set.
const IsaTable& isa();

// The names of those that were compiled in and that this CPU can run, best first; null-terminated.
const char* const* available_isas();

// Chooses an instruction set by name; false when it is not available. Plans built before keep theirs.
bool select_isa(const char* name);

}  // namespace dlnative
