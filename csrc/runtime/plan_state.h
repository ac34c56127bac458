// What a plan holds between runs: instructions whose views are resolved to addresses, and where a feed's address has
// to be put when it changes.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "dlnative/plan.h"
#include "dlnative/threads.h"
#include "runtime/aligned.h"
#include "runtime/thread_choice.h"

namespace dlnative {

struct Plan::State {
  struct Step {
    Kernel kernel;
    Call call;
  };
  // One view that lies in a feed.
  struct Patch {
    View* view;
    std::int64_t offset;
  };
  struct Feed {
    View view;  // its type and shape, and the address it is bound to now
    std::vector<Patch> patches;
    AlignedBytes gathered;  // made by run_steps for a feed that has to be copied together
  };

  Workers workers;  // for the run that is on
  int most_threads = 1;
  int capacity = 1;  // the number of threads that the scratch suffices for
  ThreadChoice choice;
  bool alone = true;  // no other plan runs: the choice is asked, and learns from the run
  std::int64_t arena_bytes = 0;
  std::int64_t scratch_bytes = 0;
  AlignedBytes arena, scratch;
  std::vector<View> views;  // of all steps, then of the results; never resized once the steps point into it
  std::vector<std::int64_t> ints;
  std::vector<double> floats;
  std::vector<Step> steps;
  std::vector<Feed> feeds;
  View* results = nullptr;
  int result_count = 0;
  std::mutex mutex;

  void bind(std::size_t index, const void* data);
  void prepare_workers();
  void choose_threads();
  void execute() const;  // with denormals flushed by the caller
};

inline void Plan::State::bind(std::size_t index, const void* data) {
  Feed& feed = feeds[index];
  if (feed.view.data == data) return;
  feed.view.data = const_cast<void*>(data);  // no instruction writes to a feed: the constructor sees to that
  for (const Patch& patch : feed.patches) patch.view->data = static_cast<std::byte*>(feed.view.data) + patch.offset;
}

inline void Plan::State::prepare_workers() {
  workers = dlnative::workers();
  most_threads = workers.threads = workers.threads < capacity ? workers.threads : capacity;
}

inline void Plan::State::choose_threads() {
  const int plans = plans_running();
  alone = plans <= 1;
  workers.threads = alone ? choice.next(most_threads) : std::max(1, most_threads / plans);
}

inline void Plan::State::execute() const {
  for (const Step& step : steps) step.kernel(step.call);
}

}  // namespace dlnative
