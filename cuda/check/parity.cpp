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

#include "check/parity.h"
#include "check/program.h"
#include "dlnative/isa.h"

namespace dlnative::cuda::check {

std::mt19937 generator(7);

namespace {

int failures = 0, cases = 0;
std::set<std::string> covered;
const char* only = "";
int every = 1;

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

}  // namespace

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
    for (const int place : reference.types) {
      std::int64_t& type = reference.ints[static_cast<std::size_t>(place)];
      if (type == static_cast<std::int64_t>(DType::float32)) type = static_cast<std::int64_t>(DType::float64);
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

namespace {

// Every op that the CPU computes has a row.
int check_table() {
  int missing = 0;
  const OpTable& ops = isa().ops;
  for (int i = 0; i < ops.count; ++i) {
    if (find_row(ops.rows[i].name) != nullptr) continue;
    std::printf("FAILED %s: no row in cuda/ops\n", ops.rows[i].name);
    ++missing;
  }
  return missing;
}

int check_all(int count, char** arguments) {
  if (count > 1) only = arguments[1];
  if (const char* given = std::getenv("DLNATIVE_CHECK_EVERY")) every = std::max(1, std::atoi(given));
  std::printf("on %s\n", device().name.c_str());
  for (const auto& part : {elementwise, arithmetic, movement, reductions, rows, drawn, optimizers, products, chains,
                           images, normalization, attentions, recurrence})
    part();
  int rows_left = 0;
  for (int i = 0; const Row* row = row_at(i); ++i) {
    if (covered.count(row->name) == 0 && *only == 0 && every == 1) {
      std::printf("FAILED %s: no case\n", row->name);
      ++rows_left;
    }
  }
  rows_left += check_table();
  std::printf("%d cases of %zu ops, %d failures\n", cases, covered.size(), failures + rows_left);
  return failures + rows_left == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dlnative::cuda::check

int main(int count, char** arguments) {
  return dlnative::cuda::check::run_program([&] { return dlnative::cuda::check::check_all(count, arguments); });
}
