// Matrix products of the sizes that networks have, forward and backward. Each is compared with a plain loop in double
// before it is timed. Counters: GFLOP/s, and per cent of the multiply-add limit of the cores taking part. With
// DLNATIVE_BLAS=LIBRARY.so also how many times faster dlnative is than its SGEMM, by turns, on as many threads as that
// library's own settings give it; and where something follows on the product, how many times as long it takes as the
// product alone. Arguments such as 32x100x300/a^T, 32x1000x1000/kept, 300x300x300/double or 64x64x64/act:gelu/threads:2
// (M×N×K) are measured instead of the shapes below.
#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <optional>

#include "machine.h"

namespace {

using dlnative::Activation;
using dlnative::GemmArguments;

struct Shape {
  int M, N, K;
  bool transpose_a = false, transpose_b = false;
  int threads = 1;
  bool kept = false;   // B is packed before
  bool twice = false;  // double
  // What follows: a bias and then act:NAME; times the derivative of NAME, grad:NAME; residual; sums of B's columns.
  Activation activation = Activation::linear, gradient_of = Activation::linear;
  bool bias = false, residual = false, sums = false;

  bool alone() const {
    return activation == Activation::linear && gradient_of == Activation::linear && !bias && !residual && !sums;
  }
};

const Shape shapes[] = {
    // forward of small networks
    {16, 8, 4},
    {16, 3, 8},
    {32, 64, 64},
    {32, 128, 80},
    {32, 1, 128},
    // their gradients: dx = dy w^T, dw = x^T dy
    {16, 8, 8, false, true},
    {8, 8, 16, true, false},
    {32, 128, 128, false, true},
    {128, 128, 32, true, false},
    {128, 1, 32, true, false},
    // one sample
    {1, 256, 784},
    {1, 128, 256},
    {1, 10, 128},
    {1, 1024, 1024},
    // an MLP for MNIST
    {32, 256, 784},
    {128, 256, 784},
    {128, 784, 256, false, true},
    {784, 256, 128, true, false},
    {128, 10, 128},
    {256, 1024, 1024},
    {256, 1024, 1024, false, true},
    {1024, 1024, 256, true, false},
    // cubes
    {512, 512, 512},
    {1024, 1024, 1024},
    {2048, 2048, 2048},
    // predictions with weights that are kept packed
    {8, 1024, 1024, false, false, 1, true},
    {32, 1024, 1024},
    {32, 1024, 1024, false, false, 1, true},
    {32, 1024, 1024, false, true},
    {32, 1024, 1024, false, true, 1, true},
    {128, 1024, 1024, false, false, 1, true},
    // double
    {128, 256, 784, false, false, 1, false, true},
    {512, 512, 512, false, false, 1, false, true},
    {1024, 1024, 1024, false, false, 1, false, true},
    // with what follows
    {.M = 128, .N = 256, .K = 784, .activation = Activation::relu, .bias = true},
    {.M = 128, .N = 256, .K = 784, .bias = true, .residual = true},
    {.M = 128, .N = 256, .K = 784, .activation = Activation::tanh, .bias = true},
    {.M = 128, .N = 256, .K = 784, .activation = Activation::gelu, .bias = true},
    {.M = 128, .N = 784, .K = 256, .transpose_b = true, .gradient_of = Activation::relu},
    {.M = 128, .N = 784, .K = 256, .transpose_b = true, .gradient_of = Activation::silu},
    {.M = 784, .N = 256, .K = 128, .transpose_a = true, .sums = true},
    {.M = 32, .N = 128, .K = 128, .activation = Activation::relu, .bias = true},
    {.M = 32, .N = 128, .K = 128, .bias = true, .residual = true},
    {.M = 128, .N = 128, .K = 32, .transpose_a = true, .sums = true},
    // two threads
    {128, 256, 784, false, false, 2},
    {1024, 1024, 1024, false, false, 2},
    {2048, 2048, 2048, false, false, 2},
};

#define DLNATIVE_TEXT(name, Formula) #name,
constexpr const char* activations[] = {"linear", DLNATIVE_ACTIVATIONS(DLNATIVE_TEXT)};
#undef DLNATIVE_TEXT

std::string name_of(const Shape& shape) {
  std::string name = std::to_string(shape.M) + "x" + std::to_string(shape.N) + "x" + std::to_string(shape.K);
  if (shape.transpose_a) name += "/a^T";
  if (shape.transpose_b) name += "/b^T";
  if (shape.kept) name += "/kept";
  if (shape.twice) name += "/double";
  if (shape.bias) name += "/bias";
  if (shape.residual) name += "/residual";
  if (shape.activation != Activation::linear) name += std::string("/act:") + activations[int(shape.activation)];
  if (shape.gradient_of != Activation::linear) name += std::string("/grad:") + activations[int(shape.gradient_of)];
  if (shape.sums) name += "/sums";
  return name + "/threads:" + std::to_string(shape.threads);
}

Activation activation_in(const std::string& name, const std::string& mark) {
  const auto at = name.find(mark);
  if (at == std::string::npos) return Activation::linear;
  const auto start = at + mark.size();
  const std::string wanted = name.substr(start, name.find('/', start) - start);
  const auto* const found = std::find(std::begin(activations), std::end(activations), wanted);
  return found == std::end(activations) ? Activation::linear : static_cast<Activation>(found - activations);
}

// The shape of a name; none, if it is not one.
std::optional<Shape> shape_of(const std::string& name) {
  Shape shape{};
  if (std::sscanf(name.c_str(), "%dx%dx%d", &shape.M, &shape.N, &shape.K) != 3) return std::nullopt;
  const auto has = [&](const char* part) { return (name + "/").find(part) != std::string::npos; };
  shape.transpose_a = has("/a^T/");
  shape.transpose_b = has("/b^T/");
  shape.kept = has("/kept/");
  shape.twice = has("/double/");
  shape.bias = has("/bias/");
  shape.residual = has("/residual/");
  shape.sums = has("/sums/");
  shape.activation = activation_in(name, "/act:");
  shape.gradient_of = activation_in(name, "/grad:");
  const auto threads = name.find("/threads:");
  if (threads != std::string::npos) shape.threads = std::atoi(name.c_str() + threads + 9);
  const bool whole = name_of(shape) == (threads == std::string::npos ? name + "/threads:1" : name);
  const bool positive = shape.M > 0 && shape.N > 0 && shape.K > 0 && shape.threads > 0;
  return whole && positive ? std::optional(shape) : std::nullopt;
}

// Only of a product alone: tests/cpp/gemm_check has what follows.
template <class T>
bool is_right(const GemmArguments<T>& g) {
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  const std::int64_t row_step = g.M / 7 + 1, column_step = g.N / 7 + 1;
  for (std::int64_t i = 0; i < g.M; i += row_step) {
    for (std::int64_t j = 0; j < g.N; j += column_step) {
      double total = 0, magnitude = 1;
      for (std::int64_t k = 0; k < g.K; ++k) {
        const double product = static_cast<double>(g.a[g.transpose_a ? k * g.lda + i : i * g.lda + k]) *
                               static_cast<double>(g.b[g.transpose_b ? j * g.ldb + k : k * g.ldb + j]);
        total += product;
        magnitude += std::fabs(product);
      }
      if (!(std::fabs(total - static_cast<double>(g.c[i * g.ldc + j])) <= tolerance * magnitude)) return false;
    }
  }
  return true;
}

// Fortran's SGEMM: columns contiguous, so it computes C^T = B^T A^T.
using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);

Sgemm find_sgemm() {
  const char* library = std::getenv("DLNATIVE_BLAS");
  if (library == nullptr) return nullptr;
  void* const handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(1);
  }
  for (const char* name : {"sgemm_", "SGEMM"}) {
    if (void* const symbol = dlsym(handle, name)) return reinterpret_cast<Sgemm>(symbol);
  }
  std::fprintf(stderr, "%s has neither sgemm_ nor SGEMM\n", library);
  std::exit(1);
}

void call_sgemm(Sgemm sgemm, const GemmArguments<float>& g) {
  const int M = static_cast<int>(g.M), N = static_cast<int>(g.N), K = static_cast<int>(g.K);
  const int lda = static_cast<int>(g.lda), ldb = static_cast<int>(g.ldb), ldc = static_cast<int>(g.ldc);
  const float one = 1, zero = 0;
  sgemm(g.transpose_b ? "T" : "N", g.transpose_a ? "T" : "N", &N, &M, &K, &one, g.b, &ldb, g.a, &lda, &zero, g.c, &ldc);
}

template <class T>
dlnative_benchmark::Memory random_values(std::int64_t count) {
  auto floats = dlnative_benchmark::random_floats(count);
  if (sizeof(T) == 4) return floats;
  auto values = dlnative_benchmark::allocate(count * static_cast<std::int64_t>(sizeof(T)));
  std::copy_n(static_cast<const float*>(floats.get()), count, static_cast<T*>(values.get()));
  return values;
}

template <class T>
void run(benchmark::State& state, const Shape& shape, Sgemm sgemm) {
  GemmArguments<T> g;
  g.M = shape.M, g.N = shape.N, g.K = shape.K;
  g.transpose_a = shape.transpose_a, g.transpose_b = shape.transpose_b;
  g.lda = shape.transpose_a ? g.M : g.K;
  g.ldb = shape.transpose_b ? g.K : g.N;
  g.ldc = g.N;
  const dlnative::Workers workers = dlnative_benchmark::workers_of(shape.threads);
  const auto a = random_values<T>(g.M * g.K), b = random_values<T>(g.K * g.N), c = random_values<T>(g.M * g.N);
  const auto bias = random_values<T>(g.N), other = random_values<T>(g.M * g.N), sums = random_values<T>(g.N);
  g.a = static_cast<const T*>(a.get()), g.b = static_cast<const T*>(b.get()), g.c = static_cast<T*>(c.get());
  const std::int64_t packed_bytes = dlnative::gemm_packed_bytes(g);
  if (shape.kept && packed_bytes == 0) {
    state.SkipWithError("packing B before is not worth while");
    return;
  }
  const auto packed = dlnative_benchmark::allocate(packed_bytes);
  if (shape.kept) {
    dlnative::gemm_pack(g, packed.get());
    g.packed_b = static_cast<const T*>(packed.get());
  }
  GemmArguments<T> full = g;
  if (shape.bias) full.bias = static_cast<const T*>(bias.get());
  if (shape.residual) full.residual = static_cast<const T*>(other.get());
  if (shape.sums) full.column_sums = static_cast<T*>(sums.get());
  full.activation = shape.activation;
  full.gradient_of = shape.gradient_of;
  full.parameter = 0.3;  // of the activations that have one
  if (full.gradient_of != Activation::linear) full.saved = static_cast<const T*>(other.get());
  const auto scratch = dlnative_benchmark::allocate(
      std::max(dlnative::gemm_scratch_bytes(g, workers.threads), dlnative::gemm_scratch_bytes(full, workers.threads)));
  dlnative::gemm(g, scratch.get(), workers);
  if (!is_right(g)) {
    state.SkipWithError("the product is wrong");
    return;
  }
  for (auto _ : state) {
    dlnative::gemm(full, scratch.get(), workers);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * shape.M * shape.N * shape.K;
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  std::vector<std::function<void()>> works{[&] { dlnative::gemm(full, scratch.get(), workers); }};
  const bool beside_blas = sgemm != nullptr && sizeof(T) == 4 && shape.alone();
  if constexpr (sizeof(T) == 4) {
    if (beside_blas) {
      call_sgemm(sgemm, g);
      if (!is_right(g)) {
        state.SkipWithError("the product of DLNATIVE_BLAS is wrong");
        return;
      }
      works.push_back([&] { call_sgemm(sgemm, g); });
    }
  }
  if (!shape.alone()) works.push_back([&] { dlnative::gemm(g, scratch.get(), workers); });
  const auto turns = dlnative_benchmark::take_turns(works);
  const auto percent_of_limit = [&](const std::vector<dlnative_benchmark::Turn>& own) {
    std::vector<double> percents;
    // A vector holds half as many doubles.
    const double items = 4.0 / sizeof(T) * shape.threads;
    for (const auto& turn : own) percents.push_back(100 * flops / turn.seconds / (turn.fma_limit * items));
    return dlnative_benchmark::median(percents);
  };
  const auto times_as_long = [&](std::size_t one, std::size_t another) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < turns[0].size(); ++i)
      ratios.push_back(turns[one][i].seconds / turns[another][i].seconds);
    return dlnative_benchmark::median(ratios);
  };
  if (beside_blas) {
    state.counters["times BLAS"] = times_as_long(1, 0);
    state.counters["BLAS, % of limit"] = percent_of_limit(turns[1]);
  }
  if (!shape.alone()) state.counters["of it alone"] = times_as_long(0, 1);
  state.counters["% of limit"] = percent_of_limit(turns[0]);
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  dlnative_benchmark::add_context();
  const Sgemm sgemm = find_sgemm();
  std::vector<Shape> chosen;
  for (int i = 1; i < count; ++i) {
    const auto shape = shape_of(arguments[i]);
    if (!shape) {
      std::fprintf(stderr,
                   "%s is no shape; expected MxNxK[/a^T][/b^T][/kept][/double]"
                   "[/bias][/residual][/act:NAME][/grad:NAME][/sums][/threads:T], in this order\n",
                   arguments[i]);
      return 1;
    }
    chosen.push_back(*shape);
  }
  if (chosen.empty()) chosen.assign(std::begin(shapes), std::end(shapes));
  for (const Shape& shape : chosen) {
    const std::string name = "gemm/" + name_of(shape);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      shape.twice ? run<double>(state, shape, sgemm) : run<float>(state, shape, sgemm);
    })->UseRealTime();
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
