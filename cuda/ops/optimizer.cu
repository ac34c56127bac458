// Optimizer updates; the formulas are the CPU's (csrc/ops/optimizer_formulas.h), an element a thread. The learning rate
// and the number of the step are read by the kernel, so that a recorded step can be replayed.
#include "ops/optimizer_formulas.h"

#include <algorithm>

#include "device/pack_math.h"
#include "ops/rows.h"

namespace dlnative::cuda {
namespace {

constexpr int update_threads = 256;

// One element, or a pack of them, beginning with element i.
struct At {
  std::int64_t i;
  template <class T>
  DLNATIVE_INLINE T read(const T* array) const {
    return array[i];
  }
  template <class T>
  DLNATIVE_INLINE void write(T* array, T value) const {
    array[i] = value;
  }
};

struct AtPack {
  std::int64_t i;
  template <class T>
  DLNATIVE_INLINE Pack<T> read(const T* array) const {
    return load_pack(array + i);
  }
  template <class T>
  DLNATIVE_INLINE void write(T* array, const Pack<T>& value) const {
    store_pack(array + i, value);
  }
};

template <class T>
bool packs(const SgdUpdate<T>& u) {
  return is_aligned(u.param) && is_aligned(u.gradient);
}
template <class T>
bool packs(const MomentumUpdate<T>& u) {
  return is_aligned(u.param) && is_aligned(u.slot) && is_aligned(u.gradient);
}
template <class T>
bool packs(const AdamUpdate<T>& u) {
  return is_aligned(u.param) && is_aligned(u.m) && is_aligned(u.v) && is_aligned(u.vhat) && is_aligned(u.gradient);
}
template <class T, bool centered, bool with_momentum>
bool packs(const RmspropUpdate<T, centered, with_momentum>& u) {
  return is_aligned(u.param) && is_aligned(u.velocity) && is_aligned(u.slot) && is_aligned(u.average) &&
         is_aligned(u.gradient);
}

// A learning rate in its own type.
struct Rate {
  const void* at;
  bool single;
  DLNATIVE_INLINE double read() const {
    return single ? static_cast<double>(*static_cast<const float*>(at)) : *static_cast<const double*>(at);
  }
};
Rate rate_of(const View& view) { return {view.data, view.dtype == DType::float32}; }

// What is not yet in the update that `prepare` fills: all that depends on buffers.
struct PrepareRate {
  Rate rate;
  double weight_decay;
  template <class Update>
  DLNATIVE_INLINE void operator()(Update& update) const {
    const double lr = rate.read();
    update.rate = static_cast<decltype(update.rate)>(lr);
    update.decay = static_cast<decltype(update.decay)>(weight_decay * lr);
  }
};
struct PrepareAdam {
  Rate rate;
  const std::int64_t* iterations;
  double beta_1, beta_2, weight_decay;
  template <class T>
  DLNATIVE_INLINE void operator()(AdamUpdate<T>& update) const {
    const double lr = rate.read();
    update.alpha = adam_rate<T>(lr, beta_1, beta_2, *iterations + 1);
    update.decay = static_cast<T>(weight_decay * lr);
  }
};

// A few blocks a multiprocessor, which go through all elements: what depends on buffers is worked out once a thread.
template <class T, class Update, class Prepare>
__global__ void __launch_bounds__(update_threads)
    update_kernel(Update update, Prepare prepare, std::int64_t size, std::int64_t packs) {
  wait_for_previous_kernel();
  prepare(update);
  const std::int64_t first = std::int64_t{blockIdx.x} * update_threads + threadIdx.x;
  const std::int64_t threads = std::int64_t{gridDim.x} * update_threads;
  for (std::int64_t i = first; i < packs; i += threads) update(AtPack{i * pack_width<T>});
  for (std::int64_t i = packs * pack_width<T> + first; i < size; i += threads) update(At{i});
}

template <class T, class Update, class Prepare>
void enqueue_update(const Update& update, const Prepare& prepare, std::int64_t size, Queue& queue) {
  const std::int64_t in_packs = packs(update) ? size / pack_width<T> : 0;
  const std::int64_t items = in_packs > 0 ? in_packs : size;
  const auto most = static_cast<unsigned>(8 * device().multiprocessors);
  const Grid grid{std::min(blocks_for(items, update_threads), most), update_threads};
  launch(queue, update_kernel<T, Update, Prepare>, grid, update, prepare, size, in_packs);
}

template <class T>
void sgd(const Call& call, Queue& queue) {
  const View& param = call.outputs[0];
  const PrepareRate prepare{rate_of(call.inputs[2]), call.floats[1]};
  const T* gradient = call.inputs[1].as<const T>();
  if (call.output_count == 1) {
    return enqueue_update<T>(SgdUpdate<T>{param.as<T>(), gradient, T{0}, T{0}}, prepare, param.size, queue);
  }
  const MomentumUpdate<T> update{param.as<T>(), call.outputs[1].as<T>(), gradient, static_cast<T>(call.floats[0]), T{0},
                                 T{0},          call.ints[0] != 0};
  enqueue_update<T>(update, prepare, param.size, queue);
}

template <class T>
void adam(const Call& call, Queue& queue) {
  const double beta_1 = call.floats[0], beta_2 = call.floats[1];
  AdamUpdate<T> update{};
  update.param = call.outputs[0].as<T>();
  update.m = call.outputs[1].as<T>();
  update.v = call.outputs[2].as<T>();
  update.vhat = call.output_count > 3 ? call.outputs[3].as<T>() : nullptr;
  update.gradient = call.inputs[1].as<const T>();
  update.rest_1 = static_cast<T>(1.0 - beta_1);
  update.rest_2 = static_cast<T>(1.0 - beta_2);
  update.epsilon = static_cast<T>(call.floats[2]);
  const PrepareAdam prepare{rate_of(call.inputs[2]), call.inputs[3].as<const std::int64_t>(), beta_1, beta_2,
                            call.floats[3]};
  enqueue_update<T>(update, prepare, call.outputs[0].size, queue);
}

template <class T, bool centered, bool with_momentum>
void rmsprop(const Call& call, Queue& queue) {
  RmspropUpdate<T, centered, with_momentum> update{};
  update.param = call.outputs[0].as<T>();
  update.velocity = call.outputs[1].as<T>();
  update.slot = with_momentum ? call.outputs[2].as<T>() : nullptr;
  update.average = centered ? call.outputs[with_momentum ? 3 : 2].as<T>() : nullptr;
  update.gradient = call.inputs[1].as<const T>();
  update.rho = static_cast<T>(call.floats[0]);
  update.rest = static_cast<T>(1.0 - call.floats[0]);
  update.momentum = static_cast<T>(call.floats[1]);
  update.epsilon = static_cast<T>(call.floats[2]);
  enqueue_update<T>(update, PrepareRate{rate_of(call.inputs[2]), call.floats[3]}, call.outputs[0].size, queue);
}
template <class T>
void rmsprop_of(const Call& call, Queue& queue) {
  const bool centered = call.ints[0] != 0, with_momentum = call.floats[1] > 0.0;
  if (centered) {
    with_momentum ? rmsprop<T, true, true>(call, queue) : rmsprop<T, true, false>(call, queue);
  } else {
    with_momentum ? rmsprop<T, false, true>(call, queue) : rmsprop<T, false, false>(call, queue);
  }
}

// The updates work in place. Where a plan gives the results memory of their own, the old values are brought there
// first: the parameters are the first input, the slots the last ones.
void bring_old_values(const Call& call, Queue& queue) {
  for (int index = 0; index < call.output_count; ++index) {
    const View& from = call.inputs[index == 0 ? 0 : call.input_count - call.output_count + index];
    const View& to = call.outputs[index];
    if (from.data != to.data && to.size > 0) {
      queue.copy(to.data, from.data, static_cast<std::size_t>(to.size * item_size(to.dtype)));
    }
  }
}

template <Enqueue single, Enqueue twice>
void update(const Call& call, Queue& queue) {
  bring_old_values(call, queue);
  by_float<single, twice>(call, queue);
}

// The learning rate may be of either type, whatever the parameters are; iterations are counted in int64.
constexpr TypeRule types = {Floats::set, {0, 0, Floats::set}};
constexpr TypeRule adam_types = {Floats::set, {0, 0, Floats::set, types_of<std::int64_t>}};

}  // namespace

extern const Row optimizer_rows[] = {
    {"sgd", update<sgd<float>, sgd<double>>, types},
    {"adam", update<adam<float>, adam<double>>, adam_types},
    {"rmsprop", update<rmsprop_of<float>, rmsprop_of<double>>, types},
};
extern const int optimizer_row_count = sizeof(optimizer_rows) / sizeof(optimizer_rows[0]);

}  // namespace dlnative::cuda
