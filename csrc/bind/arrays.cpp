#include "bind/arrays.h"

namespace dlnative::bind {
namespace {

using Api = py::detail::npy_api;

int dtype_of(PyObject* descriptor) {
  const auto* header = py::detail::array_descriptor1_proxy(descriptor);
  const char foreign = PY_BIG_ENDIAN ? '<' : '>';
  if (header->byteorder == foreign) return -1;
  switch (header->type_num) {
    case Api::NPY_FLOAT_:
      return static_cast<int>(DType::float32);
    case Api::NPY_DOUBLE_:
      return static_cast<int>(DType::float64);
    case Api::NPY_INT_:
      return static_cast<int>(DType::int32);
    case Api::NPY_LONG_:
      return static_cast<int>(sizeof(long) == 8 ? DType::int64 : DType::int32);
    case Api::NPY_LONGLONG_:
      return static_cast<int>(DType::int64);
    case Api::NPY_UBYTE_:
      return static_cast<int>(DType::uint8);
    case Api::NPY_BOOL_:
      return static_cast<int>(DType::boolean);
    default:
      return -1;
  }
}

// One descriptor of each type for the life of the process.
PyObject* descriptor_of(DType dtype) {
  static PyObject* const descriptors[dtype_count] = {
      Api::get().PyArray_DescrFromType_(Api::NPY_FLOAT_), Api::get().PyArray_DescrFromType_(Api::NPY_DOUBLE_),
      Api::get().PyArray_DescrFromType_(Api::NPY_INT_),   Api::get().PyArray_DescrFromType_(Api::NPY_INT64_),
      Api::get().PyArray_DescrFromType_(Api::NPY_UBYTE_), Api::get().PyArray_DescrFromType_(Api::NPY_BOOL_)};
  return descriptors[static_cast<int>(dtype)];
}

template <class Extent>
std::string shape_text(const Extent* shape, int rank) {
  std::string text = "(";
  for (int axis = 0; axis < rank; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + (rank == 1 ? ",)" : ")");
}

}  // namespace

Array inspect(PyObject* object, const char* what) {
  if (!Api::get().PyArray_Check_(object)) {
    throw py::type_error(std::string(what) + ": expected a NumPy array, got " + Py_TYPE(object)->tp_name);
  }
  const auto* header = py::detail::array_proxy(object);
  Array array;
  array.object = object;
  array.data = header->data;
  array.shape = header->dimensions;
  array.rank = header->nd;
  array.dtype = dtype_of(header->descr);
  array.contiguous = (header->flags & Api::NPY_ARRAY_C_CONTIGUOUS_) != 0;
  array.writable = (header->flags & Api::NPY_ARRAY_WRITEABLE_) != 0;
  for (int axis = 0; axis < array.rank; ++axis) array.size *= array.shape[axis];
  return array;
}

std::string describe(const Array& array) {
  std::string type = array.dtype >= 0 ? dtype_names[array.dtype] : std::string();
  if (array.dtype < 0) {
    const py::object dtype = py::reinterpret_borrow<py::object>(array.object).attr("dtype");
    type = py::str(dtype).cast<std::string>();
  }
  return (array.contiguous ? "" : "not C-contiguous ") + type + " array of shape " +
         shape_text(array.shape, array.rank);
}

std::string describe(const View& view) {
  return std::string(dtype_names[static_cast<int>(view.dtype)]) + " array of shape " +
         shape_text(view.shape, view.rank);
}

void require_dense(const Array& array, const char* what) {
  if (!array.contiguous || array.dtype < 0 || array.rank > max_rank) {
    throw py::value_error(std::string(what) +
                          ": expected a C-contiguous array of float32, float64, int32, int64, uint8 or bool, got " +
                          describe(array));
  }
}

void require_writable(const Array& array, const char* what) {
  require_dense(array, what);
  if (!array.writable) throw py::value_error(std::string(what) + ": expected a writable array");
}

py::object new_array(const View& view) {
  PyObject* descriptor = descriptor_of(view.dtype);
  Py_INCREF(descriptor);  // the call takes a reference
  Py_intptr_t shape[max_rank];
  for (int axis = 0; axis < view.rank; ++axis) shape[axis] = static_cast<Py_intptr_t>(view.shape[axis]);
  PyObject* made = Api::get().PyArray_NewFromDescr_(Api::get().PyArray_Type_, descriptor, view.rank, shape, nullptr,
                                                    nullptr, 0, nullptr);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

View view_of(const Array& array) {
  View view;
  view.data = array.data;
  view.size = array.size;
  view.dtype = static_cast<DType>(array.dtype);
  view.rank = array.rank;
  for (int axis = 0; axis < array.rank; ++axis) view.shape[axis] = array.shape[axis];
  return view;
}

Items items_of(PyObject* sequence, const char* what) {
  if (PyTuple_Check(sequence)) {
    return {&PyTuple_GET_ITEM(sequence, 0), static_cast<std::size_t>(PyTuple_GET_SIZE(sequence))};
  }
  if (PyList_Check(sequence)) {
    return {reinterpret_cast<PyListObject*>(sequence)->ob_item, static_cast<std::size_t>(PyList_GET_SIZE(sequence))};
  }
  throw py::type_error(std::string(what) + ": expected a list or a tuple, got " + Py_TYPE(sequence)->tp_name);
}

std::int64_t integer(PyObject* object) {
  const long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return value;
}

double real(PyObject* object) {
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return value;
}

std::vector<std::int64_t> integers(PyObject* sequence, const char* what) {
  const Items items = items_of(sequence, what);
  std::vector<std::int64_t> values(items.count);
  for (std::size_t i = 0; i < items.count; ++i) values[i] = integer(items[i]);
  return values;
}

std::vector<double> reals(PyObject* sequence, const char* what) {
  const Items items = items_of(sequence, what);
  std::vector<double> values(items.count);
  for (std::size_t i = 0; i < items.count; ++i) values[i] = real(items[i]);
  return values;
}

}  // namespace dlnative::bind
