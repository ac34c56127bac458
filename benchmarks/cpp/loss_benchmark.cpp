// Softmax, crossentropy and sums over rows, at the sizes of small networks and of a vocabulary. Each is compared with
// its formula in double before it is timed. Counters: nanoseconds a row, and per cent of what a copy of as many bytes
// reaches.
#include <cmath>
#include <cstdio>

#include "machine.h"

namespace {

struct Shape {
  std::int64_t rows, classes;
};
const Shape shapes[] = {{16, 3}, {128, 10}, {128, 100}, {1024, 1000}, {64, 50000}};

double log_sum_exp(const float* z, std::int64_t classes) {
  double total = 0;
  for (std::int64_t c = 0; c < classes; ++c) total += std::exp(static_cast<double>(z[c]));
  return std::log(total);
}

void run(benchmark::State& state, const char* op, const Shape& shape) {
  const dlnative::Kernel function = dlnative_benchmark::find_kernel(op);
  if (function == nullptr) {
    state.SkipWithError("no such kernel");
    return;
  }
  using dlnative_benchmark::view_of;
  const bool loss = std::strncmp(op, "sparse", 6) == 0, sum = std::strcmp(op, "sum") == 0;
  const bool logarithm = std::strcmp(op, "log_softmax") == 0;
  const auto z = dlnative_benchmark::random_floats(shape.rows * shape.classes);
  const auto labels = dlnative_benchmark::allocate(shape.rows * 4);
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    static_cast<std::int32_t*>(labels.get())[r] = static_cast<std::int32_t>(r % shape.classes);
  }
  const auto rows = dlnative_benchmark::allocate(shape.rows * 4);
  const auto y = dlnative_benchmark::allocate(shape.rows * shape.classes * 4);
  const dlnative::View inputs[] = {view_of(z, {shape.rows, shape.classes}),
                                   view_of(labels, {shape.rows}, dlnative::DType::int32)};
  const dlnative::View row_results = view_of(rows, {shape.rows}), full = view_of(y, {shape.rows, shape.classes});
  const dlnative::View outputs[] = {loss || sum ? row_results : full, full};
  const std::int64_t ints[] = {1, 2, 0};  // sum: axes [1, 2), not kept
  const double floats[] = {1.0};
  const dlnative::Workers one;
  dlnative::Call call;
  call.inputs = inputs;
  call.input_count = loss ? 2 : 1;
  call.outputs = outputs;
  call.output_count = loss ? 2 : 1;
  call.ints = ints;
  call.floats = floats;
  call.workers = &one;
  function(call);
  const auto* logits = static_cast<const float*>(z.get());
  for (std::int64_t r = 0; r < shape.rows; r += shape.rows / 8 + 1) {
    const float* row = logits + r * shape.classes;
    double expected = 0, got = static_cast<double>(static_cast<float*>(rows.get())[r]);
    if (sum) {
      for (std::int64_t c = 0; c < shape.classes; ++c) expected += static_cast<double>(row[c]);
    } else if (loss) {
      expected = log_sum_exp(row, shape.classes) - static_cast<double>(row[r % shape.classes]);
    } else {
      expected = static_cast<double>(row[0]) - log_sum_exp(row, shape.classes);
      if (!logarithm) expected = std::exp(expected);
      got = static_cast<double>(static_cast<float*>(y.get())[r * shape.classes]);
    }
    if (!(std::fabs(got - expected) <= 1e-5 * (1 + std::fabs(expected)))) {
      state.SkipWithError("the result is wrong");
      return;
    }
  }
  for (auto _ : state) {
    function(call);
    benchmark::ClobberMemory();
  }
  const double bytes = 4.0 * static_cast<double>(shape.rows * shape.classes) * (sum ? 1 : 2);
  state.counters["ns a row"] =
      benchmark::Counter(static_cast<double>(shape.rows) * static_cast<double>(state.iterations()) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["% of copy"] = dlnative_benchmark::percent_of_copy_limit(bytes, [&] { function(call); });
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  dlnative_benchmark::add_context();
  for (const char* op : {"softmax", "log_softmax", "sparse_categorical_crossentropy_with_logits", "sum"}) {
    for (const Shape& shape : shapes) {
      char name[96];
      std::snprintf(name, sizeof(name), "%s/%ldx%ld", op, long(shape.rows), long(shape.classes));
      benchmark::RegisterBenchmark(name, [op, shape](benchmark::State& state) { run(state, op, shape); });
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
