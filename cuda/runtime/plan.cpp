#include "runtime/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>

#include "dlnative/isa.h"
#include "runtime/resolver.h"
#include "runtime/row.h"

namespace dlnative::cuda {

struct Plan::State {
  // Memory of the caller, and the plan's copy of it.
  struct External {
    std::byte* host;
    Memory device;
    bool written;
  };
  struct Feed {
    View view;
    Memory device;
    std::vector<std::byte> gathered;
  };
  struct Step {
    std::size_t number;  // of its instruction
    const Row* row;
    Call call;
    std::vector<View> inputs, outputs;
    std::vector<std::int64_t> ints;
    std::vector<double> floats;
  };

  Queue queue;
  Memory arena, scratch;
  std::vector<External> externals;
  std::vector<Feed> feeds;
  std::vector<View> results;
  std::deque<Step> steps;  // which stay where they are
  std::size_t instructions;
  Recording recording;
  ForkSafeMutex mutex;

  void enqueue(const Step& step) {
    queue.op = step.row->name;
    step.row->enqueue(step.call, queue);
  }
  void bring_externals() {
    for (const External& external : externals) {
      if (external.device.bytes() > 0) queue.upload(external.device.data(), external.host, external.device.bytes());
    }
  }
  void take_back_externals() {
    for (const External& external : externals) {
      if (external.written) queue.download(external.host, external.device.data(), external.device.bytes());
    }
  }
  void bring_feed(const Feed& feed, const void* from) {
    if (bytes_of(feed.view) > 0) {
      queue.upload(feed.device.data(), from, static_cast<std::size_t>(bytes_of(feed.view)));
    }
  }
};

Plan::Plan(const PlanDescription& description) : state_(std::make_unique<State>()) {
  State& state = *state_;
  const Resolver on_host(description);  // refuses what does not fit before any memory is taken
  state.arena = Memory(static_cast<std::size_t>(description.arena_bytes));

  // The same description with the device's memory in place of the caller's, as much of it as buffers reach.
  PlanDescription on_device = description;
  const int first_external = description.feed_count + 1;
  std::vector<std::size_t> reached(description.externals.size(), 0);
  for (std::size_t id = 0; id < description.buffers.size(); ++id) {
    const Buffer& buffer = description.buffers[id];
    if (buffer.space < first_external) continue;
    auto& most = reached[static_cast<std::size_t>(buffer.space - first_external)];
    most = std::max(most, static_cast<std::size_t>(buffer.offset + on_host.span(static_cast<int>(id)).end));
  }
  for (std::size_t i = 0; i < description.externals.size(); ++i) {
    state.externals.push_back({static_cast<std::byte*>(description.externals[i].begin), Memory(reached[i]), false});
    on_device.externals[i].begin = state.externals.back().device.data();
  }
  const Resolver resolver(on_device);
  for (const int id : description.feeds) {
    const View& view = resolver.view(id);
    state.feeds.push_back({view, Memory(static_cast<std::size_t>(bytes_of(view))), {}});
  }
  const auto place = [&](int id, const std::vector<std::int64_t>& turns) {
    View view = resolver.view(id);
    const int feed = resolver.feed_of(id);
    std::int64_t offset = 0;
    for (std::size_t depth = 0; depth < resolver.moves(id).size(); ++depth) {
      offset += resolver.moves(id)[depth].bytes * turns[depth];
    }
    if (feed >= 0) {
      view.data = state.feeds[static_cast<std::size_t>(feed)].device.data();
      offset += resolver.offset(id);
    } else if (resolver.is_in_arena(id)) {
      view.data = state.arena.data();
      offset += resolver.offset(id);
    }
    view.data = static_cast<std::byte*>(view.data) + offset;
    return view;
  };

  std::int64_t scratch_bytes = 0;
  const auto add = [&](std::size_t number, const std::vector<std::int64_t>& turns) {
    const Instruction& instruction = description.instructions[number];
    State::Step& step = state.steps.emplace_back();
    step.number = number;
    step.row = instruction.op < 0 ? nullptr : row_at(instruction.op);
    if (step.row == nullptr) refuse("no op " + std::to_string(instruction.op));
    for (const int id : instruction.inputs) step.inputs.push_back(place(id, turns));
    for (const int id : instruction.outputs) {
      if (resolver.feed_of(id) >= 0) refuse(std::string(step.row->name) + ": an output lies in a feed");
      step.outputs.push_back(place(id, turns));
      if (resolver.is_external(id)) {
        const int space = description.buffers[static_cast<std::size_t>(id)].space;
        state.externals[static_cast<std::size_t>(space - first_external)].written = true;
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
    if (!step.row->takes(call)) {
      throw TypeMismatch(std::string("the cuda backend has no kernel of the op \"") + step.row->name +
                         "\" for these types");
    }
    if (step.row->scratch != nullptr) scratch_bytes = std::max(scratch_bytes, step.row->scratch(call));
  };
  // A scan is its body, once for each turn: all addresses are known when it is recorded.
  std::vector<std::int64_t> turns;
  const auto add_range = [&](const auto& again, std::size_t first, std::size_t behind) -> void {
    for (std::size_t i = first; i < behind; ++i) {
      const Instruction& instruction = description.instructions[i];
      if (instruction.region == RegionKind::none) {
        add(i, turns);
        continue;
      }
      if (instruction.region != RegionKind::scan) refuse("the cuda backend has no loops and branches yet");
      const std::size_t length = instruction.instruction_count();
      for (std::int64_t turn = 0; turn < instruction.turns; ++turn) {
        turns.push_back(turn);
        again(again, i + 1, i + 1 + length);
        turns.pop_back();
      }
      i += length;
    }
  };
  state.instructions = description.instructions.size();
  add_range(add_range, 0, state.instructions);
  state.scratch = Memory(static_cast<std::size_t>(scratch_bytes));
  for (State::Step& step : state.steps) step.call.scratch = state.scratch.data();
  for (const int id : description.results) state.results.push_back(place(id, {}));
  state.queue.dependent = true;
  state.recording = state.queue.record([&] {
    for (const State::Step& step : state.steps) state.enqueue(step);
  });
}

Plan::~Plan() = default;

void Plan::run(const void* const* feeds, void* const* results) {
  State& state = *state_;
  for (std::size_t i = 0; i < state.feeds.size(); ++i) state.bring_feed(state.feeds[i], feeds[i]);
  state.bring_externals();
  state.queue.replay(state.recording);
  for (std::size_t i = 0; i < state.results.size(); ++i) {
    const View& result = state.results[i];
    if (bytes_of(result) > 0) state.queue.download(results[i], result.data, static_cast<std::size_t>(bytes_of(result)));
  }
  state.take_back_externals();
  state.queue.wait();
}

std::int64_t Plan::run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                             const EpochRange& range) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  State& state = *state_;
  state.bring_externals();
  std::int64_t position = range.position;
  std::vector<std::byte> rows;
  while (range.batch_size > 0 && range.batch_size <= range.stop - position) {
    for (std::size_t i = 0; i < state.feeds.size(); ++i) {
      State::Feed& feed = state.feeds[i];
      const Rows& source = sources[i];
      const std::int64_t from_bytes = source.row_size * item_size(source.dtype);
      const std::int64_t to_bytes = source.row_size * item_size(feed.view.dtype);
      feed.gathered.resize(static_cast<std::size_t>(to_bytes * range.batch_size));
      for (std::int64_t row = 0; row < range.batch_size; ++row) {
        const std::int64_t at = range.order == nullptr ? position + row : range.order[position + row];
        isa().convert(source.dtype, static_cast<const std::byte*>(source.data) + at * from_bytes, feed.view.dtype,
                      feed.gathered.data() + row * to_bytes, source.row_size);
      }
      state.bring_feed(feed, feed.gathered.data());
    }
    state.queue.replay(state.recording);
    for (std::size_t i = 0; i < sinks.size(); ++i) {
      const View& result = state.results[i];
      const Rows& sink = sinks[i];
      rows.resize(static_cast<std::size_t>(bytes_of(result)));
      if (rows.empty()) continue;
      state.queue.download(rows.data(), result.data, rows.size());
      isa().convert(result.dtype, rows.data(), sink.dtype,
                    static_cast<std::byte*>(sink.data) + position * sink.row_size * item_size(sink.dtype),
                    range.batch_size * sink.row_size);
    }
    position += range.batch_size;
    if (std::chrono::duration<double>(Clock::now() - start).count() >= range.seconds) break;
  }
  state.take_back_externals();
  state.queue.wait();
  return position;
}

std::vector<double> Plan::profile(const void* const* feeds, int repeats) {
  State& state = *state_;
  for (std::size_t i = 0; i < state.feeds.size(); ++i) state.bring_feed(state.feeds[i], feeds[i]);
  state.bring_externals();
  std::vector<double> nanoseconds(state.instructions, 0.0);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (const State::Step& step : state.steps) {
      nanoseconds[step.number] += 1e6 * state.queue.time([&] { state.enqueue(step); });
    }
  }
  state.take_back_externals();
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
ForkSafeMutex& Plan::mutex() {
#if defined(DLNATIVE_CUDA_HOST)
  static ForkSafeMutex of_the_machine;  // it runs one grid at a time
  return of_the_machine;
#else
  return state_->mutex;
#endif
}

}  // namespace dlnative::cuda
