// A network that was loaded from a file: its plan, its weights, and the memory it computes in.
#include "dlnative/model.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>

#include "dlnative/isa.h"
#include "dlnative/plan.h"
#include "dlnative/threads.h"
#include "runtime/caches.h"
#include "runtime/plan_file.h"
#include "runtime/resolver.h"

namespace dlnative {

struct Model::State {
  explicit State(PlanFile read) : file(std::move(read)), plan(file.description) {}

  PlanFile file;
  Plan plan;
  ModelDescription description;
  std::vector<const void*> feeds;
  std::vector<void*> results;
};

namespace {

template <class... Values>
Status refused(const char* format, Values... values) {
  Status status;
  std::snprintf(status.text, sizeof(status.text), format, values...);
  return status;
}

TensorDescription described(const std::string& name, const View& view) {
  TensorDescription found{name, view.dtype, {}, view.size};
  found.shape.assign(view.shape, view.shape + view.rank);
  return found;
}

// A result that lies in an input or among the weights would be copied from there; nothing may be written there.
void check_outputs(const PlanDescription& description) {
  for (const Instruction& instruction : description.instructions) {
    for (const int id : instruction.outputs) {
      if (id < 0 || static_cast<std::size_t>(id) >= description.buffers.size())
        refuse("no buffer " + std::to_string(id));
      if (description.buffers[static_cast<std::size_t>(id)].space != 0) refuse("an instruction writes to weights");
    }
  }
}

std::unique_ptr<Model::State> loaded(const char* path) {
  if (const char* error = isa_error()) throw std::runtime_error(error);
  if (const char* error = threads_error()) throw std::runtime_error(error);
  if (const char* error = caches_error()) throw std::runtime_error(error);
  PlanFile file = read_plan_file(path);
  check_outputs(file.description);
  auto state = std::make_unique<Model::State>(std::move(file));
  const PlanDescription& plan = state->file.description;
  ModelDescription& description = state->description;
  description.name = state->file.name;
  for (std::size_t i = 0; i < plan.feeds.size(); ++i) {
    const auto id = static_cast<std::size_t>(plan.feeds[i]);
    description.inputs.push_back(described(state->file.inputs[i], view_of_buffer(plan.buffers[id], id)));
  }
  for (int i = 0; i < state->plan.result_count(); ++i) {
    description.outputs.push_back(
        described(state->file.outputs[static_cast<std::size_t>(i)], state->plan.result_view(i)));
  }
  description.instructions = static_cast<int>(plan.instructions.size());
  description.weight_bytes = state->file.weight_bytes;
  state->plan.keep_workspace();
  description.workspace_bytes = state->plan.arena_bytes() + state->plan.scratch_bytes();
  state->feeds.resize(description.inputs.size());
  state->results.resize(description.outputs.size());
  return state;
}

// Runs on zeros, so that threads, prepacked weights and pages are there before somebody waits for a result. A loop
// might never end on zeros.
void warm_up(Model::State& state) {
  for (const Instruction& instruction : state.file.description.instructions) {
    if (instruction.region == RegionKind::loop) return;
  }
  std::vector<AlignedBytes> memory;
  const auto zeros = [&](const TensorDescription& tensor) {
    const std::int64_t bytes = tensor.size * item_size(tensor.dtype);
    memory.push_back(allocate_aligned(bytes));
    std::fill_n(memory.back().get(), bytes, std::byte{0});
    return memory.back().get();
  };
  const ModelDescription& description = state.description;
  for (std::size_t i = 0; i < description.inputs.size(); ++i) state.feeds[i] = zeros(description.inputs[i]);
  for (std::size_t i = 0; i < description.outputs.size(); ++i) state.results[i] = zeros(description.outputs[i]);
  state.plan.run(state.feeds.data(), state.results.data());
}

template <class Given>
Status misfit(const char* what, const TensorDescription& wanted, const Given& given) {
  return refused("run: expected %s \"%.60s\" of %lld elements of %s, got %lld of %s", what, wanted.name.c_str(),
                 static_cast<long long>(wanted.size), dtype_names[static_cast<int>(wanted.dtype)],
                 static_cast<long long>(given.size), dtype_names[static_cast<int>(given.dtype)]);
}

template <class Given>
bool fits(const TensorDescription& wanted, const Given& given) {
  return given.dtype == wanted.dtype && given.size == wanted.size && (given.data != nullptr || given.size == 0);
}

}  // namespace

Model::Model() = default;
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Status load(const char* path, Model& model) {
  if (path == nullptr) return refused("load: expected the path of a file, got null");
  try {
    std::unique_ptr<Model::State> state = loaded(path);
    warm_up(*state);
    model.state_ = std::move(state);
    return {};
  } catch (const std::bad_alloc&) {
    return refused("load: \"%.100s\": there is no memory for it", path);
  } catch (const std::exception& error) {
    return refused("load: \"%.100s\": %s", path, error.what());
  }
}

const ModelDescription& describe(const Model& model) {
  static const ModelDescription nothing;
  return model.state_ == nullptr ? nothing : model.state_->description;
}

Status run(Model& model, std::initializer_list<Input> inputs, std::initializer_list<Output> outputs) {
  return run(model, inputs.begin(), static_cast<int>(inputs.size()), outputs.begin(), static_cast<int>(outputs.size()));
}

Status run(Model& model, const Input* inputs, int input_count, const Output* outputs, int output_count) {
  if (model.state_ == nullptr) return refused("run: expected a model that was loaded, got none");
  Model::State& state = *model.state_;
  const auto& wanted = state.description;
  if (input_count != static_cast<int>(wanted.inputs.size()) ||
      output_count != static_cast<int>(wanted.outputs.size())) {
    return refused("run: expected %d inputs and %d results, got %d and %d", static_cast<int>(wanted.inputs.size()),
                   static_cast<int>(wanted.outputs.size()), input_count, output_count);
  }
  for (std::size_t i = 0; i < wanted.inputs.size(); ++i) {
    if (!fits(wanted.inputs[i], inputs[i])) return misfit("input", wanted.inputs[i], inputs[i]);
  }
  for (std::size_t i = 0; i < wanted.outputs.size(); ++i) {
    if (!fits(wanted.outputs[i], outputs[i])) return misfit("result", wanted.outputs[i], outputs[i]);
  }
  const std::lock_guard<ForkSafeMutex> lock(state.plan.mutex());
  for (std::size_t i = 0; i < state.feeds.size(); ++i) state.feeds[i] = inputs[i].data;
  for (std::size_t i = 0; i < state.results.size(); ++i) state.results[i] = outputs[i].data;
  state.plan.run(state.feeds.data(), state.results.data());
  return {};
}

}  // namespace dlnative
