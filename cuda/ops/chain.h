// A chain of elementwise ops as its kernel takes it (csrc/ops/chain.cpp says what it computes and how an instruction
// carries it).
#pragma once

#include "device/device.h"
#include "ops/elementwise_list.h"
#include "ops/rows.h"

namespace dlnative::cuda {

#define DLNATIVE_NAME(name, ...) name,
#define DLNATIVE_NAMES(name, ...) name, name##_gradient,
enum class ChainOp : std::uint8_t {
  DLNATIVE_UNARY_OPS(DLNATIVE_NAME) DLNATIVE_BINARY_OPS(DLNATIVE_NAME) DLNATIVE_COMPARISONS(DLNATIVE_NAME)
      DLNATIVE_ACTIVATIONS(DLNATIVE_NAMES) logical_and,
  logical_or,
  logical_not,
  isfinite,
  where,
  cast,
  copy,
  sum,
  mean,
  max,
  min
};
#undef DLNATIVE_NAME
#undef DLNATIVE_NAMES

constexpr int chain_threads = 256;
constexpr int most_chain_ends = 16, most_chain_values = 40, most_chain_steps = 16, most_chain_operands = 3;

struct ChainStep {
  ChainOp op;
  std::uint8_t operands[most_chain_operands];
  std::uint8_t destination;  // of a reduction: which of them it is
  DType type, result;        // of what is computed with, and of what comes out
  double parameter;
};

struct ChainProgram {
  ChainStep steps[most_chain_steps];
  void* ends[most_chain_ends];  // inputs, then results
  std::uint8_t item[most_chain_ends];
  bool single[most_chain_ends];            // inputs of one element
  std::uint8_t reduced[most_chain_steps];  // by reduction: the end that it makes
  ChainOp joined[most_chain_steps];        // by reduction: how
  std::int8_t step_count = 0, inputs = 0, results = 0, values = 0, reductions = 0;
  bool is_reduction[most_chain_ends] = {};  // results that are reductions
};

// Where a thread keeps a pack of each value: in shared memory, for a register has no number that a program could name.
struct ChainColumn {
  struct alignas(16) Slot {
    unsigned char bytes[16];
  };
  Slot at[chain_threads];
};

}  // namespace dlnative::cuda
