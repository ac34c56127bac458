#include "bind/device_array.h"

#include <pybind11/stl.h>

#include <mutex>
#include <string>

#include "runtime/context.h"
#include "runtime/resolver.h"
#include "runtime/row.h"

namespace py = pybind11;

namespace dlnative::cuda {
namespace {

// DLPack's structs, as its specification 0.8 lays them out (https://dmlc.github.io/dlpack).
enum DlKind : std::int32_t { dl_cpu = 1, dl_cuda = 2 };
enum DlCode : std::uint8_t { dl_int = 0, dl_uint = 1, dl_float = 2, dl_bfloat = 4, dl_bool = 6 };
struct DlDevice {
  std::int32_t kind, number;
};
struct DlType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct DlTensor {
  void* data;
  DlDevice device;
  std::int32_t rank;
  DlType type;
  std::int64_t *shape, *strides;
  std::uint64_t offset;
};
struct DlManaged {
  DlTensor tensor;
  void* owner;
  void (*deleter)(DlManaged*);
};

DlType dl_type_of(DType dtype) {
  const auto bits = static_cast<std::uint8_t>(8 * item_size(dtype));
  switch (dtype) {
    case DType::boolean:
      return {dl_bool, 8, 1};
    case DType::bfloat16:
      return {dl_bfloat, 16, 1};
    case DType::float16:
    case DType::float32:
    case DType::float64:
      return {dl_float, bits, 1};
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
      return {dl_uint, bits, 1};
    default:
      return {dl_int, bits, 1};
  }
}

DType dtype_of(const DlType& type) {
  for (int code = 0; code < dtype_count; ++code) {
    const DlType other = dl_type_of(static_cast<DType>(code));
    if (other.code == type.code && other.bits == type.bits && type.lanes == 1) return static_cast<DType>(code);
  }
  throw py::type_error("DLPack: no element type of code " + std::to_string(type.code) + " and " +
                       std::to_string(type.bits) + " bits");
}

View dense_view(void* data, DType dtype, const std::vector<std::int64_t>& shape) {
  if (shape.size() > max_rank) throw py::value_error("an array of more than 8 axes");
  View view;
  view.data = data;
  view.dtype = dtype;
  view.rank = static_cast<std::int32_t>(shape.size());
  view.size = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0) throw py::value_error("an array of a negative extent");
    view.size *= view.shape[axis] = shape[axis];
  }
  return view;
}

bool is_dense(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  std::int64_t expected = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] == 0) return true;
    if (shape[axis] != 1 && strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

py::object numpy_dtype(DType dtype) { return bind::new_array(dense_view(nullptr, dtype, {0})).attr("dtype"); }

std::int64_t row_size(const View& view) { return view.rank > 0 && view.shape[0] > 0 ? view.size / view.shape[0] : 0; }

}  // namespace

DeviceArray::DeviceArray(const View& like)
    : view_(like), memory_(std::make_shared<Memory>(static_cast<std::size_t>(bytes_of(like)))) {
  view_.data = memory_->data();
}
DeviceArray::DeviceArray(const View& view, py::object owner) : view_(view), owner_(std::move(owner)) {}

const DeviceArray* device_array(PyObject* object) {
  const py::handle handle(object);
  return py::isinstance<DeviceArray>(handle) ? handle.cast<const DeviceArray*>() : nullptr;
}

namespace {

DeviceArray upload(const py::object& array) {
  const bind::Array given = bind::inspect(array.ptr(), "upload");
  bind::require_dense(given, "upload");
  const View view = bind::view_of(given);
  DeviceArray made(view);
  const std::lock_guard lock(context().mutex);
  if (view.size > 0) {
    context().queue.upload(made.view().data, view.data, static_cast<std::size_t>(bytes_of(view)));
  }
  return made;
}

py::object download(const DeviceArray& array) {
  py::object made = bind::new_array(array.view());
  void* const to = py::detail::array_proxy(made.ptr())->data;
  const std::lock_guard lock(context().mutex);
  if (array.view().size > 0) {
    context().queue.download(to, array.view().data, static_cast<std::size_t>(bytes_of(array.view())));
  }
  return made;
}

py::tuple shape_of(const DeviceArray& array) {
  const View& view = array.view();
  py::tuple shape(static_cast<std::size_t>(view.rank));
  for (int axis = 0; axis < view.rank; ++axis) shape[static_cast<std::size_t>(axis)] = view.shape[axis];
  return shape;
}

py::dict interface_of(const DeviceArray& array) {
  py::dict made;
  made["shape"] = shape_of(array);
  made["typestr"] = numpy_dtype(array.view().dtype).attr("str");
  made["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(array.view().data), false);
  made["strides"] = py::none();
  made["version"] = 3;
  made["stream"] = py::none();  // whoever made it has waited
  return made;
}

DeviceArray from_interface(const py::object& array) {
  const py::dict interface = array.attr("__cuda_array_interface__");
  const auto data = interface["data"].cast<py::tuple>();
  py::object like = py::module_::import("numpy").attr("empty")(py::make_tuple(0), interface["typestr"]);
  const bind::Array of_type = bind::inspect(like.ptr(), "__cuda_array_interface__");
  bind::require_dense(of_type, "__cuda_array_interface__");
  const auto dtype = static_cast<DType>(of_type.dtype);
  const auto shape = interface["shape"].cast<std::vector<std::int64_t>>();
  if (interface.contains("strides") && !interface["strides"].is_none()) {
    auto strides = interface["strides"].cast<std::vector<std::int64_t>>();
    for (std::int64_t& stride : strides) stride /= item_size(dtype);
    if (!is_dense(shape, strides)) {
      throw py::value_error("__cuda_array_interface__: expected a C-contiguous array, got strides");
    }
  }
  if (interface.contains("stream") && !interface["stream"].is_none()) {
    context().queue.wait_for_stream(interface["stream"].cast<std::uintptr_t>());
  }
  return {dense_view(reinterpret_cast<void*>(data[0].cast<std::uintptr_t>()), dtype, shape), array};
}

DeviceArray from_dlpack(const py::object& array) {
  const auto device = array.attr("__dlpack_device__")().cast<py::tuple>();
  if (device[0].cast<int>() != dl_cuda) throw py::value_error("DLPack: expected an array of a CUDA device");
  void* const stream = context().queue.stream();
  const py::object number =
      stream != nullptr ? py::object(py::int_(reinterpret_cast<std::uintptr_t>(stream))) : py::object(py::none());
  py::capsule capsule = array.attr("__dlpack__")(py::arg("stream") = number);
  if (std::string(capsule.name()) != "dltensor") throw py::value_error("DLPack: expected a capsule \"dltensor\"");
  auto* const managed = capsule.get_pointer<DlManaged>();
  const DlTensor& tensor = managed->tensor;
  const std::vector<std::int64_t> shape(tensor.shape, tensor.shape + tensor.rank);
  if (tensor.strides != nullptr && !is_dense(shape, {tensor.strides, tensor.strides + tensor.rank})) {
    throw py::value_error("DLPack: expected a C-contiguous array, got strides");
  }
  const View view = dense_view(static_cast<std::byte*>(tensor.data) + tensor.offset, dtype_of(tensor.type), shape);
  capsule.set_name("used_dltensor");
  return {view, py::capsule(managed, "dlnative", [](PyObject* owner) {
            auto* const held = static_cast<DlManaged*>(PyCapsule_GetPointer(owner, "dlnative"));
            if (held->deleter != nullptr) held->deleter(held);
          })};
}

py::capsule to_dlpack(const py::object& self) {
  struct Held {
    DlManaged managed;
    std::int64_t shape[max_rank];
    py::object array;
  };
  const View& view = self.cast<const DeviceArray&>().view();
  auto* const held = new Held{};
  held->array = self;
  for (int axis = 0; axis < view.rank; ++axis) held->shape[axis] = view.shape[axis];
  held->managed.tensor = {view.data, {dl_cuda, 0}, view.rank, dl_type_of(view.dtype), held->shape, nullptr, 0};
  held->managed.owner = held;
  held->managed.deleter = [](DlManaged* managed) {
    const py::gil_scoped_acquire lock;
    delete static_cast<Held*>(managed->owner);
  };
  return py::capsule(&held->managed, "dltensor", [](PyObject* capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor") == 0) return;  // somebody has taken it over
    auto* const managed = static_cast<DlManaged*>(PyCapsule_GetPointer(capsule, "dltensor"));
    managed->deleter(managed);
  });
}

DeviceArray as_type(const py::object& self, const py::object& dtype, bool copy) {
  const View& from = self.cast<const DeviceArray&>().view();
  const py::object like = py::module_::import("numpy").attr("empty")(py::make_tuple(0), dtype);
  const bind::Array of_type = bind::inspect(like.ptr(), "astype");
  bind::require_dense(of_type, "astype");
  View to = from;
  to.dtype = static_cast<DType>(of_type.dtype);
  if (to.dtype == from.dtype && !copy) return {from, self};
  DeviceArray made(to);
  made.made_of(self);
  Call call{};
  call.inputs = &from;
  call.outputs = &made.view();
  call.input_count = call.output_count = 1;
  const std::lock_guard lock(context().mutex);
  Queue& queue = context().queue;
  queue.op = "cast";
  find_row("cast")->enqueue(call, queue);
  queue.wait();
  return made;
}

// Rows [begin, end), in the same memory; all of it for an empty tuple.
DeviceArray rows(const py::object& self, const py::object& key) {
  View view = self.cast<const DeviceArray&>().view();
  if (py::isinstance<py::tuple>(key) && py::len(key) == 0) return {view, self};
  if (!py::isinstance<py::slice>(key)) throw py::type_error("an array of the device: expected rows as a slice");
  const auto range = py::reinterpret_borrow<py::slice>(key);
  if (view.rank == 0) throw py::index_error("an array without axes has no rows");
  std::size_t begin = 0, end = 0, step = 0, count = 0;
  if (!range.compute(static_cast<std::size_t>(view.shape[0]), &begin, &end, &step, &count)) {
    throw py::error_already_set();
  }
  if (step != 1) throw py::index_error("expected rows side by side");
  const std::int64_t of_row = row_size(view);
  view.data = static_cast<std::byte*>(view.data) + static_cast<std::int64_t>(begin) * of_row * item_size(view.dtype);
  view.shape[0] = static_cast<std::int64_t>(count);
  view.size = view.shape[0] * of_row;
  return {view, self};
}

}  // namespace

void bind_device_array(py::module_& module) {
  py::class_<DeviceArray>(module, "DeviceArray",
                          "A dense array on the device. CuPy, PyTorch and others take it as it is, without a copy.")
      .def_static("upload", &upload, py::arg("array"), "Copies a C-contiguous NumPy array to the device.")
      .def_static("from_interface", &from_interface, py::arg("array"),
                  "Returns the array behind a `__cuda_array_interface__`, in its own memory.")
      .def_static("from_dlpack", &from_dlpack, py::arg("array"),
                  "Returns the array behind a `__dlpack__` of a CUDA device, in its own memory.")
      .def_property_readonly("shape", &shape_of)
      .def_property_readonly("dtype", [](const DeviceArray& array) { return numpy_dtype(array.view().dtype); })
      .def_property_readonly("ndim", [](const DeviceArray& array) { return array.view().rank; })
      .def_property_readonly(
          "flags",
          [](const DeviceArray&) -> py::object {
            return bind::new_array(dense_view(nullptr, DType::float32, {0})).attr("flags");
          },
          "As of a NumPy array that is dense.")
      .def_property_readonly("size", [](const DeviceArray& array) { return array.view().size; })
      .def_property_readonly("nbytes", [](const DeviceArray& array) { return bytes_of(array.view()); })
      .def("__len__",
           [](const DeviceArray& array) {
             if (array.view().rank == 0) throw py::type_error("an array without axes has no length");
             return array.view().shape[0];
           })
      .def("__getitem__", &rows)
      .def("astype", &as_type, py::arg("dtype"), py::arg("copy") = true, "Returns the numbers in another type.")
      .def("numpy", &download, "Returns a copy as a NumPy array.")
      .def(
          "__array__",
          [](const DeviceArray& array, const py::object& dtype, const py::object&) -> py::object {
            py::object made = download(array);
            return dtype.is_none() ? made : made.attr("astype")(dtype);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__repr__", [](const DeviceArray& array) { return "<DeviceArray: " + bind::describe(array.view()) + ">"; })
      .def_property_readonly("__cuda_array_interface__", &interface_of)
      .def("__dlpack__", [](const py::object& self, const py::args&, const py::kwargs&) { return to_dlpack(self); })
      .def("__dlpack_device__", [](const DeviceArray&) { return py::make_tuple(static_cast<int>(dl_cuda), 0); });
}

}  // namespace dlnative::cuda
