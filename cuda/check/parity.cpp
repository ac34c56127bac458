// Every kernel of cuda/ against the CPU's: random data, poisoned results, both element types, sizes around the widths
// that kernels work in; on the host in both orders of threads, whose results are to have the same bits.
//
// What is computed is compared with the CPU's kernel in float64, by the size of the element, the row or the product;
// what is only moved or drawn, bit for bit. An argument keeps only ops whose names begin with it;
// DLNATIVE_CHECK_EVERY=n every n-th case, for sanitizers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "check/program.h"
#include "check/tensor.h"
#include "gemm/enqueue.h"

namespace {

using namespace dlnative;
using namespace dlnative::cuda;
using namespace dlnative::cuda::check;

std::mt19937 generator(7);
int failures = 0, cases = 0;
std::set<std::string> covered;
const char* only = "";
int every = 1;

constexpr DType floats[] = {DType::float32, DType::float64};

bool is_float(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

std::string describe(const Instruction& instruction) {
  std::string text = instruction.op;
  for (const Tensor& input : instruction.inputs) {
    text += " (";
    for (const auto extent : input.shape) text += std::to_string(extent) + ",";
    text += ")";
  }
  for (const auto value : instruction.ints) text += " " + std::to_string(value);
  if (!instruction.in_place.empty()) text += " in place";
  if (instruction.misaligned != 0) text += " misaligned";
  return text + (instruction.outputs[0].dtype == DType::float32 ? " float32" : "");
}

void fail(const Instruction& instruction, const std::string& what) {
  if (++failures <= 40) std::printf("FAILED %s: %s\n", describe(instruction).c_str(), what.c_str());
}

enum class By { bits, element, scale };

// Compares with the CPU's result: exactly, or to `ulps` of the element and of `scale`, the size of what went in.
void compare(const Instruction& instruction, By by, double ulps, double scale) {
  static int passed = 0;
  if (std::strncmp(instruction.op.c_str(), only, std::strlen(only)) != 0 || passed++ % every != 0) return;
  ++cases;
  covered.insert(instruction.op);
  static Queue queue;
  std::vector<Tensor> results;
  try {
#if defined(DLNATIVE_CUDA_HOST)
    host::set_order(host::Order::reverse);
    const std::vector<Tensor> reverse = run(instruction, queue);
    host::set_order(host::Order::forward);
    results = run(instruction, queue);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].bytes != reverse[i].bytes) {
        return fail(instruction, "the result depends on the order of threads: a barrier is missing");
      }
    }
#else
    results = run(instruction, queue);
#endif
  } catch (const std::exception& error) {
    return fail(instruction, error.what());
  }
  Instruction reference = instruction;
  reference.in_place.clear();
  if (by != By::bits) {
    for (Tensor& input : reference.inputs) {
      if (input.dtype == DType::float32) input = input.as(DType::float64);
    }
    for (Tensor& output : reference.outputs) {
      if (output.dtype == DType::float32) output = Tensor(output.shape, DType::float64);
    }
  }
  const std::vector<Tensor> expected = run_on_cpu(reference);
  for (std::size_t which = 0; which < results.size(); ++which) {
    const Tensor &y = results[which], &wanted = expected[which];
    if (by == By::bits) {
      if (y.bytes != wanted.bytes) fail(instruction, "not the same bits");
      continue;
    }
    const double eps = y.dtype == DType::float32 ? 1.1920929e-7 : 2.220446e-16;
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const double got = y.get(i), want = wanted.get(i);
      if (std::isnan(want) ? std::isnan(got) : std::abs(got - want) <= ulps * eps * (std::abs(want) + scale)) continue;
      if (got == want) continue;
      char text[120];
      std::snprintf(text, sizeof(text), "result %zu, element %ld: %.9g instead of %.9g", which, static_cast<long>(i),
                    got, want);
      fail(instruction, text);
      break;
    }
  }
}

void elementwise() {
  struct Function {
    const char* name;
    double low, high, ulps;
  };
  const Function functions[] = {{"negative", -4, 4, 0}, {"absolute", -4, 4, 0}, {"sign", -4, 4, 0},
                                {"square", -4, 4, 1},   {"exp", -4, 4, 16},     {"expm1", -4, 4, 16},
                                {"log", 0.01, 9, 16},   {"log1p", -0.9, 9, 16}, {"sqrt", 0, 9, 2},
                                {"rsqrt", 0.01, 9, 4},  {"erf", -3, 3, 16},     {"reciprocal", 0.1, 9, 2},
                                {"sin", -9, 9, 16},     {"cos", -9, 9, 16},     {"floor", -9, 9, 0}};
  const Shape sizes[] = {{1}, {3}, {255}, {1027}, {40, 128}};
  for (const DType dtype : floats) {
    for (const Shape& shape : sizes) {
      for (const Function& f : functions) {
        Instruction one{f.name, {random(generator, shape, dtype, f.low, f.high)}, {Tensor(shape, dtype)}, {}, {}, {},
                        0};
        compare(one, By::element, f.ulps, 1);
        one.misaligned = 1;
        one.in_place = {0};
        compare(one, By::element, f.ulps, 1);
      }
#define DLNATIVE_CHECK(name, Formula)                                                                                \
  compare({#name, {random(generator, shape, dtype, -5, 5)}, {Tensor(shape, dtype)}, {}, {0.7}, {0}, 0}, By::element, \
          32, 5);                                                                                                    \
  compare({#name "_gradient",                                                                                        \
           {random(generator, shape, dtype, -3, 3), random(generator, shape, dtype, -5, 5)},                         \
           {Tensor(shape, dtype)},                                                                                   \
           {},                                                                                                       \
           {0.7},                                                                                                    \
           {1},                                                                                                      \
           0},                                                                                                       \
          By::element, 64, 15);
      DLNATIVE_ACTIVATIONS(DLNATIVE_CHECK)
#undef DLNATIVE_CHECK
    }
  }
  const std::pair<Shape, Shape> pairs[] = {
      {{1027}, {1027}},    {{1027}, {1}},    {{1}, {515}}, {{9, 1, 7}, {5, 7}}, {{33, 20}, {20}},
      {{33, 20}, {33, 1}}, {{4, 1}, {1, 6}}, {{}, {}},     {{2, 3, 5}, {3, 1}}, {{300, 128}, {128}}};
  const auto joined = [](const Shape& a, const Shape& b) {
    const std::size_t rank = std::max(a.size(), b.size());
    Shape shape(rank);
    for (std::size_t axis = 1; axis <= rank; ++axis) {
      const std::int64_t of_a = axis <= a.size() ? a[a.size() - axis] : 1,
                         of_b = axis <= b.size() ? b[b.size() - axis] : 1;
      shape[rank - axis] = std::max(of_a, of_b);
    }
    return shape;
  };
  const DType types[] = {DType::float32, DType::float64, DType::int32, DType::int64};
  for (const DType dtype : types) {
    for (const auto& [a, b] : pairs) {
      const Shape shape = joined(a, b);
      for (const char* name : {"add", "subtract", "multiply", "maximum", "minimum"}) {
        compare({name,
                 {random(generator, a, dtype, -9, 9), random(generator, b, dtype, -9, 9)},
                 {Tensor(shape, dtype)},
                 {},
                 {},
                 {},
                 0},
                By::bits, 0, 0);
      }
      for (const char* name : {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
        compare({name,
                 {random(generator, a, dtype, -3, 3), random(generator, b, dtype, -3, 3)},
                 {Tensor(shape, DType::boolean)},
                 {},
                 {},
                 {},
                 0},
                By::bits, 0, 0);
      }
      compare({"where",
               {random(generator, shape, DType::boolean, 0, 2), random(generator, a, dtype, -9, 9),
                random(generator, b, dtype, -9, 9)},
               {Tensor(shape, dtype)},
               {},
               {},
               {},
               0},
              By::bits, 0, 0);
      if (!is_float(dtype)) continue;
      compare({"divide",
               {random(generator, a, dtype, -9, 9), random(generator, b, dtype, 1, 9)},
               {Tensor(shape, dtype)},
               {},
               {},
               {},
               0},
              By::element, 2, 0);
      compare({"power",
               {random(generator, a, dtype, 0.1, 4), random(generator, b, dtype, -3, 3)},
               {Tensor(shape, dtype)},
               {},
               {},
               {},
               0},
              By::element, 64, 0);
      compare({"binary_crossentropy_with_logits",
               {random(generator, shape, dtype, -9, 9), random(generator, shape, dtype, 0, 1)},
               {Tensor(shape, dtype)},
               {},
               {},
               {},
               0},
              By::element, 32, 9);
    }
  }
  const DType all[] = {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean};
  for (const DType from : all) {
    for (const DType to : all) {
      compare({"cast", {random(generator, {1027}, from, 0, 2)}, {Tensor({1027}, to)}, {}, {}, {}, 0}, By::bits, 0, 0);
    }
    compare({"copy", {random(generator, {7, 3}, from, 0, 2)}, {Tensor({21}, from)}, {}, {}, {}, 0}, By::bits, 0, 0);
  }
  for (const char* name : {"logical_and", "logical_or"}) {
    compare({name,
             {random(generator, {1027}, DType::boolean, 0, 2), random(generator, {1027}, DType::boolean, 0, 2)},
             {Tensor({1027}, DType::boolean)},
             {},
             {},
             {},
             0},
            By::bits, 0, 0);
  }
  compare({"logical_not",
           {random(generator, {1027}, DType::boolean, 0, 2)},
           {Tensor({1027}, DType::boolean)},
           {},
           {},
           {},
           0},
          By::bits, 0, 0);
  for (const DType dtype : floats) {
    Tensor x = random(generator, {1027}, dtype, -9, 9);
    x.set(3, INFINITY);
    x.set(4, -INFINITY);
    x.set(5, NAN);
    compare({"isfinite", {x}, {Tensor({1027}, DType::boolean)}, {}, {}, {}, 0}, By::bits, 0, 0);
    compare({"relu", {x}, {Tensor({1027}, dtype)}, {}, {}, {}, 0}, By::element, 0, 0);
    compare({"maximum", {x, random(generator, {1027}, dtype, -9, 9)}, {Tensor({1027}, dtype)}, {}, {}, {}, 0},
            By::element, 0, 0);
  }
}

void arithmetic() {
  struct Function {
    const char* name;
    double low, high, ulps;
  };
  const Function functions[] = {{"tan", -1.4, 1.4, 16}, {"arcsin", -0.99, 0.99, 16}, {"arccos", -0.99, 0.99, 16},
                                {"arctan", -9, 9, 16},  {"sinh", -4, 4, 16},         {"cosh", -4, 4, 16},
                                {"arcsinh", -9, 9, 16}, {"arccosh", 1, 9, 16},       {"arctanh", -0.99, 0.99, 16},
                                {"log2", 0.01, 9, 16},  {"log10", 0.01, 9, 16},      {"cbrt", -9, 9, 16},
                                {"trunc", -9, 9, 0},    {"round", -9, 9, 0}};
  for (const DType dtype : floats) {
    for (const Function& f : functions) {
      compare({f.name, {random(generator, {1027}, dtype, f.low, f.high)}, {Tensor({1027}, dtype)}, {}, {}, {}, 0},
              By::element, f.ulps, 1);
    }
    for (const char* name : {"arctan2", "hypot", "fmod", "remainder", "floor_divide"}) {
      compare({name,
               {random(generator, {33, 20}, dtype, -9, 9), random(generator, {20}, dtype, 1, 5)},
               {Tensor({33, 20}, dtype)},
               {},
               {},
               {},
               0},
              By::element, 8, 9);
    }
    compare({"nextafter",
             {random(generator, {1027}, dtype, -9, 9), random(generator, {1027}, dtype, -9, 9)},
             {Tensor({1027}, dtype)},
             {},
             {},
             {},
             0},
            By::bits, 0, 0);
  }
  for (const DType dtype : {DType::int32, DType::int64}) {
    for (const char* name : {"fmod", "remainder", "floor_divide", "integer_power", "bitwise_and", "bitwise_or",
                             "bitwise_xor", "left_shift", "right_shift"}) {
      compare({name,
               {random(generator, {1027}, dtype, -9, 9), random(generator, {1027}, dtype, -2, 5)},
               {Tensor({1027}, dtype)},
               {},
               {},
               {},
               0},
              By::bits, 0, 0);
    }
  }
  const DType types[] = {DType::float32, DType::float64, DType::int32, DType::int64};
  for (const DType dtype : types) {
    for (const DType index : {DType::int32, DType::int64}) {
      const Tensor x = random(generator, {4, 9, 5}, dtype, -9, 9), places = random(generator, {17}, index, -1, 10);
      compare({"gather", {x, places}, {Tensor({4, 17, 5}, dtype)}, {1, 1}, {}, {}, 0}, By::bits, 0, 0);
      for (const std::int64_t reduction : {0, 1, 2, 3, 4}) {
        compare({"scatter",
                 {x, places, random(generator, {4, 17, 5}, dtype, -2, 3)},
                 {Tensor({4, 9, 5}, dtype)},
                 {1, reduction},
                 {},
                 {},
                 0},
                By::bits, 0, 0);
      }
    }
    for (const std::int64_t descending : {0, 1}) {
      const Tensor ties = random(generator, {5, 130}, DType::int32, 0, 40).as(dtype);
      compare({"argsort", {ties}, {Tensor({5, 130}, DType::int32)}, {descending}, {}, {}, 0}, By::bits, 0, 0);
    }
  }
}

void movement() {
  const DType types[] = {DType::float32, DType::float64, DType::uint8};
  for (const DType dtype : types) {
    const auto x = [&](const Shape& shape) { return random(generator, shape, dtype, 0, 99); };
    compare({"transpose", {x({33, 70})}, {Tensor({70, 33}, dtype)}, {2, 1, 0}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({128, 64})}, {Tensor({64, 128}, dtype)}, {2, 1, 0}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({3, 40, 50})}, {Tensor({3, 50, 40}, dtype)}, {3, 0, 2, 1}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({5, 4, 3})}, {Tensor({3, 5, 4}, dtype)}, {3, 2, 0, 1}, {}, {}, 0}, By::bits, 0, 0);
    compare({"transpose", {x({2, 3, 4, 5})}, {Tensor({5, 3, 2, 4}, dtype)}, {4, 3, 1, 0, 2}, {}, {}, 0}, By::bits, 0,
            0);
    compare({"concatenate", {x({5, 3}), x({5, 4}), x({5, 1})}, {Tensor({5, 8}, dtype)}, {1}, {}, {}, 0}, By::bits, 0,
            0);
    compare({"concatenate", {x({5, 3}), x({2, 3})}, {Tensor({7, 3}, dtype)}, {0}, {}, {}, 0}, By::bits, 0, 0);
    compare({"slice", {x({9, 10})}, {Tensor({4, 3}, dtype)}, {2, 1, 2, 2, 2, 3}, {}, {}, 0}, By::bits, 0, 0);
    compare({"pad", {x({9, 10})}, {Tensor({12, 15}, dtype)}, {2, 1, 2, 2, 2, 3}, {}, {}, 0}, By::bits, 0, 0);
    compare({"broadcast_to", {x({3, 1})}, {Tensor({2, 3, 7}, dtype)}, {3, 2, 3, 7}, {}, {}, 0}, By::bits, 0, 0);
    compare({"broadcast_to", {x({1})}, {Tensor({1000}, dtype)}, {1, 1000}, {}, {}, 0}, By::bits, 0, 0);
    compare({"view", {x({6, 8})}, {Tensor({6, 8 * item_size(dtype)}, DType::uint8)}, {}, {}, {}, 0}, By::bits, 0, 0);
    for (const DType index : {DType::int32, DType::int64}) {
      compare({"one_hot", {random(generator, {50}, index, -2, 12)}, {Tensor({50, 10}, dtype)}, {10}, {}, {}, 0},
              By::bits, 0, 0);
    }
  }
}

void reductions() {
  struct Case {
    Shape x;
    std::int64_t axis, count;
    Shape y;
  };
  const Case list[] = {{{7}, 0, 1, {}},
                       {{1, 1}, 0, 2, {}},
                       {{30011}, 0, 1, {}},
                       {{5, 37}, 1, 1, {5}},
                       {{5, 37}, 0, 1, {37}},
                       {{300, 3}, 0, 1, {3}},
                       {{9, 1500}, 1, 1, {9}},
                       {{700, 40}, 0, 1, {40}},
                       {{3, 130, 37}, 1, 1, {3, 37}},
                       {{3, 4, 5, 6}, 1, 2, {3, 6}},
                       {{130, 20}, 1, 1, {130}},
                       {{2, 20000}, 1, 1, {2}}};
  const DType types[] = {DType::float32, DType::float64, DType::int32, DType::int64};
  for (const DType dtype : types) {
    for (const Case& c : list) {
      const Tensor x = random(generator, c.x, dtype, -2, 9);
      const double summed = static_cast<double>(x.size()) / static_cast<double>(size_of(c.y));
      const std::vector<std::int64_t> ints{c.axis, c.count};
      compare({"sum", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, is_float(dtype) ? By::scale : By::bits, 1,
              std::sqrt(summed) * 9);
      if (is_float(dtype)) {
        compare({"mean", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::scale, 1, 9);
      }
      compare({"max", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::bits, 0, 0);
      compare({"min", {x}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::bits, 0, 0);
      if (c.count != 1) continue;
      compare({"argmax", {x}, {Tensor(c.y, DType::int32)}, ints, {}, {}, 0}, By::bits, 0, 0);
      Tensor ties = random(generator, c.x, DType::int32, 0, 3).as(dtype);
      compare({"argmin", {ties}, {Tensor(c.y, DType::int32)}, ints, {}, {}, 0}, By::bits, 0, 0);
      if (!is_float(dtype)) continue;
      ties.set(ties.size() / 2, NAN);
      compare({"argmax", {ties}, {Tensor(c.y, DType::int32)}, ints, {}, {}, 0}, By::bits, 0, 0);
      compare({"max", {ties}, {Tensor(c.y, dtype)}, ints, {}, {}, 0}, By::element, 0, 0);
    }
  }
}

void rows() {
  const Shape shapes[] = {{5, 10}, {3, 4, 33}, {9, 200}, {2, 300}, {2, 2051}, {300, 3}, {1, 1}};
  for (const DType dtype : floats) {
    for (const Shape& shape : shapes) {
      const Shape of_rows(shape.begin(), shape.end() - 1);
      const std::int64_t C = shape.back();
      const Tensor x = random(generator, shape, dtype, -5, 5), dy = random(generator, shape, dtype, -2, 2);
      compare({"softmax", {x}, {Tensor(shape, dtype)}, {}, {}, {0}, 0}, By::element, 64, 0.01);
      compare({"log_softmax", {x}, {Tensor(shape, dtype)}, {}, {}, {}, 0}, By::element, 64, 10);
      const Tensor y = random(generator, shape, dtype, 0, 1), log_y = random(generator, shape, dtype, -5, 0);
      const double root = std::sqrt(static_cast<double>(C));
      compare({"softmax_gradient", {dy, y}, {Tensor(shape, dtype)}, {}, {}, {0}, 0}, By::scale, 16, 2 * root);
      compare({"log_softmax_gradient", {dy, log_y}, {Tensor(shape, dtype)}, {}, {}, {0}, 0}, By::scale, 16, 2 * root);
      compare({"categorical_crossentropy_with_logits",
               {x, y},
               {Tensor(of_rows, dtype), Tensor(shape, dtype)},
               {},
               {0.25},
               {-1, 0},
               0},
              By::scale, 16, 10.0 * static_cast<double>(C));
      for (const DType index : {DType::int32, DType::int64}) {
        const Tensor labels = random(generator, of_rows, index, C > 3 ? -1 : 0, static_cast<double>(C));
        compare({"sparse_categorical_crossentropy_with_logits",
                 {x, labels},
                 {Tensor(of_rows, dtype), Tensor(shape, dtype)},
                 {},
                 {0.25},
                 {-1, 0},
                 0},
                By::element, 64, 10);
      }
    }
  }
}

void drawn() {
  Tensor state({2}, DType::int64);
  state.set(0, 123456789012.0);
  state.set(1, 77);
  for (const std::int64_t size : {1, 2, 7, 1029}) {
    compare({"random_permutation", {state}, {Tensor({size}, DType::int64)}, {}, {}, {}, 0}, By::bits, 0, 0);
  }
  for (const DType dtype : floats) {
    for (const std::int64_t size : {1, 7, 64, 1029}) {
      const Shape shape{size};
      for (const int misaligned : {0, 1}) {
        compare({"random_uniform", {state}, {Tensor(shape, dtype)}, {}, {}, {}, misaligned}, By::bits, 0, 0);
        compare({"dropout",
                 {random(generator, shape, dtype, -2, 2), state},
                 {Tensor(shape, dtype)},
                 {},
                 {0.3},
                 {},
                 misaligned},
                By::bits, 0, 0);
        compare({"random_normal", {state}, {Tensor(shape, dtype)}, {}, {}, {}, misaligned}, By::element, 64, 2);
      }
    }
  }
}

void optimizers() {
  for (const DType dtype : floats) {
    for (const std::int64_t size : {1, 37, 1025}) {
      const Shape shape{size};
      const auto positive = [&] { return random(generator, shape, dtype, 0.01, 2); };
      const auto any = [&] { return random(generator, shape, dtype, -2, 2); };
      Tensor lr({}, dtype), iterations({}, DType::int64);
      lr.set(0, 0.125);
      iterations.set(0, 11);
      const Tensor result(shape, dtype);
      const Tensor param = any(), gradient = any();
      const double ulps = dtype == DType::float32 ? 16 : 64;
      compare({"sgd", {param, gradient, lr}, {result}, {0}, {0.0, 0.01}, {0}, 0}, By::element, ulps, 4);
      for (const std::int64_t nesterov : {0, 1}) {
        compare({"sgd", {param, gradient, lr, any()}, {result, result}, {nesterov}, {0.75, 0.01}, {0, 3}, 0},
                By::element, ulps, 4);
      }
      compare({"adam",
               {param, gradient, lr, iterations, any(), positive()},
               {result, result, result},
               {0},
               {0.9, 0.999, 1e-7, 0.01},
               {0, 4, 5},
               0},
              By::element, dtype == DType::float32 ? 400 : 64, 4);
      compare({"adam",
               {param, gradient, lr, iterations, any(), positive(), positive()},
               {result, result, result, result},
               {0},
               {0.9, 0.999, 1e-7, 0.0},
               {},
               0},
              By::element, dtype == DType::float32 ? 400 : 64, 4);
      for (const std::int64_t centered : {0, 1}) {
        for (const double momentum : {0.0, 0.5}) {
          std::vector<Tensor> inputs{param, gradient, lr, random(generator, shape, dtype, 5, 9)};
          std::vector<Tensor> outputs{result, result};
          if (momentum > 0) inputs.push_back(any()), outputs.push_back(result);
          if (centered != 0) inputs.push_back(random(generator, shape, dtype, -1, 1)), outputs.push_back(result);
          compare({"rmsprop", inputs, outputs, {centered}, {0.9, momentum, 1e-7, 0.01}, {}, 0}, By::element, ulps, 4);
        }
      }
    }
  }
}

// The attributes of a product (csrc/ops/epilogue.h).
struct Epilogue {
  bool bias = false, residual = false;
  Activation activation = Activation::linear, gradient_of = Activation::linear;
  bool sums = false;
};
std::vector<std::int64_t> product(std::int64_t transpose_a, std::int64_t transpose_b, const Epilogue& e = {}) {
  return {transpose_a,
          transpose_b,
          e.bias,
          e.residual,
          static_cast<std::int64_t>(e.activation),
          static_cast<std::int64_t>(e.gradient_of),
          e.sums};
}

void products() {
  struct Sizes {
    std::int64_t M, N, K;
  };
  const Sizes list[] = {{1, 1, 1}, {5, 3, 7}, {33, 65, 17}, {64, 64, 64}, {130, 72, 52}, {16, 10, 300}};
  for (int kernel = -1; kernel < gemm_kernels; ++kernel) {
    force_gemm_kernel(kernel);
    for (const DType dtype : floats) {
      for (const Sizes& s : list) {
        const double scale = 4 * std::sqrt(static_cast<double>(s.K)) + 4;
        const auto matrix = [&](std::int64_t rows, std::int64_t columns) {
          return random(generator, {rows, columns}, dtype, -2, 2);
        };
        const Tensor c({s.M, s.N}, dtype);
        const auto check = [&](std::vector<Tensor> inputs, std::vector<std::int64_t> ints, double larger = 1) {
          compare({"matmul", std::move(inputs), {c}, std::move(ints), {0.0}, {}, 0}, By::scale, 4, larger * scale);
        };
        for (const std::int64_t ta : {0, 1}) {
          for (const std::int64_t tb : {0, 1}) {
            const Tensor a = ta != 0 ? matrix(s.K, s.M) : matrix(s.M, s.K);
            const Tensor b = tb != 0 ? matrix(s.N, s.K) : matrix(s.K, s.N);
            check({a, b}, product(ta, tb));
            compare({"matmul",
                     {a, b, matrix(s.M, s.N)},
                     {c},
                     product(ta, tb, {false, false, Activation::linear, Activation::relu}),
                     {0.0},
                     {2},
                     0},
                    By::scale, 4, scale);
          }
        }
        const Tensor x = matrix(s.M, s.K), w = matrix(s.K, s.N), bias = random(generator, {s.N}, dtype, -2, 2);
        check({x, w, bias}, product(0, 0, {true, false, Activation::relu}));
        compare({"matmul", {x, w}, {c}, product(0, 0), {0.0}, {}, 1}, By::scale, 4, scale);
        check({x, w, bias, matrix(s.M, s.N)}, product(0, 0, {true, true, Activation::tanh}), 2);
        check({x, w, matrix(s.M, s.N), matrix(s.M, s.N)},
              product(0, 0, {false, true, Activation::linear, Activation::sigmoid}), 20);
        check({x, w, bias, matrix(s.M, s.N)}, product(0, 0, {true, false, Activation::tanh, Activation::relu}), 2);
        compare({"matmul",
                 {matrix(s.K, s.M), matrix(s.K, s.N)},
                 {c, Tensor({s.N}, dtype)},
                 product(1, 0, {false, false, Activation::linear, Activation::linear, true}),
                 {0.0},
                 {},
                 0},
                By::scale, 4, scale);
      }
      compare({"matmul",
               {random(generator, {3, 2, 20, 12}, dtype, -2, 2), random(generator, {3, 2, 12, 9}, dtype, -2, 2)},
               {Tensor({3, 2, 20, 9}, dtype)},
               product(0, 0),
               {0.0},
               {},
               0},
              By::scale, 4, 16);
      compare({"matmul",
               {random(generator, {3, 20, 12}, dtype, -2, 2), random(generator, {12, 8}, dtype, -2, 2)},
               {Tensor({3, 20, 8}, dtype)},
               product(0, 0),
               {0.0},
               {},
               0},
              By::scale, 4, 16);
    }
  }
  force_gemm_kernel(-1);
  for (const DType dtype : floats) {
    const Tensor x = random(generator, {20, 12}, dtype, -2, 2), w = random(generator, {12, 17}, dtype, -2, 2);
    const Tensor saved = random(generator, {20, 17}, dtype, -2, 2), y({20, 17}, dtype);
#define DLNATIVE_CHECK(name, Formula)                                                                                 \
  compare({"matmul", {x, w}, {y}, product(0, 0, {false, false, Activation::name}), {0.7}, {}, 0}, By::scale, 32, 16); \
  compare({"matmul",                                                                                                  \
           {x, w, saved},                                                                                             \
           {y},                                                                                                       \
           product(0, 0, {false, false, Activation::linear, Activation::name}),                                       \
           {0.7},                                                                                                     \
           {},                                                                                                        \
           0},                                                                                                        \
          By::scale, 32, 60);
    DLNATIVE_ACTIVATIONS(DLNATIVE_CHECK)
#undef DLNATIVE_CHECK
  }
}

int check_all(int count, char** arguments) {
  if (count > 1) only = arguments[1];
  if (const char* given = std::getenv("DLNATIVE_CHECK_EVERY")) every = std::max(1, std::atoi(given));
  std::printf("on %s\n", device().name.c_str());
  for (const auto& part : {elementwise, arithmetic, movement, reductions, rows, drawn, optimizers, products}) part();
  int rows_left = 0;
  for (int i = 0; const Row* row = row_at(i); ++i) {
    if (covered.count(row->name) == 0 && *only == 0 && every == 1) {
      std::printf("FAILED %s: no case\n", row->name);
      ++rows_left;
    }
  }
  std::printf("%d cases of %zu ops, %d failures\n", cases, covered.size(), failures + rows_left);
  return failures + rows_left == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  return dlnative::cuda::check::run_program([&] { return check_all(count, arguments); });
}
