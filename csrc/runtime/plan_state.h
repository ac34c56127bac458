// What a plan holds between runs: instructions whose views are resolved to addresses, and where the address of a feed
// or of a result has to be put when it changes.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "dlnative/plan.h"
#include "dlnative/threads.h"
#include "runtime/aligned.h"
#include "runtime/fork.h"
#include "runtime/fp_state.h"
#include "runtime/prepacked_weights.h"
#include "runtime/thread_autotuner.h"
#include "runtime/workspace.h"

namespace dlnative {

struct Plan::State {
  // Instructions that run in turns, with what moves on in each: the address in the first turn while it runs.
  struct Region {
    struct Moving {
      View* view;
      std::int64_t bytes;
      void* home;
    };
    RegionKind kind = RegionKind::none;
    std::int64_t turns = 0;
    std::size_t lengths[2] = {};
    const View* condition = nullptr;
    std::vector<Moving> moving;
    bool runs = false;

    void begin() {
      for (Moving& each : moving) each.home = each.view->data;
      runs = true;
    }
    void advance() {
      for (const Moving& each : moving) each.view->data = each.view->as<std::byte>() + each.bytes;
    }
    void end() {
      for (const Moving& each : moving) each.view->data = each.home;
      runs = false;
    }
    bool holds() const { return condition->as<Boolean>()->byte != 0; }
  };
  struct Step {
    Kernel kernel;  // or null, for a region
    Call call;
    Region* region;
  };
  // Weights that a step finds in the form it computes with.
  struct Prepacked {
    std::shared_ptr<PrepackedWeights> weights;
    Prepack prepack;
    std::size_t step;
  };
  // Memory of others that the plan writes to.
  struct Written {
    const std::byte* begin;
    std::int64_t bytes;
  };
  // Memory that may be elsewhere in each run, and the views that lie in it.
  struct Place {
    struct Patch {
      View* view;
      std::int64_t offset;
    };
    std::byte* begin = nullptr;
    std::vector<Patch> patches;

    void bind(void* memory) {
      if (begin == memory) return;
      begin = nullptr;  // a child of a fork in the middle of this does not take it for done
      auto* const first = static_cast<std::byte*>(memory);
      for (const Patch& patch : patches) patch.view->data = first + patch.offset;
      begin = first;
    }
  };
  struct Feed {
    View view;  // its type and shape
    Place place;
    std::int64_t gathered;  // where in the workspace run_steps puts rows that have to be copied together
  };
  // A part of the arena that ends up as a result, and may be the caller's memory from the start.
  struct Movable {
    std::size_t result;
    std::int64_t home;  // in the workspace
    Place place;
  };

  Workers workers;  // for the run that is on
  int most_threads = 1;
  int capacity = 1;  // the number of threads that the scratch suffices for
  ThreadAutotuner autotuner;
  bool alone = true;  // no other plan runs: the autotuner is asked, and learns from the run
  // The workspace of a run: the arena, then scratch, then what run_steps gathers for the feeds.
  std::int64_t arena_bytes = 0;
  std::int64_t scratch_bytes = 0;
  std::optional<WorkspaceClaim> claim;
  std::unique_ptr<Workspace> own_workspace;  // or null: each run borrows one
  Place arena;
  std::vector<View> views;  // of all steps, then of the results; never resized once the steps point into it
  std::vector<std::int64_t> ints;
  std::vector<double> floats;
  std::vector<Step> steps;
  std::deque<Region> regions;  // those around others first
  std::vector<Feed> feeds;
  std::vector<Movable> movables;
  std::vector<Prepacked> prepacked;
  std::vector<Written> written;
  View* results = nullptr;
  int result_count = 0;
  ForkSafeMutex mutex;

  class RunScope;

  void bind_workspace(std::byte* workspace);
  void bind_feeds(const void* const* feeds);
  void bind_results(void* const* targets);  // null: all stay in the workspace
  void prepare_workers();
  void choose_threads();
  void execute();  // within a RunScope

  template <class Call>
  void run_range(std::size_t first, std::size_t behind, const Call& call);
  template <class Call>
  void run_region(Region& region, std::size_t first, const Call& call);
};

// What lasts from before the first step of a run, or of many, to after the last.
class Plan::State::RunScope {
 public:
  explicit RunScope(State& state)
      : state_(state), lease_(state.own_workspace != nullptr ? WorkspaceLease() : WorkspaceLease(*state.claim)) {
    // In a child of a fork a region may be left in the middle of its turns.
    for (auto region = state.regions.rbegin(); region != state.regions.rend(); ++region) {
      if (region->runs) region->end();
    }
    state.bind_workspace(state.own_workspace != nullptr ? state.own_workspace->begin() : lease_.begin());
    state.prepare_workers();
    for (const Prepacked& entry : state.prepacked) entry.weights->refresh(entry.prepack, state.steps[entry.step].call);
  }
  ~RunScope() {
    if (!any_prepacked_weights()) return;
    for (const Written& range : state_.written) invalidate_prepacked(range.begin, range.bytes);
  }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

 private:
  State& state_;
  const WorkspaceLease lease_;
  const Running running_;
  const FlushDenormals flushed_;
};

inline void Plan::State::bind_workspace(std::byte* workspace) {
  if (arena.begin == workspace) return;
  arena.bind(workspace);
  std::byte* const scratch = workspace + padded_bytes(arena_bytes);
  for (Step& step : steps) step.call.scratch = scratch;
}

inline void Plan::State::bind_feeds(const void* const* addresses) {
  // No instruction writes to a feed: the constructor sees to that.
  for (std::size_t i = 0; i < feeds.size(); ++i) feeds[i].place.bind(const_cast<void*>(addresses[i]));
}

inline void Plan::State::bind_results(void* const* targets) {
  for (Movable& movable : movables) {
    movable.place.bind(targets == nullptr ? arena.begin + movable.home : targets[movable.result]);
  }
}

inline void Plan::State::prepare_workers() {
  workers = dlnative::workers();
  most_threads = workers.threads = workers.threads < capacity ? workers.threads : capacity;
}

inline void Plan::State::choose_threads() {
  const int plans = plans_running();
  alone = plans <= 1;
  workers.threads = alone ? autotuner.next(most_threads) : std::max(1, most_threads / plans);
}

inline void Plan::State::execute() {
  if (regions.empty()) {
    for (Step& step : steps) step.kernel(step.call);
  } else {
    run_range(0, steps.size(), [](Step& step) { step.kernel(step.call); });
  }
}

// Runs the steps from the first to that before `behind`; `call` runs a kernel.
template <class Call>
void Plan::State::run_range(std::size_t first, std::size_t behind, const Call& call) {
  while (first < behind) {
    Step& step = steps[first++];
    if (step.kernel != nullptr) {
      call(step);
    } else {
      run_region(*step.region, first, call);
      first += step.region->lengths[0] + step.region->lengths[1];
    }
  }
}

template <class Call>
void Plan::State::run_region(Region& region, std::size_t first, const Call& call) {
  const std::size_t middle = first + region.lengths[0], behind = middle + region.lengths[1];
  switch (region.kind) {
    case RegionKind::none:
      break;
    case RegionKind::scan:
      region.begin();
      for (std::int64_t turn = 0; turn < region.turns; ++turn) {
        run_range(first, behind, call);
        region.advance();
      }
      region.end();
      break;
    case RegionKind::loop:
      for (std::int64_t turn = 0; turn != region.turns; ++turn) {
        run_range(first, middle, call);
        if (!region.holds()) break;
        run_range(middle, behind, call);
      }
      break;
    case RegionKind::branch:
      region.holds() ? run_range(first, middle, call) : run_range(middle, behind, call);
      break;
  }
}

}  // namespace dlnative
