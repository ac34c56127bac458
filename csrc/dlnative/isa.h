// Which instruction set runs. Kernels are compiled once for each; the best one the CPU has is chosen when the library
// loads, or the one that the environment variable DLNATIVE_ISA names.
#pragma once

#include "dlnative/gemm.h"
#include "dlnative/kernel.h"

namespace dlnative {

// The rows of one family, as csrc/ops/<family>.cpp defines them.
struct OpFamily {
  const OpRow* rows;
  const int* count;
};

// Everything that is compiled once per instruction set, as one table of entry points. It is constant: code compiled
// for an instruction set must not run, not even to initialise itself, before the CPU is known to have it.
struct IsaKernels {
  const char* name;  // "avx512", "avx2", "neon" or "portable"
  const OpFamily* families;
  int family_count;
  std::int64_t (*gemm_scratch_float)(const GemmArguments<float>&, int threads);
  std::int64_t (*gemm_scratch_double)(const GemmArguments<double>&, int threads);
  std::int64_t (*gemm_packed_bytes_float)(const GemmArguments<float>&);
  std::int64_t (*gemm_packed_bytes_double)(const GemmArguments<double>&);
  void (*gemm_pack_float)(const GemmArguments<float>&, void* packed_b);
  void (*gemm_pack_double)(const GemmArguments<double>&, void* packed_b);
  void (*gemm_float)(const GemmArguments<float>&, void* scratch, const Workers&);
  void (*gemm_double)(const GemmArguments<double>&, void* scratch, const Workers&);
  // The loop between two types, or null; and y[i] = x[i] between any two. x and y do not overlap.
  ConvertLoop (*convert_loop)(DType from, DType to);
  void (*convert)(DType from, const void* x, DType to, void* y, std::int64_t count);
  // Floating-point operations per second of one core, measured by a chain-free loop of multiply-adds.
  double (*measure_fma)(double seconds);
  // Bytes per second that one core reads of `count` elements, over and over.
  double (*measure_read)(const float* data, std::int64_t count, double seconds);
};

// The same with the families' rows joined: an op code is an index into `ops`.
struct IsaTable : IsaKernels {
  OpTable ops;
};

// The chosen instruction set; the best one when the choice failed.
const IsaTable& isa();

// Null, or one line that says why the instruction set that DLNATIVE_ISA names could not be chosen.
const char* isa_error();

// The names of those that were compiled in and that this CPU can run, best first; null-terminated.
const char* const* available_isas();

// Chooses an instruction set by name; false when it is not available. Plans built before keep theirs.
bool select_isa(const char* name);

}  // namespace dlnative
