// A fiber: a stack of its own, and the switch to it. By hand where that takes ten nanoseconds instead of the system
// call or two of swapcontext, which serves all other processors.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace dlnative::cuda::host {

class Fiber {
 public:
  // Makes this fiber begin with entry(), which never returns, on the stack [stack, stack + bytes).
  void prepare(void* stack, std::size_t bytes, void (*entry)());
  // Leaves `from`, which is running, and goes on where `to` was left.
  static void change(Fiber& from, Fiber& to);

 private:
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
};

}  // namespace dlnative::cuda::host
