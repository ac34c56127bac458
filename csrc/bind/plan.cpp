// The class Plan of the CPU's plans.
#include "bind/plan.h"

#include "bind/bound_plan.h"

namespace dlnative::bind {

void bind_plan(py::module_& module) { bind_plan_class<BoundPlan<Plan>>(module); }

}  // namespace dlnative::bind
