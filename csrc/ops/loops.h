// The loops of elementwise kernels: y[i] = f(a[i], b[i], ...) with NumPy's broadcasting.
//
// Equal shapes, scalars, rows and columns all end, through broadcast.h, as a few calls of an inner loop in which each
// operand is either contiguous or a single element; there is one inner loop for each such case. Where rows are shorter
// than vectors, as the channels of images, operands that are not contiguous over several rows are copied so that they
// are, a block at a time. Elements are independent of one another: threads take whatever ranges of them, and an output
// may be an input.
#pragma once

#include <cstring>

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

constexpr std::int64_t short_row = 12;    // elements
constexpr std::int64_t packed_row = 512;  // elements of a block of short rows

// Copies `rows` rows of `length` elements so that they lie one behind the other. From one element to the next x moves
// by `stride`, from one row to the next by `step`, in elements.
template <class Word>
DLNATIVE_INLINE void pack_rows(const char* x, std::int64_t stride, std::int64_t step, std::int64_t length,
                               std::int64_t rows, char* to) {
  const Word* from = reinterpret_cast<const Word*>(x);
  Word* packed = reinterpret_cast<Word*>(to);
  if (length == 3 && stride == 0) {  // one number for the channels of a pixel
    for (std::int64_t row = 0; row < rows; ++row, from += step, packed += 3) {
      packed[0] = packed[1] = packed[2] = *from;
    }
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row, from += step, packed += length) {
    for (std::int64_t i = 0; i < length; ++i) packed[i] = from[i * stride];
  }
}

inline void pack_rows(std::int64_t item, const char* x, std::int64_t stride, std::int64_t step, std::int64_t length,
                      std::int64_t rows, char* to) {
  switch (item) {
    case 1:
      return pack_rows<std::uint8_t>(x, stride, step, length, rows, to);
    case 2:
      return pack_rows<std::uint16_t>(x, stride, step, length, rows, to);
    case 4:
      return pack_rows<std::uint32_t>(x, stride, step, length, rows, to);
    default:
      return pack_rows<std::uint64_t>(x, stride, step, length, rows, to);
  }
}

// Runs an inner loop, for operands that are all contiguous, on rows that are shorter than vectors.
template <int inputs>
void short_rows(const Broadcast<inputs>& plan, const char* const* from, const std::int64_t* item, char* to,
                std::int64_t y_item, std::int64_t first, std::int64_t last, InnerLoop inner, double parameter) {
  alignas(64) char packed[inputs][packed_row * 8];
  const std::int64_t length = plan.shape[0], most = packed_row / length;
  LoopCall loop;
  loop.rows = 1;
  loop.parameter = parameter;
  for (int i = 0; i < inputs; ++i) loop.step[i] = 0;
  plan.for_row_ranges(first, last, [&](const std::int64_t* offset, std::int64_t row, std::int64_t count) {
    for (std::int64_t done = 0; done < count; done += most) {
      const std::int64_t rows = count - done < most ? count - done : most;
      for (int i = 0; i < inputs; ++i) {
        const std::int64_t stride = plan.stride[0][i], step = plan.stride[1][i];
        const char* x = from[i] + (offset[i] + done * step) * item[i];
        const bool dense = stride == 1 && step == length;
        loop.x[i] = dense ? x : packed[i];
        if (!dense && (step != 0 || done == 0)) pack_rows(item[i], x, stride, step, length, rows, packed[i]);
      }
      loop.y = to + (row + done) * length * y_item;
      loop.count = rows * length;
      inner(loop);
    }
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
  const bool packs = length < short_row && plan.rank > 1 && plan.shape[1] > 1;
  for_ranges(*call.workers, rows, nanoseconds_each * static_cast<double>(length),
             [&](std::int64_t first, std::int64_t last) {
               if (packs) return short_rows(plan, from, item, to, y_item, first, last, loops[0], parameter);
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
