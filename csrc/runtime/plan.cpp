// Builds a plan: checks the description once, lays out memory and resolves every view, so that a run only calls
// kernels.
#include "dlnative/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "runtime/plan_state.h"
#include "runtime/resolver.h"

namespace dlnative {
namespace {

struct Totals {
  std::size_t views = 0, ints = 0, floats = 0;
};

Totals count(const PlanDescription& description) {
  Totals totals;
  for (const Instruction& instruction : description.instructions) {
    totals.views += instruction.inputs.size() + instruction.outputs.size();
    totals.ints += instruction.ints.size();
    totals.floats += instruction.floats.size();
  }
  totals.views += description.results.size();
  return totals;
}

}  // namespace

Plan::Plan(const PlanDescription& description) : state_(std::make_unique<State>()) {
  State& state = *state_;
  const OpTable ops = isa().ops;
  if (description.arena_bytes < 0) refuse("negative arena size");
  if (description.feed_count != static_cast<int>(description.feeds.size())) refuse("feed_count is not len(feeds)");
  state.arena_bytes = description.arena_bytes;
  const Resolver resolver(description);

  state.feeds.resize(description.feeds.size());
  for (std::size_t i = 0; i < state.feeds.size(); ++i) state.feeds[i].view = resolver.view(description.feeds[i]);

  for (const Resolver::Movable& movable : resolver.movables()) {
    state.movables.push_back({movable.result, movable.begin, {}});
  }

  // Reserved first: steps keep pointers into these vectors.
  const Totals totals = count(description);
  state.views.reserve(totals.views);
  state.ints.reserve(totals.ints);
  state.floats.reserve(totals.floats);
  state.steps.reserve(description.instructions.size());
  const auto append = [&](int id) {
    state.views.push_back(resolver.view(id));
    const int feed = resolver.feed_of(id), movable = resolver.movable_of(id);
    if (feed >= 0) {
      state.feeds[static_cast<std::size_t>(feed)].place.patches.push_back({&state.views.back(), resolver.offset(id)});
    } else if (movable >= 0) {
      const auto index = static_cast<std::size_t>(movable);
      state.movables[index].place.patches.push_back(
          {&state.views.back(), resolver.offset(id) - resolver.movables()[index].begin});
    } else if (resolver.is_in_arena(id)) {
      state.arena.patches.push_back({&state.views.back(), resolver.offset(id)});
    }
  };

  for (const Instruction& instruction : description.instructions) {
    for (const int id : instruction.outputs) {
      const View& view = resolver.view(id);
      if (resolver.is_external(id)) state.written.push_back({view.as<std::byte>(), bytes_of(view)});
    }
  }
  // Whether a buffer stays as it is while the plan runs.
  const auto is_constant = [&](int id) {
    const std::byte* const begin = resolver.view(id).as<std::byte>();
    const std::byte* const end = begin + bytes_of(resolver.view(id));
    return resolver.is_external(id) && std::none_of(state.written.begin(), state.written.end(), [&](const auto& other) {
             return begin < other.begin + other.bytes && other.begin < end;
           });
  };

  state.capacity = std::max(num_threads(), available_threads());  // the number may be raised later
  state.prepare_workers();
  for (const Instruction& instruction : description.instructions) {
    if (instruction.op < 0 || instruction.op >= ops.count) refuse("no op " + std::to_string(instruction.op));
    const OpRow& row = ops.rows[instruction.op];
    Call call;
    call.input_count = static_cast<std::int32_t>(instruction.inputs.size());
    call.output_count = static_cast<std::int32_t>(instruction.outputs.size());
    call.workers = &state.workers;
    call.inputs = state.views.data() + state.views.size();
    for (const int id : instruction.inputs) append(id);
    call.outputs = state.views.data() + state.views.size();
    for (const int id : instruction.outputs) {
      if (resolver.feed_of(id) >= 0) refuse(std::string(row.name) + ": an output lies in a feed");
      append(id);
    }
    call.ints = state.ints.data() + state.ints.size();
    state.ints.insert(state.ints.end(), instruction.ints.begin(), instruction.ints.end());
    call.floats = state.floats.data() + state.floats.size();
    state.floats.insert(state.floats.end(), instruction.floats.begin(), instruction.floats.end());
    check_types(row, call);
    const std::int64_t prepacked_bytes = row.prepacked_bytes == nullptr ? 0 : row.prepacked_bytes(call);
    if (prepacked_bytes > 0 && is_constant(instruction.inputs[1])) {
      state.prepacked.push_back(
          {prepacked_weights(row.prepack, call, instruction.ints, prepacked_bytes), row.prepack, state.steps.size()});
      call.prepacked = state.prepacked.back().weights->data();
    }
    if (row.scratch != nullptr) {
      state.scratch_bytes = std::max(state.scratch_bytes, row.scratch(call, state.capacity));
    }
    state.steps.push_back({row.run, call});
  }

  state.results = state.views.data() + state.views.size();
  state.result_count = static_cast<int>(description.results.size());
  for (const int id : description.results) append(id);

  std::int64_t bytes = padded_bytes(state.arena_bytes) + padded_bytes(state.scratch_bytes);
  for (State::Feed& feed : state.feeds) {
    feed.gathered = bytes;
    bytes += padded_bytes(bytes_of(feed.view));
  }
  state.claim.emplace(bytes);
  const WorkspaceLease tried(*state.claim);  // where there is no memory for it, there had better be no plan
}

Plan::~Plan() = default;

void Plan::run(const void* const* feeds, void* const* results) {
  State& state = *state_;
  const State::RunScope scope(state);
  state.bind_feeds(feeds);
  state.bind_results(results);
  state.choose_threads();
  if (!state.alone || state.autotuner.settled()) {
    state.execute();
  } else {
    const auto start = std::chrono::steady_clock::now();
    state.execute();
    state.autotuner.took(std::chrono::steady_clock::now() - start);
  }
  for (int i = 0; i < state.result_count; ++i) {
    const View& result = state.results[i];  // in the arena, if it is small, in a feed or among the variables
    if (result.data != results[i]) std::memcpy(results[i], result.data, static_cast<std::size_t>(bytes_of(result)));
  }
}

std::vector<double> Plan::profile(const void* const* feeds, int repeats) {
  using Clock = std::chrono::steady_clock;
  State& state = *state_;
  const State::RunScope scope(state);
  state.bind_feeds(feeds);
  state.bind_results(nullptr);

  // What reading the clock costs is taken off each reading: small kernels take no longer than that.
  auto reading = Clock::duration::max();
  for (int i = 0; i < 100; ++i) {
    const auto start = Clock::now();
    reading = std::min(reading, Clock::now() - start);
  }
  std::vector<double> nanoseconds(state.steps.size(), 0.0);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t i = 0; i < state.steps.size(); ++i) {
      const auto start = Clock::now();
      state.steps[i].kernel(state.steps[i].call);
      const auto taken = std::max(Clock::now() - start - reading, Clock::duration::zero());
      nanoseconds[i] += std::chrono::duration<double, std::nano>(taken).count();
    }
  }
  return nanoseconds;
}

View Plan::result_view(int index) const {
  View view = state_->results[index];
  view.data = nullptr;  // another one in each run
  return view;
}
int Plan::result_count() const { return state_->result_count; }
std::int64_t Plan::scratch_bytes() const { return state_->scratch_bytes; }
std::int64_t Plan::arena_bytes() const { return state_->arena_bytes; }
std::int64_t Plan::prepacked_bytes() const {
  std::int64_t total = 0;
  for (const State::Prepacked& entry : state_->prepacked) total += entry.weights->bytes();
  return total;
}
ForkSafeMutex& Plan::mutex() { return state_->mutex; }

}  // namespace dlnative
