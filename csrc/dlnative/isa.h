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

// The functions of dlnative/gemm.h for one type of arguments.
template <class Arguments>
struct ProductEntries {
  std::int64_t (*scratch_bytes)(const Arguments&, int threads);
  std::int64_t (*packed_bytes)(const Arguments&);
  void (*pack)(const Arguments&, void* packed_b);
  void (*run)(const Arguments&, void* scratch, const Workers&);
};

// Everything that is compiled once per instruction set, as one table of entry points. It is constant: code compiled
// for an instruction set must not run, not even to initialise itself, before the CPU is known to have it.
struct IsaKernels {
  const char* name;  // "avx512", "avx2", "neon" or "portable"
  const OpFamily* families;
  int family_count;
  ProductEntries<GemmArguments<float>> gemm_float;
  ProductEntries<GemmArguments<double>> gemm_double;
  ProductEntries<BatchReduceArguments<float>> batch_reduce_float;
  ProductEntries<BatchReduceArguments<double>> batch_reduce_double;
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
