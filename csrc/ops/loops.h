// The loops of elementwise kernels: y[i] = f(a[i], b[i], ...) with NumPy's broadcasting.
//
// Equal shapes, scalars, rows and columns all end, through broadcast.h, as a few calls of an inner loop in which each
// operand is either contiguous or a single element; there is one inner loop for each such case. Elements are
// independent of one another: threads take whatever ranges of them, and an output may be an input.
#pragma once

#include "dlnative/kernel.h"
#include "ops/broadcast.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// `rows` rows of `count` elements: y is dense, and from one row to the next input i moves by step[i] bytes.
struct LoopCall {
  const void* x[3];
  std::int64_t step[3];
  void* y;
  std::int64_t count, rows;
  double parameter;  // of the formula
};
using InnerLoop = void (*)(const LoopCall& call);

template <class T>
DLNATIVE_INLINE const T* row_of(const LoopCall& call, int input, std::int64_t row) {
  return reinterpret_cast<const T*>(static_cast<const char*>(call.x[input]) + row * call.step[input]);
}

// Calls body(first, last) for ranges of [0, size); one range unless the work is worth several threads.
template <class Body>
DLNATIVE_INLINE void for_ranges(const Workers& workers, std::int64_t size, double nanoseconds_each, Body body) {
  const int threads = workers.worthwhile(static_cast<double>(size) * nanoseconds_each);
  if (threads == 1) return body(std::int64_t{0}, size);
  constexpr std::int64_t pieces = 8;  // of a thread, so that a slow one does not hold up the others
  constexpr std::int64_t line = 64;   // elements: no two threads write one cache line
  std::int64_t length = size / (pieces * threads);
  length = length < 1 ? 1 : size >= line * pieces * threads ? (length + line - 1) / line * line : length;
  workers.parallel_for(threads, (size + length - 1) / length, [&](std::int64_t task, int) {
    const std::int64_t first = task * length;
    body(first, first + length < size ? first + length : size);
  });
}

// Runs an elementwise kernel. loops[mask] is the inner loop for the case that the inputs whose bits are set in mask are
// single elements; not all of them ever are.
template <int inputs>
void broadcast_loop(const Call& call, double nanoseconds_each, const InnerLoop* loops, double parameter = 0) {
  const View* const x = call.inputs;
  const View& y = call.outputs[0];
  char* const to = y.as<char>();
  if (y.size == 1) {  // counters, losses, learning rates
    LoopCall loop;
    for (int i = 0; i < inputs; ++i) {
      loop.x[i] = x[i].data;
      loop.step[i] = 0;
    }
    loop.y = to;
    loop.count = loop.rows = 1;
    loop.parameter = parameter;
    return loops[0](loop);
  }
  const std::int64_t y_item = item_size(y.dtype);
  const char* from[inputs];
  std::int64_t item[inputs];
  bool equal = true;
  int scalars = 0;
  for (int i = 0; i < inputs; ++i) {
    from[i] = x[i].as<const char>();
    item[i] = item_size(x[i].dtype);
    equal = equal && (x[i].size == y.size || x[i].size == 1);
    scalars |= x[i].size == 1 && y.size != 1 ? 1 << i : 0;
  }
  if (equal) {  // every input is of y's shape or a scalar: nothing to work out
    for_ranges(*call.workers, y.size, nanoseconds_each, [&](std::int64_t first, std::int64_t last) {
      LoopCall loop;
      for (int i = 0; i < inputs; ++i) {
        loop.x[i] = from[i] + (scalars >> i & 1 ? 0 : first * item[i]);
        loop.step[i] = 0;
      }
      loop.y = to + first * y_item;
      loop.count = last - first;
      loop.rows = 1;
      loop.parameter = parameter;
      loops[scalars](loop);
    });
    return;
  }
  if (y.size == 0) return;
  const Broadcast<inputs> plan(x, y);
  const std::int64_t length = plan.shape[0];
  std::int64_t rows = 1;
  for (int axis = 1; axis < plan.rank; ++axis) rows *= plan.shape[axis];
  int mask = 0;
  for (int i = 0; i < inputs; ++i) mask |= plan.stride[0][i] == 0 ? 1 << i : 0;
  const InnerLoop inner = loops[mask];
  for_ranges(*call.workers, rows, nanoseconds_each * static_cast<double>(length),
             [&](std::int64_t first, std::int64_t last) {
               LoopCall loop;
               for (int i = 0; i < inputs; ++i) loop.step[i] = plan.rank > 1 ? plan.stride[1][i] * item[i] : 0;
               loop.count = length;
               loop.parameter = parameter;
               plan.for_row_ranges(first, last, [&](const std::int64_t* offset, std::int64_t row, std::int64_t count) {
                 for (int i = 0; i < inputs; ++i) loop.x[i] = from[i] + offset[i] * item[i];
                 loop.y = to + row * length * y_item;
                 loop.rows = count;
                 inner(loop);
               });
             });
}

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
