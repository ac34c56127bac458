// The queue that all plans of the process share: what one enqueues comes after what another has enqueued, so memory
// that they have in common needs no events. Whoever uses it, or mirrors, holds the mutex.
#pragma once

#include <atomic>
#include <thread>

#include "runtime/fork.h"
#include "runtime/queue.h"

namespace dlnative::cuda {

// Taken again by the thread that has it: what a plan computes on the host may drop other plans.
class ContextMutex {
 public:
  bool try_lock();
  void lock();
  void unlock();
  // How a thread waits. A module of Python gives up the interpreter's lock meanwhile, for whoever has the mutex may ask
  // for that lock.
  void (*wait)(ForkSafeMutex& mutex) = [](ForkSafeMutex& mutex) { mutex.lock(); };

 private:
  bool take_again();

  ForkSafeMutex mutex_;
  std::atomic<std::thread::id> holder_;
  int depth_ = 0;
};

struct Context {
  Queue queue;
  ContextMutex mutex;
};
Context& context();

}  // namespace dlnative::cuda
