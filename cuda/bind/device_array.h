// The class DeviceArray in Python: a dense array on the device. It owns its memory, or keeps alive whoever does.
#pragma once

#include <memory>

#include "bind/arrays.h"
#include "runtime/queue.h"

namespace dlnative::cuda {

class DeviceArray {
 public:
  explicit DeviceArray(const View& like);                 // new memory, unset
  DeviceArray(const View& view, pybind11::object owner);  // somebody else's

  const View& view() const { return view_; }
  // Whose memory it is, or what it was made of.
  const pybind11::object& owner() const { return owner_; }
  void made_of(pybind11::object owner) { owner_ = std::move(owner); }

 private:
  View view_;
  std::shared_ptr<Memory> memory_;
  pybind11::object owner_;
};

// The array that a Python object is; null if it is none.
const DeviceArray* device_array(PyObject* object);

void bind_device_array(pybind11::module_& module);

}  // namespace dlnative::cuda
