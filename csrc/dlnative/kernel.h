// What a kernel is: a function of input views, output views and attributes. It allocates nothing, throws nothing and
// checks nothing; whoever builds the plan has checked. Outputs never overlap inputs, except where the
// op table says that an op works in place: then an input and an output may be the same buffer (same address, shape and
// type).
#pragma once

#include <cstdint>

#include "dlnative/types.h"
#include "dlnative/workers.h"

namespace dlnative {

struct Call {
  const View* inputs = nullptr;
  const View* outputs = nullptr;
  const std::int64_t* ints = nullptr;  // integer attributes, in the order of the op table; a list is length-prefixed
  const double* floats = nullptr;      // floating attributes, in the order of the op table
  std::int32_t input_count = 0;
  std::int32_t output_count = 0;
  void* scratch = nullptr;  // 64-byte aligned, as large as ScratchBytes asked for
  const Workers* workers = nullptr;
  const void* prepacked = nullptr;  // what `prepack` made of the weights; or null: they are taken as they are
};

using Kernel = void (*)(const Call&);

// Bytes of scratch that a call needs when at most `threads` threads take part. A data pointer that is null may be any.
using ScratchBytes = std::int64_t (*)(const Call&, int threads);

// Weights that a plan only reads can be kept in the form that a kernel computes with. The bytes that this takes, or 0
// where it would not pay.
using PrepackedBytes = std::int64_t (*)(const Call&);
using Prepack = void (*)(const Call&, void* to);

struct OpRow {
  const char* name;
  Kernel run;
  ScratchBytes scratch;                      // null when the kernel needs none
  PrepackedBytes prepacked_bytes = nullptr;  // null when it packs nothing of its second input
  Prepack prepack = nullptr;
};

// The kernels of one instruction set. An op code is an index into `rows`; every instruction set has the same order.
struct OpTable {
  const OpRow* rows = nullptr;
  int count = 0;
};

}  // namespace dlnative
