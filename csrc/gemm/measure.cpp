// The ceilings of this core: multiply-adds on registers, enough of them at a time that none waits for another, and the
// reading of memory.
#include <time.h>

#include "gemm/core/tile.h"
#include "gemm/gemm.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

DLNATIVE_INLINE void keep_in_register(Vec<float>& v) {
#if defined(__aarch64__)
  __asm__("" : "+w"(v));
#elif defined(__x86_64__)
  __asm__("" : "+v"(v));
#else
  __asm__("" : "+m"(v));
#endif
}

constexpr int chains = vector_registers >= 32 ? 20 : 12;

// The values stay near 1, and the compiler cannot know them.
__attribute__((noinline)) void run_chains(std::int64_t steps, float* values) {
  Vec<float> acc[chains];
#pragma GCC unroll 20
  for (int i = 0; i < chains; ++i) acc[i] = load(values) + static_cast<float>(i);
  const Vec<float> factor = load(values), term = load(values + lanes<float>);
#pragma GCC unroll 1
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 20
    for (int i = 0; i < chains; ++i) {
      acc[i] = fma(acc[i], factor, term);
      keep_in_register(acc[i]);
    }
  }
  Vec<float> total = {};
#pragma GCC unroll 20
  for (int i = 0; i < chains; ++i) total += acc[i];
  store(values, fast_min(total, broadcast(1.0f)));
}

// Sums on eight chains, so that no addition waits for another, and keeps what they come to.
__attribute__((noinline)) void read_all(const float* data, std::int64_t count, float* values) {
  constexpr int chains_reading = 8, L = lanes<float>;
  Vec<float> acc[chains_reading] = {};
  for (std::int64_t i = 0; i + chains_reading * L <= count; i += chains_reading * L) {
#pragma GCC unroll 8
    for (int j = 0; j < chains_reading; ++j) acc[j] += load(data + i + j * L);
  }
#pragma GCC unroll 8
  for (int j = 1; j < chains_reading; ++j) acc[0] += acc[j];
  store(values, acc[0]);
}

// The best rate of `work`, which does `amount` of something each time, within `seconds`.
template <class Work>
double best_rate(double amount, double seconds, Work&& work) {
  double best = 0;
  const double start = now();
  double before = start;
  do {
    work();
    const double after = now();
    if (after > before && amount / (after - before) > best) best = amount / (after - before);
    before = after;
  } while (before - start < seconds);
  return best;
}

}  // namespace

double measure_fma(double seconds) {
  float values[2 * lanes<float>];
  for (int i = 0; i < lanes<float>; ++i) {
    values[i] = 1.0f;
    values[lanes<float> + i] = 1e-30f;
  }
  constexpr std::int64_t steps = 2000;
  constexpr double flops = 2.0 * steps * chains * lanes<float>;
  return best_rate(flops, seconds, [&] { run_chains(steps, values); });
}

double measure_read(const float* data, std::int64_t count, double seconds) {
  constexpr std::int64_t least_bytes = 1 << 18;  // a time long enough to be measured
  const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t passes = bytes < least_bytes ? (least_bytes + bytes - 1) / bytes : 1;
  float values[lanes<float>];
  return best_rate(static_cast<double>(bytes * passes), seconds, [&] {
    for (std::int64_t pass = 0; pass < passes; ++pass) read_all(data, count, values);
    __asm__ volatile("" ::"r"(values) : "memory");  // or the compiler sees that nobody reads them
  });
}

}  // namespace dlnative::DLNATIVE_ISA
