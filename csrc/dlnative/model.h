// A trained network in a C++ program, without Python: what Model.export("m.dlplan") has written is loaded, described
// and run.
//
//   dlnative::Model model;
//   dlnative::Status status = dlnative::load("m.dlplan", model);
//   for (const auto& input : dlnative::describe(model).inputs) std::printf("%s\n", input.name.c_str());
//   status = dlnative::run(model, {{x, 784}}, {{y, 10}});
//   if (!status) std::fprintf(stderr, "%s\n", status.text);
//
// Nothing throws. run() allocates nothing: what it needs is there when load() returns, which runs the network once on
// zeros. dlnative/threads.h says how many threads it may use: set_num_threads(1) before load() keeps it on the
// caller's.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "dlnative/types.h"

namespace dlnative {

// What became of a call: true, or one line that says what was expected and what came.
struct Status {
  char text[240] = "";

  explicit operator bool() const { return text[0] == '\0'; }
};

// An input or a result.
struct TensorDescription {
  std::string name;
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  std::int64_t size = 1;  // elements: the product of the shape
};

struct ModelDescription {
  std::string name;
  std::vector<TensorDescription> inputs, outputs;
  int instructions = 0;
  std::int64_t weight_bytes = 0;
  std::int64_t workspace_bytes = 0;  // what run() computes in
};

#define DLNATIVE_ROW(name, Element, text) \
  constexpr DType dtype_of(const Element*) { return DType::name; }
DLNATIVE_DTYPES(DLNATIVE_ROW)
#undef DLNATIVE_ROW
constexpr DType dtype_of(const bool*) { return DType::boolean; }

// Dense, row-major memory of the caller's.
struct Input {
  template <class T>
  Input(const T* first, std::int64_t count) : data(first), dtype(dtype_of(first)), size(count) {}

  const void* data;
  DType dtype;
  std::int64_t size;
};
struct Output {
  template <class T>
  Output(T* first, std::int64_t count) : data(first), dtype(dtype_of(first)), size(count) {}

  void* data;
  DType dtype;
  std::int64_t size;
};

// A network that was loaded, or none. It may be moved, but not copied. Several threads may run it: one after the other.
class Model {
 public:
  Model();
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  struct State;

 private:
  friend Status load(const char* path, Model& model);
  friend const ModelDescription& describe(const Model& model);
  friend Status run(Model& model, std::initializer_list<Input> inputs, std::initializer_list<Output> outputs);
  friend Status run(Model& model, const Input* inputs, int input_count, const Output* outputs, int output_count);
  std::unique_ptr<State> state_;
};

// Reads a file. Where that fails, the model stays what it was.
Status load(const char* path, Model& model);

// Names, types and shapes of inputs and results, in the order in which run() takes them; of no network: nothing.
const ModelDescription& describe(const Model& model);

// Computes the results. Types and sizes must be those of the description; memory of inputs and results must not
// overlap.
Status run(Model& model, std::initializer_list<Input> inputs, std::initializer_list<Output> outputs);
Status run(Model& model, const Input* inputs, int input_count, const Output* outputs, int output_count);

}  // namespace dlnative
