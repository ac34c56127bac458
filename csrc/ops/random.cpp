// Random numbers from a counter: Philox 4x32-10 (dlnative/philox.h) under a state (seed, counter), an int64[2] buffer.
//
//   element i          word i % 4 of block i // 4; key = seed, counter words = (block, counter), each as low, high
//   u                  (word >> 8) 2^-24, in [0, 1)
//   random_uniform     y = u
//   random_normal      Box and Muller, on words (0, 1) and (2, 3) of a block:
//                      r = sqrt(-2 ln(1 - u0));  elements r cos(2 pi u1), r sin(2 pi u1)
//   dropout            y = x / (1 - rate) where u >= rate, else 0; the same call on dy is its gradient
//   random_permutation y = 0, 1, ... shuffled: for each i, j = floor(r_i (i + 1) / 2^64), y_i = y_j, y_j = i, where r_i
//                      is words 2 i (low) and 2 i + 1 (high)
//
// An element depends on nothing but its index, so how work is cut changes no bit, and all backends draw the same mask.
// Sources: Salmon et al. 2011 (Philox); Box & Muller 1958; Fisher & Yates 1938, in Knuth's inside-out form.
#include "dlnative/kernel.h"
#include "dlnative/philox.h"
#include "ops/dispatch.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

constexpr std::int64_t groups_per_task = 64;

// Calls body(words, first, count) for each group of 64 elements, the last of which may have fewer.
template <class Body>
void for_groups(const Call& call, std::int64_t size, int state_input, double nanoseconds_each, Body body) {
  const auto* state = call.inputs[state_input].as<std::int64_t>();
  const auto seed = static_cast<std::uint64_t>(state[0]), counter = static_cast<std::uint64_t>(state[1]);
  const PhiloxKey key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  const std::int64_t groups = (size + philox_group - 1) / philox_group;
  const int threads = call.workers->worthwhile(nanoseconds_each * static_cast<double>(size));
  call.workers->parallel_for(threads, (groups + groups_per_task - 1) / groups_per_task, [&](std::int64_t task, int) {
    const std::int64_t end = (task + 1) * groups_per_task < groups ? (task + 1) * groups_per_task : groups;
    for (std::int64_t group = task * groups_per_task; group < end; ++group) {
      std::uint32_t words[philox_group];
      philox(key, static_cast<std::uint64_t>(group * (philox_group / 4)), counter, words);
      const std::int64_t first = group * philox_group;
      body(words, first, size - first < philox_group ? size - first : std::int64_t{philox_group});
    }
  });
}

template <class T>
DLNATIVE_INLINE T unit(std::uint32_t word) {
  return static_cast<T>(static_cast<std::int32_t>(word >> 8)) * static_cast<T>(0x1p-24);
}

// Whole groups are written where they belong, the last one by way of a copy of its full length.
template <class T, class Fill>
DLNATIVE_INLINE void write_group(T* y, std::int64_t count, Fill fill) {
  if (count == philox_group) return fill(y);
  T whole[philox_group];
  fill(whole);
  for (std::int64_t i = 0; i < count; ++i) y[i] = whole[i];
}

template <class T>
void uniform(const Call& call) {
  T* y = call.outputs[0].as<T>();
  for_groups(call, call.outputs[0].size, 0, 1.0,
             [y](const std::uint32_t* words, std::int64_t first, std::int64_t count) {
               write_group(y + first, count, [words](T* to) {
                 for (int i = 0; i < philox_group; ++i) to[i] = unit<T>(words[i]);
               });
             });
}

// u is exact in either type, and so is 1 - u, which lies in (0, 1].
template <class T>
DLNATIVE_INLINE void box_muller(const std::uint32_t* words, T* to) {
  constexpr int pairs = philox_group / 2;
  T radius[pairs], angle[pairs];
  for (int i = 0; i < pairs; ++i) {
    radius[i] = T{1} - unit<T>(words[2 * i]);
    angle[i] = static_cast<T>(2 * 3.14159265358979323846) * unit<T>(words[2 * i + 1]);
  }
  T cosine[pairs], sine[pairs];
  for (int i = 0; i < pairs; i += lanes<T>) {
    const Vec<T> r = sqrt(log(load(radius + i)) * T{-2}), a = load(angle + i);
    store(cosine + i, r * cos(a));
    store(sine + i, r * sin(a));
  }
  for (int i = 0; i < pairs; ++i) {
    to[2 * i] = cosine[i];
    to[2 * i + 1] = sine[i];
  }
}

template <class T>
void normal(const Call& call) {
  T* y = call.outputs[0].as<T>();
  for_groups(call, call.outputs[0].size, 0, 5.0,
             [y](const std::uint32_t* words, std::int64_t first, std::int64_t count) {
               write_group(y + first, count, [words](T* to) { box_muller(words, to); });
             });
}

template <class T>
void dropout(const Call& call) {
  const T* x = call.inputs[0].as<T>();
  T* y = call.outputs[0].as<T>();
  const double rate = call.floats[0];
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  const T threshold = static_cast<T>(static_cast<float>(rate));  // u is exact in float32, so all backends compare there
  for_groups(call, call.outputs[0].size, 1, 1.0,
             [=](const std::uint32_t* words, std::int64_t first, std::int64_t count) {
               T u[philox_group];
               for (int i = 0; i < philox_group; ++i) u[i] = unit<T>(words[i]);
               std::int64_t i = 0;
               for (; i + lanes<T> <= count; i += lanes<T>) {
                 store(y + first + i, select(load(u + i) >= threshold, load(x + first + i) * scale, Vec<T>{}));
               }
               for (; i < count; ++i) y[first + i] = u[i] >= threshold ? x[first + i] * scale : T{0};
             });
}

// Each step depends on the ones before, so this is for one thread.
void permutation(const Call& call) {
  auto* y = call.outputs[0].as<std::int64_t>();
  const auto* state = call.inputs[0].as<std::int64_t>();
  const auto seed = static_cast<std::uint64_t>(state[0]), counter = static_cast<std::uint64_t>(state[1]);
  const PhiloxKey key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  const std::int64_t size = call.outputs[0].size;
  constexpr std::int64_t group = philox_group / 2;
  for (std::int64_t first = 0; first < size; first += group) {
    std::uint32_t words[philox_group];
    philox(key, static_cast<std::uint64_t>(first / group * (philox_group / 4)), counter, words);
    const std::int64_t count = size - first < group ? size - first : group;
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t i = first + k;
      const std::uint64_t r = words[2 * k] | static_cast<std::uint64_t>(words[2 * k + 1]) << 32;
      const auto j =
          static_cast<std::int64_t>(static_cast<unsigned __int128>(r) * static_cast<std::uint64_t>(i + 1) >> 64);
      y[i] = y[j];
      y[j] = i;
    }
  }
}

}  // namespace

constexpr TypeSet state = types_of<std::int64_t>;

extern const OpRow random_rows[] = {
    {"random_uniform", by_float<uniform<float>, uniform<double>>, {Floats::set, {state}}},
    {"random_normal", by_float<normal<float>, normal<double>>, {Floats::set, {state}}},
    {"dropout", by_float<dropout<float>, dropout<double>>, {Floats::set, {0, state}}},
    {"random_permutation", permutation, same<Types<std::int64_t>>},
};
extern const int random_row_count = sizeof(random_rows) / sizeof(random_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
