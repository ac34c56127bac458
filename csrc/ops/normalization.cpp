// Normalisation, of rows by their own statistics and of columns (channels) by those of the batch.
//
//   layer_normalization            each row: y = u gamma + beta with u = (x - mean) rstd, rstd = 1 / sqrt(var +
//   epsilon),
//                                  var the mean of (x - mean)^2; not centered (RMS normalisation): mean = 0
//   layer_normalization_gradient   dx = rstd (g - mean(g) - u mean(g u)) with g = dy gamma;
//                                  dgamma = sum(dy u) and dbeta = sum(dy) over the rows
//   batch_normalization            y = act(u gamma + beta + residual), with a given mean and var of each column
//   batch_normalization_training   mean and var of each column, and y by them
//   batch_normalization_gradient   dgamma and dbeta as above, over a column;
//                                  dx = gamma rstd (dy - (dbeta + u dgamma) / N)
//
// The mean is subtracted before anything is squared or multiplied, so nothing cancels. Statistics of columns are taken
// in chunks of rows, of differences from the chunk's first row, and put together in double and in order (Chan, Golub
// and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979): they do not depend
// on the number of threads.
#include "dlnative/kernel.h"
#include "ops/dispatch.h"
#include "ops/softmax_rows.h"
#include "simd/horizontal.h"
#include "simd/lanes.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// sum of f(i) over the vectors of a row; f takes an index and how many of its lanes count, the others giving 0.
template <class T, class F>
DLNATIVE_INLINE T row_sum(std::int64_t C, F f) {
  constexpr std::int64_t L = lanes<T>;
  Vec<T> a = {}, b = {};
  std::int64_t i = 0;
  for (; i + 2 * L <= C; i += 2 * L) {
    a += f(i, lanes<T>);
    b += f(i + L, lanes<T>);
  }
  a += b;
  if (i + L <= C) {
    a += f(i, lanes<T>);
    i += L;
  }
  if (i < C) a += select(first_lanes<T>(static_cast<int>(C - i)), f(i, static_cast<int>(C - i)), Vec<T>{});
  return sum(a);
}

template <class T>
DLNATIVE_INLINE T reciprocal_root(double variance, double epsilon) {
  return static_cast<T>(1.0 / __builtin_sqrt(variance + epsilon));
}

template <class T>
struct Row {
  T mean, rstd;

  DLNATIVE_INLINE Row(const T* x, std::int64_t C, bool centered, double epsilon) {
    const T each = T{1} / static_cast<T>(C);
    mean = centered ? row_sum<T>(C, [=](std::int64_t i, int count)
                                        __attribute__((always_inline)) { return load_lanes(x + i, count); }) *
                          each
                    : T{0};
    const T middle = mean;
    const T squares = row_sum<T>(C, [=](std::int64_t i, int count) __attribute__((always_inline)) {
      const Vec<T> d = load_lanes(x + i, count) - middle;
      return d * d;
    });
    rstd = reciprocal_root<T>(squares * each, epsilon);
  }
};

template <class T>
void layer_normalization(const Call& call) {
  const View& x_view = call.inputs[0];
  const std::int64_t C = x_view.extent(-1);
  const T *x = x_view.as<T>(), *gamma = call.inputs[1].as<T>(), *beta = call.inputs[2].as<T>();
  T* y = call.outputs[0].as<T>();
  const bool centered = call.ints[0] != 0;
  const double epsilon = call.floats[0];
  for_row_blocks(*call.workers, x_view.rows(), C, 0.3, [=](std::int64_t first, std::int64_t rows) {
    for (std::int64_t r = first; r < first + rows; ++r) {
      const T* from = x + r * C;
      T* to = y + r * C;
      const Row<T> row(from, C, centered, epsilon);
      for_lanes<T>(C, [=](std::int64_t i, int count) __attribute__((always_inline)) {
        const Vec<T> unit = (load_lanes(from + i, count) - row.mean) * row.rstd;
        store_lanes(to + i, fma(unit, load_lanes(gamma + i, count), load_lanes(beta + i, count)), count);
      });
    }
  });
}

// Rows whose sums of columns are added up together; shapes alone decide.
std::int64_t rows_of_chunk(std::int64_t rows) {
  constexpr std::int64_t least = 16, most = 256, chunks = 64;
  const std::int64_t even = (rows + chunks - 1) / chunks;
  return even < least ? least : even > most ? most : even;
}

template <class T>
void layer_normalization_gradient(const Call& call) {
  const View& x_view = call.inputs[1];
  const std::int64_t C = x_view.extent(-1), R = x_view.rows();
  const T *dy = call.inputs[0].as<T>(), *x = x_view.as<T>(), *gamma = call.inputs[2].as<T>();
  T *dx = call.outputs[0].as<T>(), *dgamma = call.outputs[1].as<T>(), *dbeta = call.outputs[2].as<T>();
  const bool centered = call.ints[0] != 0;
  const double epsilon = call.floats[0];
  const std::int64_t chunk = rows_of_chunk(R), chunks = (R + chunk - 1) / chunk;
  T* const partials = static_cast<T*>(call.scratch);
  const T each = T{1} / static_cast<T>(C);
  const int threads = call.workers->worthwhile(0.6 * static_cast<double>(x_view.size));
  call.workers->parallel_for(threads, chunks, [=](std::int64_t task, int) {
    T *const products = partials + task * 2 * C, *const sums = products + C;
    for (std::int64_t i = 0; i < 2 * C; ++i) products[i] = T{0};
    const std::int64_t end = (task + 1) * chunk < R ? (task + 1) * chunk : R;
    for (std::int64_t r = task * chunk; r < end; ++r) {
      const T *x_row = x + r * C, *dy_row = dy + r * C;
      T* const dx_row = dx + r * C;
      const Row<T> row(x_row, C, centered, epsilon);
      const auto unit = [=](std::int64_t i, int count) __attribute__((always_inline)) {
        return (load_lanes(x_row + i, count) - row.mean) * row.rstd;
      };
      const auto g = [=](std::int64_t i, int count) __attribute__((always_inline)) {
        return load_lanes(dy_row + i, count) * load_lanes(gamma + i, count);
      };
      const T slope = each * row_sum<T>(C, [=](std::int64_t i, int count)
                                               __attribute__((always_inline)) { return g(i, count) * unit(i, count); });
      const T offset = centered ? each * row_sum<T>(C, g) : T{0};
      for_lanes<T>(C, [=](std::int64_t i, int count) __attribute__((always_inline)) {
        const Vec<T> d = load_lanes(dy_row + i, count), u = unit(i, count);
        store_lanes(products + i, fma(d, u, load_lanes(products + i, count)), count);
        store_lanes(sums + i, load_lanes(sums + i, count) + d, count);
        store_lanes(dx_row + i, (d * load_lanes(gamma + i, count) - offset - u * slope) * row.rstd, count);
      });
    }
  });
  for (std::int64_t i = 0; i < C; ++i) {
    double product = 0, total = 0;
    for (std::int64_t k = 0; k < chunks; ++k) {
      product += static_cast<double>(partials[k * 2 * C + i]);
      total += static_cast<double>(partials[k * 2 * C + C + i]);
    }
    dgamma[i] = static_cast<T>(product);
    dbeta[i] = static_cast<T>(total);
  }
}

std::int64_t layer_gradient_bytes(const Call& call, int) {
  const View& x = call.inputs[1];
  const std::int64_t chunk = rows_of_chunk(x.rows()), chunks = (x.rows() + chunk - 1) / chunk;
  return chunks * 2 * x.extent(-1) * item_size(x.dtype);
}

// How columns are cut for their statistics: chunks of rows by tiles of columns. Only shapes decide.
template <class T>
struct Columns {
  static constexpr std::int64_t tile = 4 * lanes<T>, chunk = 256;
  std::int64_t N, C, chunks, tiles;

  explicit Columns(const View& x)
      : N(x.rows()), C(x.extent(-1)), chunks((N + chunk - 1) / chunk), tiles((C + tile - 1) / tile) {}

  // Calls unit(chunk, first row, rows, first column, columns), on several threads.
  template <class Unit>
  DLNATIVE_INLINE void for_units(const Workers& workers, double nanoseconds_each, Unit unit) const {
    const Columns cut = *this;
    const int threads = workers.worthwhile(nanoseconds_each * static_cast<double>(N) * static_cast<double>(C));
    workers.parallel_for(threads, chunks * tiles, [=](std::int64_t task, int) {
      const std::int64_t number = task / cut.tiles, first = number * chunk, column = task % cut.tiles * tile;
      unit(number, first, cut.N - first < chunk ? cut.N - first : chunk, column,
           cut.C - column < tile ? cut.C - column : tile);
    });
  }
};

// totals[k] and others[k] get the sums over rows of what f(row, column, lanes, a, b) adds to a and b.
template <class T, class F>
DLNATIVE_INLINE void sum_columns(std::int64_t rows, std::int64_t columns, T* totals, T* others, F f) {
  constexpr std::int64_t L = lanes<T>;
  if (columns == 4 * L) {
    Vec<T> a[4] = {}, b[4] = {};
    for (std::int64_t r = 0; r < rows; ++r) {
      for (int k = 0; k < 4; ++k) f(r, k * L, lanes<T>, a[k], b[k]);
    }
    for (int k = 0; k < 4; ++k) {
      store(totals + k * L, a[k]);
      store(others + k * L, b[k]);
    }
    return;
  }
  for_lanes<T>(columns, [=](std::int64_t column, int count) {
    Vec<T> a[2] = {}, b[2] = {};
    std::int64_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      f(r, column, count, a[0], b[0]);
      f(r + 1, column, count, a[1], b[1]);
    }
    if (r < rows) f(r, column, count, a[0], b[0]);
    store_lanes(totals + column, a[0] + a[1], count);
    store_lanes(others + column, b[0] + b[1], count);
  });
}

template <class T>
DLNATIVE_INLINE void column_moments(const Call& call, const Columns<T>& cut, T* mean, T* variance) {
  const T* x = call.inputs[0].as<T>();
  T* const partials = static_cast<T*>(call.scratch);
  const std::int64_t C = cut.C;
  cut.for_units(
      *call.workers, 0.15,
      [=](std::int64_t chunk, std::int64_t first, std::int64_t rows, std::int64_t column, std::int64_t columns) {
        const T* const from = x + first * C + column;
        T* const sums = partials + chunk * 2 * C + column;
        sum_columns<T>(rows, columns, sums, sums + C,
                       [=](std::int64_t r, std::int64_t k, int count, Vec<T>& a, Vec<T>& b)
                           __attribute__((always_inline)) {
                             const Vec<T> d = load_lanes(from + r * C + k, count) - load_lanes(from + k, count);
                             a += d;
                             b = fma(d, d, b);
                           });
      });
  for (std::int64_t c = 0; c < C; ++c) {
    double middle = 0, squares = 0;  // of the rows so far: their mean, and the sum of squared differences from it
    for (std::int64_t k = 0; k < cut.chunks; ++k) {
      const std::int64_t before = k * Columns<T>::chunk;
      const std::int64_t rows = cut.N - before < Columns<T>::chunk ? cut.N - before : Columns<T>::chunk;
      const auto n = static_cast<double>(rows), all = static_cast<double>(before + rows);
      const auto s = static_cast<double>(partials[k * 2 * C + c]);
      const double own = static_cast<double>(x[before * C + c]) + s / n, apart = own - middle;
      squares += static_cast<double>(partials[k * 2 * C + C + c]) - s * s / n;
      squares += apart * apart * n * static_cast<double>(before) / all;
      middle += apart * n / all;
    }
    mean[c] = static_cast<T>(middle);
    variance[c] = static_cast<T>(squares > 0 ? squares / static_cast<double>(cut.N) : squares * 0);
  }
}

// y = act((x - mean) scale + beta + residual), with relu or none.
template <class T, bool has_residual>
DLNATIVE_INLINE void write_columns(const Call& call, const T* x, T* y, const T* mean, const T* scale, const T* beta,
                                   const T* residual, T least) {
  const View& view = call.outputs[0];
  const std::int64_t C = view.extent(-1);
  for_row_blocks(*call.workers, view.rows(), C, 0.2, [=](std::int64_t first, std::int64_t rows) {
    for (std::int64_t r = first; r < first + rows; ++r) {
      for_lanes<T>(C, [=](std::int64_t i, int count) __attribute__((always_inline)) {
        const Vec<T> apart = load_lanes(x + r * C + i, count) - load_lanes(mean + i, count);
        Vec<T> v = fma(apart, load_lanes(scale + i, count), load_lanes(beta + i, count));
        if constexpr (has_residual) v += load_lanes(residual + r * C + i, count);
        store_lanes(y + r * C + i, maximum(v, broadcast(least)), count);
      });
    }
  });
}

// The integers of an epilogue begin at `ints`, after the kernel's own. A residual is the last input.
template <class T>
void normalize_with(const Call& call, const T* mean, const T* variance, const T* gamma, const T* beta, T* scale,
                    const std::int64_t* ints) {
  const std::int64_t C = call.outputs[0].extent(-1);
  const double epsilon = call.floats[0];
  for (std::int64_t c = 0; c < C; ++c) {
    scale[c] =
        static_cast<T>(static_cast<double>(gamma[c]) / __builtin_sqrt(static_cast<double>(variance[c]) + epsilon));
  }
  const T* x = call.inputs[0].as<T>();
  T* y = call.outputs[0].as<T>();
  const T least = ints[2] != 0 ? T{0} : static_cast<T>(-__builtin_inf());
  if (ints[1] != 0) {
    const T* residual = call.inputs[call.input_count - 1].as<T>();
    write_columns<T, true>(call, x, y, mean, scale, beta, residual, least);
  } else {
    write_columns<T, false>(call, x, y, mean, scale, beta, nullptr, least);
  }
}

template <class T>
void batch_normalization_training(const Call& call) {
  const Columns<T> cut(call.inputs[0]);
  T *mean = call.outputs[1].as<T>(), *variance = call.outputs[2].as<T>();
  column_moments(call, cut, mean, variance);
  // The scale may take the place of the sums.
  normalize_with(call, mean, variance, call.inputs[1].as<T>(), call.inputs[2].as<T>(), static_cast<T*>(call.scratch),
                 call.ints);
}

template <class T>
void batch_normalization(const Call& call) {
  normalize_with(call, call.inputs[1].as<T>(), call.inputs[2].as<T>(), call.inputs[3].as<T>(), call.inputs[4].as<T>(),
                 static_cast<T*>(call.scratch), call.ints);
}

template <class T>
void batch_normalization_gradient(const Call& call) {
  const View& x_view = call.inputs[1];
  const Columns<T> cut(x_view);
  const std::int64_t C = cut.C;
  const T *dy = call.inputs[0].as<T>(), *x = x_view.as<T>(), *gamma = call.inputs[2].as<T>();
  const T *mean = call.inputs[3].as<T>(), *variance = call.inputs[4].as<T>();
  T *dx = call.outputs[0].as<T>(), *dgamma = call.outputs[1].as<T>(), *dbeta = call.outputs[2].as<T>();
  T* const partials = static_cast<T*>(call.scratch);
  cut.for_units(
      *call.workers, 0.25,
      [=](std::int64_t chunk, std::int64_t first, std::int64_t rows, std::int64_t column, std::int64_t columns) {
        const std::int64_t at = first * C + column;
        T* const sums = partials + chunk * 2 * C + column;
        sum_columns<T>(rows, columns, sums, sums + C,
                       [=](std::int64_t r, std::int64_t k, int count, Vec<T>& a, Vec<T>& b)
                           __attribute__((always_inline)) {
                             const std::int64_t i = at + r * C + k;
                             const Vec<T> d = load_lanes(dy + i, count);
                             a += d;
                             b = fma(d, load_lanes(x + i, count) - load_lanes(mean + column + k, count), b);
                           });
      });
  // dx = scale dy + slope (x - mean) + offset, whose numbers take the place of the first sums when these are read.
  T *const scale = partials, *const slope = partials + C, *const offset = partials + cut.chunks * 2 * C;
  const auto n = static_cast<double>(cut.N);
  for (std::int64_t c = 0; c < C; ++c) {
    double total = 0, product = 0;
    for (std::int64_t k = 0; k < cut.chunks; ++k) {
      total += static_cast<double>(partials[k * 2 * C + c]);
      product += static_cast<double>(partials[k * 2 * C + C + c]);
    }
    const double rstd = 1.0 / __builtin_sqrt(static_cast<double>(variance[c]) + call.floats[0]);
    const double factor = static_cast<double>(gamma[c]) * rstd;
    dgamma[c] = static_cast<T>(product * rstd);
    dbeta[c] = static_cast<T>(total);
    scale[c] = static_cast<T>(factor);
    slope[c] = static_cast<T>(-factor * rstd * rstd * product / n);
    offset[c] = static_cast<T>(-factor * total / n);
  }
  for_row_blocks(*call.workers, cut.N, C, 0.3, [=](std::int64_t first, std::int64_t rows) {
    for (std::int64_t r = first; r < first + rows; ++r) {
      for_lanes<T>(C, [=](std::int64_t i, int count) __attribute__((always_inline)) {
        const Vec<T> apart = load_lanes(x + r * C + i, count) - load_lanes(mean + i, count);
        const Vec<T> v = fma(apart, load_lanes(slope + i, count), load_lanes(offset + i, count));
        store_lanes(dx + r * C + i, fma(load_lanes(dy + r * C + i, count), load_lanes(scale + i, count), v), count);
      });
    }
  });
}

// Of two sums for each column in each chunk, and of three numbers for each column.
std::int64_t column_bytes(const View& x) {
  const std::int64_t chunks = (x.rows() + Columns<float>::chunk - 1) / Columns<float>::chunk;
  return (2 * chunks + 1) * x.extent(-1) * item_size(x.dtype);
}
std::int64_t batch_bytes(const Call& call, int) { return column_bytes(call.inputs[0]); }
std::int64_t batch_gradient_bytes(const Call& call, int) { return column_bytes(call.inputs[1]); }
std::int64_t scale_bytes(const Call& call, int) { return call.inputs[0].extent(-1) * item_size(call.inputs[0].dtype); }

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) by_float<kernel<float>, kernel<double>>, same<Floats>
extern const OpRow normalization_rows[] = {
    {"layer_normalization", DLNATIVE_BY_FLOAT(layer_normalization)},
    {"layer_normalization_gradient", DLNATIVE_BY_FLOAT(layer_normalization_gradient), layer_gradient_bytes},
    {"batch_normalization_training", DLNATIVE_BY_FLOAT(batch_normalization_training), batch_bytes},
    {"batch_normalization_gradient", DLNATIVE_BY_FLOAT(batch_normalization_gradient), batch_gradient_bytes},
    {"batch_normalization", DLNATIVE_BY_FLOAT(batch_normalization), scale_bytes},
};
#undef DLNATIVE_BY_FLOAT
extern const int normalization_row_count = sizeof(normalization_rows) / sizeof(normalization_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
