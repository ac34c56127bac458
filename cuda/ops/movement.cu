// Ops that move elements: dense row-major buffers of any type, no arithmetic (csrc/ops/shape.cpp says what each does).
//
// All but one_hot are one strided copy. Where the elements that lie side by side in x lie apart in y, a tile goes
// through shared memory, so that both sides are walked as they lie.
#include <cstring>

#include "device/device.h"
#include "device/divisor.h"
#include "ops/element.h"
#include "ops/rows.h"
#include "ops/strides.h"

namespace dlnative::cuda {
namespace {

constexpr int copy_threads = 256;

struct CopyPlaces {
  int rank;
  Divisor extent[StridedCopy::most_axes];  // last axis first
  std::int64_t x_stride[StridedCopy::most_axes], y_stride[StridedCopy::most_axes];

  explicit CopyPlaces(const StridedCopy& copy) : rank(copy.rank) {
    for (int axis = 0; axis < rank; ++axis) {
      const int from = rank - 1 - axis;
      extent[axis] = Divisor(static_cast<std::uint32_t>(copy.shape[from]));
      x_stride[axis] = copy.x_stride[from];
      y_stride[axis] = copy.y_stride[from];
    }
  }
};

template <class T>
__global__ void __launch_bounds__(copy_threads) copy_kernel(const T* x, T* y, std::uint32_t size, CopyPlaces places) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * copy_threads + threadIdx.x;
  if (i >= size) return;
  std::int64_t from = 0, to = 0;
  std::uint32_t rest = i;
  for (int axis = 0; axis < places.rank; ++axis) {
    std::uint32_t index;
    rest = places.extent[axis].divide(rest, index);
    from += index * places.x_stride[axis];
    to += index * places.y_stride[axis];
  }
  y[to] = x[from];
}

// y[b, j, i] = x[b, i, j], in tiles of 64 by 64. A thread moves packs along the rows of x to shared memory and along
// those of y from there, all loads in front of what waits for them; a pack lies apart in shared memory, where two lanes
// meet in a bank, which leaves it four times as fast as memory (e). What bounded tiles of 32 by 32 was that each thread
// waited for one element of 4 bytes after the other.
constexpr int tile = 64;
template <class T>
struct TransposeShared {
  T at[tile][tile + 1];  // one more, so that neither a row nor a column of it is one bank
};
struct TransposeStrides {
  std::int64_t x_batch, y_batch, x_row, y_row;
  bool x_packs, y_packs;  // packs of rows lie on multiples of their size
};
template <class T>
__global__ void __launch_bounds__(copy_threads)
    transpose_kernel(const T* x, T* y, std::int32_t rows, std::int32_t columns, TransposeStrides stride) {
  wait_for_previous_kernel();
  constexpr int width = sizeof(T) == 8 ? 2 : 4, lanes = tile / width, parts = copy_threads / lanes,
                passes = tile / parts;
  using P = Pack<T, width>;
  auto& s = shared<TransposeShared<T>>();
  x += blockIdx.z * stride.x_batch;
  y += blockIdx.z * stride.y_batch;
  const int first = static_cast<int>(threadIdx.x) % lanes * width, part = static_cast<int>(threadIdx.x) / lanes;
  const int row = static_cast<int>(blockIdx.y) * tile, column = static_cast<int>(blockIdx.x) * tile;
  P pack[passes];
  if (stride.x_packs && row + tile <= rows && column + tile <= columns) {
    DLN_UNROLL
    for (int p = 0; p < passes; ++p) {
      pack[p] = *reinterpret_cast<const P*>(x + (row + p * parts + part) * stride.x_row + column + first);
    }
  } else {
    DLN_UNROLL
    for (int p = 0; p < passes; ++p) {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) {
        const int i = row + p * parts + part, j = column + first + v;
        pack[p].at[v] = i < rows && j < columns ? x[i * stride.x_row + j] : T{0};
      }
    }
  }
  DLN_UNROLL
  for (int p = 0; p < passes; ++p) {
    DLN_UNROLL
    for (int v = 0; v < width; ++v) s.at[p * parts + part][first + v] = pack[p].at[v];
  }
  __syncthreads();
  const bool whole = stride.y_packs && row + tile <= rows && column + tile <= columns;
  DLN_UNROLL
  for (int p = 0; p < passes; ++p) {
    P out;
    DLN_UNROLL
    for (int v = 0; v < width; ++v) out.at[v] = s.at[first + v][p * parts + part];
    const int j = column + p * parts + part, i = row + first;
    if (whole) {
      *reinterpret_cast<P*>(y + j * stride.y_row + i) = out;
      continue;
    }
    DLN_UNROLL
    for (int v = 0; v < width; ++v) {
      if (j < columns && i + v < rows) y[j * stride.y_row + i + v] = out.at[v];
    }
  }
}

template <class T>
void enqueue_copy(const StridedCopy& copy, const void* x, void* y, Queue& queue) {
  std::int64_t size = 1;
  for (int axis = 0; axis < copy.rank; ++axis) size *= copy.shape[axis];
  const auto* from = static_cast<const T*>(x);
  auto* to = static_cast<T*>(y);
  if (copy.rank == 0 || (copy.rank == 1 && copy.x_stride[0] == 1 && copy.y_stride[0] == 1)) {
    return queue.copy(y, x, static_cast<std::size_t>(size) * sizeof(T));
  }
  const int last = copy.rank - 1, before = copy.rank - 2;
  constexpr std::int64_t most_tiles = 65535;
  if ((copy.rank == 2 || copy.rank == 3) && copy.x_stride[before] == 1 && copy.x_stride[last] > 1 &&
      copy.y_stride[last] == 1 && copy.shape[last] >= 16 && copy.shape[before] >= 16 &&
      copy.shape[last] < most_tiles * tile && (copy.rank == 2 || copy.shape[0] <= most_tiles)) {
    const auto rows = static_cast<std::int32_t>(copy.shape[last]),
               columns = static_cast<std::int32_t>(copy.shape[before]);
    constexpr std::int64_t width = sizeof(T) == 8 ? 2 : 4;
    TransposeStrides stride{copy.rank == 3 ? copy.x_stride[0] : 0,
                            copy.rank == 3 ? copy.y_stride[0] : 0,
                            copy.x_stride[last],
                            copy.y_stride[before],
                            false,
                            false};
    stride.x_packs = is_aligned(x) && stride.x_row % width == 0 && stride.x_batch % width == 0;
    stride.y_packs = is_aligned(y) && stride.y_row % width == 0 && stride.y_batch % width == 0;
    const Grid grid{blocks_for(columns, tile), copy_threads, sizeof(TransposeShared<T>), blocks_for(rows, tile),
                    copy.rank == 3 ? static_cast<unsigned>(copy.shape[0]) : 1};
    return launch(queue, transpose_kernel<T>, grid, from, to, rows, columns, stride);
  }
  if (size >= std::int64_t{1} << 31) throw Error(std::string("cuda: ") + queue.op + ": too many elements to move");
  launch(queue, copy_kernel<T>, Grid{blocks_for(size, copy_threads), copy_threads}, from, to,
         static_cast<std::uint32_t>(size), CopyPlaces(copy));
}

void strided_copy(const StridedCopy& copy, const void* x, void* y, DType dtype, Queue& queue) {
  with_word(dtype, [&](auto word) { enqueue_copy<decltype(word)>(copy, x, y, queue); });
}

void transpose(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const std::int64_t* permutation = call.ints + 1;
  const Strides x_strides(x), y_strides(y);
  StridedCopy copy;
  for (int axis = 0; axis < y.rank; ++axis) {
    copy.append(y.shape[axis], x_strides[permutation[axis]], y_strides[axis]);
  }
  if (y.size > 0) strided_copy(copy, x.data, y.data, y.dtype, queue);
}

void concatenate(const Call& call, Queue& queue) {
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
    strided_copy(copy, x.data, to, y.dtype, queue);
    to += x_row * item_size(y.dtype);
  }
}

void slice(const Call& call, Queue& queue) {
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
  strided_copy(copy, x.as<char>() + offset * item_size(x.dtype), y.data, y.dtype, queue);
}

void pad(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const std::int64_t* before = call.ints + 1;
  if (y.size > 0) queue.fill(y.data, 0, static_cast<std::size_t>(y.size * item_size(y.dtype)));
  if (x.size == 0) return;
  const Strides x_strides(x), y_strides(y);
  StridedCopy copy;
  std::int64_t offset = 0;
  for (int axis = 0; axis < x.rank; ++axis) {
    offset += before[axis] * y_strides[axis];
    copy.append(x.shape[axis], x_strides[axis], y_strides[axis]);
  }
  strided_copy(copy, x.data, y.as<char>() + offset * item_size(y.dtype), y.dtype, queue);
}

void broadcast_to(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  const Strides x_strides(x), y_strides(y);
  const int missing = y.rank - x.rank;
  StridedCopy copy;
  for (int axis = 0; axis < y.rank; ++axis) {
    const bool repeated = axis < missing || x.shape[axis - missing] == 1;
    copy.append(y.shape[axis], repeated ? 0 : x_strides[axis - missing], y_strides[axis]);
  }
  strided_copy(copy, x.data, y.data, y.dtype, queue);
}

// The bytes of x as elements of y's type.
void view(const Call& call, Queue& queue) {
  const View& y = call.outputs[0];
  if (y.size > 0) queue.copy(y.data, call.inputs[0].data, static_cast<std::size_t>(y.size * item_size(y.dtype)));
}

template <class Index, class Word>
__global__ void __launch_bounds__(copy_threads)
    one_hot_kernel(const Index* indices, Word* y, std::uint32_t size, Divisor depth, Word one) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * copy_threads + threadIdx.x;
  if (i >= size) return;
  std::uint32_t column;
  const std::uint32_t row = depth.divide(i, column);
  y[i] = static_cast<std::int64_t>(indices[row]) == static_cast<std::int64_t>(column) ? one : Word{0};
}

// The bits of 1 in a type.
std::uint64_t one_of(DType dtype) {
  std::uint64_t bits = 0;
  const auto put = [&](auto value) { std::memcpy(&bits, &value, sizeof(value)); };
  switch (dtype) {
    case DType::float32:
      put(1.0f);
      break;
    case DType::float64:
      put(1.0);
      break;
    case DType::float16:
      put(element<Float16>(1.0f));
      break;
    case DType::bfloat16:
      put(element<BFloat16>(1.0f));
      break;
    default:
      bits = 1;
  }
  return bits;
}

void one_hot(const Call& call, Queue& queue) {
  const View& y = call.outputs[0];
  if (y.size == 0) return;
  if (y.size >= std::int64_t{1} << 31) throw Error("cuda: one_hot: more than 2^31 elements");
  with_type(Integers{}, call.inputs[0].dtype, [&](auto index) {
    with_word(y.dtype, [&](auto word) {
      using Index = decltype(index);
      using Word = decltype(word);
      launch(queue, one_hot_kernel<Index, Word>, Grid{blocks_for(y.size, copy_threads), copy_threads},
             call.inputs[0].as<const Index>(), y.as<Word>(), static_cast<std::uint32_t>(y.size),
             Divisor(static_cast<std::uint32_t>(y.extent(-1))), static_cast<Word>(one_of(y.dtype)));
    });
  });
}

}  // namespace

extern const Row movement_rows[] = {
    {"transpose", transpose, moves},
    {"concatenate", concatenate, moves},
    {"slice", slice, moves},
    {"pad", pad, moves},
    {"broadcast_to", broadcast_to, moves},
    {"view", view, {0, {all_types}, all_types}},
    {"one_hot", one_hot, {0, {Integers::set}, all_types}},
};
extern const int movement_row_count = sizeof(movement_rows) / sizeof(movement_rows[0]);

}  // namespace dlnative::cuda
