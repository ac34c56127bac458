// The queue that all plans of the process share: what one enqueues comes after what another has enqueued, so memory
// that they have in common needs no events. Whoever uses it, or mirrors, holds the mutex.
#pragma once

#include "runtime/fork.h"
#include "runtime/queue.h"

namespace dlnative::cuda {

struct Context {
  Queue queue;
  ForkSafeMutex mutex;
};
Context& context();

}  // namespace dlnative::cuda
