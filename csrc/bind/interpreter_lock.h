// Giving up Python's interpreter lock while native code runs, also when the interpreter is about to end.
//
// A daemon thread that asks for the lock of an interpreter that has ended is unwound by force, through destructors that
// must not throw: the process would abort. So from the moment in which the interpreter begins to end, such a thread
// stays where it is, outside of Python, and the process ends without it.
#pragma once

#include <pybind11/pybind11.h>

namespace dlnative::bind {

class InterpreterLockReleased {
 public:
  InterpreterLockReleased();
  ~InterpreterLockReleased();
  InterpreterLockReleased(const InterpreterLockReleased&) = delete;
  InterpreterLockReleased& operator=(const InterpreterLockReleased&) = delete;

 private:
  PyThreadState* const state_;
};

// Asks Python to tell when it begins to end.
void bind_interpreter_exit(pybind11::module_& module);

}  // namespace dlnative::bind
