// Ops that move elements: dense row-major buffers of any type, no arithmetic.
//
//   transpose     y[i...] = x[...], axis k of y being axis permutation[k] of x
//   concatenate   the inputs one after the other along an axis
//   slice         y[i...] = x[start + i * step, ...]
//   pad           zeros, with x put at `before`
//   broadcast_to  NumPy's rule: axes of extent 1, and missing leading axes, are repeated
//   view          the bytes of x as elements of y's type
//   one_hot       y[i..., c] = 1 where c == indices[i...], else 0; an index out of range gives zeros
//
// All but the last are one strided copy (strided_copy.h); each function here only works out the strides.
#include "ops/convert.h"
#include "ops/dispatch.h"
#include "ops/strided_copy.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

void transpose(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const std::int64_t* permutation = call.ints + 1;
  const Strides x_strides(x), y_strides(y);
  StridedCopy copy;
  for (int axis = 0; axis < y.rank; ++axis) {
    copy.append(y.shape[axis], x_strides[permutation[axis]], y_strides[axis]);
  }
  if (y.size > 0) strided_copy(copy, x.data, y.data, y.dtype, *call.workers);
}

void concatenate(const Call& call) {
  const View& y = call.outputs[0];
  const int axis = static_cast<int>(call.ints[0] < 0 ? call.ints[0] + y.rank : call.ints[0]);
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= y.shape[i];
  for (int i = axis + 1; i < y.rank; ++i) inner *= y.shape[i];
  const std::int64_t y_row = y.shape[axis] * inner;
  auto* to = y.as<char>();
  for (int i = 0; i < call.input_count; ++i) {
    const View& x = call.inputs[i];
    const std::int64_t x_row = x.shape[axis] * inner;
    if (outer == 0 || x_row == 0) continue;
    StridedCopy copy;
    copy.append(outer, x_row, y_row);
    copy.append(x_row, 1, 1);
    strided_copy(copy, x.data, to, y.dtype, *call.workers);
    to += x_row * item_size(y.dtype);
  }
}

void slice(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const std::int64_t* starts = call.ints + 1;
  const std::int64_t* steps = starts + x.rank + 1;
  if (y.size == 0) return;
  const Strides x_strides(x), y_strides(y);
  StridedCopy copy;
  std::int64_t offset = 0;
  for (int axis = 0; axis < y.rank; ++axis) {
    offset += starts[axis] * x_strides[axis];
    copy.append(y.shape[axis], x_strides[axis] * steps[axis], y_strides[axis]);
  }
  strided_copy(copy, x.as<char>() + offset * item_size(x.dtype), y.data, y.dtype, *call.workers);
}

void fill_zero(const View& y, const Workers& workers) {
  auto* bytes = y.as<char>();
  copy_in_tasks(workers, y.size, item_size(y.dtype), [&](std::int64_t first, std::int64_t last) {
    std::memset(bytes + first * item_size(y.dtype), 0, static_cast<std::size_t>((last - first) * item_size(y.dtype)));
  });
}

void pad(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const std::int64_t* before = call.ints + 1;
  fill_zero(y, *call.workers);
  if (x.size == 0) return;
  const Strides x_strides(x), y_strides(y);
  StridedCopy copy;
  std::int64_t offset = 0;
  for (int axis = 0; axis < x.rank; ++axis) {
    offset += before[axis] * y_strides[axis];
    copy.append(x.shape[axis], x_strides[axis], y_strides[axis]);
  }
  strided_copy(copy, x.data, y.as<char>() + offset * item_size(y.dtype), y.dtype, *call.workers);
}

void broadcast_to(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  const Strides x_strides(x), y_strides(y);
  const int missing = y.rank - x.rank;
  StridedCopy copy;
  for (int axis = 0; axis < y.rank; ++axis) {
    const bool repeated = axis < missing || x.shape[axis - missing] == 1;
    copy.append(y.shape[axis], repeated ? 0 : x_strides[axis - missing], y_strides[axis]);
  }
  strided_copy(copy, x.data, y.data, y.dtype, *call.workers);
}

template <class Index, class Word>
void set_ones(const View& indices, const View& y, const void* one) {
  const std::int64_t depth = y.extent(-1);
  const auto* index = indices.as<Index>();
  auto* row = y.as<Word>();
  const Word word = *static_cast<const Word*>(one);
  for (std::int64_t i = 0; i < indices.size; ++i, row += depth) {
    if (index[i] >= 0 && index[i] < depth) row[index[i]] = word;
  }
}

void one_hot(const Call& call) {
  const View &indices = call.inputs[0], &y = call.outputs[0];
  fill_zero(y, *call.workers);
  const std::int32_t one = 1;
  std::uint64_t word = 0;  // the same one in the type of the result
  convert(DType::int32, &one, y.dtype, &word, 1);
  with_type(Integers{}, indices.dtype, [&](auto index) {
    with_word(y.dtype, [&](auto w) { set_ones<decltype(index), decltype(w)>(indices, y, &word); });
  });
}

void view(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  copy_in_tasks(*call.workers, y.size, item_size(y.dtype), [&](std::int64_t first, std::int64_t last) {
    const std::int64_t item = item_size(y.dtype);
    std::memcpy(y.as<char>() + first * item, x.as<char>() + first * item,
                static_cast<std::size_t>((last - first) * item));
  });
}

}  // namespace

extern const OpRow shape_rows[] = {
    {"transpose", transpose, moves},
    {"concatenate", concatenate, moves},
    {"slice", slice, moves},
    {"pad", pad, moves},
    {"broadcast_to", broadcast_to, moves},
    {"view", view, {0, {all_types}, all_types}},
    {"one_hot", one_hot, {0, {Integers::set}, all_types}},
};
extern const int shape_row_count = sizeof(shape_rows) / sizeof(shape_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
