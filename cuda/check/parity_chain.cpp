// Parity of chains: every op that a step may be, all types of values, and their ends.
#include <cmath>

#include "check/parity.h"

namespace dlnative::cuda::check {
namespace {

struct Step {
  std::string op;
  std::vector<int> operands;
  int destination;
  DType dtype;
  std::vector<double> parameters = {};
};

Instruction chain(std::vector<Tensor> inputs, std::vector<Tensor> outputs, std::int64_t row,
                  const std::vector<Step>& steps, std::vector<int> in_place = {}, int misaligned = 0) {
  Instruction made{"elementwise_chain", std::move(inputs), std::move(outputs), {}, {}, std::move(in_place), misaligned};
  made.ints = {static_cast<std::int64_t>(made.outputs.size()), row, static_cast<std::int64_t>(steps.size())};
  for (const Step& step : steps) {
    made.codes.emplace_back(static_cast<int>(made.ints.size()), step.op);
    made.ints.insert(made.ints.end(), {0, static_cast<std::int64_t>(step.operands.size())});
    made.ints.insert(made.ints.end(), step.operands.begin(), step.operands.end());
    made.types.push_back(static_cast<int>(made.ints.size()) + 1);
    made.ints.insert(made.ints.end(), {step.destination, static_cast<std::int64_t>(step.dtype),
                                       static_cast<std::int64_t>(step.parameters.size())});
    made.floats.insert(made.floats.end(), step.parameters.begin(), step.parameters.end());
  }
  return made;
}

}  // namespace

void chains() {
  const auto boolean = DType::boolean;
  for (const DType dtype : floats) {
    // Each op behind a subtraction; the kernel's own type is that of its values.
    const auto behind = [&](const std::string& op, DType result, double low, double high, double ulps,
                            std::vector<double> parameters = {}) {
      const Tensor a = random(generator, {1029}, dtype, low, high), b = random(generator, {}, dtype, 0, 0);
      compare(chain({a, b}, {Tensor({1029}, result)}, 0,
                    {{"subtract", {0, 1}, 3, dtype}, {op, {3}, 2, result, std::move(parameters)}}),
              result == boolean ? By::bits : By::element, ulps, 1);
    };
    for (const char* op : {"negative", "absolute", "sign", "square", "exp", "expm1", "erf", "sin", "cos", "floor"}) {
      behind(op, dtype, -4, 4, 32);
    }
    for (const char* op : {"log", "log1p", "sqrt", "rsqrt", "reciprocal"}) behind(op, dtype, 0.1, 4, 32);
    behind("isfinite", boolean, -4, 4, 0);
    for (const char* op : {"add", "multiply", "maximum", "minimum", "divide", "power"}) {
      compare(chain({random(generator, {700}, dtype, 0.1, 3), random(generator, {700}, dtype, 0.1, 3)},
                    {Tensor({700}, dtype)}, 0,
                    {{"subtract", {0, 1}, 3, dtype}, {op, {0, 1}, 4, dtype}, {"add", {3, 4}, 2, dtype}}),
              By::element, 32, 9);
    }
#define DLNATIVE_CHECK(name, Formula)                                                                                  \
  behind(#name, dtype, -4, 4, 64, {0.7});                                                                              \
  compare(chain({random(generator, {700}, dtype, -2, 2), random(generator, {700}, dtype, -2, 2)},                      \
                {Tensor({700}, dtype)}, 0, {{"add", {0, 1}, 3, dtype}, {#name "_gradient", {3, 1}, 2, dtype, {0.7}}}), \
          By::element, 64, 4);
    DLNATIVE_ACTIVATIONS(DLNATIVE_CHECK)
#undef DLNATIVE_CHECK
    for (const std::int64_t size : {1, 5, 1024, 5003, 40000}) {
      const Shape shape{size};
      const auto any = [&] { return random(generator, shape, dtype, -2, 2); };
      const Tensor result(shape, dtype), number({}, dtype), one = random(generator, {}, dtype, 1, 2);
      for (const int misaligned : {0, 1}) {
        compare(chain({any(), any(), one}, {result, result}, 0,
                      {{"subtract", {0, 1}, 5, dtype}, {"square", {5}, 3, dtype}, {"multiply", {5, 2}, 4, dtype}}, {},
                      misaligned),
                By::element, 4, 4);
      }
      // A result in the place of an input that a later step reads.
      compare(chain({any(), any()}, {result, result}, 0,
                    {{"square", {0}, 2, dtype}, {"add", {0, 1}, 3, dtype}, {"multiply", {2, 3}, 3, dtype}}, {0, 1}),
              By::element, 8, 8);
      const double root = std::sqrt(static_cast<double>(size));
      compare(chain({any(), any()}, {result, number, number}, 0,
                    {{"subtract", {0, 1}, 2, dtype},
                     {"square", {2}, 5, dtype},
                     {"mean", {5}, 3, dtype},
                     {"sum", {2}, 4, dtype}}),
              By::scale, 2, 4 * root + 4);
      compare(
          chain({any(), any()}, {result}, 0,
                {{"greater", {0, 1}, 3, boolean}, {"logical_not", {3}, 3, boolean}, {"where", {3, 0, 1}, 2, dtype}}),
          By::bits, 0, 0);
      compare(chain({any(), random(generator, shape, DType::int64, -3, 3)}, {result, Tensor(shape, DType::int32)}, 0,
                    {{"cast", {1}, 4, dtype}, {"add", {4, 0}, 2, dtype}, {"cast", {2}, 3, DType::int32}}),
              By::element, 2, 3);
    }
    for (const auto& [rows, row] : {std::pair<std::int64_t, std::int64_t>{1, 1},
                                    {5, 1},
                                    {1, 9},
                                    {300, 3},
                                    {9, 64},
                                    {17, 784},
                                    {3, 1025},
                                    {5, 4096}}) {
      const Shape shape{rows, row};
      const Tensor result(shape, dtype), of_rows({rows}, dtype);
      compare(chain({random(generator, shape, dtype, -2, 2), random(generator, shape, dtype, -2, 2)},
                    {result, of_rows, of_rows, of_rows, of_rows}, row,
                    {{"multiply", {0, 1}, 2, dtype},
                     {"max", {2}, 3, dtype},
                     {"negative", {2}, 7, dtype},
                     {"sum", {7}, 4, dtype},
                     {"mean", {7}, 5, dtype},
                     {"min", {7}, 6, dtype}}),
              By::scale, 2, 4 * std::sqrt(static_cast<double>(row)) + 4);
    }
  }
  for (const DType dtype : {DType::int32, DType::int64}) {
    compare(chain({random(generator, {1029}, dtype, -9, 9), random(generator, {1029}, dtype, -9, 9)},
                  {Tensor({1029}, dtype)}, 0,
                  {{"multiply", {0, 1}, 3, dtype},
                   {"subtract", {3, 0}, 3, dtype},
                   {"relu", {3}, 3, dtype},
                   {"copy", {3}, 4, dtype},
                   {"minimum", {4, 1}, 2, dtype}}),
            By::bits, 0, 0);
  }
  // Casts between all types, by way of a temporary; values that each of them holds.
  for (int from = 0; from < dtype_count; ++from) {
    for (int to = 0; to < dtype_count; ++to) {
      const auto source = static_cast<DType>(from), target = static_cast<DType>(to);
      const DType middle = item_size(source) == 8 || item_size(target) == 8 ? DType::float64 : DType::float32;
      compare(
          chain(
              {random(generator, {300}, DType::int32, 0, 90)}, {Tensor({300}, target), Tensor({300}, middle)}, 0,
              {{"cast", {0}, 3, source}, {"copy", {3}, 3, source}, {"cast", {3}, 1, target}, {"cast", {1}, 2, middle}}),
          By::bits, 0, 0);
    }
    const auto dtype = static_cast<DType>(from);
    for (const char* op : {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
      if (from > static_cast<int>(DType::boolean)) break;
      compare(chain({random(generator, {300}, dtype, 0, 2), random(generator, {300}, dtype, 0, 2)},
                    {Tensor({300}, boolean)}, 0,
                    {{op, {0, 1}, 3, boolean},
                     {"equal", {0, 1}, 4, boolean},
                     {"logical_or", {3, 4}, 4, boolean},
                     {"logical_and", {3, 4}, 2, boolean}}),
              By::bits, 0, 0);
    }
  }
}

}  // namespace dlnative::cuda::check
