#include "host/machine.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "host/fiber.h"

namespace dlnative::cuda::host {

Position position;

namespace {

constexpr int most_threads = 1024;
constexpr std::size_t stack_bytes = 64 << 10;
constexpr std::size_t most_shared = 228 << 10;
constexpr std::size_t stagger = 320;  // stacks that begin alike in their pages fight for the same sets of a cache

enum class State : unsigned char { unstarted, ready, in_block_barrier, in_warp_call, done };

struct Thread {
  State state = State::unstarted;
  int fiber = -1;
  Site site{};
  Perform perform = nullptr;
  void* operand = nullptr;
};

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}
std::size_t whole_pages(std::size_t bytes) { return (bytes + page_bytes() - 1) / page_bytes() * page_bytes(); }

// `bytes` between two pages that may not be touched.
char* map_between_guards(std::size_t bytes) {
  const std::size_t whole = whole_pages(bytes), page = page_bytes();
  void* mapped = mmap(nullptr, whole + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* first = static_cast<char*>(mapped) + page;
  if (whole > 0 && mprotect(first, whole, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  return first;
}

struct Machine {
  Order order = Order::forward;
  const char* name = "";
  void (*body)(const void*) = nullptr;
  const void* state = nullptr;
  int threads = 0;
  int waiting_in_block = 0, done = 0;
  int arrived[most_threads / 32] = {};  // lanes of each warp in its call
  int cursor = 0;                       // the place in the order from which on somebody may run
  int current = -1;
  Thread thread[most_threads];
  Fiber scheduler;
  Fiber fiber[most_threads];
  int free_fibers[most_threads];
  int free_count = 0, prepared = 0;
  char* stacks = nullptr;
  char* shared_end = nullptr;
  void* shared = nullptr;
  std::string fault;
};
Machine machine;

int thread_at(int place) { return machine.order == Order::forward ? place : machine.threads - 1 - place; }
int place_of(int thread) { return thread_at(thread); }

std::string where(int thread) {
  char text[200];
  const Extent3& block = position.block;
  std::snprintf(text, sizeof(text), "%s: block (%u, %u, %u), thread %d", machine.name, block.x, block.y, block.z,
                thread);
  return text;
}
std::string at(const Site& site) {
  const char* file = std::strrchr(site.file, '/');
  return std::string(file == nullptr ? site.file : file + 1) + ":" + std::to_string(site.line);
}

// From a thread's fiber: the whole grid ends here.
void give_up(std::string text) {
  machine.fault = std::move(text);
  Fiber abandoned;
  Fiber::change(abandoned, machine.scheduler);
}

void become(int thread) {
  machine.current = thread;
  position.thread.x = static_cast<unsigned>(thread);
}

// Leaves the fiber of the current thread, which now waits, for the scheduler.
void leave() {
  const int self = machine.current;
  Fiber::change(machine.fiber[machine.thread[self].fiber], machine.scheduler);
}

// Threads that never wait need no fiber of their own: one takes them all, one after another.
void run_threads() {
  for (;;) {
    const int fiber = machine.thread[machine.current].fiber;
    machine.body(machine.state);
    machine.thread[machine.current].state = State::done;
    ++machine.done;
    ++machine.cursor;
    if (machine.cursor < machine.threads) {
      const int next = thread_at(machine.cursor);
      if (machine.thread[next].state == State::unstarted) {
        machine.thread[next].fiber = fiber;
        machine.thread[next].state = State::ready;
        become(next);
        continue;
      }
    }
    machine.free_fibers[machine.free_count++] = fiber;
    Fiber::change(machine.fiber[fiber], machine.scheduler);
  }
}

int take_fiber() {
  if (machine.free_count > 0) return machine.free_fibers[--machine.free_count];
  const int fiber = machine.prepared++;
  char* stack = machine.stacks + static_cast<std::size_t>(fiber) * (stack_bytes + page_bytes()) + page_bytes();
  machine.fiber[fiber].prepare(stack, stack_bytes - static_cast<std::size_t>(fiber % 24) * stagger, run_threads);
  return fiber;
}

// Nobody can run: the barrier is complete, or the kernel is wrong. Returns what is wrong, or nothing.
std::string release_block() {
  const Thread* first = nullptr;
  for (int t = 0; t < machine.threads; ++t) {
    const Thread& thread = machine.thread[t];
    if (thread.state == State::in_warp_call) {
      return where(t) + " is in a warp call at " + at(thread.site) + ", which not all lanes of its warp have come to";
    }
    if (thread.state == State::in_block_barrier && first == nullptr) first = &thread;
  }
  for (int t = 0; t < machine.threads; ++t) {
    const Thread& thread = machine.thread[t];
    if (thread.state == State::done) {
      return where(t) + " has ended, and others wait at the barrier at " + at(first->site);
    }
    if (thread.site.line != first->site.line || std::strcmp(thread.site.file, first->site.file) != 0) {
      return where(t) + " waits at the barrier at " + at(thread.site) + ", and others at that at " + at(first->site);
    }
  }
  for (int t = 0; t < machine.threads; ++t) machine.thread[t].state = State::ready;
  machine.waiting_in_block = 0;
  machine.cursor = 0;
  return {};
}

void run_block() {
  for (int t = 0; t < machine.threads; ++t) machine.thread[t] = Thread{};
  for (int& lanes : machine.arrived) lanes = 0;
  machine.waiting_in_block = machine.done = machine.cursor = 0;
  while (machine.done < machine.threads) {
    while (machine.cursor < machine.threads) {
      const int next = thread_at(machine.cursor);
      Thread& thread = machine.thread[next];
      if (thread.state == State::unstarted) {
        thread.fiber = take_fiber();
        thread.state = State::ready;
      }
      if (thread.state != State::ready) {
        ++machine.cursor;
        continue;
      }
      become(next);
      Fiber::change(machine.scheduler, machine.fiber[thread.fiber]);
      if (!machine.fault.empty()) throw Fault(machine.fault);
    }
    if (machine.done == machine.threads) break;
    if (const std::string wrong = release_block(); !wrong.empty()) throw Fault(wrong);
  }
}

struct sigaction previous_segv, previous_bus;

void on_stray_access(int signal, siginfo_t* info, void*) {
  if (machine.current < 0) {  // not a kernel's
    sigaction(signal, signal == SIGSEGV ? &previous_segv : &previous_bus, nullptr);
    return;
  }
  char text[80];
  std::snprintf(text, sizeof(text), " touches the address %p, which lies in no buffer", info->si_addr);
  give_up(where(machine.current) + text);
}

void begin_watching() {
  static char* stack = map_between_guards(1 << 16);
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = 1 << 16;
  sigaltstack(&alternate, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = on_stray_access;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, &previous_segv);
  sigaction(SIGBUS, &action, &previous_bus);
}
void end_watching() {
  sigaction(SIGSEGV, &previous_segv, nullptr);
  sigaction(SIGBUS, &previous_bus, nullptr);
}

void prepare_machine() {
  if (machine.stacks != nullptr) return;
  const std::size_t each = stack_bytes + page_bytes();
  machine.stacks = map_between_guards(each * most_threads);
  for (int fiber = 0; fiber < most_threads; ++fiber) {
    mprotect(machine.stacks + static_cast<std::size_t>(fiber) * each, page_bytes(), PROT_NONE);
  }
  machine.shared_end = map_between_guards(most_shared) + whole_pages(most_shared);
}

}  // namespace

void set_order(Order order) { machine.order = order; }

void run_grid(const char* name, Extent3 grid, unsigned threads, std::size_t shared_bytes, void (*body)(const void*),
              const void* state) {
  if (threads == 0 || threads % 32 != 0 || threads > most_threads) {
    throw Fault(std::string(name) + ": a block is whole warps, 32 to 1024 threads, got " + std::to_string(threads));
  }
  if (shared_bytes > most_shared) {
    throw Fault(std::string(name) + ": at most " + std::to_string(most_shared) + " bytes of shared memory, got " +
                std::to_string(shared_bytes));
  }
  prepare_machine();
  machine.name = name;
  machine.body = body;
  machine.state = state;
  machine.threads = static_cast<int>(threads);
  machine.fault.clear();
  machine.shared = machine.shared_end - (shared_bytes + 15) / 16 * 16;
  position.block_extent = {threads, 1, 1};
  position.grid_extent = grid;
  begin_watching();
  try {
    const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const std::uint64_t block = machine.order == Order::forward ? i : blocks - 1 - i;
      position.block = {static_cast<unsigned>(block % grid.x), static_cast<unsigned>(block / grid.x % grid.y),
                        static_cast<unsigned>(block / grid.x / grid.y)};
      std::memset(machine.shared, 0xff, shared_bytes);
      run_block();
    }
  } catch (...) {
    // Fibers that were left in the middle of a kernel begin anew.
    machine.free_count = machine.prepared = 0;
    machine.current = -1;
    end_watching();
    throw;
  }
  machine.current = -1;
  end_watching();
}

void* shared_memory() { return machine.shared; }

void wait_for_block(Site site) {
  Thread& self = machine.thread[machine.current];
  self.state = State::in_block_barrier;
  self.site = site;
  ++machine.waiting_in_block;
  const int thread = machine.current;
  if (machine.waiting_in_block == machine.threads) {
    if (std::string wrong = release_block(); !wrong.empty()) give_up(std::move(wrong));
    if (thread_at(0) == thread) return;
  }
  leave();
}

void call_warp(Site site, unsigned mask, Perform perform, void* operand) {
  const int self = machine.current, warp = self / 32;
  if (mask != 0xffffffffu) give_up(where(self) + ": the call at " + at(site) + " is not for all lanes of the warp");
  Thread& own = machine.thread[self];
  own.state = State::in_warp_call;
  own.site = site;
  own.perform = perform;
  own.operand = operand;
  if (++machine.arrived[warp] < 32) return leave();
  machine.arrived[warp] = 0;
  void* operands[32];
  for (int lane = 0; lane < 32; ++lane) {
    Thread& other = machine.thread[warp * 32 + lane];
    if (other.perform != perform || other.site.line != site.line || std::strcmp(other.site.file, site.file) != 0) {
      give_up(where(self) + " is in the warp call at " + at(site) + ", and lane " + std::to_string(lane) +
              " in that at " + at(other.site));
    }
    operands[lane] = other.operand;
    other.state = State::ready;
  }
  perform(operands);
  const int first = place_of(machine.order == Order::forward ? warp * 32 : warp * 32 + 31);
  machine.cursor = first;
  if (thread_at(first) != self) leave();
}

void* allocate_guarded(std::size_t bytes) {
  const std::size_t used = (bytes + 15) / 16 * 16, whole = whole_pages(used);
  char* first = map_between_guards(whole);
  std::memset(first, 0xff, whole);
  return first + whole - used;
}

void free_guarded(void* memory, std::size_t bytes) {
  if (memory == nullptr) return;
  const std::size_t used = (bytes + 15) / 16 * 16, whole = whole_pages(used), page = page_bytes();
  munmap(static_cast<char*>(memory) + used - whole - page, whole + 2 * page);
}

}  // namespace dlnative::cuda::host
