// The module dlnative._native: the only C++ that sees Python. It knows no op by name.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "bind/array_memory.h"
#include "bind/arrays.h"
#include "bind/environment.h"
#include "bind/host.h"
#include "bind/interpreter_lock.h"
#include "bind/plan.h"
#include "dlnative/isa.h"
#include "dlnative/plan.h"
#include "dlnative/threads.h"
#include "runtime/aligned.h"
#include "runtime/fp_state.h"

namespace py = pybind11;

namespace dlnative::bind {
namespace {

std::vector<std::string> op_names() {
  require_environment();
  const OpTable ops = isa().ops;
  std::vector<std::string> names;
  for (int i = 0; i < ops.count; ++i) names.emplace_back(ops.rows[i].name);
  return names;
}

std::vector<std::pair<std::string, int>> dtypes() {
  std::vector<std::pair<std::string, int>> rows;
  for (int i = 0; i < dtype_count; ++i) rows.emplace_back(dtype_names[i], item_sizes[i]);
  return rows;
}

std::vector<std::string> isa_names() {
  std::vector<std::string> names;
  for (const char* const* name = available_isas(); *name != nullptr; ++name) names.emplace_back(*name);
  return names;
}

void choose_isa(const std::string& name) {
  if (select_isa(name.c_str())) return;
  std::string message = "select_isa: this build on this CPU can run";
  for (const auto& available : isa_names()) message += " " + available;
  throw py::value_error(message + ", got " + name);
}

void choose_threads(int count) {
  if (count < 1) throw py::value_error("set_num_threads: expected at least 1, got " + std::to_string(count));
  set_num_threads(count);
}

py::dict build_info() {
  py::dict info;
  info["compiler"] = DLNATIVE_COMPILER;
  info["build_type"] = DLNATIVE_BUILD_TYPE;
  info["isas"] = isa_names();
  info["cuda"] = static_cast<bool>(DLNATIVE_CUDA_ENABLED);
  return info;
}

double measure_fma(double seconds) {
  require_environment();
  const InterpreterLockReleased released;
  return isa().measure_fma(seconds);
}

double measure_read(std::int64_t bytes, double seconds) {
  require_environment();
  const dlnative::Workers workers = dlnative::workers();
  const std::int64_t share = bytes / workers.threads / static_cast<std::int64_t>(sizeof(float));
  if (share < 1) throw py::value_error("measure_read: expected at least 4 bytes a thread");
  const std::vector<float> data(static_cast<std::size_t>(share * workers.threads));
  std::vector<double> rates(static_cast<std::size_t>(workers.threads));
  const InterpreterLockReleased released;
  workers.parallel_for(workers.threads, workers.threads, [&](std::int64_t task, int) {
    rates[static_cast<std::size_t>(task)] = isa().measure_read(data.data() + task * share, share, seconds);
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

// Runs one kernel straight on arrays. Attributes are the caller's business, as they are in a plan.
void call_op(int op, const py::list& inputs, const py::list& outputs, const py::object& ints,
             const py::object& floats) {
  require_environment();
  const OpTable ops = isa().ops;
  if (op < 0 || op >= ops.count) throw py::value_error("call_op: no op " + std::to_string(op));
  std::vector<View> input_views, output_views;
  for (const auto& item : inputs) {
    const Array array = inspect(item.ptr(), "call_op: input");
    require_dense(array, "call_op: input");
    input_views.push_back(view_of(array));
  }
  for (const auto& item : outputs) {
    const Array array = inspect(item.ptr(), "call_op: output");
    require_writable(array, "call_op: output");
    output_views.push_back(view_of(array));
  }
  const std::vector<std::int64_t> int_values = integers(ints.ptr(), "call_op: ints");
  const std::vector<double> float_values = reals(floats.ptr(), "call_op: floats");

  const Workers pool = workers();
  Call call;
  call.inputs = input_views.data();
  call.outputs = output_views.data();
  call.ints = int_values.data();
  call.floats = float_values.data();
  call.input_count = static_cast<std::int32_t>(input_views.size());
  call.output_count = static_cast<std::int32_t>(output_views.size());
  call.workers = &pool;
  AlignedBytes scratch;
  const OpRow& row = ops.rows[op];
  check_types(row, call);
  if (row.scratch != nullptr) {
    scratch = allocate_aligned(row.scratch(call, pool.threads));
    call.scratch = scratch.get();
  }
  const InterpreterLockReleased released;
  const FlushDenormals flushed;
  row.run(call);
}

void invalidate_array(const py::handle& item) {
  const Array array = inspect(item.ptr(), "invalidate_prepacked");
  if (array.size == 0) return;
  const auto whole = py::reinterpret_borrow<py::array>(item);
  const auto* first = static_cast<const std::byte*>(array.data);
  std::int64_t bytes = whole.itemsize();
  for (int axis = 0; axis < array.rank; ++axis) {
    const std::int64_t reach = (array.shape[axis] - 1) * whole.strides(axis);
    if (reach < 0) first += reach;
    bytes += reach < 0 ? -reach : reach;
  }
  invalidate_prepacked(first, bytes);
}

}  // namespace
}  // namespace dlnative::bind

PYBIND11_MODULE(_native, module) {
  using namespace dlnative::bind;
  module.doc() = "The native core: op kernels, plans and threads.";
  pybind11::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const dlnative::TypeMismatch& error) {
      pybind11::set_error(PyExc_TypeError, error.what());
    }
  });
  module.def("dtypes", &dtypes, "The names and the item sizes of the element types; a type's code is its index.");
  module.def("op_names", &op_names, "The names of the ops; an op's code is its index.");
  module.def(
      "isa",
      [] {
        require_environment();
        return std::string(dlnative::isa().name);
      },
      "The instruction set in use.");
  module.def("available_isas", &isa_names, "The instruction sets this build and this CPU share, best first.");
  module.def("select_isa", &choose_isa, py::arg("name"), "Chooses an instruction set for plans built from now on.");
  module.def("num_threads", &dlnative::num_threads, "The most threads a call may use.");
  module.def("set_num_threads", &choose_threads, py::arg("count"));
  module.def("build_info", &build_info, "How the module was built.");
  module.def("measure_fma", &measure_fma, py::arg("seconds"),
             "Floating-point operations per second that one core reaches with multiply-adds.");
  module.def("measure_read", &measure_read, py::arg("bytes"), py::arg("seconds"),
             "Bytes per second that all threads together reach reading so many bytes over and over, each its share.");
  module.def("call_op", &call_op, py::arg("op"), py::arg("inputs"), py::arg("outputs"), py::arg("ints"),
             py::arg("floats"), "Runs one kernel on arrays.");
  module.def("invalidate_prepacked", &invalidate_array, py::arg("array"),
             "Says that an array that plans read has been written: what was packed of it is packed anew.");
  bind_array_memory(module);
  bind_interpreter_exit(module);
  bind_host(module);
  bind_plan(module);
}
