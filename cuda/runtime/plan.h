// A plan of a GPU: the description and the functions of the CPU's (csrc/dlnative/plan.h), recorded once and replayed.
//
// What plans read and write of the caller's memory lies on the device from one run to the next (mirror.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dlnative/plan.h"

namespace dlnative::cuda {

class ContextMutex;

// A feed: memory of the host, or of the device.
struct Source {
  const void* data;
  bool on_device;
};

class Plan {
 public:
  // The ops of the instructions are indices into row_at().
  explicit Plan(const PlanDescription& description);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  void run(const void* const* feeds, void* const* results);
  // Results that are asked for on the device are copied there.
  void run(const Source* feeds, void* const* results, bool results_on_device);
  std::int64_t run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks, const EpochRange& range);
  // The same of sources on the device: batches are gathered there, and several steps are one recording.
  std::int64_t run_resident_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                                  const EpochRange& range);
  // Runs op by op, with a wait behind each.
  std::vector<double> profile(const void* const* feeds, int repeats);

  View result_view(int index) const;
  int result_count() const;
  std::int64_t scratch_bytes() const;
  std::int64_t arena_bytes() const;
  std::int64_t prepacked_bytes() const { return 0; }
  int steps_together() const;  // steps of the recording that holds several of them; 0: there is none
  ContextMutex& mutex();       // of all plans

  struct State;  // plan_state.h

 private:
  std::unique_ptr<State> state_;
};

}  // namespace dlnative::cuda
