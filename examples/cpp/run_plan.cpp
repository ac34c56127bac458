// Runs a network that Python has written with model.export("model.dlplan"):
//
//   run_plan model.dlplan                         prints what it takes and gives, and the time of a run
//   run_plan model.dlplan in0 [in1 ...] out0 ...  reads inputs from files of raw numbers, and writes the results
//   likewise
//
// Memory that is allocated while the network runs is counted: there should be none.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <vector>

#include "dlnative/model.h"
#include "dlnative/threads.h"

namespace {

long allocations = 0;

void* counted(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

std::int64_t bytes_of(const dlnative::TensorDescription& tensor) {
  return tensor.size * dlnative::item_size(tensor.dtype);
}

void print(const char* what, const dlnative::TensorDescription& tensor) {
  std::printf("%s %s: %s (", what, tensor.name.c_str(), dlnative::dtype_names[static_cast<int>(tensor.dtype)]);
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::printf("%s%lld", i > 0 ? ", " : "", static_cast<long long>(tensor.shape[i]));
  }
  std::printf(")\n");
}

// A view of bytes as what a description says.
template <class Argument>
Argument argument(std::vector<char>& bytes, const dlnative::TensorDescription& tensor) {
  Argument made(reinterpret_cast<float*>(bytes.data()), tensor.size);
  made.dtype = tensor.dtype;
  return made;
}

int fail(const dlnative::Status& status) {
  std::fprintf(stderr, "%s\n", status.text);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: run_plan model.dlplan [inputs and results]\n");
    return 2;
  }
  dlnative::set_num_threads(1);
  dlnative::Model model;
  if (const dlnative::Status status = load(arguments[1], model); !status) return fail(status);
  const dlnative::ModelDescription& network = describe(model);
  std::printf("%s: %d instructions, %lld bytes of weights, %lld to compute in\n", network.name.c_str(),
              network.instructions, static_cast<long long>(network.weight_bytes),
              static_cast<long long>(network.workspace_bytes));

  std::vector<std::vector<char>> memory;
  std::vector<dlnative::Input> inputs;
  std::vector<dlnative::Output> outputs;
  for (const auto& tensor : network.inputs) {
    print("input", tensor);
    memory.emplace_back(static_cast<std::size_t>(bytes_of(tensor)));
    inputs.push_back(argument<dlnative::Input>(memory.back(), tensor));
  }
  for (const auto& tensor : network.outputs) {
    print("result", tensor);
    memory.emplace_back(static_cast<std::size_t>(bytes_of(tensor)));
    outputs.push_back(argument<dlnative::Output>(memory.back(), tensor));
  }
  const bool with_files = count > 2;
  if (with_files && count != 2 + static_cast<int>(memory.size())) {
    std::fprintf(stderr, "expected a file for each input and result\n");
    return 2;
  }
  for (std::size_t i = 0; with_files && i < inputs.size(); ++i) {
    std::ifstream file(arguments[2 + i], std::ios::binary);
    if (!file.read(memory[i].data(), static_cast<std::streamsize>(memory[i].size()))) {
      std::fprintf(stderr, "expected %zu bytes in %s\n", memory[i].size(), arguments[2 + i]);
      return 2;
    }
  }

  const auto run_once = [&] {
    return run(model, inputs.data(), static_cast<int>(inputs.size()), outputs.data(), static_cast<int>(outputs.size()));
  };
  const long before = allocations;
  if (const dlnative::Status status = run_once(); !status) return fail(status);
  constexpr int runs = 100;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; !with_files && i < runs; ++i) static_cast<void>(run_once());
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  if (!with_files) std::printf("%.2f microseconds a run\n", took.count() / runs);
  std::printf("%ld allocations\n", allocations - before);

  for (std::size_t i = 0; with_files && i < outputs.size(); ++i) {
    const std::vector<char>& bytes = memory[inputs.size() + i];
    std::ofstream file(arguments[2 + inputs.size() + i], std::ios::binary);
    if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return 2;
  }
  return 0;
}
