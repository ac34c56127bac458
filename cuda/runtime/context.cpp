#include "runtime/context.h"

namespace dlnative::cuda {

bool ContextMutex::take_again() {
  if (holder_.load(std::memory_order_relaxed) != std::this_thread::get_id()) return false;
  ++depth_;
  return true;
}

bool ContextMutex::try_lock() {
  if (take_again()) return true;
  if (!mutex_.try_lock()) return false;
  holder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  depth_ = 1;
  return true;
}

void ContextMutex::lock() {
  if (try_lock()) return;
  wait(mutex_);
  holder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  depth_ = 1;
}

void ContextMutex::unlock() {
  if (--depth_ > 0) return;
  holder_.store({}, std::memory_order_relaxed);
  mutex_.unlock();
}

// It outlives whatever Python leaves behind when it ends.
Context& context() {
  static Context& made = [&]() -> Context& {
    auto* context = new Context;
    context->queue.dependent = true;
    return *context;
  }();
  return made;
}

}  // namespace dlnative::cuda
