// Elementwise kernels through the op table, small (where the call itself counts), in L2, and larger than
// the last one. Each is compared with libm before it is timed. Counters: GB/s read and written, and per cent of what a
// copy of as many bytes reaches on one core.
#include <cmath>
#include <cstdio>
#include <functional>

#include "machine.h"

namespace {

struct Kernel {
  const char* name;
  int inputs;
  std::function<double(double, double)> reference;
};

constexpr double parameter = 0.3;  // of those that have one

const Kernel kernels[] = {
    {"add", 2, [](double a, double b) { return a + b; }},
    {"relu", 1, [](double a, double) { return a > 0 ? a : 0; }},
    {"relu_gradient", 2, [](double a, double b) { return b > 0 ? a : 0; }},
    {"exp", 1, [](double a, double) { return std::exp(a); }},
    {"tanh", 1, [](double a, double) { return std::tanh(a); }},
    {"sigmoid", 1, [](double a, double) { return 1 / (1 + std::exp(-a)); }},
    {"leaky_relu", 1, [](double a, double) { return a > 0 ? a : parameter * a; }},
    {"leaky_relu_gradient", 2, [](double a, double b) { return b > 0 ? a : parameter * a; }},
    {"elu", 1, [](double a, double) { return a > 0 ? a : parameter * std::expm1(a); }},
    {"silu", 1, [](double a, double) { return a / (1 + std::exp(-a)); }},
    {"gelu", 1, [](double a, double) { return a * (0.5 + 0.5 * std::erf(a * M_SQRT1_2)); }},
    {"gelu_gradient", 2,
     [](double a, double b) {
       return a * (0.5 + 0.5 * std::erf(b * M_SQRT1_2) + b * std::exp(-b * b / 2) * (M_SQRT1_2 * M_2_SQRTPI / 2));
     }},
    {"erf", 1, [](double a, double) { return std::erf(a); }},
    {"log1p", 1, [](double a, double) { return std::log1p(a); }},
};

struct Size {
  std::int64_t rows, columns;
  bool row_broadcast;  // of the second input
};
const Size sizes[] = {{16, 8, false}, {16, 8, true}, {128, 256, false}, {128, 256, true}, {4096, 8192, false}};

void run(benchmark::State& state, const Kernel& kernel, const Size& size) {
  const dlnative::Kernel function = dlnative_benchmark::find_kernel(kernel.name);
  if (function == nullptr) {
    state.SkipWithError("no such kernel");
    return;
  }
  const std::int64_t total = size.rows * size.columns, b_rows = size.row_broadcast ? 1 : size.rows;
  const auto a = dlnative_benchmark::random_floats(total), b = dlnative_benchmark::random_floats(b_rows * size.columns);
  const auto y = dlnative_benchmark::allocate(total * 4);
  const dlnative::View inputs[] = {dlnative_benchmark::view_of(a, {size.rows, size.columns}),
                                   dlnative_benchmark::view_of(b, {b_rows, size.columns})};
  const dlnative::View output = dlnative_benchmark::view_of(y, {size.rows, size.columns});
  const dlnative::Workers one;
  dlnative::Call call;
  call.inputs = inputs;
  call.input_count = kernel.inputs;
  call.outputs = &output;
  call.output_count = 1;
  call.workers = &one;
  call.floats = &parameter;
  function(call);
  for (std::int64_t i = 0; i < total; i += total / 1000 + 1) {
    const double expected = kernel.reference(static_cast<double>(static_cast<float*>(a.get())[i]),
                                             static_cast<double>(static_cast<float*>(b.get())[i % inputs[1].size]));
    if (!(std::fabs(static_cast<double>(static_cast<float*>(y.get())[i]) - expected) <=
          1e-6 * (1 + std::fabs(expected)))) {
      state.SkipWithError("the result is wrong");
      return;
    }
  }
  for (auto _ : state) {
    function(call);
    benchmark::ClobberMemory();
  }
  double bytes = 8.0 * static_cast<double>(total);
  if (kernel.inputs == 2) bytes += 4.0 * static_cast<double>(inputs[1].size);
  state.counters["GB/s"] =
      benchmark::Counter(bytes * static_cast<double>(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
  state.counters["% of copy"] = dlnative_benchmark::percent_of_copy_limit(bytes, [&] { function(call); });
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  dlnative_benchmark::add_context();
  for (const Kernel& kernel : kernels) {
    for (const Size& size : sizes) {
      if (size.row_broadcast && kernel.inputs == 1) continue;
      char name[96];
      std::snprintf(name, sizeof(name), "%s/%ldx%ld%s", kernel.name, long(size.rows), long(size.columns),
                    size.row_broadcast ? "/row" : "");
      benchmark::RegisterBenchmark(name, [&kernel, size](benchmark::State& state) { run(state, kernel, size); });
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
