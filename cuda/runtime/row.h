// A row of the op table for CUDA. `enqueue` runs when a plan is built, with a Call as on the CPU whose views lie in
// device memory: it picks kernels and grids for the shapes. Attributes are read then; what changes from step to step (a
// learning rate, a state of random numbers) is a buffer that the kernel reads.
#pragma once

#include <cstdint>

#include "dlnative/kernel.h"
#include "runtime/queue.h"

namespace dlnative::cuda {

struct Row {
  const char* name;
  void (*enqueue)(const Call&, Queue&);
  TypeRule types;  // as on the CPU: types that are not in it are refused when a plan is built
  std::int64_t (*scratch)(const Call&) = nullptr;  // bytes in device memory, or null for none
  TakesTypes takes_types = nullptr;                // null when `types` says everything

  bool takes(const Call& call) const { return takes_types != nullptr ? takes_types(call) : types.takes(call); }
};

// Null when there is no kernel of this name.
const Row* find_row(const char* name);

// All rows, for tests: calls of it with an index past the last one give null.
const Row* row_at(int index);

}  // namespace dlnative::cuda
