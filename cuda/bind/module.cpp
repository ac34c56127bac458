// The module dlnative._cuda, or, of kernels that were compiled for the host, dlnative._cuda_host: plans, as those of
// dlnative._native.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "bind/bound_plan.h"
#include "runtime/plan.h"
#include "runtime/queue.h"
#include "runtime/row.h"

namespace py = pybind11;

namespace {

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (int i = 0; const dlnative::cuda::Row* row = dlnative::cuda::row_at(i); ++i) names.emplace_back(row->name);
  return names;
}

}  // namespace

PYBIND11_MODULE(DLNATIVE_CUDA_MODULE, module) {
  module.doc() = "Plans of a GPU.";
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const dlnative::TypeMismatch& error) {
      py::set_error(PyExc_TypeError, error.what());
    }
  });
  module.def("op_names", &op_names, "The names of the ops; an op's code is its index.");
  module.def("device", [] { return dlnative::cuda::device().name; }, "The name of the device, or \"host\".");
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
  dlnative::bind::bind_plan_class<dlnative::cuda::Plan>(module);
}
