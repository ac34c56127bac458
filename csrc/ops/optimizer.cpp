// Optimizer updates on the CPU: each formula of optimizer_formulas.h over all elements, in vectors. Every element is by
// itself, so tasks change no bit.
#include <cstddef>

#include "dlnative/kernel.h"
#include "ops/dispatch.h"
#include "ops/optimizer_formulas.h"

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
  // What fits L2 had better stay in that of one core, where the next step reads it.
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
void sgd(const Call& call) {
  const double lr = scalar(call.inputs[2]);
  const T rate = static_cast<T>(lr), decay = static_cast<T>(call.floats[1] * lr);
  const std::int64_t size = call.outputs[0].size;
  T* const param = call.outputs[0].as<T>();
  const T* const gradient = call.inputs[1].as<T>();
  if (call.output_count == 1) {
    return for_vectors<T>(*call.workers, size, 3, SgdUpdate<T>{param, gradient, rate, decay});
  }
  const MomentumUpdate<T> update{param, call.outputs[1].as<T>(), gradient, static_cast<T>(call.floats[0]), rate,
                                 decay, call.ints[0] != 0};
  for_vectors<T>(*call.workers, size, 5, update);
}

template <class T>
void adam(const Call& call) {
  const double lr = scalar(call.inputs[2]);
  const std::int64_t t = *call.inputs[3].as<std::int64_t>() + 1;
  const double beta_1 = call.floats[0], beta_2 = call.floats[1];
  AdamUpdate<T> update;
  update.param = call.outputs[0].as<T>();
  update.m = call.outputs[1].as<T>();
  update.v = call.outputs[2].as<T>();
  update.vhat = call.output_count > 3 ? call.outputs[3].as<T>() : nullptr;
  update.gradient = call.inputs[1].as<T>();
  update.alpha = adam_rate<T>(lr, beta_1, beta_2, t);
  update.rest_1 = static_cast<T>(1.0 - beta_1);
  update.rest_2 = static_cast<T>(1.0 - beta_2);
  update.epsilon = static_cast<T>(call.floats[2]);
  update.decay = static_cast<T>(call.floats[3] * lr);
  for_vectors<T>(*call.workers, call.outputs[0].size, update.vhat == nullptr ? 7 : 9, update);
}

template <class T, bool centered, bool with_momentum>
void rmsprop(const Call& call) {
  const double lr = scalar(call.inputs[2]);
  RmspropUpdate<T, centered, with_momentum> update;
  update.param = call.outputs[0].as<T>();
  update.velocity = call.outputs[1].as<T>();
  update.slot = with_momentum ? call.outputs[2].as<T>() : nullptr;
  update.average = centered ? call.outputs[with_momentum ? 3 : 2].as<T>() : nullptr;
  update.gradient = call.inputs[1].as<T>();
  update.rho = static_cast<T>(call.floats[0]);
  update.rest = static_cast<T>(1.0 - call.floats[0]);
  update.momentum = static_cast<T>(call.floats[1]);
  update.epsilon = static_cast<T>(call.floats[2]);
  update.rate = static_cast<T>(lr);
  update.decay = static_cast<T>(call.floats[3] * lr);
  for_vectors<T>(*call.workers, call.outputs[0].size, 5 + 2 * centered + 2 * with_momentum, update);
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
void update(const Call& call) {
  bring_old_values(call);
  by_float<single, twice>(call);
}

}  // namespace

// The learning rate may be of either type, whatever the parameters are; iterations are counted in int64.
constexpr TypeRule types = {Floats::set, {0, 0, Floats::set}};
constexpr TypeRule adam_types = {Floats::set, {0, 0, Floats::set, types_of<std::int64_t>}};

extern const OpRow optimizer_rows[] = {
    {"sgd", update<sgd<float>, sgd<double>>, types},
    {"adam", update<adam<float>, adam<double>>, adam_types},
    {"rmsprop", update<rmsprop_of<float>, rmsprop_of<double>>, types},
};
extern const int optimizer_row_count = sizeof(optimizer_rows) / sizeof(optimizer_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
