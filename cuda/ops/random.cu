// Random numbers from a counter, with the bits of the CPU's; csrc/ops/random.cpp says which word is whose.
//
// A thread makes blocks of Philox, of four neighbouring elements each: two of them share the ten rounds' keys, which is
// what takes time (some 100 integer instructions a block, against 16 bytes to write).
//
// random_permutation shuffles by exchanges: step i puts i where j(i) <= i points, and what was there in place i. So
// place q holds, before step t, the last k < t with j(k) = q; or, if there is none, what place j(q) held before step q.
// With the steps sorted by (j, k) each place finds its element by binary searches along that chain, whose length grows
// as log n.
#include "device/scalar.h"
#include "dlnative/philox.h"
#include "ops/rows.h"
#include "ops/sort.h"

namespace dlnative::cuda {
namespace {

constexpr int random_threads = 256;
constexpr int words = 4;

DLNATIVE_INLINE PhiloxBlock block_of(const std::int64_t* state, std::int64_t block) {
  const auto seed = static_cast<std::uint64_t>(state[0]), counter = static_cast<std::uint64_t>(state[1]);
  const PhiloxKey key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  return philox_block(key, static_cast<std::uint64_t>(block), counter);
}

template <class T>
DLNATIVE_INLINE T unit(std::uint32_t word) {
  return static_cast<T>(static_cast<std::int32_t>(word >> 8)) * static_cast<T>(0x1p-24);
}

// Writes four elements, fewer at the end.
template <class T>
DLNATIVE_INLINE void write(T* y, std::int64_t first, std::int64_t size, const T (&values)[words], bool aligned) {
  if (aligned && first + words <= size) {
    *reinterpret_cast<Pack<T, words>*>(y + first) = {{values[0], values[1], values[2], values[3]}};
  } else {
    for (int k = 0; k < words && first + k < size; ++k) y[first + k] = values[k];
  }
}

constexpr int blocks_of_thread = 2;  // a grid's width apart, so that neighbours write side by side

template <class T>
__global__ void __launch_bounds__(random_threads)
    uniform_kernel(const std::int64_t* state, T* y, std::int64_t size, bool aligned) {
  wait_for_previous_kernel();
  const std::int64_t start = std::int64_t{blockIdx.x} * (random_threads * blocks_of_thread) + threadIdx.x;
  DLN_UNROLL
  for (int b = 0; b < blocks_of_thread; ++b) {
    const std::int64_t block = start + b * random_threads, first = block * words;
    if (first >= size) return;
    const PhiloxBlock r = block_of(state, block);
    const T values[words] = {unit<T>(r.word[0]), unit<T>(r.word[1]), unit<T>(r.word[2]), unit<T>(r.word[3])};
    write(y, first, size, values, aligned);
  }
}

// u is exact in either type, and so is 1 - u, which lies in (0, 1].
template <class T>
__global__ void __launch_bounds__(random_threads)
    normal_kernel(const std::int64_t* state, T* y, std::int64_t size, bool aligned) {
  wait_for_previous_kernel();
  const std::int64_t block = std::int64_t{blockIdx.x} * random_threads + threadIdx.x, first = block * words;
  if (first >= size) return;
  const PhiloxBlock r = block_of(state, block);
  T values[words];
  DLN_UNROLL
  for (int k = 0; k < words; k += 2) {
    const T radius = sqrt(log(T{1} - unit<T>(r.word[k])) * T{-2});
    T sine, cosine;
    sine_cosine_of_turn(unit<T>(r.word[k + 1]), sine, cosine);
    values[k] = radius * cosine;
    values[k + 1] = radius * sine;
  }
  write(y, first, size, values, aligned);
}

// u is exact in float32, so all backends compare there.
template <class T>
__global__ void __launch_bounds__(random_threads)
    dropout_kernel(const T* x, const std::int64_t* state, T* y, std::int64_t size, T scale, T threshold, bool aligned) {
  wait_for_previous_kernel();
  const std::int64_t block = std::int64_t{blockIdx.x} * random_threads + threadIdx.x, first = block * words;
  if (first >= size) return;
  const PhiloxBlock r = block_of(state, block);
  T values[words];
  if (aligned && first + words <= size) {
    const auto in = *reinterpret_cast<const Pack<T, words>*>(x + first);
    DLN_UNROLL
    for (int k = 0; k < words; ++k) values[k] = in.at[k];
  } else {
    for (int k = 0; k < words; ++k) values[k] = first + k < size ? x[first + k] : T{0};
  }
  DLN_UNROLL
  for (int k = 0; k < words; ++k) values[k] = unit<T>(r.word[k]) >= threshold ? values[k] * scale : T{0};
  write(y, first, size, values, aligned);
}

// j(i) for two neighbouring steps, which share a block of Philox.
__global__ void __launch_bounds__(random_threads)
    exchanges_kernel(const std::int64_t* state, std::int32_t* exchanges, std::int64_t size) {
  wait_for_previous_kernel();
  const std::int64_t block = std::int64_t{blockIdx.x} * random_threads + threadIdx.x;
  if (2 * block >= size) return;
  const PhiloxBlock r = block_of(state, block);
  DLN_UNROLL
  for (int k = 0; k < 2; ++k) {
    const std::int64_t i = 2 * block + k;
    if (i >= size) break;
    // The upper half of the product of 128 bits.
    const std::uint64_t low = r.word[2 * k], high = r.word[2 * k + 1], count = static_cast<std::uint64_t>(i) + 1;
    const std::uint64_t middle = high * (count & 0xffffffffu) + (low * (count & 0xffffffffu) >> 32);
    const std::uint64_t other = low * (count >> 32) + (middle & 0xffffffffu);
    exchanges[i] = static_cast<std::int32_t>(high * (count >> 32) + (middle >> 32) + (other >> 32));
  }
}
__global__ void __launch_bounds__(random_threads)
    permutation_kernel(const std::int32_t* exchanges, const std::int32_t* steps, std::int64_t* y, std::int64_t size) {
  wait_for_previous_kernel();
  const std::int64_t at = std::int64_t{blockIdx.x} * random_threads + threadIdx.x;
  if (at >= size) return;
  std::int64_t place = at, before = size;
  while (true) {
    std::int64_t low = 0, high = size;  // how many steps are in front of (place, before)
    while (low < high) {
      const std::int64_t half = (low + high) / 2, step = steps[half], to = exchanges[step];
      const bool in_front = to < place || (to == place && step < before);
      (in_front ? low : high) = in_front ? half + 1 : half;
    }
    const std::int64_t last = low > 0 ? steps[low - 1] : -1;
    if (last >= 0 && exchanges[last] == place) {
      y[at] = last;
      return;
    }
    before = place;
    place = exchanges[place];
  }
}
std::int64_t even(std::int64_t size) { return (size + 1) / 2 * 2; }
void permutation(const Call& call, Queue& queue) {
  const View& y = call.outputs[0];
  if (y.size == 0) return;
  auto* const exchanges = static_cast<std::int32_t*>(call.scratch);
  std::int32_t* const steps = exchanges + even(y.size);
  launch(queue, exchanges_kernel, Grid{blocks_for(y.size, 2 * random_threads), random_threads},
         call.inputs[0].as<const std::int64_t>(), exchanges, y.size);
  enqueue_sort<std::int32_t>(exchanges, steps, 1, y.size, false, steps + even(y.size), queue);
  launch(queue, permutation_kernel, Grid{blocks_for(y.size, random_threads), random_threads}, exchanges, steps,
         y.as<std::int64_t>(), y.size);
}
std::int64_t permutation_bytes(const Call& call) {
  const std::int64_t size = call.outputs[0].size;
  return 2 * even(size) * static_cast<std::int64_t>(sizeof(std::int32_t)) + sort_bytes<std::int32_t>(1, size);
}

Grid random_grid(std::int64_t size, int blocks = 1) {
  return {blocks_for(size, random_threads * words * blocks), random_threads};
}

template <class T>
void uniform(const Call& call, Queue& queue) {
  const View& y = call.outputs[0];
  launch(queue, uniform_kernel<T>, random_grid(y.size, blocks_of_thread), call.inputs[0].as<const std::int64_t>(),
         y.as<T>(), y.size, is_aligned(y.data));
}
template <class T>
void normal(const Call& call, Queue& queue) {
  const View& y = call.outputs[0];
  launch(queue, normal_kernel<T>, random_grid(y.size), call.inputs[0].as<const std::int64_t>(), y.as<T>(), y.size,
         is_aligned(y.data));
}
template <class T>
void dropout(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  const double rate = call.floats[0];
  launch(queue, dropout_kernel<T>, random_grid(y.size), x.as<const T>(), call.inputs[1].as<const std::int64_t>(),
         y.as<T>(), y.size, static_cast<T>(1.0 / (1.0 - rate)), static_cast<T>(static_cast<float>(rate)),
         is_aligned(y.data) && is_aligned(x.data));
}

constexpr TypeSet state = types_of<std::int64_t>;

}  // namespace

extern const Row random_rows[] = {
    {"random_uniform", by_float<uniform<float>, uniform<double>>, {Floats::set, {state}}},
    {"random_normal", by_float<normal<float>, normal<double>>, {Floats::set, {state}}},
    {"dropout", by_float<dropout<float>, dropout<double>>, {Floats::set, {0, state}}},
    {"random_permutation", permutation, same<Types<std::int64_t>>, permutation_bytes},
};
extern const int random_row_count = sizeof(random_rows) / sizeof(random_rows[0]);

}  // namespace dlnative::cuda
