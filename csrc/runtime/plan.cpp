// Builds a plan for the CPU: kernels, their views and where these have to be patched, so that a run only calls kernels.
#include "dlnative/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <limits>
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

// Which views move with the turns of the regions that are open where instructions are added.
class OpenRegions {
 public:
  explicit OpenRegions(std::deque<Plan::State::Region>& regions) : regions_(regions) {}

  void open(const Instruction& instruction, std::size_t behind) {
    Plan::State::Region& region = regions_.emplace_back();
    region.kind = instruction.region;
    region.turns = instruction.turns;
    std::copy(instruction.lengths.begin(), instruction.lengths.end(), region.lengths);
    open_.push_back({&region, behind});
  }
  void close_before(std::size_t instruction) {
    while (!open_.empty() && open_.back().behind <= instruction) open_.pop_back();
  }
  void add(View& view, const std::vector<Move>& moves) {
    for (std::size_t depth = 0; depth < moves.size(); ++depth) {
      if (moves[depth].bytes != 0) open_[depth].region->moving.push_back({&view, moves[depth].bytes, nullptr});
    }
  }

 private:
  struct Open {
    Plan::State::Region* region;
    std::size_t behind;  // the first instruction behind it
  };
  std::deque<Plan::State::Region>& regions_;
  std::vector<Open> open_;
};

}  // namespace

Plan::Plan(const PlanDescription& description) : state_(std::make_unique<State>()) {
  State& state = *state_;
  const OpTable ops = isa().ops;
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
  OpenRegions open(state.regions);
  const auto append = [&](int id) {
    state.views.push_back(resolver.view(id));
    open.add(state.views.back(), resolver.moves(id));
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
      if (!resolver.is_external(id)) continue;
      const Span span = resolver.span(id);
      state.written.push_back({resolver.view(id).as<std::byte>() + span.begin, span.end - span.begin});
    }
  }
  // Whether a buffer stays as it is while the plan runs.
  const auto is_constant = [&](int id) {
    const std::byte* const begin = resolver.view(id).as<std::byte>();
    const std::byte* const end = begin + bytes_of(resolver.view(id));
    return resolver.is_external(id) && resolver.moves(id).empty() &&
           std::none_of(state.written.begin(), state.written.end(),
                        [&](const auto& other) { return begin < other.begin + other.bytes && other.begin < end; });
  };

  state.capacity = std::max(num_threads(), available_threads());  // the number may be raised later
  state.prepare_workers();
  for (std::size_t number = 0; number < description.instructions.size(); ++number) {
    const Instruction& instruction = description.instructions[number];
    open.close_before(number);
    if (instruction.region != RegionKind::none) {
      // Its condition is read in its own turns where the test computes it.
      const bool is_test = instruction.region == RegionKind::loop;
      View* const condition = instruction.inputs.empty() ? nullptr : state.views.data() + state.views.size();
      if (condition != nullptr && !is_test) append(instruction.inputs[0]);
      open.open(instruction, number + 1 + instruction.instruction_count());
      if (condition != nullptr && is_test) append(instruction.inputs[0]);
      state.regions.back().condition = condition;
      state.steps.push_back({nullptr, {}, &state.regions.back()});
      continue;
    }
    const bool own_kernel = instruction.kernel != nullptr;
    if (!own_kernel && (instruction.op < 0 || instruction.op >= ops.count)) {
      refuse("no op " + std::to_string(instruction.op));
    }
    const OpRow row = own_kernel ? OpRow{"of the caller", instruction.kernel, {}} : ops.rows[instruction.op];
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
    if (!own_kernel) check_types(row, call);
    const std::int64_t prepacked_bytes = row.prepacked_bytes == nullptr ? 0 : row.prepacked_bytes(call);
    if (prepacked_bytes > 0 && is_constant(instruction.inputs[1])) {
      state.prepacked.push_back(
          {prepacked_weights(row.prepack, call, instruction.ints, prepacked_bytes), row.prepack, state.steps.size()});
      call.prepacked = state.prepacked.back().weights->data();
    }
    if (row.scratch != nullptr) {
      Call anywhere = call;  // an operand that moves is elsewhere in each turn
      std::vector<View> inputs(call.inputs, call.inputs + call.input_count);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!resolver.moves(instruction.inputs[i]).empty()) inputs[i].data = nullptr;
      }
      anywhere.inputs = inputs.data();
      state.scratch_bytes = std::max(state.scratch_bytes, row.scratch(anywhere, state.capacity));
    }
    state.steps.push_back({row.run, call, nullptr});
  }

  open.close_before(description.instructions.size());
  state.results = state.views.data() + state.views.size();
  state.result_count = static_cast<int>(description.results.size());
  for (const int id : description.results) append(id);

  std::int64_t bytes = 0;
  const auto append_bytes = [&bytes](std::int64_t more) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() - 2 * cache_line;  // room to align
    if (more > most - bytes) refuse("needs more memory than there are addresses");
    bytes += padded_bytes(more);
  };
  append_bytes(state.arena_bytes);
  append_bytes(state.scratch_bytes);
  for (State::Feed& feed : state.feeds) {
    feed.gathered = bytes;
    append_bytes(bytes_of(feed.view));
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

void Plan::keep_workspace() {
  State& state = *state_;
  if (state.own_workspace == nullptr && state.claim->bytes() > 0) {
    state.own_workspace = std::make_unique<Workspace>(state.claim->bytes());
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
    state.run_range(0, state.steps.size(), [&](State::Step& step) {
      const auto start = Clock::now();
      step.kernel(step.call);
      const auto taken = std::max(Clock::now() - start - reading, Clock::duration::zero());
      nanoseconds[static_cast<std::size_t>(&step - state.steps.data())] +=
          std::chrono::duration<double, std::nano>(taken).count();
    });
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
