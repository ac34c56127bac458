// The thread pool: workers that spin briefly and then sleep, survive fork, and are shared by all plans.
#pragma once

#include "dlnative/workers.h"

namespace dlnative {

// The most threads that any call may use: DLNATIVE_NUM_THREADS, or the cores this process may run on.
int num_threads();
// Why DLNATIVE_NUM_THREADS cannot be what it says, or null.
const char* threads_error();
void set_num_threads(int count);

// The cores this process may run on, as far as it is granted their time.
int available_threads();

// A plan that runs, for as long as this lives. Plans that run at once share the cores.
class Running {
 public:
  Running();
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};
int plans_running();

// The handle that kernels are given. When another thread holds the pool, launch() runs the tasks on the caller.
Workers workers();

}  // namespace dlnative
