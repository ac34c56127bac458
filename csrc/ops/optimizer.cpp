// Optimizer updates: one pass over the flat arena of all parameters, in place; g is the gradient, lr a scalar buffer.
//
//   decay     param -= param * weight_decay * lr, before the update
//   sgd       momentum = 0:  param -= lr g
//             else           m = momentum m - lr g;  param += m,  with Nesterov: param += momentum m - lr g
//   adam      t = iterations + 1;  alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)
//             m += (g - m)(1 - beta_1);  v += (g^2 - v)(1 - beta_2);  param -= m alpha / (sqrt(v) + epsilon)
//             amsgrad: vhat = max(vhat, v) takes the place of v in the last formula
//   rmsprop   velocity = rho velocity + (1 - rho) g^2;  d = velocity + epsilon
//             centered: a = rho a + (1 - rho) g;  d = velocity - a^2 + epsilon
//             step = lr g / sqrt(d);  momentum > 0: m = momentum m + step, param -= m;  else param -= step
//
// Factors that are the same for all elements are computed once; Adam's corrections in the parameters' type, as in
// Keras: in float, 1 - 0.999 is off by 1e-5. An update is a function of one vector of each array, and reads and writes
// it through `at`, which knows where it is and whether it is whole. Every element is by itself, so tasks change no bit.
// Sources: Kingma & Ba 2015 (Adam); Reddi, Kale & Kumar 2018 (AMSGrad); Tieleman & Hinton 2012 (RMSprop); the order of
// operations is that of Keras 3.
#include <cstddef>

#include "dlnative/kernel.h"
#include "simd/math.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

constexpr std::int64_t elements_per_task = 1 << 14;

// The vector of an array that begins at element `first`,
struct WholeVector {
  std::int64_t first;
  template <class T>
  DLNATIVE_INLINE Vec<T> read(const T* array) const {
    return load(array + first);
  }
  template <class T>
  DLNATIVE_INLINE void write(T* array, Vec<T> value) const {
    store(array + first, value);
  }
};
// and the last of them, which has `count` elements.
struct LastVector {
  std::int64_t first;
  int count;
  template <class T>
  DLNATIVE_INLINE Vec<T> read(const T* array) const {
    return load_partial(array + first, count);
  }
  template <class T>
  DLNATIVE_INLINE void write(T* array, Vec<T> value) const {
    store_partial(array + first, value, count);
  }
};

// Calls update(at) for all vectors of [0, size); `streams` is how many arrays the update reads or writes.
template <class T, class Update>
DLNATIVE_INLINE void for_vectors(const Workers& workers, std::int64_t size, int streams, const Update& given) {
  // What fits the second cache had better stay in that of one core, where the next step reads it.
  constexpr double cached = 1 << 20;
  const double bytes = static_cast<double>(size) * streams * static_cast<double>(sizeof(T));
  const int threads = bytes <= cached ? 1 : workers.worthwhile(bytes / 10.0);
  const auto run = [&](std::int64_t first, std::int64_t last) {
    const Update update = given;  // a copy that nobody else can write to stays in registers
    for (; first + lanes<T> <= last; first += lanes<T>) update(WholeVector{first});
    if (first < last) update(LastVector{first, static_cast<int>(last - first)});
  };
  if (threads == 1) return run(0, size);
  workers.parallel_for(threads, (size + elements_per_task - 1) / elements_per_task, [&](std::int64_t task, int) {
    const std::int64_t first = task * elements_per_task;
    run(first, first + elements_per_task < size ? first + elements_per_task : size);
  });
}

DLNATIVE_INLINE double scalar(const View& view) {
  return view.dtype == DType::float32 ? static_cast<double>(*view.as<float>()) : *view.as<double>();
}

template <class T>
DLNATIVE_INLINE T square_root(T x) {
  if constexpr (sizeof(T) == 4) {
    return __builtin_sqrtf(x);
  } else {
    return __builtin_sqrt(x);
  }
}

// Two powers with the same exponent, by squaring, side by side and without branches: a step of a small network takes no
// longer than two calls of the C library's pow.
DLNATIVE_INLINE void powers(double (&base)[2], std::int64_t exponent, double (&result)[2]) {
  result[0] = result[1] = 1.0;
  for (; exponent > 0; exponent >>= 1) {
    for (int i = 0; i < 2; ++i) {
      result[i] *= (exponent & 1) != 0 ? base[i] : 1.0;
      base[i] *= base[i];
    }
  }
}

template <class T>
void sgd(const Call& call) {
  const bool nesterov = call.ints[0] != 0;
  const double lr = scalar(call.inputs[2]);
  const T momentum = static_cast<T>(call.floats[0]), rate = static_cast<T>(lr);
  const T decay = static_cast<T>(call.floats[1] * lr);
  const std::int64_t size = call.outputs[0].size;
  T* const param = call.outputs[0].as<T>();
  const T* const gradient = call.inputs[1].as<T>();
  if (call.output_count == 1) {
    return for_vectors<T>(*call.workers, size, 3, [=](auto at) __attribute__((always_inline)) {
      const Vec<T> p = at.read(param);
      at.write(param, p - p * decay - rate * at.read(gradient));
    });
  }
  T* const slot = call.outputs[1].as<T>();
  for_vectors<T>(*call.workers, size, 5, [=](auto at) __attribute__((always_inline)) {
    const Vec<T> p = at.read(param), step = rate * at.read(gradient);
    const Vec<T> m = momentum * at.read(slot) - step;
    at.write(slot, m);
    at.write(param, p - p * decay + (nesterov ? momentum * m - step : m));
  });
}

template <class T>
void adam(const Call& call) {
  const double lr = scalar(call.inputs[2]);
  const std::int64_t t = *call.inputs[3].as<std::int64_t>() + 1;
  const double beta_1 = call.floats[0], beta_2 = call.floats[1];
  double bases[2] = {static_cast<double>(static_cast<T>(beta_1)), static_cast<double>(static_cast<T>(beta_2))};
  double power[2];
  powers(bases, t, power);
  const T alpha = static_cast<T>(lr) * square_root(T(1) - static_cast<T>(power[1])) / (T(1) - static_cast<T>(power[0]));
  const T rest_1 = static_cast<T>(1.0 - beta_1), rest_2 = static_cast<T>(1.0 - beta_2);
  const T epsilon = static_cast<T>(call.floats[2]), decay = static_cast<T>(call.floats[3] * lr);
  const std::int64_t size = call.outputs[0].size;
  T* const param = call.outputs[0].as<T>();
  T* const m = call.outputs[1].as<T>();
  T* const v = call.outputs[2].as<T>();
  const T* const gradient = call.inputs[1].as<T>();
  T* const vhat = call.output_count > 3 ? call.outputs[3].as<T>() : nullptr;
  for_vectors<T>(*call.workers, size, vhat == nullptr ? 7 : 9, [=](auto at) __attribute__((always_inline)) {
    const Vec<T> p = at.read(param), g = at.read(gradient), old_mean = at.read(m), old_variance = at.read(v);
    const Vec<T> mean = fma(g - old_mean, broadcast(rest_1), old_mean);
    const Vec<T> variance = fma(fma(g, g, -old_variance), broadcast(rest_2), old_variance);
    Vec<T> largest = variance;
    at.write(m, mean);
    at.write(v, variance);
    if (vhat != nullptr) {
      const Vec<T> before = at.read(vhat);
      largest = select(before > variance, before, variance);
      at.write(vhat, largest);
    }
    at.write(param, subtract_over_root(fma(p, broadcast(-decay), p), alpha, mean, largest, epsilon));
  });
}

template <class T, bool centered, bool with_momentum>
void rmsprop(const Call& call) {
  const double lr = scalar(call.inputs[2]);
  const T rho = static_cast<T>(call.floats[0]), rest = static_cast<T>(1.0 - call.floats[0]);
  const T momentum = static_cast<T>(call.floats[1]), epsilon = static_cast<T>(call.floats[2]);
  const T rate = static_cast<T>(lr), decay = static_cast<T>(call.floats[3] * lr);
  const std::int64_t size = call.outputs[0].size;
  T* const param = call.outputs[0].as<T>();
  T* const velocity = call.outputs[1].as<T>();
  T* const slot = with_momentum ? call.outputs[2].as<T>() : nullptr;
  T* const average = centered ? call.outputs[with_momentum ? 3 : 2].as<T>() : nullptr;
  const T* const gradient = call.inputs[1].as<T>();
  const int streams = 5 + 2 * centered + 2 * with_momentum;
  for_vectors<T>(*call.workers, size, streams, [=](auto at) __attribute__((always_inline)) {
    const Vec<T> old = at.read(param), g = at.read(gradient), p = fma(old, broadcast(-decay), old);
    const Vec<T> mean_square = fma(g * g, broadcast(rest), rho * at.read(velocity));
    at.write(velocity, mean_square);
    Vec<T> variance = mean_square;
    if constexpr (centered) {
      const Vec<T> mean = fma(g, broadcast(rest), rho * at.read(average));
      at.write(average, mean);
      variance = mean_square - mean * mean;
    }
    if constexpr (with_momentum) {
      const Vec<T> m = subtract_over_root(momentum * at.read(slot), -rate, g, variance + epsilon, T{0});
      at.write(slot, m);
      at.write(param, p - m);
    } else {
      at.write(param, subtract_over_root(p, rate, g, variance + epsilon, T{0}));
    }
  });
}

template <class T>
void rmsprop_of(const Call& call) {
  const bool centered = call.ints[0] != 0, with_momentum = call.floats[1] > 0.0;
  if (centered) {
    with_momentum ? rmsprop<T, true, true>(call) : rmsprop<T, true, false>(call);
  } else {
    with_momentum ? rmsprop<T, false, true>(call) : rmsprop<T, false, false>(call);
  }
}

using Update = void (*)(const Call&);

// The updates work in place. Where a plan gives the results memory of their own, the old values are brought there
// first: the parameters are the first input, the slots the last ones.
void bring_old_values(const Call& call) {
  for (int index = 0; index < call.output_count; ++index) {
    const View& from = call.inputs[index == 0 ? 0 : call.input_count - call.output_count + index];
    const View& to = call.outputs[index];
    if (from.data != to.data) {
      __builtin_memcpy(to.data, from.data, static_cast<std::size_t>(to.size * item_size(to.dtype)));
    }
  }
}

template <Update single, Update twice>
void by_type(const Call& call) {
  bring_old_values(call);
  call.outputs[0].dtype == DType::float32 ? single(call) : twice(call);
}

}  // namespace

extern const OpRow optimizer_rows[] = {
    {"sgd", by_type<sgd<float>, sgd<double>>, nullptr},
    {"adam", by_type<adam<float>, adam<double>>, nullptr},
    {"rmsprop", by_type<rmsprop_of<float>, rmsprop_of<double>>, nullptr},
};
extern const int optimizer_row_count = sizeof(optimizer_rows) / sizeof(optimizer_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
