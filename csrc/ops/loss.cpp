// Crossentropies of logits z, with the gradient that they give in the same pass.
//
//   categorical   target t of (..., C):  loss = -sum(t log_softmax(z));   dz = sum(t) softmax(z) - t
//   sparse        integer labels (...):  loss = -log_softmax(z)[label];   dz = softmax(z) - onehot(label)
//                 a label outside [0, C) makes its loss and its row of dz NaN
//                 attribute scale: what dz is multiplied by
//   binary        target t like z:       loss = max(z, 0) - z t + ln(1 + exp(-|z|))
//
// The largest logit M is subtracted first: log_softmax(z) = (z - M) - ln S with S = sum(exp(z - M)) >= 1, which is
// finite for every finite z; see softmax_rows.h. A target of 0 counts nothing, even for z = -inf. The binary form is
// the usual -t ln s(z) - (1 - t) ln(1 - s(z)), with s the sigmoid, rewritten so that nothing overflows or cancels.
#include "ops/dispatch.h"
#include "ops/softmax_rows.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

template <class T>
DLNATIVE_INLINE void logarithms(const RowStatistics<T>& statistics, std::int64_t rows, T* log_sum) {
  for_each_row(statistics.sum, log_sum, rows, [](Vec<T> s) __attribute__((always_inline)) { return log(s); });
}

// t (z - M - ln S), where a target of 0 makes 0 even of an infinite factor.
template <class T>
DLNATIVE_INLINE Vec<T> weighted(Vec<T> t, Vec<T> z, T max, T log_sum) {
  return select(t == T{0}, Vec<T>{}, t * (z - max - log_sum));
}

template <class T>
void categorical(const Call& call) {
  const View& z_view = call.inputs[0];
  const std::int64_t C = z_view.extent(-1);
  const T *z = z_view.as<T>(), *target = call.inputs[1].as<T>();
  T *loss = call.outputs[0].as<T>(), *dz = call.outputs[1].as<T>();
  const T factor = static_cast<T>(call.floats[0]);
  for_row_blocks(*call.workers, z_view.rows(), C, 1.5, [=](std::int64_t first, std::int64_t rows) {
    RowStatistics<T> statistics;
    exp_rows<T, true>(z + first * C, rows, C, dz + first * C, statistics);
    T log_sum[most_rows];
    logarithms(statistics, rows, log_sum);
    for (std::int64_t r = 0; r < rows; ++r) {
      const T *z_row = z + (first + r) * C, *t_row = target + (first + r) * C;
      T* dz_row = dz + (first + r) * C;
      const T max = statistics.max[r], rest = log_sum[r];
      Vec<T> totals = {}, losses = {};
      for_vectors<T>(
          C,
          [&](std::int64_t i) {
            prefetch(t_row + i);
            const Vec<T> t = load(t_row + i);
            totals += t;
            losses += weighted<T>(t, load(z_row + i), max, rest);
          },
          [&](std::int64_t i, int count) {
            const Vec<T> t = load_partial(t_row + i, count);
            totals += t;
            losses += weighted<T>(t, load_partial(z_row + i, count), max, rest);
          });
      loss[first + r] = -sum(losses);
      const T scale = sum(totals) / statistics.sum[r];
      const auto gradient = [=](Vec<T> e, Vec<T> t) { return (e * scale - t) * factor; };
      for_vectors<T>(
          C, [&](std::int64_t i) { store(dz_row + i, gradient(load(dz_row + i), load(t_row + i))); },
          [&](std::int64_t i, int count) {
            store_partial(dz_row + i, gradient(load_partial(dz_row + i, count), load_partial(t_row + i, count)), count);
          });
    }
  });
}

template <class T, class Label>
void sparse(const Call& call) {
  const T nan = static_cast<T>(__builtin_nan(""));
  const View& z_view = call.inputs[0];
  const std::int64_t C = z_view.extent(-1);
  const T* z = z_view.as<T>();
  const Label* labels = call.inputs[1].as<Label>();
  T *loss = call.outputs[0].as<T>(), *dz = call.outputs[1].as<T>();
  const T factor = static_cast<T>(call.floats[0]);
  for_row_blocks(*call.workers, z_view.rows(), C, 1.0, [=](std::int64_t first, std::int64_t rows) {
    T chosen[most_rows];  // dz may take the place of z
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto label = static_cast<std::int64_t>(labels[first + r]);
      chosen[r] = label >= 0 && label < C ? z[(first + r) * C + label] : nan;
    }
    RowStatistics<T> statistics;
    exp_rows<T, true>(z + first * C, rows, C, dz + first * C, statistics);
    T log_sum[most_rows], scales[most_rows];
    logarithms(statistics, rows, log_sum);
    for_each_row(statistics.sum, scales, rows, [=](Vec<T> s) __attribute__((always_inline)) { return factor / s; });
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto label = static_cast<std::int64_t>(labels[first + r]);
      loss[first + r] = log_sum[r] - (chosen[r] - statistics.max[r]);
      if (label < 0 || label >= C) scales[r] = nan;
    }
    scale_rows(dz + first * C, rows, C, scales);
    for (std::int64_t r = first; r < first + rows; ++r) {
      const auto label = static_cast<std::int64_t>(labels[r]);
      if (label >= 0 && label < C) dz[r * C + label] -= factor;
    }
  });
}

template <class T>
void sparse_of(const Call& call) {
  with_type(Integers{}, call.inputs[1].dtype, [&](auto label) { sparse<T, decltype(label)>(call); });
}

template <class T>
DLNATIVE_INLINE Vec<T> binary_loss(Vec<T> z, Vec<T> t) {
  return softplus(z) - z * t;
}

template <class T>
void binary(const Call& call) {
  constexpr std::int64_t elements_per_task = 4096;
  const T *z = call.inputs[0].as<T>(), *target = call.inputs[1].as<T>();
  T* loss = call.outputs[0].as<T>();
  const std::int64_t size = call.outputs[0].size;
  const int threads = call.workers->worthwhile(2.0 * static_cast<double>(size));
  const std::int64_t tasks = (size + elements_per_task - 1) / elements_per_task;
  call.workers->parallel_for(threads, tasks, [=](std::int64_t task, int) {
    const std::int64_t start = task * elements_per_task;
    const std::int64_t n = size - start < elements_per_task ? size - start : elements_per_task;
    for_vectors<T>(
        n,
        [&](std::int64_t i) {
          prefetch(z + start + i);
          prefetch(target + start + i);
          prefetch_for_write(loss + start + i);
          store(loss + start + i, binary_loss<T>(load(z + start + i), load(target + start + i)));
        },
        [&](std::int64_t i, int count) {
          const Vec<T> zs = load_partial(z + start + i, count), ts = load_partial(target + start + i, count);
          store_partial(loss + start + i, binary_loss<T>(zs, ts), count);
        });
  });
}

}  // namespace

extern const OpRow loss_rows[] = {
    {"categorical_crossentropy_with_logits", by_float<categorical<float>, categorical<double>>, same<Floats>},
    {"sparse_categorical_crossentropy_with_logits", by_float<sparse_of<float>, sparse_of<double>>,
     TypeRule{Floats::set, {0, Integers::set}}},
    {"binary_crossentropy_with_logits", by_float<binary<float>, binary<double>>, same<Floats>},
};
extern const int loss_row_count = sizeof(loss_rows) / sizeof(loss_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
