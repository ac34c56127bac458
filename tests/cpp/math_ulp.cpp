// Sweeps the float functions of csrc/simd/math.h over the floats, against libm in double, on every instruction set this
// CPU has, and fails where an error is larger than the header says. The argument is the step between floats (1: all of
// them, an hour; default 4099: seconds).
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "op_call.h"

namespace {

struct Function {
  const char* name;
  double (*reference)(double);
  double limit;          // ulp
  bool flushes = false;  // gives 0 where the value is a denormal
};

const Function functions[] = {
    {"exp", std::exp, 1.0},
    {"expm1", std::expm1, 2.0},
    {"log", std::log, 1.0},
    {"log1p", std::log1p, 2.0},
    {"tanh", std::tanh, 2.0},
    {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, 2.0, true},
    {"softplus", [](double x) { return x > 40 ? x : std::log1p(std::exp(x)); }, 2.0},
    {"erf", std::erf, 2.0},
    {"sin", std::sin, 2.0},
    {"cos", std::cos, 2.0},
};

// Units of the last place of the float nearest to `expected`.
double error_in_ulp(float got, double expected) {
  const float rounded = static_cast<float>(expected);
  if (std::isnan(expected)) return std::isnan(got) ? 0 : 1e30;
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded ? 0 : 1e30;
  if (expected == 0 && std::signbit(got) != std::signbit(expected)) return 1e30;
  int exponent;
  std::frexp(expected, &exponent);
  const double ulp = std::ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
  const double error = std::fabs(static_cast<double>(got) - expected) / ulp;
  return std::isnan(error) ? 1e30 : error;
}

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t step = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 4099;
  constexpr std::uint64_t block = 1024;
  bool good = true;
  for (const char* const* isa = dlnative::available_isas(); *isa != nullptr; ++isa) {
    dlnative::select_isa(*isa);
    for (const Function& function : functions) {
      const dlnative::OpRow& op = dlnative_check::find_op(function.name);
      double worst = 0;
      float where = 0;
      for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += step * block) {
        float x[block], y[block];
        for (std::uint64_t i = 0; i < block; ++i) {
          const std::uint32_t word = static_cast<std::uint32_t>(bits + i * step);
          std::memcpy(&x[i], &word, sizeof(word));
        }
        const dlnative::View in = dlnative_check::make_view(x, dlnative::DType::float32, {block});
        const dlnative::View out = dlnative_check::make_view(y, dlnative::DType::float32, {block});
        dlnative_check::run_op(op, {in}, out, {});
        for (std::uint64_t i = 0; i < block; ++i) {
          const double expected = function.reference(static_cast<double>(x[i]));
          if (function.flushes && y[i] == 0 && expected < 1.2e-38) continue;
          const double error = error_in_ulp(y[i], expected);
          if (error > worst) {
            worst = error;
            where = x[i];
          }
        }
      }
      const bool within = worst <= function.limit;
      std::printf("%-9s %-9s largest error %.3f ulp at %a%s\n", *isa, function.name, worst, static_cast<double>(where),
                  within ? "" : "  TOO LARGE");
      good = good && within;
    }
  }
  return good ? 0 : 1;
}
