#include "host/fiber.h"

#include <cstdint>

namespace dlnative::cuda::host {

#if defined(__x86_64__)

// Saves the registers that a call keeps, and the stack pointer; takes up those of the other side.
extern "C" void dlnative_cuda_change_stack(void** from, void* to);
asm(R"(
.text
.type dlnative_cuda_change_stack, @function
dlnative_cuda_change_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size dlnative_cuda_change_stack, . - dlnative_cuda_change_stack
)");

void Fiber::prepare(void* stack, std::size_t bytes, void (*entry)()) {
  // The entry finds the stack as after a call: 8 bytes past a multiple of 16.
  const auto end = (reinterpret_cast<std::uintptr_t>(stack) + bytes) / 16 * 16;
  auto** top = reinterpret_cast<void**>(end) - 2;
  top[0] = reinterpret_cast<void*>(entry);
  top[1] = nullptr;
  for (int saved = 1; saved <= 6; ++saved) top[-saved] = nullptr;
  stack_pointer_ = top - 6;
}

void Fiber::change(Fiber& from, Fiber& to) { dlnative_cuda_change_stack(&from.stack_pointer_, to.stack_pointer_); }

#else

void Fiber::prepare(void* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = bytes;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

void Fiber::change(Fiber& from, Fiber& to) { swapcontext(&from.context_, &to.context_); }

#endif

}  // namespace dlnative::cuda::host
