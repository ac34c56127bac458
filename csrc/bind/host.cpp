#include "bind/host.h"

#include "bind/arrays.h"
#include "runtime/fp_state.h"

namespace dlnative::bind {
namespace {

// Never destroyed: a plan may run while the process ends.
py::object& host_function() {
  static auto* const function = new py::object;
  return *function;
}

// NumPy is to find denormals as they are anywhere else.
class PlainFpState {
 public:
  PlainFpState() : saved_(read_fp_control()) { write_fp_control(saved_ & ~denormal_bits); }
  ~PlainFpState() { write_fp_control(saved_); }
  PlainFpState(const PlainFpState&) = delete;
  PlainFpState& operator=(const PlainFpState&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr FpControl denormal_bits = 0x8040u;
#else
  static constexpr FpControl denormal_bits = flushing_fp_control;
#endif
  FpControl saved_;
};

py::tuple arrays_over(const View* views, std::int32_t count, bool writable) {
  py::tuple arrays(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    PyTuple_SET_ITEM(arrays.ptr(), i, array_over(views[i], writable).release().ptr());
  }
  return arrays;
}

}  // namespace

void call_host(const Call& call) {
  const PlainFpState plain;
  const py::gil_scoped_acquire held;
  if (!host_function()) throw py::value_error("Plan: no function was named for what has no kernel");
  host_function()(call.ints[0], arrays_over(call.inputs, call.input_count, false),
                  arrays_over(call.outputs, call.output_count, true));
}

void bind_host(py::module_& module) {
  module.def(
      "set_host_function", [](py::object function) { host_function() = std::move(function); }, py::arg("function"),
      "Names what plans call for ops without a kernel: function(number, inputs, outputs), which writes into the "
      "outputs.");
}

}  // namespace dlnative::bind
