// A plan of a GPU: the description and the functions of the CPU's (csrc/dlnative/plan.h), recorded once and replayed.
//
// The memory of variables stays the caller's: each run brings what the plan reads to the device and what it wrote back.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dlnative/plan.h"

namespace dlnative::cuda {

class Plan {
 public:
  // The ops of the instructions are indices into row_at().
  explicit Plan(const PlanDescription& description);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  void run(const void* const* feeds, void* const* results);
  std::int64_t run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks, const EpochRange& range);
  // Runs op by op, with a wait behind each.
  std::vector<double> profile(const void* const* feeds, int repeats);

  View result_view(int index) const;
  int result_count() const;
  std::int64_t scratch_bytes() const;
  std::int64_t arena_bytes() const;
  std::int64_t prepacked_bytes() const { return 0; }
  ForkSafeMutex& mutex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dlnative::cuda
