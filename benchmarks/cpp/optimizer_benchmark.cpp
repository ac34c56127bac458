// Optimizer updates, in L2 and at fifty million parameters. Each update of one parameter is compared with
// its formula before it is timed. Counters: GB/s read and written, and per cent of what a copy of as many bytes
// reaches.
#include <cmath>
#include <cstdio>

#include "machine.h"

namespace {

struct Update {
  const char* name;
  const char* op;
  int slots;
  std::int64_t flag;  // nesterov, amsgrad or centered
  std::initializer_list<double> floats;
  double (*step)(double gradient);  // what the first update takes off a parameter, with a learning rate of 1e-3
};

const Update updates[] = {
    {"sgd", "sgd", 0, 0, {0.0, 0.0}, [](double g) { return 1e-3 * g; }},
    {"sgd momentum", "sgd", 1, 0, {0.9, 0.0}, [](double g) { return 1e-3 * g; }},
    {"adam", "adam", 2, 0, {0.9, 0.999, 1e-7, 0.0}, [](double g) { return 1e-3 * g / (std::fabs(g) + 3e-6); }},
    {"adamw", "adam", 2, 0, {0.9, 0.999, 1e-7, 0.004}, [](double g) { return 1e-3 * g / (std::fabs(g) + 3e-6); }},
    {"rmsprop",
     "rmsprop",
     1,
     0,
     {0.9, 0.0, 1e-7, 0.0},
     [](double g) { return 1e-3 * g / std::sqrt(0.1 * g * g + 1e-7); }},
};

void run(benchmark::State& state, const Update& update, std::int64_t size, int threads) {
  const dlnative::Kernel function = dlnative_benchmark::find_kernel(update.op);
  if (function == nullptr) {
    state.SkipWithError("no such kernel");
    return;
  }
  using dlnative_benchmark::view_of;
  const auto param = dlnative_benchmark::random_floats(size), gradient = dlnative_benchmark::random_floats(size);
  const auto first = dlnative_benchmark::allocate(size * 4), second = dlnative_benchmark::allocate(size * 4);
  const auto rate = dlnative_benchmark::allocate(4), iterations = dlnative_benchmark::allocate(8);
  *static_cast<float*>(rate.get()) = 1e-3f;
  dlnative::View inputs[6] = {view_of(param, {size}), view_of(gradient, {size}), view_of(rate, {})};
  int count = 3;
  if (update.op == std::string("adam")) inputs[count++] = view_of(iterations, {}, dlnative::DType::int64);
  if (update.slots > 0) inputs[count++] = view_of(first, {size});
  if (update.slots > 1) inputs[count++] = view_of(second, {size});
  const dlnative::View outputs[3] = {inputs[0], view_of(first, {size}), view_of(second, {size})};
  const dlnative::Workers workers = dlnative_benchmark::workers_of(threads);
  dlnative::Call call;
  call.inputs = inputs;
  call.input_count = count;
  call.outputs = outputs;
  call.output_count = 1 + update.slots;
  call.ints = &update.flag;
  call.floats = update.floats.begin();
  call.workers = &workers;

  const auto* p = static_cast<const float*>(param.get());
  const double before = static_cast<double>(p[size / 2]),
               g = static_cast<double>(static_cast<float*>(gradient.get())[size / 2]);
  function(call);
  const double decay = update.name == std::string("adamw") ? before * 0.004 * 1e-3 : 0.0;
  if (!(std::fabs(static_cast<double>(p[size / 2]) - (before - decay - update.step(g))) < 1e-6)) {
    state.SkipWithError("the update is wrong");
    return;
  }
  for (auto _ : state) {
    function(call);
    benchmark::ClobberMemory();
  }
  const double bytes = 4.0 * static_cast<double>(size) * (3 + 2 * update.slots);
  state.counters["GB/s"] =
      benchmark::Counter(bytes * static_cast<double>(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
  state.counters["% of copy"] = dlnative_benchmark::percent_of_copy_limit(bytes, [&] { function(call); });
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  dlnative_benchmark::add_context();
  for (const Update& update : updates) {
    for (const std::int64_t size : {std::int64_t{40'000}, std::int64_t{50'000'000}}) {
      char name[96];
      std::snprintf(name, sizeof(name), "%s/%ld", update.name, long(size));
      benchmark::RegisterBenchmark(name, [&update, size](benchmark::State& state) { run(state, update, size, 1); });
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
