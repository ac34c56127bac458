#include "bind/interpreter_lock.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace py = pybind11;

namespace dlnative::bind {
namespace {

std::atomic<int> outside{0};  // threads that have given up the lock and have not got it back
std::atomic<bool> ending{false};
std::atomic<std::thread::id> ending_on{};

bool must_stay_outside() { return ending.load() && ending_on.load() != std::this_thread::get_id(); }

[[noreturn]] void stay_outside() {
  outside.fetch_sub(1);
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

// Waits until no thread is between native code and Python: what comes later stays outside.
void begin_to_end() {
  ending_on.store(std::this_thread::get_id());
  ending.store(true);
  PyThreadState* const state = PyEval_SaveThread();
  while (outside.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
  PyEval_RestoreThread(state);
}

}  // namespace

InterpreterLockReleased::InterpreterLockReleased() : state_(PyEval_SaveThread()) {
  outside.fetch_add(1);
  if (must_stay_outside()) stay_outside();
}

InterpreterLockReleased::~InterpreterLockReleased() {
  if (must_stay_outside()) stay_outside();
  PyEval_RestoreThread(state_);
  outside.fetch_sub(1);
}

void bind_interpreter_exit(py::module_& module) {
  pthread_atfork(nullptr, nullptr, [] { outside.store(0); });  // a child has none of these threads
  py::module_::import("atexit").attr("register")(
      py::cpp_function(&begin_to_end, py::name("begin_to_end"), py::scope(module)));
}

}  // namespace dlnative::bind
