// The ceiling of this core: multiply-adds on registers, enough of them at a time that none waits for another.
#include <time.h>

#include "gemm/gemm.h"
#include "gemm/tile.h"

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

}  // namespace

double measure_fma(double seconds) {
  float values[2 * lanes<float>];
  for (int i = 0; i < lanes<float>; ++i) {
    values[i] = 1.0f;
    values[lanes<float> + i] = 1e-30f;
  }
  constexpr std::int64_t steps = 2000;
  constexpr double flops = 2.0 * steps * chains * lanes<float>;
  double best = 0;
  const double start = now();
  double before = start;
  do {
    run_chains(steps, values);
    const double after = now();
    if (after > before && flops / (after - before) > best) best = flops / (after - before);
    before = after;
  } while (before - start < seconds);
  return best;
}

}  // namespace dlnative::DLNATIVE_ISA
