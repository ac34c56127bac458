// NumPy asks a handler for the memory of each array, which belongs to the context (of a thread, or of a task in one)
// and stays with the arrays that it served (NEP 49). This one counts, and has no memory beyond a limit.
#include "bind/array_memory.h"

#include <pybind11/numpy.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace py = pybind11;

namespace dlnative::bind {
namespace {

// NumPy's PyDataMem_Handler, version 1.
struct Handler {
  char name[127];
  std::uint8_t version;
  void* context;
  void* (*malloc)(void* context, std::size_t size);
  void* (*calloc)(void* context, std::size_t count, std::size_t size);
  void* (*realloc)(void* context, void* memory, std::size_t size);
  void (*free)(void* context, void* memory, std::size_t size);
};
constexpr int set_handler_index = 304;  // of PyDataMem_SetHandler in the table of NumPy's functions, from 1.22 on

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max() / 2;

struct Limit {
  Handler handler;
  std::atomic<std::int64_t> left;
};

bool spend(void* context, std::size_t size) {
  auto& left = static_cast<Limit*>(context)->left;
  const auto bytes = static_cast<std::int64_t>(size);
  if (bytes < 0 || left.fetch_sub(bytes) < bytes) {
    left.fetch_add(bytes);
    return false;
  }
  return true;
}

void* counted(void* context, std::size_t size, void* memory) {
  if (memory == nullptr) static_cast<Limit*>(context)->left.fetch_add(static_cast<std::int64_t>(size));
  return memory;
}

void* take(void* context, std::size_t size) {
  return spend(context, size) ? counted(context, size, std::malloc(size > 0 ? size : 1)) : nullptr;
}

void* take_zeros(void* context, std::size_t count, std::size_t size) {
  if (size > 0 && count > static_cast<std::size_t>(unlimited) / size) return nullptr;
  const std::size_t bytes = count * size;
  return spend(context, bytes) ? counted(context, bytes, std::calloc(bytes > 0 ? bytes : 1, 1)) : nullptr;
}

// What the memory had before is not known, and stays counted.
void* take_again(void* context, void* memory, std::size_t size) {
  return spend(context, size) ? counted(context, size, std::realloc(memory, size > 0 ? size : 1)) : nullptr;
}

void give_back(void* context, void* memory, std::size_t size) {
  static_cast<Limit*>(context)->left.fetch_add(static_cast<std::int64_t>(size));
  std::free(memory);
}

PyObject* set_handler(PyObject* handler) {
  static void** const table = [] {
    const py::object capsule = py::detail::import_numpy_core_submodule("multiarray").attr("_ARRAY_API");
    return static_cast<void**>(PyCapsule_GetPointer(capsule.ptr(), nullptr));
  }();
  PyObject* const before = reinterpret_cast<PyObject* (*)(PyObject*)>(table[set_handler_index])(handler);
  if (before == nullptr) throw py::error_already_set();
  return before;
}

constexpr const char* capsule_name = "mem_handler";  // by which NumPy knows it

Limit* limit_of(const py::object& capsule) {
  return static_cast<Limit*>(PyCapsule_GetPointer(capsule.ptr(), capsule_name));
}

py::tuple limit_arrays(std::int64_t bytes) {
  auto* limit = new Limit{};
  std::strncpy(limit->handler.name, "dlnative_limit", sizeof(limit->handler.name) - 1);
  limit->handler.version = 1;
  limit->handler.context = limit;
  limit->handler.malloc = take;
  limit->handler.calloc = take_zeros;
  limit->handler.realloc = take_again;
  limit->handler.free = give_back;
  limit->left = bytes;
  const auto capsule = py::reinterpret_steal<py::object>(PyCapsule_New(limit, capsule_name, [](PyObject* self) {
    delete static_cast<Limit*>(PyCapsule_GetPointer(self, capsule_name));
  }));
  if (!capsule) {
    delete limit;
    throw py::error_already_set();
  }
  return py::make_tuple(capsule, py::reinterpret_steal<py::object>(set_handler(capsule.ptr())));
}

void restore_arrays(const py::tuple& handlers) {
  const py::object own = handlers[0], before = handlers[1];
  limit_of(own)->left = unlimited;  // arrays that it served live on
  Py_XDECREF(set_handler(before.ptr()));
}

}  // namespace

void bind_array_memory(py::module_& module) {
  module.def("limit_arrays", &limit_arrays, py::arg("bytes"),
             "Lets NumPy's arrays have so many bytes together, those that are made in this context from now on; beyond "
             "them is a MemoryError. Returns what restore_arrays takes.");
  module.def("restore_arrays", &restore_arrays, py::arg("handlers"), "Ends such a limit.");
}

}  // namespace dlnative::bind
