// Products of lists as layers would use them: convolutions of 3x3 in place from the image (padded, channels last, bias
// and relu included, a product for each sample), and the step of an LSTM, x W + h R. Weights are packed before. Each is
// compared with a plain loop in double before it is timed. Counters: GFLOP/s, and per cent of the multiply-add limit.
#include <cmath>

#include "machine.h"

namespace {

using dlnative::BatchReduceArguments;
using dlnative::Part;
using dlnative_benchmark::Memory;

// One product of a list, repeated `samples` times, each on another input and output.
struct Work {
  BatchReduceArguments<float> list;
  std::int64_t samples = 1, image = 0;  // elements from one sample's input to the next
  std::vector<Part<float>> parts;
  std::vector<Memory> memory;
  Memory scratch;
  double flops = 0;

  float* random(std::int64_t count) {
    memory.push_back(dlnative_benchmark::random_floats(count));
    return static_cast<float*>(memory.back().get());
  }

  void prepare(std::int64_t M, std::int64_t N) {
    list.M = M, list.N = N, list.ldc = N;
    list.parts = parts.data(), list.part_count = static_cast<std::int64_t>(parts.size());
    list.bias = random(N);
    list.c = random(samples * M * N);
    for (const Part<float>& part : parts) flops += 2.0 * static_cast<double>(samples * M * N * part.K);
    memory.push_back(dlnative_benchmark::allocate(dlnative::batch_reduce_packed_bytes(list)));
    dlnative::batch_reduce_pack(list, memory.back().get());
    list.packed_b = static_cast<const float*>(memory.back().get());
    scratch = dlnative_benchmark::allocate(dlnative::batch_reduce_scratch_bytes(list, 1));
  }

  void run() const {
    std::vector<Part<float>> moved = parts;
    BatchReduceArguments<float> one = list;
    one.parts = moved.data();
    for (std::int64_t sample = 0; sample < samples; ++sample) {
      dlnative::batch_reduce(one, scratch.get(), {});
      for (Part<float>& part : moved) part.a += image;
      one.c += list.M * list.ldc;
    }
  }

  // Some elements of the last sample.
  bool is_right() const {
    const std::int64_t line_rows = list.line_rows > 0 ? list.line_rows : list.M;
    for (std::int64_t m = 0; m < list.M; m += list.M / 7 + 1) {
      for (std::int64_t n = 0; n < list.N; n += list.N / 7 + 1) {
        double total = static_cast<double>(list.bias[n]), magnitude = 1;
        for (const Part<float>& part : parts) {
          const float* const a =
              part.a + (samples - 1) * image + m / line_rows * part.a_line + m % line_rows * part.a_row;
          for (std::int64_t k = 0; k < part.K; ++k) {
            const double product = static_cast<double>(a[k]) * static_cast<double>(part.b[k * part.ldb + n]);
            total += product;
            magnitude += std::fabs(product);
          }
        }
        if (list.activation == dlnative::Activation::relu) total = std::fmax(total, 0);
        const double found = static_cast<double>(list.c[(samples - 1) * list.M * list.ldc + m * list.ldc + n]);
        if (!(std::fabs(total - found) <= 1e-6 * magnitude)) return false;
      }
    }
    return true;
  }
};

Work convolution(std::int64_t batch, std::int64_t size, std::int64_t C, std::int64_t OC) {
  constexpr std::int64_t window = 3;
  const std::int64_t W = size + window - 1;  // padded
  Work work;
  work.samples = batch;
  work.image = W * W * C;
  const float *const x = work.random(batch * work.image), *const w = work.random(window * window * C * OC);
  for (std::int64_t row = 0; row < window; ++row) {
    const std::int64_t K = window * C;
    work.parts.push_back(dlnative::window_part(K, x + row * W * C, C, W * C, w + row * K * OC, OC));
  }
  work.list.line_rows = size;
  work.list.activation = dlnative::Activation::relu;
  work.prepare(size * size, OC);
  return work;
}

Work lstm_step(std::int64_t batch, std::int64_t features, std::int64_t units) {
  Work work;
  const std::int64_t N = 4 * units;
  const float *const x = work.random(batch * features), *const h = work.random(batch * units);
  const float *const w = work.random(features * N), *const r = work.random(units * N);
  work.parts = {dlnative::matrix_part(features, x, features, w, N), dlnative::matrix_part(units, h, units, r, N)};
  work.prepare(batch, N);
  return work;
}

void measure(benchmark::State& state, const Work& work) {
  work.run();
  if (!work.is_right()) {
    state.SkipWithError("the product is wrong");
    return;
  }
  for (auto _ : state) {
    work.run();
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] =
      benchmark::Counter(work.flops * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  std::vector<double> percents;
  const auto turns = dlnative_benchmark::take_turns({[&] { work.run(); }});
  for (const auto& turn : turns[0]) {
    percents.push_back(100 * work.flops / turn.seconds / turn.fma_limit);
  }
  state.counters["% of limit"] = dlnative_benchmark::median(percents);
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  dlnative_benchmark::add_context();
  struct Shape {
    std::int64_t size, C, OC;
  };
  for (const Shape& s : {Shape{28, 32, 32}, Shape{14, 64, 64}, Shape{28, 64, 128}, Shape{14, 128, 128}}) {
    const std::string name = "convolution/32x" + std::to_string(s.size) + "x" + std::to_string(s.size) + "x" +
                             std::to_string(s.C) + "/3x3x" + std::to_string(s.OC);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      measure(state, convolution(32, s.size, s.C, s.OC));
    })->UseRealTime();
  }
  benchmark::RegisterBenchmark("lstm_step/64x28/128", [](benchmark::State& state) {
    measure(state, lstm_step(64, 28, 128));
  })->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
