// Softmax over the last axis, rows of C elements; M = max(x), S = sum(exp(x - M)).
//
//   softmax                y = exp(x - M) / S
//   log_softmax            y = x - M - ln S
//   softmax_gradient       dx = y (dy - sum(dy y))          needs y alone
//   log_softmax_gradient   dx = dy - exp(y) sum(dy)
//
// Subtracting M keeps exp from overflowing and S at 1 or more; see softmax_rows.h.
#include "ops/dispatch.h"
#include "ops/softmax_rows.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class T>
void softmax(const Call& call) {
  const View& x_view = call.inputs[0];
  const std::int64_t C = x_view.extent(-1);
  const T* x = x_view.as<T>();
  T* y = call.outputs[0].as<T>();
  for_row_blocks(*call.workers, x_view.rows(), C, 1.0, [=](std::int64_t first, std::int64_t rows) {
    RowStatistics<T> statistics;
    T* block = y + first * C;
    exp_rows<T, true>(x + first * C, rows, C, block, statistics);
    T scales[most_rows];
    for_each_row(statistics.sum, scales, rows, [](Vec<T> s) __attribute__((always_inline)) { return T{1} / s; });
    scale_rows(block, rows, C, scales);
  });
}

template <class T>
void log_softmax(const Call& call) {
  const View& x_view = call.inputs[0];
  const std::int64_t C = x_view.extent(-1);
  const T* x = x_view.as<T>();
  T* y = call.outputs[0].as<T>();
  for_row_blocks(*call.workers, x_view.rows(), C, 1.0, [=](std::int64_t first, std::int64_t rows) {
    RowStatistics<T> statistics;
    exp_rows<T, false>(x + first * C, rows, C, nullptr, statistics);
    T log_sum[most_rows];
    for_each_row(statistics.sum, log_sum, rows, [](Vec<T> s) __attribute__((always_inline)) { return log(s); });
    for (std::int64_t r = 0; r < rows; ++r) {
      const T *from = x + (first + r) * C, max = statistics.max[r], rest = log_sum[r];
      T* to = y + (first + r) * C;
      for_vectors<T>(
          C,
          [&](std::int64_t i) {
            prefetch_for_write(to + i);
            store(to + i, load(from + i) - max - rest);
          },
          [&](std::int64_t i, int count) { store_partial(to + i, load_partial(from + i, count) - max - rest, count); });
    }
  });
}

template <class T>
void softmax_gradient(const Call& call) {
  const View& y_view = call.inputs[1];
  const std::int64_t C = y_view.extent(-1);
  const T *dy = call.inputs[0].as<T>(), *y = y_view.as<T>();
  T* dx = call.outputs[0].as<T>();
  for_row_blocks(*call.workers, y_view.rows(), C, 0.5, [=](std::int64_t first, std::int64_t rows) {
    for (std::int64_t r = first; r < first + rows; ++r) {
      const T *dy_row = dy + r * C, *y_row = y + r * C;
      T* dx_row = dx + r * C;
      Vec<T> products = {};
      for_vectors<T>(
          C,
          [&](std::int64_t i) {
            prefetch(dy_row + i);
            prefetch(y_row + i);
            products = fma(load(dy_row + i), load(y_row + i), products);
          },
          [&](std::int64_t i, int count) {
            products = fma(load_partial(dy_row + i, count), load_partial(y_row + i, count), products);
          });
      const T total = sum(products);
      for_vectors<T>(
          C,
          [&](std::int64_t i) {
            prefetch_for_write(dx_row + i);
            store(dx_row + i, load(y_row + i) * (load(dy_row + i) - total));
          },
          [&](std::int64_t i, int count) {
            store_partial(dx_row + i, load_partial(y_row + i, count) * (load_partial(dy_row + i, count) - total),
                          count);
          });
    }
  });
}

template <class T>
void log_softmax_gradient(const Call& call) {
  const View& y_view = call.inputs[1];
  const std::int64_t C = y_view.extent(-1);
  const T *dy = call.inputs[0].as<T>(), *y = y_view.as<T>();
  T* dx = call.outputs[0].as<T>();
  for_row_blocks(*call.workers, y_view.rows(), C, 1.0, [=](std::int64_t first, std::int64_t rows) {
    for (std::int64_t r = first; r < first + rows; ++r) {
      const T *dy_row = dy + r * C, *y_row = y + r * C;
      T* dx_row = dx + r * C;
      Vec<T> totals = {};
      for_vectors<T>(
          C, [&](std::int64_t i) { totals += load(dy_row + i); },
          [&](std::int64_t i, int count) { totals += load_partial(dy_row + i, count); });
      const T total = sum(totals);
      for_vectors<T>(
          C,
          [&](std::int64_t i) {
            prefetch(y_row + i);
            prefetch_for_write(dx_row + i);
            store(dx_row + i, load(dy_row + i) - exp(load(y_row + i)) * total);
          },
          [&](std::int64_t i, int count) {
            store_partial(dx_row + i, load_partial(dy_row + i, count) - exp(load_partial(y_row + i, count)) * total,
                          count);
          });
    }
  });
}

}  // namespace

extern const OpRow softmax_rows[] = {
    {"softmax", by_float<softmax<float>, softmax<double>>, same<Floats>},
    {"log_softmax", by_float<log_softmax<float>, log_softmax<double>>, same<Floats>},
    {"softmax_gradient", by_float<softmax_gradient<float>, softmax_gradient<double>>, same<Floats>},
    {"log_softmax_gradient", by_float<log_softmax_gradient<float>, log_softmax_gradient<double>>, same<Floats>},
};
extern const int softmax_row_count = sizeof(softmax_rows) / sizeof(softmax_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
