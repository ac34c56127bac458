// Compares the matrix product with a plain loop in double, on every instruction set this CPU has: odd shapes, all
// transposes, leading dimensions, epilogues, one thread and several, B as it is and packed before. Outputs are poisoned
// with NaN first and guarded between their rows and at both ends. The first thing it does is to make sure that it would
// notice an error.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "activations.h"
#include "dlnative/isa.h"
#include "dlnative/threads.h"

namespace {

using activations::activate;
using activations::derivative;
using activations::parameter;
using dlnative::Activation;
using dlnative::GemmArguments;

struct Case {
  std::int64_t M, N, K;
  bool transpose_a = false, transpose_b = false;
  std::int64_t extra = 0;  // added to every leading dimension
  bool bias = false, residual = false;
  Activation activation = Activation::linear, gradient_of = Activation::linear;

  // A relu's gradient may be put in the place of the y that it is taken of.
  bool in_place() const {
    return activation == Activation::linear && gradient_of == Activation::relu && !residual && (M + N + K) % 2 == 0;
  }
  bool on_a_line() const { return (M + N + K) % 3 != 0; }  // where B begins
  bool sums() const { return !transpose_b && (M + N + K) % 2 == 1; }
};

std::mt19937 generator(7);

template <class T>
std::vector<T> random_values(std::int64_t count) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<T> values(static_cast<std::size_t>(count));
  values.reserve(1);  // an operand without elements has an address, too
  for (auto& value : values) value = static_cast<T>(uniform(generator));
  return values;
}

// Half of them none, a quarter a relu, a quarter another one.
Activation activation_of(int turn) {
  constexpr int others = static_cast<int>(Activation::sparse_plus) - 1;
  if (turn % 4 < 2) return Activation::linear;
  return static_cast<Activation>(turn % 4 == 2 ? 1 : 2 + turn / 4 % others);
}

// How many rows of a product are computed by hand: in an emulator not all.
std::int64_t most_rows = std::numeric_limits<std::int64_t>::max();

enum class Weights { as_they_are, packed_before };

// Runs one case; 0 when all is well, else the largest error as a multiple of the tolerance. Less than nothing when B is
// not worth packing before.
template <class T>
double run_case(const Case& c, const dlnative::Workers& workers, std::vector<T>* result, bool sabotage = false,
                Weights weights = Weights::as_they_are) {
  GemmArguments<T> g;
  g.M = c.M, g.N = c.N, g.K = c.K;
  g.transpose_a = c.transpose_a, g.transpose_b = c.transpose_b;
  g.lda = (c.transpose_a ? c.M : c.K) + c.extra;
  g.ldb = (c.transpose_b ? c.K : c.N) + c.extra;
  g.ldc = c.N + c.extra;
  g.activation = c.activation, g.gradient_of = c.gradient_of, g.parameter = parameter;
  generator.seed(static_cast<unsigned>(c.M * 31 + c.N * 17 + c.K));
  constexpr std::int64_t line = 64 / sizeof(T);
  const auto a = random_values<T>((c.transpose_a ? c.K : c.M) * g.lda),
             b_values = random_values<T>((c.transpose_b ? c.N : c.K) * g.ldb);
  std::vector<T> b_room(b_values.size() + 2 * line);
  const auto past_line = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(b_room.data()) / sizeof(T)) % line;
  T* const b = b_room.data() + (line - past_line) % line + (c.on_a_line() ? 0 : 1);
  std::copy(b_values.begin(), b_values.end(), b);
  const auto bias = random_values<T>(c.N), saved = random_values<T>(c.M * g.ldc),
             residual = random_values<T>(c.M * g.ldc);
  constexpr std::int64_t guard = 32;
  const T poison = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> out(static_cast<std::size_t>(c.M * g.ldc + 2 * guard), poison);
  g.a = a.data(), g.b = b, g.c = out.data() + guard;
  if (c.bias) g.bias = bias.data();
  if (c.residual) g.residual = residual.data();
  if (c.gradient_of != Activation::linear) g.saved = saved.data();
  if (c.in_place()) {
    for (std::int64_t i = 0; i < c.M; ++i) std::copy_n(saved.data() + i * g.ldc, c.N, g.c + i * g.ldc);
    g.saved = g.c;
  }

  std::vector<T> sums(static_cast<std::size_t>(c.N) + 1, poison);
  if (c.sums()) g.column_sums = sums.data();

  std::vector<T> packed;
  std::size_t packed_size = 0;
  if (weights == Weights::packed_before) {
    packed_size = static_cast<std::size_t>(dlnative::gemm_packed_bytes(g)) / sizeof(T);
    if (packed_size == 0) return -1;
    packed.assign(packed_size + 2 * guard, poison);  // not from a cache line on: it need not be
    dlnative::gemm_pack(g, packed.data() + guard);
    g.packed_b = packed.data() + guard;
    g.b = nullptr;
  }
  const std::int64_t bytes = dlnative::gemm_scratch_bytes(g, workers.threads);
  GemmArguments<T> with_any_b = g;
  with_any_b.b = nullptr;
  const bool enough = dlnative::gemm_scratch_bytes(with_any_b, workers.threads) >= bytes;
  char* const scratch = static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(bytes + 128) / 64 * 64));
  std::memset(scratch, 0xff, static_cast<std::size_t>(bytes + 128) / 64 * 64);  // NaN
  dlnative::gemm(g, scratch, workers);
  double worst = enough ? 0 : 1e9;
  for (std::int64_t i = bytes; i < (bytes + 128) / 64 * 64; ++i) {
    if (scratch[i] != static_cast<char>(0xff)) worst = 1e9;
  }
  std::free(scratch);
  g.b = b;
  for (std::size_t i = 0; i < packed.size() - packed_size; ++i) {
    if (!std::isnan(packed[i < guard ? i : packed_size + i])) worst = 1e9;
  }
  if (sabotage) g.c[(c.M - 1) * g.ldc + c.N - 1] += static_cast<T>(0.01);

  const double unit = std::numeric_limits<T>::epsilon();
  std::vector<double> total(static_cast<std::size_t>(c.N)), magnitude(static_cast<std::size_t>(c.N));
  for (std::int64_t i = 0; i < c.M; i += 1 + (c.M - 1) / most_rows) {
    for (std::int64_t j = 0; j < c.N; ++j) {
      const auto at = static_cast<std::size_t>(j);
      total[at] = c.bias ? static_cast<double>(bias[at]) : 0;
      magnitude[at] = 1;
    }
    for (std::int64_t k = 0; k < c.K; ++k) {
      const double x = static_cast<double>(g.a[c.transpose_a ? k * g.lda + i : i * g.lda + k]);
      const T* const row = g.b + (c.transpose_b ? k : k * g.ldb);
      const std::int64_t stride = c.transpose_b ? g.ldb : 1;
      for (std::size_t j = 0; j < total.size(); ++j) {
        const double product = x * static_cast<double>(row[static_cast<std::int64_t>(j) * stride]);
        total[j] += product;
        magnitude[j] += std::fabs(product);
      }
    }
    for (std::int64_t j = 0; j < c.N; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const auto place = static_cast<std::size_t>(i * g.ldc + j);
      double expected = activate(total[at] + (c.residual ? static_cast<double>(residual[place]) : 0), c.activation);
      if (g.saved != nullptr) {
        expected *= derivative(static_cast<double>(saved[place]), c.gradient_of);
      }
      const double error = std::fabs(static_cast<double>(g.c[i * g.ldc + j]) - expected);
      const double tolerance = unit * (4 + 0.5 * std::sqrt(static_cast<double>(c.K))) * magnitude[at];
      if (!(error <= tolerance)) worst = std::fmax(worst, std::isfinite(error) ? error / tolerance : 1e9);
    }
    for (std::int64_t j = c.N; j < g.ldc; ++j) {
      if (!std::isnan(g.c[i * g.ldc + j])) worst = 1e9;
    }
  }
  for (std::int64_t i = 0; i < guard; ++i) {
    if (!std::isnan(out[static_cast<std::size_t>(i)]) || !std::isnan(out[out.size() - 1 - static_cast<std::size_t>(i)]))
      worst = 1e9;
  }
  for (std::int64_t j = 0; c.sums() && j < c.N; ++j) {
    double sum = 0, size = 1;
    for (std::int64_t k = 0; k < c.K; ++k) {
      sum += static_cast<double>(g.b[k * g.ldb + j]);
      size += std::fabs(static_cast<double>(g.b[k * g.ldb + j]));
    }
    const double error = std::fabs(static_cast<double>(sums[static_cast<std::size_t>(j)]) - sum);
    const double tolerance = unit * (4 + 0.5 * std::sqrt(static_cast<double>(c.K))) * size;
    if (!(error <= tolerance)) worst = std::fmax(worst, std::isfinite(error) ? error / tolerance : 1e9);
  }
  if (!std::isnan(sums.back())) worst = 1e9;
  if (result != nullptr) {
    *result = out;
    result->insert(result->end(), sums.begin(), sums.end());
  }
  return worst;
}

int failures = 0;
long cases = 0;

template <class T>
void check(const Case& c, const char* isa, const char* type) {
  dlnative::Workers one, several = dlnative::workers();
  std::vector<T> first, second, third;
  double worst = run_case<T>(c, one, &first);
  ++cases;
  const double worst_packed = run_case<T>(c, one, &third, false, Weights::packed_before);
  if (worst_packed >= 0) {
    ++cases;
    if (worst == 0) worst = worst_packed;
    if (several.threads > 1 && worst == 0) {
      worst = run_case<T>(c, several, &second, false, Weights::packed_before);
      if (std::memcmp(third.data(), second.data(), third.size() * sizeof(T)) != 0) worst = 1e8;
    }
  }
  if (several.threads > 1 && worst == 0 && c.M * c.N * c.K > 100000) {
    worst = run_case<T>(c, several, &second);
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(T)) != 0) worst = 1e8;
  }
  if (worst == 0) return;
  if (++failures <= 20) {
    std::printf(
        "%s %s %ldx%ldx%ld transpose %d%d extra %ld bias %d residual %d activation %d gradient %d: error %.3g of the "
        "tolerance\n",
        isa, type, long(c.M), long(c.N), long(c.K), c.transpose_a, c.transpose_b, long(c.extra), c.bias, c.residual,
        int(c.activation), int(c.gradient_of), worst);
  }
}

template <class T>
void check_all(const char* isa, const char* type, int stride) {
  const std::int64_t small[] = {1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 33, 64};
  const std::int64_t large[][3] = {{1, 784, 256},   {1, 256, 784},   {14, 32, 384},   {15, 33, 385},   {128, 256, 784},
                                   {97, 101, 103},  {60, 512, 1024}, {300, 40, 1030}, {57, 1037, 61},  {130, 600, 70},
                                   {2, 500, 900},   {500, 1, 300},   {300, 64, 512},  {260, 1024, 96}, {3, 10, 2000},
                                   {32, 96, 1000},  {50, 700, 2100}, {32, 16, 312},   {33, 7, 511},    {9, 3, 400},
                                   {230, 600, 850}, {29, 2048, 96},  {30, 1100, 260}, {7, 22, 300},    {300, 11, 190},
                                   {1, 300, 43},    {150, 300, 7},   {150, 300, 3},   {700, 300, 7},   {900, 300, 4},
                                   {250, 3300, 64}, {20, 1037, 301}, {40, 1024, 512}, {6, 1031, 460}};
  int turn = 0;
  for (int transposes = 0; transposes < 4; ++transposes) {
    for (const std::int64_t extra : {0, 3}) {
      for (const auto M : small) {
        for (const auto N : small) {
          for (const auto K : small) {
            if (++turn % stride != 0) continue;
            Case c{M, N, K, (transposes & 1) != 0, (transposes & 2) != 0, extra, turn % 2 == 0, turn % 5 == 0};
            c.activation = activation_of(turn / 2);
            c.gradient_of = activation_of(turn / 8);
            check<T>(c, isa, type);
          }
        }
      }
      for (const auto& shape : large) {
        if (stride > 50 && &shape != &large[turn % static_cast<int>(std::size(large))]) continue;  // for emulators
        Case c{shape[0], shape[1],        shape[2],     (transposes & 1) != 0, (transposes & 2) != 0,
               extra,    ++turn % 2 == 0, turn % 5 == 0};
        c.activation = activation_of(turn / 2);
        c.gradient_of = activation_of(turn / 8);
        check<T>(c, isa, type);
      }
    }
  }
  if (stride <= 50) check<T>({5300, 150, 310, true}, isa, type);  // A in several blocks of rows
  for (const std::int64_t K : {0, 1}) check<T>({3, 5, K, false, false, 0, true}, isa, type);
  check<T>({0, 5, 3}, isa, type);
  check<T>({5, 0, 3}, isa, type);
}

}  // namespace

// The argument is how many of the small shapes to pass over for each one that is taken; none takes all. More than fifty
// is for emulators: then few of the large shapes are taken too, and few of their rows are checked.
int main(int count, char** arguments) {
  const int stride = count > 1 ? std::atoi(arguments[1]) + 1 : 1;
  if (stride > 50) most_rows = 8;
  dlnative::set_num_threads(2);
  for (const char* const* name = dlnative::available_isas(); *name != nullptr; ++name) {
    dlnative::select_isa(*name);
    if (run_case<float>({9, 9, 9}, {}, nullptr, true) == 0) {
      std::printf("the check does not notice an error\n");
      return 1;
    }
    const int before = failures;
    check_all<float>(*name, "float", stride);
    check_all<double>(*name, "double", stride);
    std::printf("%s: %ld cases, %d failed\n", *name, cases, failures - before);
    cases = 0;
  }
  return failures == 0 ? 0 : 1;
}
