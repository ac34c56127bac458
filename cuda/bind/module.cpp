// The module dlnative._cuda, or, of kernels that were compiled for the host, dlnative._cuda_host: plans, as those of
// dlnative._native.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <mutex>
#include <string>
#include <vector>

#include "bind/device_plan.h"
#include "bind/host.h"
#include "bind/interpreter_lock.h"
#include "runtime/context.h"
#include "runtime/mirror.h"
#include "runtime/row.h"

namespace py = pybind11;

namespace {

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (int i = 0; const dlnative::cuda::Row* row = dlnative::cuda::row_at(i); ++i) names.emplace_back(row->name);
  return names;
}

// Calls `use(begin, bytes)` with the memory of an array, while nobody else uses the queue.
template <class Use>
void with_memory(const py::object& array, const char* what, const Use& use) {
  const dlnative::bind::Array given = dlnative::bind::inspect(array.ptr(), what);
  dlnative::bind::require_dense(given, what);
  const dlnative::View view = dlnative::bind::view_of(given);
  const std::lock_guard lock(dlnative::cuda::context().mutex);
  use(view.data, static_cast<std::size_t>(view.size * dlnative::item_size(view.dtype)));
}

void wait_without_python(dlnative::ForkSafeMutex& mutex) {
  if (PyGILState_Check() == 0) return mutex.lock();
  const dlnative::bind::InterpreterLockReleased released;
  mutex.lock();
}

py::dict device_info() {
  const dlnative::cuda::Device& device = dlnative::cuda::device();
  py::dict info;
  info["name"] = device.name;
  info["driver"] = device.driver;
  info["multiprocessors"] = device.multiprocessors;
  info["capability"] = py::make_tuple(device.major, device.minor);
  return info;
}

}  // namespace

PYBIND11_MODULE(DLNATIVE_CUDA_MODULE, module) {
  module.doc() = "Plans of a GPU.";
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const dlnative::TypeMismatch& error) {
      py::set_error(PyExc_TypeError, error.what());
    } catch (const dlnative::cuda::OutOfMemory& error) {
      py::set_error(PyExc_MemoryError, error.what());
    }
  });
  module.def("op_names", &op_names, "The names of the ops; an op's code is its index.");
  module.def("device", &device_info, "What runs: its name (or \"host\"), driver, multiprocessors, compute capability.");
  module.def(
      "host_will_read",
      [](const py::object& array) { with_memory(array, "host_will_read", dlnative::cuda::host_will_read); },
      py::arg("array"), "Brings what plans have written to an array's memory back from the device.");
  module.def(
      "host_has_written",
      [](const py::object& array) { with_memory(array, "host_has_written", dlnative::cuda::host_has_written); },
      py::arg("array"), "An array's memory goes to the device anew before it is next used.");
  module.def(
      "leave_memory_to_the_host",
      [] {
        const std::lock_guard lock(dlnative::cuda::context().mutex);
        dlnative::cuda::leave_memory_to_the_host();
      },
      "Brings everything back from the device; what others write from now on counts.");
  module.def(
      "mirror_traffic",
      [] {
        const dlnative::cuda::Traffic& traffic = dlnative::cuda::mirror_traffic();
        return py::make_tuple(traffic.uploaded, traffic.downloaded);
      },
      "The bytes of variables and constants that went to the device and came back, since the process began.");
#if defined(DLNATIVE_CUDA_HOST)
  module.def(
      "set_order",
      [](bool forward) {
        dlnative::cuda::host::set_order(forward ? dlnative::cuda::host::Order::forward
                                                : dlnative::cuda::host::Order::reverse);
      },
      py::arg("forward"), "In which order the machine lets the threads of kernels run.");
#endif
  dlnative::bind::bind_interpreter_exit(module);
  dlnative::bind::bind_host(module);
  dlnative::cuda::context().mutex.wait = wait_without_python;
  dlnative::cuda::bind_device_array(module);
  dlnative::bind::bind_plan_class<dlnative::cuda::DevicePlan>(module).def_property_readonly(
      "steps_together", &dlnative::cuda::DevicePlan::steps_together);
}
