// Reductions of neighbouring axes: x, seen as (outer, R, inner), becomes y of (outer, inner).
//
//   sum, mean          mean = sum / R
//   max, min           a NaN anywhere gives NaN
//   argmax, argmin     the first index of the largest (smallest) value; a NaN counts as that, as in NumPy
//
// R is cut into chunks, by the shape alone, whose partial results a second kernel joins in order: no atomics, so the
// same bits in each run. A thread adds up at most 64 floats before it goes on in double.
#include "device/reduce.h"
#include "device/scalar.h"
#include "ops/rows.h"

namespace dlnative::cuda {
namespace {

constexpr int threads = 256;

template <class T>
struct Range {
  static constexpr T lowest = static_cast<T>(-__builtin_huge_val()), highest = static_cast<T>(__builtin_huge_val());
};
template <>
struct Range<std::int32_t> {
  static constexpr std::int32_t lowest = INT32_MIN, highest = INT32_MAX;
};
template <>
struct Range<std::int64_t> {
  static constexpr std::int64_t lowest = INT64_MIN, highest = INT64_MAX;
};

// What is accumulated: `Total` is the type of partial results.
template <class T>
struct SumOf {
  using Total = T;
  static constexpr T start = T{0};
  template <class V>
  static DLNATIVE_INLINE V join(V a, V b) {
    return a + b;
  }
};
template <>
struct SumOf<float> {
  using Total = double;
  static constexpr float start = 0.0f;
  template <class V>
  static DLNATIVE_INLINE V join(V a, V b) {
    return a + b;
  }
};
template <class T>
struct MaxOf {
  using Total = T;
  static constexpr T start = Range<T>::lowest;
  template <class V>
  static DLNATIVE_INLINE V join(V a, V b) {
    return maximum(a, b);
  }
};
template <class T>
struct MinOf {
  using Total = T;
  static constexpr T start = Range<T>::highest;
  template <class V>
  static DLNATIVE_INLINE V join(V a, V b) {
    return minimum(a, b);
  }
};
template <class Op>
struct Join {
  template <class V>
  DLNATIVE_INLINE V operator()(V a, V b) const {
    return Op::join(a, b);
  }
};

// Where a kernel reads and writes: row o of `length` elements begins at o * length; chunk c of it at c * chunk.
struct RowCut {
  std::int64_t length, chunk;
  std::int32_t chunks;
  double scale;  // of the finished result
};

template <class To, class Total>
DLNATIVE_INLINE To finished(Total total, double scale) {
  if constexpr (std::is_floating_point_v<Total>) {
    return static_cast<To>(scale == 1.0 ? total : static_cast<Total>(total / scale));
  } else {
    return static_cast<To>(total);
  }
}

// One row's chunk by a group of threads: some lanes of a warp, or a block.
template <class Op, class From, class Total, class To, int group>
__global__ void __launch_bounds__(threads) reduce_rows(const From* x, To* y, std::int64_t rows, RowCut cut) {
  wait_for_previous_kernel();
  const std::int64_t row = std::int64_t{blockIdx.x} * (threads / group) + threadIdx.x / group;
  const int lane = static_cast<int>(threadIdx.x) % group;
  const std::int64_t first = blockIdx.y * cut.chunk, end = row < rows ? cut.length : 0;
  const std::int64_t last = first + cut.chunk < end ? first + cut.chunk : end;
  const From* from = x + row * cut.length;
  From parts[4] = {static_cast<From>(Op::start), static_cast<From>(Op::start), static_cast<From>(Op::start),
                   static_cast<From>(Op::start)};
  std::int64_t i = first + lane;
  for (; i + 3 * group < last; i += 4 * group) {
    DLN_UNROLL
    for (int k = 0; k < 4; ++k) parts[k] = Op::join(parts[k], from[i + k * group]);
  }
  for (; i < last; i += group) parts[0] = Op::join(parts[0], from[i]);
  Total total = Op::join(Op::join(static_cast<Total>(parts[0]), static_cast<Total>(parts[1])),
                         Op::join(static_cast<Total>(parts[2]), static_cast<Total>(parts[3])));
  if constexpr (group <= 32) {
    total = fold_lanes<group>(total, Join<Op>{});
  } else {
    total = fold_block<threads>(total, shared<Total[threads / 32]>(), Join<Op>{});
  }
  if (lane == 0 && row < rows) y[row * cut.chunks + blockIdx.y] = finished<To>(total, cut.scale);
}

// Some columns of a chunk by a block: all of them where they are at most 256, else 32 at a time. Its threads lie side
// by side over whole rows, so that memory is walked as it lies; a thread keeps to its column.
template <class Op, class From, class Total, class To>
__global__ void __launch_bounds__(threads) reduce_columns(const From* x, To* y, std::int64_t R, std::int64_t inner,
                                                          std::int64_t chunk, int columns, double scale) {
  wait_for_previous_kernel();
  auto& s = shared<Total[threads]>();
  const int t = static_cast<int>(threadIdx.x), parts = threads / columns;
  const int lane = t % columns, part = t / columns;
  const std::int64_t column = std::int64_t{blockIdx.x} * columns + lane, first = blockIdx.y * chunk;
  const std::int64_t last = first + chunk < R ? first + chunk : R;
  const bool inside = column < inner && part < parts;
  From total = static_cast<From>(Op::start);
  if (inside) {
    const From* from = x + std::int64_t{blockIdx.z} * R * inner + column;
    DLN_UNROLL_BY(8)
    for (std::int64_t r = first + part; r < last; r += parts) total = Op::join(total, from[r * inner]);
  }
  s[t] = static_cast<Total>(total);
  __syncthreads();
  if (!inside || part != 0) return;
  Total sum = s[lane];
  for (int k = 1; k < parts; ++k) sum = Op::join(sum, s[k * columns + lane]);
  y[(std::int64_t{blockIdx.z} * gridDim.y + blockIdx.y) * inner + column] = finished<To>(sum, scale);
}

// How many columns a block takes.
int columns_of_block(std::int64_t inner) { return inner <= threads ? static_cast<int>(inner) : 32; }

struct Extents {
  std::int64_t outer = 1, R = 1, inner = 1;

  Extents(const View& x, std::int64_t axis, std::int64_t count) {
    if (axis < 0) axis += x.rank;
    for (std::int64_t i = 0; i < x.rank; ++i) (i < axis ? outer : i < axis + count ? R : inner) *= x.shape[i];
  }
};

// How R is cut; only the shape decides.
struct Cut {
  std::int64_t chunk = 1;
  std::int32_t chunks = 1;

  explicit Cut(const Extents& e) {
    // A thread joins so many elements; fewer, where there would be too few parts for every multiprocessor.
    constexpr std::int64_t most = 64, fewest = 16, enough = 128;
    if (e.inner == 1) {
      chunk = threads * (e.outer < enough ? fewest : most);
    } else {
      const std::int64_t columns = columns_of_block(e.inner), blocks = e.outer * ((e.inner + columns - 1) / columns);
      chunk = threads / columns * (blocks < enough && e.R < enough * most * threads / columns ? fewest : most);
    }
    chunks = static_cast<std::int32_t>(e.R <= chunk ? 1 : (e.R + chunk - 1) / chunk);
  }
};

template <class Op, class From, class Total, class To>
void enqueue_stage(const From* x, To* y, const Extents& e, std::int64_t chunk, std::int32_t chunks, double scale,
                   Queue& queue) {
  if (e.inner == 1) {
    const RowCut cut{e.R, chunk, chunks, scale};
    const auto rows = [&]<int group>() {
      const Grid grid{blocks_for(e.outer, threads / group), threads, sizeof(Total) * threads / 32,
                      static_cast<unsigned>(chunks)};
      launch(queue, reduce_rows<Op, From, Total, To, group>, grid, x, y, e.outer, cut);
    };
    if (e.R <= 32) return rows.template operator()<4>();
    if (e.R <= 256) return rows.template operator()<8>();
    if (e.R <= 1024) return rows.template operator()<32>();
    return rows.template operator()<threads>();
  }
  const int columns = columns_of_block(e.inner);
  const Grid grid{blocks_for(e.inner, columns), threads, sizeof(Total) * threads, static_cast<unsigned>(chunks),
                  static_cast<unsigned>(e.outer)};
  launch(queue, reduce_columns<Op, From, Total, To>, grid, x, y, e.R, e.inner, chunk, columns, scale);
}

template <template <class> class Of, class T>
void reduce(const Call& call, Queue& queue, bool mean) {
  using Op = Of<T>;
  using Total = typename Op::Total;
  const View& x = call.inputs[0];
  const Extents e(x, call.ints[0], call.ints[1]);
  if (call.outputs[0].size == 0) return;
  const double scale = mean ? static_cast<double>(e.R) : 1.0;
  const Cut cut(e);
  if (e.outer > 65535 && e.inner > 1) throw Error(std::string("cuda: ") + queue.op + ": more than 65535 outer rows");
  T* y = call.outputs[0].as<T>();
  if (cut.chunks == 1) return enqueue_stage<Op, T, Total, T>(x.as<const T>(), y, e, cut.chunk, 1, scale, queue);
  auto* partials = static_cast<Total*>(call.scratch);
  enqueue_stage<Op, T, Total, Total>(x.as<const T>(), partials, e, cut.chunk, cut.chunks, 1.0, queue);
  Extents rest = e;
  rest.R = cut.chunks;
  enqueue_stage<Of<Total>, Total, Total, T>(partials, y, rest, rest.R, 1, scale, queue);
}

std::int64_t partials_bytes(const Call& call) {
  const Extents e(call.inputs[0], call.ints[0], call.ints[1]);
  const Cut cut(e);
  if (call.outputs[0].size == 0 || cut.chunks == 1) return 0;
  return e.outer * cut.chunks * e.inner * static_cast<std::int64_t>(sizeof(double));
}

template <template <class> class Of>
void extreme_or_sum(const Call& call, Queue& queue) {
  with_type(Numbers{}, call.inputs[0].dtype, [&](auto type) { reduce<Of, decltype(type)>(call, queue, false); });
}
void mean(const Call& call, Queue& queue) {
  with_type(Floats{}, call.inputs[0].dtype, [&](auto type) { reduce<SumOf, decltype(type)>(call, queue, true); });
}

// The better of two candidates, each the first of its value in its part of the row; a NaN is better than any number.
template <class T>
struct Candidate {
  T value;
  std::int32_t index;
};
template <class Op, class T>
DLNATIVE_INLINE Candidate<T> better(const Candidate<T>& a, const Candidate<T>& b) {
  if (b.index < 0) return a;
  if (a.index < 0) return b;
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  if (a_nan != b_nan) return a_nan ? a : b;
  if (a_nan || a.value == b.value) return a.index < b.index ? a : b;
  return Op::join(a.value, b.value) == a.value ? a : b;
}

template <class Op, class T>
__global__ void __launch_bounds__(threads)
    arg_kernel(const T* x, std::int32_t* y, std::int64_t outer, std::int64_t R, std::int64_t inner) {
  wait_for_previous_kernel();
  // A warp for each element of y: its lanes walk along R, or along neighbouring columns where there are enough of them.
  if (inner < 32) {
    const std::int64_t at = std::int64_t{blockIdx.x} * (threads / 32) + threadIdx.x / 32;
    if (at >= outer * inner) return;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const T* from = x + at / inner * R * inner + at % inner;
    Candidate<T> best{T{0}, -1};
    for (std::int64_t r = lane; r < R; r += 32) {
      best = better<Op>(best, Candidate<T>{from[r * inner], static_cast<std::int32_t>(r)});
    }
    DLN_UNROLL
    for (int lanes = 16; lanes > 0; lanes /= 2) {
      const Candidate<T> other{__shfl_xor_sync(full_warp, best.value, lanes),
                               __shfl_xor_sync(full_warp, best.index, lanes)};
      best = better<Op>(best, other);
    }
    if (lane == 0) y[at] = best.index;
  } else {
    const std::int64_t at = std::int64_t{blockIdx.x} * threads + threadIdx.x;
    if (at >= outer * inner) return;
    const T* from = x + at / inner * R * inner + at % inner;
    Candidate<T> best{*from, 0};
    for (std::int64_t r = 1; r < R; ++r) {
      best = better<Op>(best, Candidate<T>{from[r * inner], static_cast<std::int32_t>(r)});
    }
    y[at] = best.index;
  }
}
template <class Op, class T>
void enqueue_arg(const Call& call, Queue& queue) {
  const Extents e(call.inputs[0], call.ints[0], 1);
  if (call.outputs[0].size == 0) return;
  const Grid grid{blocks_for(e.outer * e.inner, e.inner < 32 ? threads / 32 : threads), threads};
  launch(queue, arg_kernel<Op, T>, grid, call.inputs[0].as<const T>(), call.outputs[0].as<std::int32_t>(), e.outer, e.R,
         e.inner);
}
template <template <class> class Of>
void arg(const Call& call, Queue& queue) {
  with_type(Numbers{}, call.inputs[0].dtype, [&](auto type) {
    using T = decltype(type);
    enqueue_arg<Of<T>, T>(call, queue);
  });
}
constexpr TypeRule index = {Numbers::set, {}, types_of<std::int32_t>};

}  // namespace

extern const Row reduction_rows[] = {
    {"sum", extreme_or_sum<SumOf>, same<Numbers>, partials_bytes},
    {"mean", mean, same<Floats>, partials_bytes},
    {"max", extreme_or_sum<MaxOf>, same<Numbers>, partials_bytes},
    {"min", extreme_or_sum<MinOf>, same<Numbers>, partials_bytes},
    {"argmax", arg<MaxOf>, index},
    {"argmin", arg<MinOf>, index},
};
extern const int reduction_row_count = sizeof(reduction_rows) / sizeof(reduction_rows[0]);

}  // namespace dlnative::cuda
