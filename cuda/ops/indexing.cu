// Ops that choose elements by number; csrc/ops/indexing.cpp says what each computes. x is taken as (outer, extent,
// inner) around an axis.
//
// scatter: the indices are sorted, those of one place in their order; a thread for each element of an update goes
// through the updates of its place, if it is the first of them, so that they are joined in order and by nobody else.
#include "device/scalar.h"
#include "ops/rows.h"
#include "ops/sort.h"

namespace dlnative::cuda {
namespace {

constexpr int index_threads = 256;

struct Around {
  std::int64_t outer = 1, extent, inner = 1;

  Around(const View& x, std::int64_t axis) : extent(x.shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= x.shape[i];
    for (int i = static_cast<int>(axis) + 1; i < x.rank; ++i) inner *= x.shape[i];
  }
};

// The bits of NaN, or of zero where there is none, in the low bytes.
std::uint64_t missing_bits(DType dtype, bool nan) {
  if (!nan) return 0;
  switch (dtype) {
    case DType::float32:
      return 0x7fc00000;
    case DType::float64:
      return 0x7ff8000000000000;
    case DType::float16:
      return 0x7e00;
    case DType::bfloat16:
      return 0x7fc0;
    default:
      return 0;
  }
}

template <class Word, class Index>
__global__ void __launch_bounds__(index_threads)
    gather_elements_kernel(const Word* x, const Index* indices, Word* y, std::int64_t size, std::int64_t count,
                           Around around, Word missing) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * index_threads + threadIdx.x;
  if (at >= size) return;
  const std::int64_t unit = at / around.inner, i = at % around.inner, o = unit / count;
  const auto index = static_cast<std::int64_t>(indices[unit % count]);
  const bool inside = index >= 0 && index < around.extent;
  y[at] = inside ? x[(o * around.extent + index) * around.inner + i] : missing;
}
void gather(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  const Around around(x, call.ints[0]);
  const std::uint64_t missing = missing_bits(x.dtype, call.ints[1] != 0);
  with_word(x.dtype, [&](auto word) {
    with_type(Integers{}, indices.dtype, [&](auto index) {
      using Word = decltype(word);
      using Index = decltype(index);
      launch(queue, gather_elements_kernel<Word, Index>, Grid{blocks_for(y.size, index_threads), index_threads},
             x.as<const Word>(), indices.as<const Index>(), y.as<Word>(), y.size, indices.size, around,
             static_cast<Word>(missing));
    });
  });
}

enum class Reduction : std::int64_t { set, add, larger, smaller, multiply };

template <class T>
DLNATIVE_INLINE T joined(Reduction reduction, T a, T b) {
  switch (reduction) {
    case Reduction::set:
      return b;
    case Reduction::larger:
      return maximum(a, b);
    case Reduction::smaller:
      return minimum(a, b);
    default:
      if constexpr (std::is_integral_v<T>) {
        using Unsigned = std::make_unsigned_t<T>;
        const auto u = static_cast<Unsigned>(a), v = static_cast<Unsigned>(b);
        return static_cast<T>(reduction == Reduction::add ? u + v : u * v);
      } else {
        return reduction == Reduction::add ? a + b : a * b;
      }
  }
}

// `order`: the indices' places, sorted by index.
template <class T, class Index>
__global__ void __launch_bounds__(index_threads)
    scatter_kernel(const Index* indices, const std::int32_t* order, const T* updates, T* y, std::int64_t count,
                   Around around, Reduction reduction) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * index_threads + threadIdx.x;
  if (at >= count * around.outer * around.inner) return;
  const std::int64_t i = at % around.inner, rest = at / around.inner, o = rest % around.outer;
  std::int64_t p = rest / around.outer;
  std::int64_t j = order[p];
  const Index index = indices[j];
  if (index < 0 || static_cast<std::int64_t>(index) >= around.extent) return;
  if (p > 0 && indices[order[p - 1]] == index) return;
  T& place = y[(o * around.extent + static_cast<std::int64_t>(index)) * around.inner + i];
  T joint = place;
  while (true) {
    joint = joined(reduction, joint, updates[(o * count + j) * around.inner + i]);
    if (++p == count) break;
    j = order[p];
    if (indices[j] != index) break;
  }
  place = joint;
}
std::int64_t even(std::int64_t count) { return (count + 1) / 2 * 2; }

void scatter(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  if (x.data != y.data) queue.copy(y.data, x.data, static_cast<std::size_t>(y.size * item_size(y.dtype)));
  const Around around(y, call.ints[0]);
  with_type(Numbers{}, y.dtype, [&](auto type) {
    with_type(Integers{}, indices.dtype, [&](auto index) {
      using T = decltype(type);
      using Index = decltype(index);
      const std::int64_t count = indices.size;
      auto* const order = static_cast<std::int32_t*>(call.scratch);
      enqueue_sort(indices.as<const Index>(), order, 1, count, false, order + even(count), queue);
      launch(queue, scatter_kernel<T, Index>,
             Grid{blocks_for(count * around.outer * around.inner, index_threads), index_threads},
             indices.as<const Index>(), order, call.inputs[2].as<const T>(), y.as<T>(), count, around,
             static_cast<Reduction>(call.ints[1]));
    });
  });
}
std::int64_t scatter_bytes(const Call& call) {
  const View& indices = call.inputs[1];
  const std::int64_t order = even(indices.size) * static_cast<std::int64_t>(sizeof(std::int32_t));
  return order +
         with_type(Integers{}, indices.dtype, [&](auto index) { return sort_bytes<decltype(index)>(1, indices.size); });
}

void argsort(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  const std::int64_t n = x.extent(-1);
  with_type(Numbers{}, x.dtype, [&](auto type) {
    using T = decltype(type);
    enqueue_sort(x.as<const T>(), y.as<std::int32_t>(), y.size / n, n, call.ints[0] != 0, call.scratch, queue);
  });
}
std::int64_t argsort_bytes(const Call& call) {
  const View& x = call.inputs[0];
  if (x.size == 0) return 0;
  const std::int64_t n = x.extent(-1);
  return with_type(Numbers{}, x.dtype, [&](auto type) { return sort_bytes<decltype(type)>(x.size / n, n); });
}

}  // namespace

extern const Row indexing_rows[] = {
    {"gather", gather, {all_types, {0, Integers::set}, 0}},
    {"scatter", scatter, {Numbers::set, {0, Integers::set}, 0}, scatter_bytes},
    {"argsort", argsort, {Numbers::set, {}, types_of<std::int32_t>}, argsort_bytes},
};
extern const int indexing_row_count = sizeof(indexing_rows) / sizeof(indexing_rows[0]);

}  // namespace dlnative::cuda
