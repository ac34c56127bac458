#include "runtime/plan.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "dlnative/isa.h"
#include "runtime/plan_state.h"
#include "runtime/resolver.h"

namespace dlnative::cuda {
namespace {

bool debugs() {
  const char* const said = std::getenv("DLNATIVE_CUDA_DEBUG");
  return said != nullptr && std::strcmp(said, "1") == 0;
}

// Makes calls of instructions: the regions whose turns are known become their bodies, once for each turn.
class Builder {
 public:
  Builder(const PlanDescription& description, const Resolver& resolver, Plan::State& state)
      : description_(description), resolver_(resolver), state_(state) {}

  View place(int id) const {
    View view = resolver_.view(id);
    const int feed = resolver_.feed_of(id);
    std::int64_t offset = 0;
    for (std::size_t depth = 0; depth < resolver_.moves(id).size(); ++depth) {
      offset += resolver_.moves(id)[depth].bytes * turns_[depth];
    }
    if (feed >= 0) {
      view.data = state_.feeds[static_cast<std::size_t>(feed)].device.data();
      offset += resolver_.offset(id);
    } else if (resolver_.is_in_arena(id)) {
      view.data = state_.arena.data();
      offset += resolver_.offset(id);
    }
    view.data = static_cast<std::byte*>(view.data) + offset;
    return view;
  }

  void add_range(std::size_t first, std::size_t behind, std::vector<Plan::State::Node>& nodes) {
    while (first < behind) {
      const Instruction& instruction = description_.instructions[first];
      if (instruction.region == RegionKind::none) {
        const bool on_host = instruction.kernel != nullptr;
        if (on_host || nodes.empty() || nodes.back().region != RegionKind::none || nodes.back().on_host) {
          nodes.emplace_back().on_host = on_host;
        }
        nodes.back().steps.push_back(add(first));
        ++first;
        continue;
      }
      const std::size_t body = first + 1, middle = body + instruction.lengths[0];
      const std::size_t last = body + instruction.instruction_count();
      if (instruction.region == RegionKind::scan) {
        for (std::int64_t turn = 0; turn < instruction.turns; ++turn) {
          turns_.push_back(turn);
          add_range(body, last, nodes);
          turns_.pop_back();
        }
      } else {
        Plan::State::Node& node = nodes.emplace_back();
        node.region = instruction.region;
        node.turns = instruction.turns;
        if (node.region == RegionKind::branch) node.condition = place(instruction.inputs[0]);
        turns_.push_back(0);  // nothing moves with turns whose number is not known
        if (node.region == RegionKind::loop) node.condition = place(instruction.inputs[0]);
        add_range(body, middle, node.first);
        add_range(middle, last, node.second);
        turns_.pop_back();
      }
      first = last;
    }
  }

  std::int64_t scratch_bytes() const { return scratch_bytes_; }

 private:
  const Plan::State::Step* add(std::size_t number) {
    const Instruction& instruction = description_.instructions[number];
    Plan::State::Step& step = state_.steps.emplace_back();
    step.number = number;
    step.row = instruction.op < 0 ? nullptr : row_at(instruction.op);
    step.on_host = instruction.kernel;
    const bool on_host = step.on_host != nullptr;
    if (step.row == nullptr && !on_host) refuse("no op " + std::to_string(instruction.op));
    const std::string name = on_host ? "an op of the host" : step.row->name;
    for (const int id : instruction.inputs) step.inputs.push_back(place(id));
    for (const int id : instruction.outputs) {
      if (resolver_.feed_of(id) >= 0) refuse(name + ": an output lies in a feed");
      step.outputs.push_back(place(id));
      if (resolver_.is_external(id)) {
        const int space = description_.buffers[static_cast<std::size_t>(id)].space;
        state_.externals[static_cast<std::size_t>(space - description_.feed_count - 1)].written = true;
      }
    }
    step.ints = instruction.ints;
    step.floats = instruction.floats;
    Call& call = step.call;
    call.inputs = step.inputs.data();
    call.outputs = step.outputs.data();
    call.input_count = static_cast<std::int32_t>(step.inputs.size());
    call.output_count = static_cast<std::int32_t>(step.outputs.size());
    call.ints = step.ints.data();
    call.floats = step.floats.data();
    if (on_host) return &step;
    if (!step.row->takes(call)) {
      throw TypeMismatch("the cuda backend has no kernel of the op \"" + name + "\" for these types");
    }
    if (step.row->scratch != nullptr) scratch_bytes_ = std::max(scratch_bytes_, step.row->scratch(call));
    return &step;
  }

  const PlanDescription& description_;
  const Resolver& resolver_;
  Plan::State& state_;
  std::vector<std::int64_t> turns_;
  std::int64_t scratch_bytes_ = 0;
};

Memory memory_for(std::int64_t bytes, const char* what) {
  try {
    return Memory(static_cast<std::size_t>(bytes));
  } catch (const OutOfMemory&) {
    throw OutOfMemory(static_cast<std::size_t>(bytes), std::string(" for ") + what);
  }
}

}  // namespace

Plan::Plan(const PlanDescription& description) {
  const Resolver on_host(description);  // refuses what does not fit before any memory is taken
  const std::lock_guard lock(context().mutex);
  auto made = std::make_unique<State>();  // gone before the lock if anything is refused
  State& state = *made;
  state.step_by_step = debugs();
  state.arena = memory_for(description.arena_bytes, "the arena of a plan");

  // The same description with the device's memory in place of the caller's.
  PlanDescription on_device = description;
  for (External& external : on_device.externals) {
    state.externals.push_back({mirror_of(external.begin, static_cast<std::size_t>(external.bytes)), false});
    external.begin = state.externals.back().mirror->device();
  }
  const Resolver resolver(on_device);
  for (const int id : description.feeds) {
    const View& view = resolver.view(id);
    state.feeds.push_back({view, memory_for(bytes_of(view), "a feed")});
  }
  Builder builder(description, resolver, state);
  state.instructions = description.instructions.size();
  builder.add_range(0, state.instructions, state.nodes);
  state.scratch = memory_for(builder.scratch_bytes(), "the scratch of a plan");
  for (State::Step& step : state.steps) step.call.scratch = state.scratch.data();
  for (const int id : description.results) state.results.push_back(builder.place(id));
  if (!state.step_by_step) state.record(state.nodes);
  state_ = std::move(made);
}

Plan::~Plan() {
  const std::lock_guard lock(context().mutex);
  state_.reset();
}

void Plan::State::record(std::vector<Node>& of) {
  for (Node& node : of) {
    if (node.region == RegionKind::none && !node.on_host) {
      node.recording = queue.record([&] {
        for (const Step* step : node.steps) enqueue(*step);
      });
    }
    record(node.first);
    record(node.second);
  }
}

void Plan::State::bring_externals() {
  for (const External& external : externals) {
    external.mirror->bring_to_device(queue);
    if (external.written) external.mirror->device_writes();
  }
}

void Plan::State::bring_feed(const Feed& feed, const Source& source) {
  const auto bytes = static_cast<std::size_t>(bytes_of(feed.view));
  if (bytes == 0) return;
  if (source.on_device) {
    queue.op = "a feed";
    queue.copy(feed.device.data(), source.data, bytes);
  } else {
    queue.upload(feed.device.data(), source.data, bytes);
  }
}

bool Plan::State::holds(const View& condition) {
  std::uint8_t byte = 0;
  queue.download(&byte, condition.data, 1);
  return byte != 0;
}

void Plan::State::execute(const std::vector<Node>& of) {
  walk(of, [&](const Node& node) {
    if (node.on_host) {
      enqueue(*node.steps[0]);
    } else if (step_by_step) {
      execute_each(node);
    } else {
      queue.replay(node.recording);
    }
  });
}

void Plan::State::compute_on_host(const Step& step) {
  const auto beside = [](const std::vector<View>& there, std::vector<std::vector<std::byte>>& memory) {
    std::vector<View> here = there;
    for (View& view : here) view.data = memory.emplace_back(static_cast<std::size_t>(bytes_of(view))).data();
    return here;
  };
  std::vector<std::vector<std::byte>> taken, made;
  const std::vector<View> inputs = beside(step.inputs, taken), outputs = beside(step.outputs, made);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (!taken[i].empty()) queue.download(taken[i].data(), step.inputs[i].data, taken[i].size());
  }
  Call call = step.call;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  host_failed = true;
  step.on_host(call);
  host_failed = false;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (!made[i].empty()) queue.upload(step.outputs[i].data, made[i].data(), made[i].size());
  }
}

void Plan::State::execute_each(const Node& node) {
  for (const Step* step : node.steps) {
    try {
      enqueue(*step);
      queue.wait();
    } catch (const std::exception& error) {
      throw Error(std::string("cuda: the op \"") + step->row->name + "\" (instruction " + std::to_string(step->number) +
                  "): " + error.what());
    }
  }
}

void Plan::run(const void* const* feeds, void* const* results) {
  std::vector<Source> sources;
  for (std::size_t i = 0; i < state_->feeds.size(); ++i) sources.push_back({feeds[i], false});
  run(sources.data(), results, false);
}

void Plan::run(const Source* feeds, void* const* results, bool results_on_device) {
  State& state = *state_;
  state.explaining([&] {
    for (std::size_t i = 0; i < state.feeds.size(); ++i) state.bring_feed(state.feeds[i], feeds[i]);
    state.bring_externals();
    state.execute();
    for (std::size_t i = 0; i < state.results.size(); ++i) {
      const View& result = state.results[i];
      const auto bytes = static_cast<std::size_t>(bytes_of(result));
      if (bytes == 0) continue;
      if (results_on_device) {
        state.queue.op = "a result";
        state.queue.copy(results[i], result.data, bytes);
      } else {
        state.queue.download(results[i], result.data, bytes);
      }
    }
    state.queue.wait();
  });
}

std::vector<double> Plan::profile(const void* const* feeds, int repeats) {
  State& state = *state_;
  for (std::size_t i = 0; i < state.feeds.size(); ++i) state.bring_feed(state.feeds[i], {feeds[i], false});
  state.bring_externals();
  std::vector<double> nanoseconds(state.instructions, 0.0);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    state.walk(state.nodes, [&](const State::Node& node) {
      for (const State::Step* step : node.steps) {
        nanoseconds[step->number] += 1e6 * state.queue.time([&] { state.enqueue(*step); });
      }
    });
  }
  return nanoseconds;
}

View Plan::result_view(int index) const {
  View view = state_->results[static_cast<std::size_t>(index)];
  view.data = nullptr;
  return view;
}
int Plan::result_count() const { return static_cast<int>(state_->results.size()); }
std::int64_t Plan::scratch_bytes() const { return static_cast<std::int64_t>(state_->scratch.bytes()); }
std::int64_t Plan::arena_bytes() const { return static_cast<std::int64_t>(state_->arena.bytes()); }
int Plan::steps_together() const { return static_cast<int>(state_->together.steps); }
ContextMutex& Plan::mutex() { return context().mutex; }

}  // namespace dlnative::cuda
