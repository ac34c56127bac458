// The limits that the benchmarks are held against, measured beside what they are for, and what goes into the header
// of a report.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dlnative/isa.h"
#include "dlnative/threads.h"

namespace dlnative_benchmark {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<void, Free>;

inline Memory allocate(std::int64_t bytes) {
  const std::size_t size = static_cast<std::size_t>(bytes + 127) / 64 * 64;
  Memory memory(std::aligned_alloc(64, size));
  std::memset(memory.get(), 0, size);
  return memory;
}

inline Memory random_floats(std::int64_t count) {
  Memory memory = allocate(count * 4);
  std::mt19937 generator(11);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (std::int64_t i = 0; i < count; ++i) static_cast<float*>(memory.get())[i] = uniform(generator);
  return memory;
}

inline dlnative::Workers workers_of(int threads) {
  if (threads == 1) return {};
  dlnative::set_num_threads(threads);
  return dlnative::workers();
}

inline double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What a core can do at this moment: operations of multiply-adds a second, at best and at worst of a few times; and its
// clock, as multiplications a second that wait for one another, each for the same number of cycles.
struct Core {
  double fma, min_fma, clock;
};

inline double dependent_multiplications() {
  constexpr int steps = 2000;
  std::uint64_t x = 3;
  const double seconds = seconds_of([&] {
    for (int i = 0; i < steps; ++i) {
      x *= x;
      __asm__ volatile("" : "+r"(x));
    }
  });
  return steps / seconds;
}

// The clock follows what a core does: a processor takes some of it back while it multiplies, gives it back within
// milliseconds, and is slow for some microseconds in between. So the limit of a piece of work is what the core can
// do right after it, but for the first multiply-adds; and the next one begins right after multiply-adds too.
inline Core core_now() {
  const auto multiply_adds = [] { return dlnative::isa().measure_fma(1e-9); };
  multiply_adds();
  const auto [worst, best] = std::minmax({multiply_adds(), multiply_adds(), multiply_adds()});
  const double clock =
      std::max({dependent_multiplications(), dependent_multiplications(), dependent_multiplications()});
  for (int i = 0; i < 3; ++i) multiply_adds();
  return {best, worst, clock};
}

// Multiply-adds for each turn of the clock, when nobody else uses this core's units: what a tenth of the moments at the
// start exceed.
inline double fma_per_clock() {
  static const double found = [] {
    std::vector<double> ratios(2000);
    for (double& ratio : ratios) {
      const Core core = core_now();
      ratio = core.fma / core.clock;
    }
    std::sort(ratios.begin(), ratios.end());
    return ratios[ratios.size() * 9 / 10];
  }();
  return found;
}

// Whether this core has all its multiply-adds: a neighbour on the same core takes up to half of them. It says nothing
// of the cores of other threads.
inline bool is_undisturbed(const Core& core) { return core.min_fma > 0.97 * fma_per_clock() * core.clock; }

// What work i took in turn t, and how many multiply-adds a second the core could do then.
struct Turn {
  double seconds, fma_limit;
};

// Each of `works` by turns, a fraction of a millisecond each: element [i][t]. Only turns before and after which the
// core was undisturbed; all, where they are fewer than nine.
inline std::vector<std::vector<Turn>> take_turns(const std::vector<std::function<void()>>& works) {
  constexpr double length = 2e-4;
  std::vector<std::vector<Turn>> all(works.size()), quiet(works.size());
  std::vector<int> repeats;
  for (const auto& work : works) {
    repeats.push_back(static_cast<int>(std::max(1.0, length / std::max(seconds_of(work), 1e-9))));
  }
  double spent = 0;
  bool before = is_undisturbed(core_now());
  for (int turn = 0; turn < 1000 && (spent < 1.0 || turn < 9); ++turn) {
    bool calm = before;
    for (std::size_t i = 0; i < works.size(); ++i) {
      works[i]();  // wakes its threads
      const double seconds = seconds_of([&] {
        for (int k = 0; k < repeats[i]; ++k) works[i]();
      });
      const Core core = core_now();
      all[i].push_back({seconds / repeats[i], core.fma});
      calm = (before = is_undisturbed(core)) && calm;
      spent += seconds;
    }
    for (std::size_t i = 0; calm && i < works.size(); ++i) quiet[i].push_back(all[i].back());
  }
  return quiet[0].size() < 9 ? all : quiet;
}

// Per cent of the bandwidth of a copy that `work` reaches, measured by turns. The copy is of as many bytes as `work`
// touches, between one and 64 MB: from cache to cache if those are few.
inline double percent_of_copy_limit(double bytes, const auto& work) {
  const auto size = static_cast<std::int64_t>(std::clamp(bytes / 2, 4096.0, 6.4e7)) / 64 * 64;
  const Memory from = allocate(size), to = allocate(size);
  const auto copy = [&](int repeats) {
    for (int i = 0; i < repeats; ++i) {
      std::memcpy(to.get(), from.get(), static_cast<std::size_t>(size));
      benchmark::ClobberMemory();
    }
  };
  copy(2);
  work();
  constexpr double length = 2e-4;
  const auto repeats = static_cast<int>(std::max(1.0, length / std::max(seconds_of(work), 1e-9)));
  const auto copies = static_cast<int>(std::max(1.0, length / std::max(seconds_of([&] { copy(1); }), 1e-9)));
  std::vector<double> percents;
  double spent = 0;
  for (int turn = 0; turn < 400 && (spent < 0.5 || turn < 9); ++turn) {
    const double limit = 2.0 * static_cast<double>(size) * copies / seconds_of([&] { copy(copies); });
    const double seconds = seconds_of([&] {
      for (int i = 0; i < repeats; ++i) work();
    });
    percents.push_back(100 * bytes * repeats / seconds / limit);
    spent += seconds;
  }
  return median(percents);
}

// The kernel of an op, null if there is none of that name.
inline dlnative::Kernel find_kernel(const char* name) {
  const dlnative::OpTable& ops = dlnative::isa().ops;
  for (int op = 0; op < ops.count; ++op) {
    if (std::strcmp(name, ops.rows[op].name) == 0) return ops.rows[op].run;
  }
  return nullptr;
}

inline dlnative::View view_of(const Memory& memory, std::initializer_list<std::int64_t> shape,
                              dlnative::DType dtype = dlnative::DType::float32) {
  dlnative::View view;
  view.data = memory.get();
  view.dtype = dtype;
  view.size = 1;
  for (const std::int64_t extent : shape) {
    view.shape[view.rank++] = extent;
    view.size *= extent;
  }
  return view;
}

inline void add_context() {
  benchmark::AddCustomContext("compiler", DLNATIVE_COMPILER);
  benchmark::AddCustomContext("build_type", DLNATIVE_BUILD_TYPE);
  benchmark::AddCustomContext("isa", dlnative::isa().name);
  benchmark::AddCustomContext("fma_gflops_at_first", std::to_string(dlnative::isa().measure_fma(0.3) * 1e-9));
  const char* commit = std::getenv("DLNATIVE_COMMIT");
  benchmark::AddCustomContext("commit", commit == nullptr ? "unknown (set DLNATIVE_COMMIT)" : commit);
}

}  // namespace dlnative_benchmark
