// Reductions of neighbouring axes: x, seen as (outer, R, inner), becomes y of (outer, inner).
//
//   sum, mean          mean = sum / R
//   max, min           a NaN anywhere gives NaN
//   argmax, argmin     the first index of the largest (smallest) value; a NaN counts as that, as in NumPy
//
// Work is cut into units: a chunk of R by a tile of columns. A unit keeps its accumulators in registers. Where R is
// longer than a chunk, units leave partial results and one thread combines them in order; the cut depends on the shape
// alone, so the bits of the result do not depend on the number of threads. A sum of floats adds up chunk sums in
// double, and each chunk is many short chains, so that the rounding error stays like that of pairwise summation.
#include "ops/reduction.h"

#include <cstdint>

#include "dlnative/kernel.h"
#include "ops/dispatch.h"
#include "simd/horizontal.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class T>
struct Range {
  static constexpr T lowest = static_cast<T>(-__builtin_inf()), highest = static_cast<T>(__builtin_inf());
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

struct Extents {
  std::int64_t outer = 1, R = 1, inner = 1;

  Extents(const View& x, std::int64_t axis, std::int64_t count) {
    if (axis < 0) axis += x.rank;
    for (std::int64_t i = 0; i < x.rank; ++i) (i < axis ? outer : i < axis + count ? R : inner) *= x.shape[i];
  }
};

// How a reduction is cut. Only shapes decide.
template <class T>
struct Cut {
  static constexpr std::int64_t tile = 4 * lanes<T>;  // columns whose accumulators fit in registers
  std::int64_t chunk, chunks, tiles;

  explicit Cut(const Extents& e)
      : chunk(e.inner == 1      ? 8192
              : e.inner >= tile ? 512
                                : 512 * (tile / e.inner)),
        chunks(e.R <= chunk ? 1 : (e.R + chunk - 1) / chunk),
        tiles((e.inner + tile - 1) / tile) {}
};

template <class T>
DLNATIVE_INLINE double bytes_nanoseconds(const View& x) {
  constexpr double bytes_per_nanosecond = 10.0;
  return static_cast<double>(x.size) * sizeof(T) / bytes_per_nanosecond;
}

// Calls unit(index) for each index in [0, units).
template <class Unit>
DLNATIVE_INLINE void in_tasks(const Workers& workers, std::int64_t units, double nanoseconds, const Unit& unit) {
  const int threads = workers.worthwhile(nanoseconds);
  const std::int64_t together = threads == 1 ? units : 1 + units / (threads * 16);
  workers.parallel_for(threads, (units + together - 1) / together, [&](std::int64_t task, int) {
    const std::int64_t end = (task + 1) * together < units ? (task + 1) * together : units;
    for (std::int64_t index = task * together; index < end; ++index) unit(index);
  });
}

// A run of n neighbouring elements.
template <class T, class Op>
DLNATIVE_INLINE T reduce_run(const T* x, std::int64_t n) {
  using V = Vec<T>;
  constexpr std::int64_t L = lanes<T>;
  if (n <= 4) {
    T total = Op::start;
    for (std::int64_t i = 0; i < n; ++i) total = Op::join(total, x[i]);
    return total;
  }
  V a = V{} + Op::start;
  std::int64_t i = 0;
  if (n >= 4 * L) {
    V b = a, c = a, d = a;
    for (; i + 4 * L <= n; i += 4 * L) {
      a = Op::join(a, load(x + i));
      b = Op::join(b, load(x + i + L));
      c = Op::join(c, load(x + i + 2 * L));
      d = Op::join(d, load(x + i + 3 * L));
    }
    a = Op::join(Op::join(a, b), Op::join(c, d));
  }
  for (; i + L <= n; i += L) a = Op::join(a, load(x + i));
  if (i < n) {
    const int count = static_cast<int>(n - i);
    a = Op::join(a, select(first_lanes<T>(count), load_partial(x + i, count), V{} + Op::start));
  }
  return horizontal_reduce(a, [](auto v, auto w) __attribute__((always_inline)) { return Op::join(v, w); });
}

// `rows` rows of a tile of `width` columns, the rows `stride` apart.
template <class T, class Op>
void reduce_columns(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t width,
                    typename Op::Total* __restrict totals) {
  using V = Vec<T>;
  constexpr std::int64_t L = lanes<T>;
  std::int64_t column = 0;
  if (width == 4 * L) {
    V a[4];
    for (V& v : a) v = V{} + Op::start;
    for (std::int64_t r = 0; r < rows; ++r) {
      for (int k = 0; k < 4; ++k) a[k] = Op::join(a[k], load(x + r * stride + k * L));
    }
    for (; column < width; ++column) totals[column] = a[column / L][column % L];
  }
  for (; column + L <= width; column += L) {
    V a = V{} + Op::start, b = a;
    std::int64_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      a = Op::join(a, load(x + r * stride + column));
      b = Op::join(b, load(x + (r + 1) * stride + column));
    }
    if (r < rows) a = Op::join(a, load(x + r * stride + column));
    a = Op::join(a, b);
    for (std::int64_t k = 0; k < L; ++k) totals[column + k] = a[k];
  }
  if (column == width) return;
  if constexpr (vector_bytes >= 32) {  // there partial loads are one instruction
    const int count = static_cast<int>(width - column);
    V a = V{} + Op::start, b = a;
    std::int64_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      a = Op::join(a, load_partial(x + r * stride + column, count));
      b = Op::join(b, load_partial(x + (r + 1) * stride + column, count));
    }
    if (r < rows) a = Op::join(a, load_partial(x + r * stride + column, count));
    a = Op::join(a, b);
    for (int k = 0; k < count; ++k) totals[column + k] = a[k];
  } else {
    for (; column < width; ++column) {
      T a[4] = {Op::start, Op::start, Op::start, Op::start};
      std::int64_t r = 0;
      for (; r + 4 <= rows; r += 4) {
        for (int k = 0; k < 4; ++k) a[k] = Op::join(a[k], x[(r + k) * stride + column]);
      }
      for (; r < rows; ++r) a[0] = Op::join(a[0], x[r * stride + column]);
      totals[column] = Op::join(Op::join(a[0], a[1]), Op::join(a[2], a[3]));
    }
  }
}

// y = join over R, times `scale` if it is a mean.
template <class T, class Op, bool is_mean>
void reduce(const Call& call) {
  using Total = typename Op::Total;
  const View& x_view = call.inputs[0];
  const Extents e(x_view, call.ints[0], call.ints[1]);
  if (call.outputs[0].size == 0) return;
  const Cut<T> cut(e);
  const T* x = x_view.as<T>();
  T* y = call.outputs[0].as<T>();
  auto* partials = static_cast<Total*>(call.scratch);
  const auto finish = [&](Total total) {
    if constexpr (is_mean) total /= static_cast<Total>(e.R);
    return static_cast<T>(total);
  };

  // Rows, each of one run: nothing to work out for a unit.
  if (e.inner == 1 && cut.chunks == 1) {
    return in_tasks(*call.workers, e.outer, bytes_nanoseconds<T>(x_view),
                    [&](std::int64_t o) { y[o] = finish(static_cast<Total>(reduce_run<T, Op>(x + o * e.R, e.R))); });
  }
  const auto unit = [&](std::int64_t index) {
    const std::int64_t tile = index % cut.tiles, chunk = index / cut.tiles % cut.chunks;
    const std::int64_t o = index / (cut.tiles * cut.chunks);
    const std::int64_t first = chunk * cut.chunk;
    const std::int64_t rows = e.R - first < cut.chunk ? e.R - first : cut.chunk;
    const std::int64_t column = tile * cut.tile;
    const std::int64_t width = e.inner - column < cut.tile ? e.inner - column : cut.tile;
    const T* from = x + (o * e.R + first) * e.inner + column;
    if (e.inner == 1) {
      partials[o * cut.chunks + chunk] = static_cast<Total>(reduce_run<T, Op>(from, rows));
    } else if (cut.chunks == 1) {
      Total totals[Cut<T>::tile];
      reduce_columns<T, Op>(from, rows, e.inner, width, totals);
      for (std::int64_t k = 0; k < width; ++k) y[o * e.inner + column + k] = finish(totals[k]);
    } else {
      reduce_columns<T, Op>(from, rows, e.inner, width, partials + (o * cut.chunks + chunk) * e.inner + column);
    }
  };

  in_tasks(*call.workers, e.outer * cut.chunks * cut.tiles, bytes_nanoseconds<T>(x_view), unit);
  if (cut.chunks == 1) return;
  for (std::int64_t o = 0; o < e.outer; ++o) {
    Total* total = partials + o * cut.chunks * e.inner;
    for (std::int64_t chunk = 1; chunk < cut.chunks; ++chunk) {
      const Total* part = total + chunk * e.inner;
      for (std::int64_t k = 0; k < e.inner; ++k) total[k] = Op::join(total[k], part[k]);
    }
    for (std::int64_t k = 0; k < e.inner; ++k) y[o * e.inner + k] = finish(total[k]);
  }
}

std::int64_t partials_bytes(const Call& call, int) {
  const View& x = call.inputs[0];
  const Extents e(x, call.ints[0], call.ints[1]);
  if (call.outputs[0].size == 0) return 0;
  const std::int64_t chunks = item_size(x.dtype) == 4 ? Cut<float>(e).chunks : Cut<double>(e).chunks;
  return chunks == 1 ? 0 : e.outer * chunks * e.inner * static_cast<std::int64_t>(sizeof(double));
}

template <template <class> class Op>
void extreme_or_sum(const Call& call) {
  with_type(Numbers{}, call.inputs[0].dtype,
            [&](auto type) { reduce<decltype(type), Op<decltype(type)>, false>(call); });
}

void mean(const Call& call) {
  with_type(Floats{}, call.inputs[0].dtype,
            [&](auto type) { reduce<decltype(type), SumOf<decltype(type)>, true>(call); });
}

// An integer for each value, in the values' order: bits tell denormals apart, which compare as 0 where they are
// flushed. Both zeros are one value, and NaN comes behind everything, on the side that is looked for.
template <class T, bool largest>
DLNATIVE_INLINE auto ordinal(T x) {
  if constexpr (std::is_integral_v<T>) {
    return x;
  } else {
    using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    constexpr Bits last = sizeof(T) == 4 ? static_cast<Bits>(INT32_MAX) : static_cast<Bits>(INT64_MAX);
    const auto bits = __builtin_bit_cast(Bits, x);
    const Bits size = bits & last;
    return x != x ? (largest ? last : -last) : bits < 0 ? -size : size;
  }
}

// Columns are taken by the tile, so that rows are read as they lie.
template <class T, bool largest>
void arg_columns(const T* x, std::int64_t R, std::int64_t stride, std::int64_t width, std::int32_t* y) {
  decltype(ordinal<T, largest>(T{})) best[Cut<T>::tile];
  for (std::int64_t k = 0; k < width; ++k) {
    best[k] = ordinal<T, largest>(x[k]);
    y[k] = 0;
  }
  for (std::int64_t r = 1; r < R; ++r) {
    const T* row = x + r * stride;
    for (std::int64_t k = 0; k < width; ++k) {
      const auto found = ordinal<T, largest>(row[k]);
      const bool better = largest ? found > best[k] : found < best[k];
      best[k] = better ? found : best[k];
      y[k] = better ? static_cast<std::int32_t>(r) : y[k];
    }
  }
}

// First the value, as a vector reduction, then the place. Zero may stand for a denormal.
template <class T, bool largest>
std::int32_t arg_row(const T* x, std::int64_t n) {
  const T best = reduce_run<T, std::conditional_t<largest, MaxOf<T>, MinOf<T>>>(x, n);
  std::int32_t i = 0;
  if (std::is_floating_point_v<T> && best == T{0}) {
    auto found = ordinal<T, largest>(x[0]);
    for (std::int64_t at = 1; at < n; ++at) {
      const auto next = ordinal<T, largest>(x[at]);
      if (largest ? next <= found : next >= found) continue;
      found = next;
      i = static_cast<std::int32_t>(at);
    }
  } else if (best == best) {
    while (x[i] != best) ++i;
  } else {
    while (x[i] == x[i]) ++i;
  }
  return i;
}

template <class T, bool largest>
void arg_reduce(const Call& call) {
  const View& x_view = call.inputs[0];
  const Extents e(x_view, call.ints[0], 1);
  if (call.outputs[0].size == 0) return;
  const Cut<T> cut(e);
  const T* x = x_view.as<T>();
  auto* y = call.outputs[0].as<std::int32_t>();
  const double nanoseconds = static_cast<double>(x_view.size);
  if (e.inner == 1) {
    return in_tasks(*call.workers, e.outer, nanoseconds,
                    [&](std::int64_t o) { y[o] = arg_row<T, largest>(x + o * e.R, e.R); });
  }
  in_tasks(*call.workers, e.outer * cut.tiles, nanoseconds, [&](std::int64_t index) {
    const std::int64_t o = index / cut.tiles, column = index % cut.tiles * cut.tile;
    const std::int64_t width = e.inner - column < cut.tile ? e.inner - column : cut.tile;
    arg_columns<T, largest>(x + o * e.R * e.inner + column, e.R, e.inner, width, y + o * e.inner + column);
  });
}

template <bool largest>
void arg(const Call& call) {
  with_type(Numbers{}, call.inputs[0].dtype, [&](auto type) { arg_reduce<decltype(type), largest>(call); });
}

}  // namespace

bool is_mean(Kernel kernel) { return kernel == mean; }

double sum_elements(const View& x) {
  if (x.dtype == DType::float32) {
    return static_cast<double>(reduce_run<float, SumOf<float>>(x.as<float>(), x.size));
  }
  return reduce_run<double, SumOf<double>>(x.as<double>(), x.size);
}

constexpr TypeRule index = {Numbers::set, {}, types_of<std::int32_t>};

extern const OpRow reduction_rows[] = {
    {"sum", extreme_or_sum<SumOf>, same<Numbers>, partials_bytes},
    {"mean", mean, same<Floats>, partials_bytes},
    {"max", extreme_or_sum<MaxOf>, same<Numbers>, partials_bytes},
    {"min", extreme_or_sum<MinOf>, same<Numbers>, partials_bytes},
    {"argmax", arg<true>, index},
    {"argmin", arg<false>, index},
};
extern const int reduction_row_count = sizeof(reduction_rows) / sizeof(reduction_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
