// Arrays of the checks: on the host, of any element type, and calls of ops on them: by the CPU's kernels, and by those
// of cuda/ in device memory.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dlnative/kernel.h"
#include "runtime/row.h"

namespace dlnative::cuda::check {

using Shape = std::vector<std::int64_t>;

std::int64_t size_of(const Shape& shape);

struct Tensor {
  Shape shape;
  DType dtype = DType::float32;
  std::vector<char> bytes;

  Tensor() = default;
  Tensor(Shape shape, DType dtype);  // full of NaN
  std::int64_t size() const { return size_of(shape); }
  double get(std::int64_t i) const;
  void set(std::int64_t i, double value);
  View view() const;
  Tensor as(DType other) const;  // the same values in another type
};

// Values between low and high, the same in each run; whole numbers for integers.
Tensor random(std::mt19937& generator, const Shape& shape, DType dtype, double low, double high);

// One op: what goes in, what comes out, its attributes. The first result may take the place of an input.
struct Instruction {
  std::string op;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::vector<std::int64_t> ints;
  std::vector<double> floats;
  std::vector<int> in_place;  // for each output the input whose memory it takes, or -1; empty for none
  int misaligned = 0;         // elements by which every buffer is moved from a multiple of 16 bytes
  std::vector<std::pair<int, std::string>> codes = {};  // integers that are the codes of ops, by their names
  std::vector<int> types = {};                          // integers that are element types
};

// The results of the CPU's kernel, and of the kernel of cuda/; an exception when it goes wrong.
std::vector<Tensor> run_on_cpu(const Instruction& instruction);
std::vector<Tensor> run(const Instruction& instruction, Queue& queue);

}  // namespace dlnative::cuda::check
