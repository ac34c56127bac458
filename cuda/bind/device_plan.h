// A plan whose feeds may lie on the device.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bind/bound_plan.h"
#include "bind/device_array.h"
#include "runtime/plan.h"

namespace dlnative::cuda {

namespace py = pybind11;

class DevicePlan : public bind::BoundPlan<Plan> {
 public:
  using BoundPlan::BoundPlan;

  // Results lie where the feeds do: on the device if one of them does. They are CuPy's where a feed is.
  py::list run(const py::list& feeds) {
    const bind::Items held = bind::items_of(feeds.ptr(), "Plan.run");
    if (!any_on_device(held)) return BoundPlan::run(feeds);
    if (held.count != feeds_.size()) {
      throw py::value_error("Plan.run: expected " + std::to_string(feeds_.size()) + " feeds, got " +
                            std::to_string(held.count));
    }
    std::vector<Source> sources;
    bool cupy = false;
    for (std::size_t i = 0; i < held.count; ++i) {
      const DeviceArray* const there = device_array(held[i]);
      const View view = there != nullptr ? there->view() : dense(held[i], "Plan.run");
      if (!same(view, feeds_[i])) {
        throw py::value_error("Plan.run: feed " + std::to_string(i) + ": expected a " + bind::describe(feeds_[i]) +
                              ", got " + bind::describe(view));
      }
      sources.push_back({view.data, there != nullptr});
      cupy = cupy || (there != nullptr && is_cupy(there->owner()));
    }
    py::list made;
    std::vector<void*> targets;
    for (const View& view : results_) {
      DeviceArray result(view);
      targets.push_back(result.view().data);
      made.append(py::cast(std::move(result)));
    }
    {
      const bind::InterpreterLockReleased released;
      const std::lock_guard lock(plan_.mutex());
      plan_.run(sources.data(), targets.data(), true);
    }
    if (!cupy) return made;
    const py::object asarray = py::module_::import("cupy").attr("asarray");
    py::list of_cupy;
    for (const py::handle each : made) of_cupy.append(asarray(each));
    return of_cupy;
  }

  std::int64_t run_steps(const py::list& sources, const py::list& sinks, const py::object& order, std::int64_t position,
                         std::int64_t stop, std::int64_t batch_size, double seconds) {
    const bind::Items held = bind::items_of(sources.ptr(), "Plan.run_steps: sources");
    if (!any_on_device(held)) return BoundPlan::run_steps(sources, sinks, order, position, stop, batch_size, seconds);
    return run_rows(
        held, sinks, order, {nullptr, position, stop, batch_size, seconds},
        [](PyObject* object, const char* name) {
          const DeviceArray* const there = device_array(object);
          if (there == nullptr) throw py::type_error(std::string(name) + ": expected a DeviceArray as the others are");
          return there->view();
        },
        [&](const auto&... rows) { return plan_.run_resident_steps(rows...); });
  }

  int steps_together() const { return plan_.steps_together(); }

 private:
  static bool is_cupy(const py::object& owner) {
    if (!owner) return false;
    if (const DeviceArray* const array = device_array(owner.ptr())) return is_cupy(array->owner());
    const py::object module = py::type::of(owner).attr("__module__");
    return py::isinstance<py::str>(module) && py::str(module).cast<std::string>().rfind("cupy", 0) == 0;
  }
  static bool any_on_device(const bind::Items& items) {
    for (std::size_t i = 0; i < items.count; ++i) {
      if (device_array(items[i]) != nullptr) return true;
    }
    return false;
  }
  static View dense(PyObject* object, const char* what) {
    const bind::Array array = bind::inspect(object, what);
    bind::require_dense(array, what);
    return bind::view_of(array);
  }
  static bool same(const View& a, const View& b) {
    return a.dtype == b.dtype && a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
  }
};

}  // namespace dlnative::cuda
