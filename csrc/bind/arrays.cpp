#include "bind/arrays.h"

namespace dlnative::bind {
namespace {

using Api = py::detail::npy_api;

template <class Integer>
constexpr DType integer_type() {
  constexpr bool has_sign = static_cast<Integer>(-1) < 0;
  switch (sizeof(Integer)) {
    case 1:
      return has_sign ? DType::int8 : DType::uint8;
    case 2:
      return has_sign ? DType::int16 : DType::uint16;
    case 4:
      return has_sign ? DType::int32 : DType::uint32;
    default:
      return has_sign ? DType::int64 : DType::uint64;
  }
}

// The types of ml_dtypes have no fixed number. This one is asked for when it is met first, and kept.
PyObject* bfloat16_descriptor() {
  static PyObject* descriptor = nullptr;
  if (descriptor == nullptr) {
    const py::object type = py::module_::import("ml_dtypes").attr("bfloat16");
    descriptor = py::dtype::from_args(type).release().ptr();
  }
  return descriptor;
}
bool is_bfloat16(PyObject* descriptor) {
  return PyDict_GetItemString(PyImport_GetModuleDict(), "ml_dtypes") != nullptr &&
         py::detail::array_descriptor1_proxy(descriptor)->type_num ==
             py::detail::array_descriptor1_proxy(bfloat16_descriptor())->type_num;
}

int dtype_of(PyObject* descriptor) {
  const auto* header = py::detail::array_descriptor1_proxy(descriptor);
  const char foreign = PY_BIG_ENDIAN ? '<' : '>';
  if (header->byteorder == foreign) return -1;
  constexpr int half = 23, first_of_users = 256;  // NPY_HALF, NPY_USERDEF
  const auto code = [](DType dtype) { return static_cast<int>(dtype); };
  switch (header->type_num) {
    case Api::NPY_FLOAT_:
      return code(DType::float32);
    case Api::NPY_DOUBLE_:
      return code(DType::float64);
    case half:
      return code(DType::float16);
    case Api::NPY_BOOL_:
      return code(DType::boolean);
    case Api::NPY_BYTE_:
      return code(integer_type<signed char>());
    case Api::NPY_UBYTE_:
      return code(integer_type<unsigned char>());
    case Api::NPY_SHORT_:
      return code(integer_type<short>());
    case Api::NPY_USHORT_:
      return code(integer_type<unsigned short>());
    case Api::NPY_INT_:
      return code(integer_type<int>());
    case Api::NPY_UINT_:
      return code(integer_type<unsigned int>());
    case Api::NPY_LONG_:
      return code(integer_type<long>());
    case Api::NPY_ULONG_:
      return code(integer_type<unsigned long>());
    case Api::NPY_LONGLONG_:
      return code(integer_type<long long>());
    case Api::NPY_ULONGLONG_:
      return code(integer_type<unsigned long long>());
    default:
      return header->type_num >= first_of_users && is_bfloat16(descriptor) ? code(DType::bfloat16) : -1;
  }
}

// One descriptor of each type for the life of the process.
PyObject* descriptor_of(DType dtype) {
  static PyObject* descriptors[dtype_count] = {};
  PyObject*& descriptor = descriptors[static_cast<int>(dtype)];
  if (descriptor == nullptr) {
    descriptor = dtype == DType::bfloat16 ? bfloat16_descriptor()
                                          : py::dtype(dtype_names[static_cast<int>(dtype)]).release().ptr();
  }
  return descriptor;
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
                          ": expected a C-contiguous array of numbers in this machine's byte order, got " +
                          describe(array));
  }
}

void require_writable(const Array& array, const char* what) {
  require_dense(array, what);
  if (!array.writable) throw py::value_error(std::string(what) + ": expected a writable array");
}

namespace {

// In memory of its own, with unset elements, if `data` is null.
py::object array_of(const View& view, void* data, int flags) {
  PyObject* descriptor = descriptor_of(view.dtype);
  Py_INCREF(descriptor);  // the call takes a reference
  Py_intptr_t shape[max_rank];
  for (int axis = 0; axis < view.rank; ++axis) shape[axis] = static_cast<Py_intptr_t>(view.shape[axis]);
  PyObject* made = Api::get().PyArray_NewFromDescr_(Api::get().PyArray_Type_, descriptor, view.rank, shape, nullptr,
                                                    data, flags, nullptr);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace

py::object new_array(const View& view) { return array_of(view, nullptr, 0); }

py::object array_over(const View& view, bool writable) {
  constexpr int dense = Api::NPY_ARRAY_C_CONTIGUOUS_ | Api::NPY_ARRAY_ALIGNED_;
  return array_of(view, view.data, writable ? dense | Api::NPY_ARRAY_WRITEABLE_ : dense);
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
  if (!PyTuple_Check(sequence) && !PyList_Check(sequence)) {
    throw py::type_error(std::string(what) + ": expected a list or a tuple, got " + Py_TYPE(sequence)->tp_name);
  }
  PyObject* const tuple = PySequence_Tuple(sequence);
  if (tuple == nullptr) throw py::error_already_set();
  return {py::reinterpret_steal<py::tuple>(tuple), &PyTuple_GET_ITEM(tuple, 0),
          static_cast<std::size_t>(PyTuple_GET_SIZE(tuple))};
}

std::int64_t integer(PyObject* object) {
  const long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred() != nullptr) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError) == 0) throw py::error_already_set();
    PyErr_Clear();
    throw py::value_error("expected an integer of 64 bits, got a larger one");
  }
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
