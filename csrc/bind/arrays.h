// NumPy arrays as the core sees them. Headers of structs are read directly (through pybind11's description of them):
// a small plan runs in less time than a few attribute look-ups take.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "dlnative/types.h"

namespace dlnative::bind {

namespace py = pybind11;

// What an array says of itself. `dtype` is -1 for an element type that the core does not know.
struct Array {
  PyObject* object = nullptr;
  void* data = nullptr;
  const Py_intptr_t* shape = nullptr;
  int rank = 0;
  int dtype = -1;
  bool contiguous = false;
  bool writable = false;
  std::int64_t size = 1;
};

// Whether it is a NumPy array, and not of a class derived from it.
inline bool is_plain_array(PyObject* object) { return Py_TYPE(object) == py::detail::npy_api::get().PyArray_Type_; }

// Raises TypeError unless `object` is a NumPy array.
Array inspect(PyObject* object, const char* what);

// "float32 array of shape (32, 784)"
std::string describe(const Array& array);
std::string describe(const View& view);

// Raises ValueError unless the array is C-contiguous and its elements are of a type that the core knows.
void require_dense(const Array& array, const char* what);
// Raises ValueError unless the array is also writable.
void require_writable(const Array& array, const char* what);
// Raises ValueError, in one line, if the array is not exactly what the view describes.
inline bool matches(const Array& array, const View& view) {
  if (array.dtype != static_cast<int>(view.dtype) || array.rank != view.rank || !array.contiguous) return false;
  for (int axis = 0; axis < view.rank; ++axis) {
    if (array.shape[axis] != view.shape[axis]) return false;
  }
  return true;
}

// A new C-contiguous array with unset elements.
py::object new_array(const View& view);
// An array over the memory of a view, which must outlive it.
py::object array_over(const View& view, bool writable);

// A view of a dense array.
View view_of(const Array& array);

// The items of a list or a tuple, kept alive whatever other code does to the list.
struct Items {
  py::tuple tuple;
  PyObject** begin = nullptr;
  std::size_t count = 0;
  PyObject* operator[](std::size_t index) const { return begin[index]; }
};
Items items_of(PyObject* sequence, const char* what);

std::int64_t integer(PyObject* object);
double real(PyObject* object);
std::vector<std::int64_t> integers(PyObject* sequence, const char* what);
std::vector<double> reals(PyObject* sequence, const char* what);

}  // namespace dlnative::bind
