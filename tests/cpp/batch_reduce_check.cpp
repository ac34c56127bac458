// Compares products of lists with plain loops in double, on every instruction set this CPU has: lists of one to nine
// parts, matrices and transposed ones, windows of an image against a naive convolution, rows by index, B in place,
// stored transposed and packed before, every epilogue, one thread and two. Outputs are poisoned with NaN first and
// guarded between their rows and at both ends. The first thing it does is to make sure that it would notice an error.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "activations.h"
#include "dlnative/isa.h"
#include "dlnative/threads.h"

namespace {

using dlnative::Activation;
using dlnative::BatchReduceArguments;
using dlnative::Part;

std::mt19937 generator(7);

template <class T>
std::vector<T> random_values(std::int64_t count) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<T> values(static_cast<std::size_t>(count) + 1);
  for (auto& value : values) value = static_cast<T>(uniform(generator));
  return values;
}

enum class Weights { in_place, transposed, packed_before };

template <class T>
struct Case {
  std::int64_t M, N, line_rows = 0;
  std::vector<Part<T>> parts = {};  // without B
  bool bias = false, residual = false, in_place = false;
  Activation activation = Activation::linear, gradient_of = Activation::linear;
  Weights weights = Weights::in_place;
};

// The largest error as a multiple of the tolerance; 0 when all is well.
template <class T>
double run_case(const Case<T>& c, const dlnative::Workers& workers, std::vector<T>* result, bool sabotage = false) {
  constexpr std::int64_t guard = 32, extra = 3;
  const T poison = std::numeric_limits<T>::quiet_NaN();
  generator.seed(static_cast<unsigned>(c.M * 31 + c.N));
  BatchReduceArguments<T> g;
  g.M = c.M, g.N = c.N, g.line_rows = c.line_rows, g.ldc = c.N + extra;
  g.activation = c.activation, g.gradient_of = c.gradient_of, g.parameter = activations::parameter;
  g.transpose_b = c.weights == Weights::transposed;
  std::vector<Part<T>> parts = c.parts;
  std::vector<std::vector<T>> weights;
  for (Part<T>& part : parts) {
    part.ldb = (g.transpose_b ? part.K : c.N) + extra;
    weights.push_back(random_values<T>((g.transpose_b ? c.N : part.K) * part.ldb));
    part.b = weights.back().data();
  }
  const std::vector<Part<T>> read = parts;
  g.parts = parts.data(), g.part_count = static_cast<std::int64_t>(parts.size());
  const auto bias = random_values<T>(c.N), residual = random_values<T>(c.M * g.ldc),
             saved = random_values<T>(c.M * g.ldc);
  std::vector<T> out(static_cast<std::size_t>(c.M * g.ldc + 2 * guard), poison), packed;
  g.c = out.data() + guard;
  if (c.bias) g.bias = bias.data();
  if (c.residual) g.residual = residual.data();
  if (c.gradient_of != Activation::linear) g.saved = saved.data();
  if (c.in_place) {
    for (std::int64_t i = 0; i < c.M; ++i) std::copy_n(saved.data() + i * g.ldc, c.N, g.c + i * g.ldc);
    g.saved = g.c;
  }
  std::size_t packed_size = 0;
  if (c.weights == Weights::packed_before) {
    packed_size = static_cast<std::size_t>(dlnative::batch_reduce_packed_bytes(g)) / sizeof(T);
    packed.assign(packed_size + 2 * guard, poison);
    dlnative::batch_reduce_pack(g, packed.data() + guard);
    g.packed_b = packed.data() + guard;
    for (Part<T>& part : parts) part.b = nullptr;
  }
  const std::int64_t bytes = dlnative::batch_reduce_scratch_bytes(g, workers.threads), all = (bytes + 128) / 64 * 64;
  char* const scratch = static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(all)));
  std::memset(scratch, 0xff, static_cast<std::size_t>(all));  // NaN
  dlnative::batch_reduce(g, scratch, workers);
  double worst = 0;
  for (std::int64_t i = bytes; i < all; ++i) {
    if (scratch[i] != static_cast<char>(0xff)) worst = 1e9;
  }
  std::free(scratch);
  for (std::size_t i = 0; i < packed.size() - packed_size; ++i) {
    if (!std::isnan(packed[i < guard ? i : packed_size + i])) worst = 1e9;
  }
  if (sabotage) g.c[(c.M - 1) * g.ldc + c.N - 1] += static_cast<T>(0.01);

  for (std::int64_t m = 0; m < c.M; ++m) {
    const std::int64_t line = c.line_rows > 0 ? m / c.line_rows : 0, row = c.line_rows > 0 ? m % c.line_rows : m;
    for (std::int64_t n = 0; n < c.N; ++n) {
      double total = c.bias ? static_cast<double>(bias[static_cast<std::size_t>(n)]) : 0, magnitude = 1, steps = 1;
      for (const Part<T>& part : read) {
        const T* const a = part.a_index != nullptr ? part.a + part.a_index[m] * part.a_row
                                                   : part.a + line * part.a_line + row * part.a_row;
        for (std::int64_t k = 0; k < part.K; ++k) {
          const double product = static_cast<double>(a[part.a_index != nullptr ? k : k * part.a_step]) *
                                 static_cast<double>(part.b[g.transpose_b ? n * part.ldb + k : k * part.ldb + n]);
          total += product;
          magnitude += std::fabs(product);
          ++steps;
        }
      }
      const auto place = static_cast<std::size_t>(m * g.ldc + n);
      double expected =
          activations::activate(total + (c.residual ? static_cast<double>(residual[place]) : 0), c.activation);
      if (g.saved != nullptr) expected *= activations::derivative(static_cast<double>(saved[place]), c.gradient_of);
      const double error = std::fabs(static_cast<double>(g.c[m * g.ldc + n]) - expected);
      const double tolerance = std::numeric_limits<T>::epsilon() * (4 + 0.5 * std::sqrt(steps)) * magnitude;
      if (!(error <= tolerance)) worst = std::fmax(worst, std::isfinite(error) ? error / tolerance : 1e9);
    }
    for (std::int64_t n = c.N; n < g.ldc; ++n) {
      if (!std::isnan(g.c[m * g.ldc + n]) && !c.in_place) worst = 1e9;
    }
  }
  for (std::size_t i = 0; i < guard; ++i) {
    if (!std::isnan(out[i]) || !std::isnan(out[out.size() - 1 - i])) worst = 1e9;
  }
  if (result != nullptr) *result = out;
  return worst;
}

int failures = 0;
long cases = 0;

template <class T>
void check(const Case<T>& c, const char* what) {
  std::vector<T> first, second;
  ++cases;
  double worst = run_case<T>(c, {}, &first);
  if (worst == 0) worst = run_case<T>(c, dlnative::workers(), &second);
  if (worst == 0 && std::memcmp(first.data(), second.data(), first.size() * sizeof(T)) != 0) worst = 1e8;
  if (worst == 0 || ++failures > 20) return;
  std::printf("%s %s: %ldx%ld, lines of %ld, %zu parts, weights %d, activation %d, gradient %d: error %.3g\n",
              dlnative::isa().name, what, long(c.M), long(c.N), long(c.line_rows), c.parts.size(), int(c.weights),
              int(c.activation), int(c.gradient_of), worst);
}

template <class T>
void check_weights(Case<T> c, const char* what) {
  for (const Weights weights : {Weights::in_place, Weights::transposed, Weights::packed_before}) {
    c.weights = weights;
    check(c, what);
  }
}

// Lists of matrices, every other one transposed: with a part of no steps, and one of more than a block of k.
template <class T>
void check_matrices() {
  const std::int64_t lengths[] = {28, 128, 5, 0, 900, 64, 1, 33, 300};
  for (const std::size_t count : {1, 2, 3, 9}) {
    for (const std::int64_t M : {1, 5, 14, 97}) {
      for (const std::int64_t N : {1, 10, 64, 150}) {
        Case<T> c{M, N};
        std::vector<std::vector<T>> memory;
        for (std::size_t i = 0; i < count; ++i) {
          const std::int64_t K = lengths[(i + count) % 9], lda = (i % 2 == 0 ? K : M) + 2;
          memory.push_back(random_values<T>((i % 2 == 0 ? M : K) * lda));
          c.parts.push_back(i % 2 == 0 ? dlnative::matrix_part<T>(K, memory.back().data(), lda, nullptr, 0)
                                       : dlnative::transposed_part<T>(K, memory.back().data(), lda, nullptr, 0));
        }
        c.bias = (M + N) % 2 == 0;
        c.activation = M % 2 == 0 ? Activation::relu : Activation::linear;
        check_weights(c, "matrices");
      }
    }
  }
}

// A convolution without padding is a list over the rows of its window. Its input, output and window are named as there.
template <class T>
void check_windows() {
  struct Convolution {
    std::int64_t N, H, W, C, KH, KW, OC, stride;
  };
  for (const Convolution& s : {Convolution{2, 7, 9, 4, 3, 3, 20, 1}, Convolution{1, 30, 30, 32, 3, 3, 32, 1},
                               Convolution{3, 11, 16, 3, 5, 5, 17, 2}, Convolution{2, 8, 8, 64, 1, 1, 70, 1},
                               Convolution{2, 16, 16, 128, 3, 3, 40, 1}, Convolution{1, 5, 40, 1, 3, 3, 32, 1}}) {
    const std::int64_t OH = (s.H - s.KH) / s.stride + 1, OW = (s.W - s.KW) / s.stride + 1;
    const auto image = random_values<T>(s.N * s.H * s.W * s.C);
    for (std::int64_t sample = 0; sample < s.N; ++sample) {
      Case<T> c{OH * OW, s.OC, OW};
      for (std::int64_t row = 0; row < s.KH; ++row) {
        c.parts.push_back(dlnative::window_part<T>(s.KW * s.C, image.data() + (sample * s.H + row) * s.W * s.C,
                                                   s.stride * s.C, s.stride * s.W * s.C, nullptr, 0));
      }
      c.bias = true;
      c.activation = Activation::relu;
      check_weights(c, "windows");
    }
    // Its weight gradient: the windows transposed, a list over the lines of output pixels.
    for (std::int64_t row = 0; row < s.KH; ++row) {
      Case<T> c{s.KW * s.C, s.OC};
      for (std::int64_t line = 0; line < OH; ++line) {
        c.parts.push_back(dlnative::transposed_part<T>(OW, image.data() + (line * s.stride + row) * s.W * s.C,
                                                       s.stride * s.C, nullptr, 0));
      }
      check(c, "transposed windows");
    }
  }
}

template <class T>
void check_indices() {
  for (const std::int64_t M : {1, 6, 50}) {
    for (const std::int64_t N : {8, 100}) {
      const std::int64_t rows = 40;
      const auto table = random_values<T>(rows * 130), other = random_values<T>(M * 20);
      std::vector<std::int64_t> index(static_cast<std::size_t>(M));
      for (auto& row : index) row = static_cast<std::int64_t>(generator() % rows);
      Case<T> c{M, N};
      c.parts.push_back(dlnative::indexed_part<T>(130, table.data(), 130, index.data(), nullptr, 0));
      check_weights(c, "rows by index");
      c.parts.push_back(dlnative::matrix_part<T>(20, other.data(), 20, nullptr, 0));
      check_weights(c, "rows by index and a matrix");
    }
  }
}

template <class T>
void check_epilogues() {
  constexpr std::int64_t M = 29, N = 37;
  const auto x = random_values<T>(M * 28), h = random_values<T>(M * 128);
  const auto last = static_cast<int>(Activation::sparse_plus);
  for (int i = 0; i <= last; ++i) {
    Case<T> c{M, N};
    c.parts = {dlnative::matrix_part<T>(28, x.data(), 28, nullptr, 0),
               dlnative::matrix_part<T>(128, h.data(), 128, nullptr, 0)};
    c.bias = true;
    c.activation = static_cast<Activation>(i);
    check(c, "activation");
    c.residual = true;
    check(c, "activation of a residual");
    c.residual = c.bias = false;
    c.activation = Activation::linear;
    c.gradient_of = static_cast<Activation>(i);
    check(c, "gradient");
    c.residual = true;
    check(c, "gradient of a residual");
  }
  Case<T> c{M, N};
  c.parts.assign(9, dlnative::matrix_part<T>(128, h.data(), 128, nullptr, 0));
  c.gradient_of = Activation::relu;
  c.in_place = true;
  check(c, "gradient in place");
}

template <class T>
bool notices_an_error() {
  const auto a = random_values<T>(81);
  Case<T> c{9, 9};
  c.parts.assign(2, dlnative::matrix_part<T>(9, a.data(), 9, nullptr, 0));
  return run_case<T>(c, {}, nullptr, true) > 0;
}

template <class T>
void check_all() {
  check_matrices<T>();
  check_windows<T>();
  check_indices<T>();
  check_epilogues<T>();
  const BatchReduceArguments<T> nothing;
  if (dlnative::batch_reduce_scratch_bytes(nothing, 2) != 0) ++failures;
  dlnative::batch_reduce(nothing, nullptr, {});
}

}  // namespace

int main() {
  dlnative::set_num_threads(2);
  for (const char* const* name = dlnative::available_isas(); *name != nullptr; ++name) {
    dlnative::select_isa(*name);
    if (!notices_an_error<float>()) {
      std::printf("the check does not notice an error\n");
      return 1;
    }
    const int before = failures;
    check_all<float>();
    check_all<double>();
    std::printf("%s: %ld cases, %d failed\n", *name, cases, failures - before);
    cases = 0;
  }
  return failures == 0 ? 0 : 1;
}
