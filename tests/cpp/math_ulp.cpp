// Sweeps the float functions of csrc/simd/math.h over the floats, against libm in double, on every instruction set this
// CPU has, and fails where an error is larger than the header says. The first argument is the step between floats (1:
// all of them, some minutes a function; default 4099: seconds), further ones are the functions to sweep.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "op_call.h"

namespace {

struct Function {
  const char* name;
  double (*reference)(double);
  double limit;          // ulp
  bool flushes = false;  // gives 0 where the value is a denormal
};

const Function functions[] = {
    {"exp", std::exp, 1.05},
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

// One unit of the last place of the float nearest to `expected`, as what to multiply by; 0 where `special` decides.
double units(double expected) {
  const float rounded = static_cast<float>(expected);
  if (std::isnan(expected) || std::isinf(rounded) || expected == 0) return 0;
  std::uint64_t bits;
  std::memcpy(&bits, &expected, sizeof(bits));
  const std::int64_t exponent = static_cast<std::int64_t>(bits >> 52 & 0x7ff) - 1023;  // 1 <= |expected| / 2^e < 2
  const std::int64_t last = (exponent < -126 ? -126 : exponent) - 23;
  const std::uint64_t inverse = static_cast<std::uint64_t>(1023 - last) << 52;
  double scale;
  std::memcpy(&scale, &inverse, sizeof(scale));
  return scale;
}

// Whether a result is right where there are no units: NaN, infinite, zero with its sign.
bool special(float got, double expected) {
  if (std::isnan(expected)) return std::isnan(got);
  return got == static_cast<float>(expected) && std::signbit(got) == std::signbit(expected);
}

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t step = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 4099;
  constexpr std::uint64_t block = 1024;
  std::vector<const char*> isas;
  for (const char* const* isa = dlnative::available_isas(); *isa != nullptr; ++isa) isas.push_back(*isa);
  bool good = true;
  for (const Function& function : functions) {
    const auto named = [&](const char* name) { return std::strcmp(name, function.name) == 0; };
    if (count > 2 && std::none_of(arguments + 2, arguments + count, named)) continue;
    std::vector<double> worst(isas.size());
    std::vector<float> where(isas.size());
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += step * block) {
      float x[block], y[block];
      double expected[block], scale[block];
      for (std::uint64_t i = 0; i < block; ++i) {
        const std::uint32_t word = static_cast<std::uint32_t>(bits + i * step);
        std::memcpy(&x[i], &word, sizeof(word));
        expected[i] = function.reference(static_cast<double>(x[i]));
        scale[i] = units(expected[i]);
      }
      const dlnative::View in = dlnative_check::make_view(x, dlnative::DType::float32, {block});
      const dlnative::View out = dlnative_check::make_view(y, dlnative::DType::float32, {block});
      for (std::size_t isa = 0; isa < isas.size(); ++isa) {
        dlnative::select_isa(isas[isa]);
        dlnative_check::run_op(dlnative_check::find_op(function.name), {in}, out, {});
        for (std::uint64_t i = 0; i < block; ++i) {
          double error = std::fabs(static_cast<double>(y[i]) - expected[i]) * scale[i];
          if (error <= worst[isa] && scale[i] != 0) continue;
          if (function.flushes && y[i] == 0 && expected[i] < 1.2e-38) continue;
          if (scale[i] == 0) error = special(y[i], expected[i]) ? 0 : 1e30;
          if (error <= worst[isa]) continue;
          worst[isa] = std::isnan(error) ? 1e30 : error;
          where[isa] = x[i];
        }
      }
    }
    for (std::size_t isa = 0; isa < isas.size(); ++isa) {
      const bool within = worst[isa] <= function.limit;
      std::printf("%-9s %-9s largest error %.3f ulp at %a%s\n", isas[isa], function.name, worst[isa],
                  static_cast<double>(where[isa]), within ? "" : "  TOO LARGE");
      std::fflush(stdout);
      good = good && within;
    }
  }
  return good ? 0 : 1;
}
