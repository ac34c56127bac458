// Reads the plan of a network from a file; docs/export.md describes the format.
#pragma once

#include <string>
#include <vector>

#include "dlnative/model.h"
#include "dlnative/plan.h"
#include "runtime/aligned.h"

namespace dlnative {

struct PlanFile {
  std::string name;
  std::vector<std::string> inputs, outputs;  // names
  AlignedBytes weights;                      // the only external of the plan
  std::int64_t weight_bytes = 0;
  PlanDescription description;
};

// Throws std::runtime_error, in one line, for a file that cannot be read, is damaged, or was written for another
// version or for ops that this build does not have.
PlanFile read_plan_file(const char* path);

}  // namespace dlnative
