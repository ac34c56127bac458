// The epilogue as instructions carry it, the same for every op that has one (python/dlnative/graph/roles.py). Of its
// attributes the integers are, from `first_int` on: whether there are a bias and a residual, the numbers of an
// activation and of one whose derivative the result is multiplied by, and whether there are sums; the first float is a
// parameter of that activation. The inputs end with the operands: bias, residual, saved.
#pragma once

#include "dlnative/gemm.h"
#include "dlnative/kernel.h"

namespace dlnative::DLNATIVE_ISA {

template <class T>
DLNATIVE_HOST_INLINE void read_epilogue(const Call& call, int first_int, GemmArguments<T>& g) {
  const std::int64_t* const attributes = call.ints + first_int;
  const bool bias = attributes[0] != 0, residual = attributes[1] != 0;
  g.activation = static_cast<Activation>(attributes[2]);
  g.gradient_of = static_cast<Activation>(attributes[3]);
  g.parameter = call.floats[0];
  const View* operand = call.inputs + call.input_count;
  if (g.gradient_of != Activation::linear) g.saved = (--operand)->as<T>();
  if (residual) g.residual = (--operand)->as<T>();
  if (bias) g.bias = (--operand)->as<T>();
  if (attributes[4] != 0) g.column_sums = call.outputs[1].as<T>();
}

}  // namespace dlnative::DLNATIVE_ISA
