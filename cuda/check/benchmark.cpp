// Times of the kernels, as JSON: copies first, then elementwise kernels, rows, reductions and optimizers in per cent of
// the copy rate, products beside cuBLAS without tensor cores, launches, and training steps as recorded graphs.
//
//   cuda_benchmark FILE [part ...]    parts: copy gemm steps launch elementwise rows random; all by default
//
// The file is written anew after each part. cuBLAS is loaded if DLNATIVE_CUBLAS names its library; results of products
// are compared with its. Data are random; medians of repeated recordings.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>

#include "check/cublas.h"
#include "check/mlp.h"
#include "check/program.h"
#include "check/report.h"
#include "gemm/enqueue.h"

namespace {

using namespace dlnative;
using namespace dlnative::cuda;
using namespace dlnative::cuda::check;

bool on_host() { return device().name == "host"; }
std::int64_t large() { return on_host() ? std::int64_t{1} << 12 : std::int64_t{1} << 26; }  // elements; 256 MB of float

// Seconds that one call of `enqueue` takes, of `calls` in a recording; the median of some replays.
double seconds_each(Queue& queue, int calls, const std::function<void()>& enqueue) {
  enqueue();  // loads what is loaded late
  queue.wait();
  const Recording recording = queue.record([&] {
    for (int i = 0; i < calls; ++i) enqueue();
  });
  queue.replay(recording);
  queue.wait();
  std::vector<double> times;
  for (int i = 0; i < (on_host() ? 1 : 7); ++i) {
    times.push_back(queue.time([&] { queue.replay(recording); }) * 1e-3 / calls);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// Buffers of random numbers in device memory.
class Arrays {
 public:
  explicit Arrays(Queue& queue) : queue_(queue) {}
  View make(const Shape& shape, DType dtype = DType::float32, double low = -1, double high = 1) {
    View view = Tensor(Shape{}, dtype).view();
    view.rank = static_cast<std::int32_t>(shape.size());
    view.size = size_of(shape);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) view.shape[axis] = shape[axis];
    const auto bytes = static_cast<std::size_t>(view.size * item_size(dtype));
    memory_.emplace_back(bytes);
    view.data = memory_.back().data();
    // A piece of random numbers, repeated.
    const std::int64_t piece = std::min<std::int64_t>(view.size, 1 << 20);
    const Tensor numbers = random(generator_, {piece}, dtype, low, high);
    for (std::size_t at = 0; at < bytes; at += numbers.bytes.size()) {
      queue_.upload(static_cast<char*>(view.data) + at, numbers.bytes.data(),
                    std::min(numbers.bytes.size(), bytes - at));
    }
    return view;
  }
  void* scratch(std::int64_t bytes) {
    memory_.emplace_back(static_cast<std::size_t>(bytes));
    return memory_.back().data();
  }

 private:
  Queue& queue_;
  std::mt19937 generator_{5};
  std::vector<Memory> memory_;
};

double copy_rate = 0;  // bytes per second, read and written

double time_op(Queue& queue, Arrays& arrays, const char* name, std::vector<View> inputs, std::vector<View> outputs,
               std::vector<std::int64_t> ints, std::vector<double> floats, int calls) {
  const Row* row = find_row(name);
  Call call;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  call.input_count = static_cast<std::int32_t>(inputs.size());
  call.output_count = static_cast<std::int32_t>(outputs.size());
  call.ints = ints.data();
  call.floats = floats.data();
  if (row->scratch != nullptr) call.scratch = arrays.scratch(row->scratch(call));
  queue.op = name;
  return seconds_each(queue, calls, [&] { row->enqueue(call, queue); });
}

void report_rate(Report& report, const char* part, const std::string& name, double bytes, double seconds) {
  const double rate = bytes / seconds;
  report.add(part, name, {{"us", seconds * 1e6}, {"GB/s", rate * 1e-9}, {"% of copy", 100 * rate / copy_rate}});
}

void copies(Queue& queue, Report& report) {
  Arrays arrays(queue);
  const View x = arrays.make({large()}), y = arrays.make({large()});
  const auto bytes = static_cast<double>(x.size) * 4;
  const double seconds = seconds_each(queue, 8, [&] { queue.copy(y.data, x.data, static_cast<std::size_t>(bytes)); });
  copy_rate = 2 * bytes / seconds;
  report.add("copy", "device to device, 256 MB", {{"GB/s", copy_rate * 1e-9}});
}

void elementwise(Queue& queue, Report& report) {
  Arrays arrays(queue);
  const Shape shape{large()}, matrix{large() / 1024, 1024};
  const View x = arrays.make(shape), b = arrays.make(shape), y = arrays.make(shape);
  const auto bytes = static_cast<double>(x.size) * 4;
  for (const char* name : {"negative", "relu", "exp", "tanh", "sigmoid", "gelu", "mish", "sqrt", "sin"}) {
    report_rate(report, "elementwise", name, 2 * bytes, time_op(queue, arrays, name, {x}, {y}, {}, {0.5}, 4));
  }
  for (const char* name : {"add", "multiply", "divide", "relu_gradient", "gelu_gradient"}) {
    report_rate(report, "elementwise", name, 3 * bytes, time_op(queue, arrays, name, {x, b}, {y}, {}, {0.5}, 4));
  }
  View m = x, row = b, result = y;
  for (View* view : {&m, &result}) {
    view->rank = 2;
    view->shape[0] = matrix[0];
    view->shape[1] = matrix[1];
  }
  row.shape[0] = row.size = 1024;
  report_rate(report, "elementwise", "add a row of 1024", 2 * bytes,
              time_op(queue, arrays, "add", {m, row}, {result}, {}, {}, 4));
  View turned = result;
  turned.shape[0] = matrix[1];
  turned.shape[1] = matrix[0];
  report_rate(report, "elementwise", "transpose", 2 * bytes,
              time_op(queue, arrays, "transpose", {m}, {turned}, {2, 1, 0}, {}, 4));
  View half = x, half_result = y;
  half.dtype = half_result.dtype = DType::float64;
  half.size = half_result.size = half.shape[0] = half_result.shape[0] = x.size / 2;
  report_rate(report, "elementwise", "negative, float64", 2 * bytes,
              time_op(queue, arrays, "negative", {half}, {half_result}, {}, {}, 4));
}

void rows(Queue& queue, Report& report) {
  Arrays arrays(queue);
  const std::int64_t n = large();
  const View x = arrays.make({n}), b = arrays.make({n}), y = arrays.make({n}), losses = arrays.make({n / 10});
  const auto bytes = static_cast<double>(n) * 4;
  const auto shaped = [](View view, const Shape& shape) {
    view.rank = static_cast<std::int32_t>(shape.size());
    view.size = size_of(shape);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) view.shape[axis] = shape[axis];
    return view;
  };
  for (const std::int64_t C : {10, 100, 1000, 10000}) {
    if (C > n) continue;
    const Shape shape{n / C, C};
    const std::string suffix = " of rows of " + std::to_string(C);
    const auto used = static_cast<double>(n / C * C) * 4;
    report_rate(report, "rows", "softmax" + suffix, 2 * used,
                time_op(queue, arrays, "softmax", {shaped(x, shape)}, {shaped(y, shape)}, {}, {}, 4));
    report_rate(report, "rows", "softmax_gradient" + suffix, 3 * used,
                time_op(queue, arrays, "softmax_gradient", {shaped(x, shape), shaped(b, shape)}, {shaped(y, shape)}, {},
                        {}, 4));
    const View labels = arrays.make({n / C}, DType::int32, 0, static_cast<double>(C));
    report_rate(report, "rows", "sparse crossentropy" + suffix, 2 * used,
                time_op(queue, arrays, "sparse_categorical_crossentropy_with_logits", {shaped(x, shape), labels},
                        {shaped(losses, {n / C}), shaped(y, shape)}, {}, {0.5}, 4));
    report_rate(report, "rows", "sum" + suffix, used,
                time_op(queue, arrays, "sum", {shaped(x, shape)}, {shaped(y, {n / C})}, {1, 1}, {}, 4));
    report_rate(report, "rows", "sum of columns of " + std::to_string(C), used,
                time_op(queue, arrays, "sum", {shaped(x, shape)}, {shaped(y, {C})}, {0, 1}, {}, 4));
  }
  report_rate(report, "rows", "sum of all", bytes, time_op(queue, arrays, "sum", {x}, {shaped(y, {})}, {0, 1}, {}, 4));
  const View lr = arrays.make({}, DType::float32, 1e-9, 1e-8), count = arrays.make({}, DType::int64, 100, 101);
  const std::int64_t parameters = n / 4;
  const View p = shaped(x, {parameters}), g = shaped(b, {parameters}), m = shaped(y, {parameters});
  const View v = arrays.make({parameters}, DType::float32, 0.1, 1);
  report_rate(report, "rows", "sgd", 3 * bytes / 4, time_op(queue, arrays, "sgd", {p, g, lr}, {p}, {0}, {0.0, 0.0}, 4));
  report_rate(report, "rows", "adam", 7 * bytes / 4,
              time_op(queue, arrays, "adam", {p, g, lr, count, m, v}, {p, m, v}, {0}, {0.9, 0.999, 1e-7, 0.0}, 4));
}

void draws(Queue& queue, Report& report) {
  Arrays arrays(queue);
  const View x = arrays.make({large()}), y = arrays.make({large()}), state = arrays.make({2}, DType::int64, 1, 1000);
  const auto bytes = static_cast<double>(x.size) * 4;
  for (const char* name : {"random_uniform", "random_normal"}) {
    report_rate(report, "random", name, bytes, time_op(queue, arrays, name, {state}, {y}, {}, {}, 4));
  }
  report_rate(report, "random", "dropout", 2 * bytes, time_op(queue, arrays, "dropout", {x, state}, {y}, {}, {0.3}, 4));
}

template <class T>
void product(Queue& queue, Report& report, const Cublas& cublas, std::int64_t M, std::int64_t N, std::int64_t K,
             bool ta, bool tb, bool every_kernel) {
  Arrays arrays(queue);
  constexpr DType dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
  GemmArguments<T> g;
  g.M = M;
  g.N = N;
  g.K = K;
  g.a = arrays.make({M, K}, dtype).template as<T>();
  g.b = arrays.make({K, N}, dtype).template as<T>();
  g.c = arrays.make({M, N}, dtype).template as<T>();
  g.lda = ta ? M : K;
  g.ldb = tb ? K : N;
  g.ldc = N;
  g.transpose_a = ta;
  g.transpose_b = tb;
  queue.op = "matmul";
  const Memory scratch(static_cast<std::size_t>(gemm_scratch_bytes(g, {})));
  const double flops = 2.0 * static_cast<double>(M) * static_cast<double>(N) * static_cast<double>(K);
  const int calls = static_cast<int>(std::clamp(2e10 / flops, 2.0, 40.0));
  std::vector<std::pair<std::string, double>> values;
  const auto measure = [&](const std::string& name, const std::function<void()>& enqueue) {
    values.emplace_back(name, flops / seconds_each(queue, on_host() ? 1 : calls, enqueue) * 1e-9);
  };
  measure(std::string("GFLOP/s, ") + gemm_kernel_name<T>(M, N, K, 1),
          [&] { enqueue_gemm(g, {}, scratch.data(), queue); });
  const auto count = static_cast<std::size_t>(M * N);
  std::vector<T> ours(count), theirs(count);
  queue.download(ours.data(), g.c, count * sizeof(T));
  const auto compare_with = [&](const Cublas& other_library) {
    GemmArguments<T> other = g;
    other.c = arrays.make({M, N}, dtype).template as<T>();
    measure("cuBLAS GFLOP/s", [&] { other_library.multiply(other); });
    queue.download(theirs.data(), other.c, count * sizeof(T));
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < count; ++i) {
      difference += static_cast<double>((ours[i] - theirs[i]) * (ours[i] - theirs[i]));
      norm += static_cast<double>(theirs[i] * theirs[i]);
    }
    values.emplace_back("% of cuBLAS", 100 * values[0].second / values[1].second);
    values.emplace_back("relative difference", std::sqrt(difference / norm));
  };
  if (cublas.handle != nullptr) {
    try {
      compare_with(cublas);
    } catch (const std::exception& error) {
      std::printf("without cuBLAS: %s\n", error.what());
    }
  }
  if (every_kernel) {
    for (int kernel = 0; kernel < gemm_kernels; ++kernel) {
      force_gemm_kernel(kernel);
      measure(gemm_kernel_name<T>(M, N, K, 1), [&] { enqueue_gemm(g, {}, scratch.data(), queue); });
    }
    force_gemm_kernel(-1);
  }
  std::string name = std::to_string(M) + "x" + std::to_string(N) + "x" + std::to_string(K);
  if (ta) name += ", A transposed";
  if (tb) name += ", B transposed";
  report.add("gemm", name + (sizeof(T) == 8 ? ", float64" : ""), values);
}

void products(Queue& queue, Report& report) {
  const Cublas cublas(queue);
  if (on_host()) return product<float>(queue, report, cublas, 64, 64, 64, false, false, true);
  const std::int64_t shapes[][3] = {{128, 256, 784},    {512, 512, 512},    {1024, 1024, 1024}, {2048, 2048, 2048},
                                    {4096, 4096, 4096}, {256, 1024, 1024},  {256, 10, 1024},    {32, 128, 128},
                                    {128, 128, 256},    {1000, 1000, 1000}, {1001, 1003, 1005}, {8192, 128, 128}};
  for (const auto& s : shapes) product<float>(queue, report, cublas, s[0], s[1], s[2], false, false, true);
  // The products of a backward pass.
  product<float>(queue, report, cublas, 784, 256, 128, true, false, true);
  product<float>(queue, report, cublas, 1024, 1024, 256, true, false, true);
  product<float>(queue, report, cublas, 1024, 10, 256, true, false, true);
  product<float>(queue, report, cublas, 256, 1024, 1024, false, true, true);
  product<float>(queue, report, cublas, 2048, 2048, 2048, true, false, false);
  product<float>(queue, report, cublas, 2048, 2048, 2048, false, true, false);
  for (const std::int64_t n : {512, 1024, 2048}) product<double>(queue, report, cublas, n, n, n, false, false, true);
}

void launches(Queue& queue, Report& report) {
  Arrays arrays(queue);
  const View x = arrays.make({256});
  const Row* row = find_row("negative");
  Call call;
  call.inputs = call.outputs = &x;
  queue.op = "negative";
  constexpr int count = 2000;
  for (const bool dependent : {false, true}) {
    queue.dependent = dependent;
    const char* suffix = dependent ? ", dependent" : "";
    const auto enqueue = [&] {
      for (int i = 0; i < count; ++i) row->enqueue(call, queue);
    };
    enqueue();
    queue.wait();
    const double stream = queue.time(enqueue) * 1e3 / count;
    report.add("launch", std::string("a small kernel in a stream") + suffix, {{"us", stream}});
    report.add("launch", std::string("a small kernel in a graph") + suffix,
               {{"us", seconds_each(queue, count, [&] { row->enqueue(call, queue); }) * 1e6}});
    const Recording short_one = queue.record([&] { row->enqueue(call, queue); });
    const double replay = queue.time([&] {
      for (int i = 0; i < 500; ++i) queue.replay(short_one);
    }) * 1e3 / 500;
    report.add("launch", std::string("a graph of one kernel") + suffix, {{"us", replay}});
  }
  queue.dependent = false;
}

void steps(Queue& queue, Report& report) {
  for (const Workload& workload : workloads()) {
    if (on_host() && workload.batch > 16) continue;
    constexpr int together = 16;
    std::vector<std::pair<std::string, double>> values;
    for (const bool dependent : {false, true}) {
      Mlp mlp(workload, together * 4);
      queue.dependent = dependent;
      mlp.upload(queue);
      const Recording recording = queue.record([&] { mlp.enqueue(queue, together); });
      queue.replay(recording);
      queue.wait();
      const int epochs = on_host() ? 1 : 15, replays = on_host() ? 1 : 4;
      const double each = queue.time([&] {
        for (int epoch = 0; epoch < epochs; ++epoch) {
          mlp.rewind(queue);
          for (int i = 0; i < replays; ++i) queue.replay(recording);
        }
      }) * 1e3 / (epochs * replays * together);
      values.emplace_back(dependent ? "us, dependent" : "us", each);
      if (!dependent) values.emplace_back("kernels", mlp.launches());
    }
    queue.dependent = false;
    report.add("steps", workload.name, values);
  }
}

int check_all(int count, char** arguments) {
  if (count < 2) {
    std::printf("usage: cuda_benchmark FILE [part ...]\n");
    return 2;
  }
  const std::set<std::string> wanted(arguments + 2, arguments + count);
  Report report(arguments[1]);
  Queue queue;
  struct Part {
    const char* name;
    void (*run)(Queue&, Report&);
  };
  const Part parts[] = {{"copy", copies},     {"gemm", products},           {"steps", steps},
                        {"launch", launches}, {"elementwise", elementwise}, {"rows", rows},
                        {"random", draws}};
  int failures = 0;
  for (const Part& part : parts) {
    if (!wanted.empty() && wanted.count(part.name) == 0 && std::string(part.name) != "copy") continue;
    try {
      part.run(queue, report);
    } catch (const std::exception& error) {
      std::printf("FAILED %s: %s\n", part.name, error.what());
      report.add(part.name, error.what(), {});
      ++failures;
    }
    report.write();
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  return dlnative::cuda::check::run_program([&] { return check_all(count, arguments); });
}
