// What a kernel is: a function of input views, output views and attributes. It allocates nothing, throws nothing and
// checks nothing; whoever builds the plan has checked, with the types that the kernel's row names. Outputs never
// overlap inputs, except where the op table says that an op works in place: then an input and an output may be the same
// buffer (same address, shape and type).
#pragma once

#include <cstdint>
#include <stdexcept>

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

// Which types a kernel takes: T is one type that all operands share which have no set of their own.
struct TypeRule {
  static constexpr int own_inputs = 4;

  TypeSet T = 0;
  TypeSet inputs[own_inputs] = {};  // of the first inputs; 0: T, as all later ones
  TypeSet outputs = 0;              // 0: T

  DLNATIVE_HOST_INLINE bool takes(const Call& call) const {
    int shared = -1;
    const auto fits = [&](DType dtype, TypeSet own) {
      if (own != 0) return (own & set_of(dtype)) != 0;
      if (shared < 0) shared = static_cast<int>(dtype);
      return (T & set_of(dtype)) != 0 && shared == static_cast<int>(dtype);
    };
    for (int i = 0; i < call.input_count; ++i) {
      if (!fits(call.inputs[i].dtype, i < own_inputs ? inputs[i] : 0)) return false;
    }
    for (int i = 0; i < call.output_count; ++i) {
      if (!fits(call.outputs[i].dtype, outputs)) return false;
    }
    return true;
  }
};

// For what no TypeRule says.
using TakesTypes = bool (*)(const Call&);

struct OpRow {
  const char* name;
  Kernel run;
  TypeRule types;
  ScratchBytes scratch = nullptr;            // null when the kernel needs none
  PrepackedBytes prepacked_bytes = nullptr;  // null when it packs nothing of its second input
  Prepack prepack = nullptr;
  TakesTypes takes_types = nullptr;  // null when `types` says everything

  bool takes(const Call& call) const { return takes_types != nullptr ? takes_types(call) : types.takes(call); }
};

// Throws TypeMismatch, in one line, unless the kernel takes the types of its operands.
void check_types(const OpRow& row, const Call& call);

class TypeMismatch : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// The kernels of one instruction set. An op code is an index into `rows`; every instruction set has the same order.
struct OpTable {
  const OpRow* rows = nullptr;
  int count = 0;
};

}  // namespace dlnative
