// How a kernel spreads work. A kernel cuts its work into tasks that do not depend on the number of threads (or whose
// results do not), and the pool hands the tasks out.
#pragma once

#include <cstdint>

#include "dlnative/types.h"

namespace dlnative {

struct Workers {
  using Task = void (*)(void* context, std::int64_t task, int thread);

  int threads = 1;                                                                      // the most that may take part
  void (*launch)(int threads, std::int64_t tasks, Task task, void* context) = nullptr;  // returns when all are done

  // How many threads are worth waking for work that takes one thread about `nanoseconds`.
  DLNATIVE_INLINE int worthwhile(double nanoseconds) const {
    constexpr double share = 5000.0;  // below 5 us a thread, waking costs more than it saves
    if (threads <= 1 || nanoseconds < 2.0 * share) return 1;
    const double fit = nanoseconds / share;
    return fit >= threads ? threads : static_cast<int>(fit);
  }

  // Calls body(task, thread) for each task in [0, tasks); thread is in [0, count).
  template <class Body>
  DLNATIVE_INLINE void parallel_for(int count, std::int64_t tasks, Body&& body) const {
    if (count <= 1 || tasks <= 1 || launch == nullptr) {
      for (std::int64_t task = 0; task < tasks; ++task) body(task, 0);
      return;
    }
    auto* address = &body;
    launch(
        count, tasks,
        [](void* context, std::int64_t task, int thread) { (*static_cast<decltype(address)>(context))(task, thread); },
        static_cast<void*>(address));
  }
};

}  // namespace dlnative
