// Parity of elementwise kernels: shapes and scalars that broadcast, in place, misaligned, and every type.
#include "check/parity.h"

namespace dlnative::cuda::check {

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
    // More updates than a tile that is sorted at once.
    compare({"scatter",
             {random(generator, {40, 3}, dtype, -9, 9), random(generator, {5000}, DType::int32, -1, 41),
              random(generator, {5000, 3}, dtype, -2, 3)},
             {Tensor({40, 3}, dtype)},
             {0, 1},
             {},
             {0},
             0},
            By::bits, 0, 0);
    for (const std::int64_t descending : {0, 1}) {
      for (const Shape& shape : {Shape{5, 130}, {7, 1}, {700, 3}, {3, 2048}, {2, 2049}, {1, 9001}}) {
        Tensor ties = random(generator, shape, DType::int32, 0, 40).as(dtype);
        if (is_float(dtype)) ties.set(ties.size() / 2, NAN);
        if (is_float(dtype)) ties.set(ties.size() - 1, NAN);
        compare({"argsort", {ties}, {Tensor(shape, DType::int32)}, {descending}, {}, {}, 0}, By::bits, 0, 0);
      }
    }
  }
}

}  // namespace dlnative::cuda::check
