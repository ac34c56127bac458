// The thread pool. One job at a time: whoever takes the pool posts tasks, works on them itself, and workers that are
// awake in time join in. Nobody waits for a worker that comes late, so a sleeping or descheduled worker costs nothing.
//
// All of a job's state that decides who may touch it is one 64-bit word, changed by compare-and-swap:
//
//   generation (32 bits) | closed (1) | tickets given out (15) | workers inside (16)
//
// A worker joins by taking a ticket of the generation it saw; the launcher closes the word when no task is left and
// waits until nobody is inside. Only then may the job's fields be written again.
//
// Each thread begins with a share of the tasks, the same one in every job of as many, and when it has done
// those helps the others with theirs. So a thread finds in its cache what it left there in the step before.
#include "dlnative/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/fp_state.h"

namespace dlnative {
namespace {

constexpr int most_threads = 1024;
constexpr std::uint64_t inside_one = 1;
constexpr std::uint64_t inside_mask = 0xffff;
constexpr std::uint64_t ticket_one = std::uint64_t{1} << 16;
constexpr std::uint64_t ticket_mask = 0x7fff;
constexpr std::uint64_t closed_bit = std::uint64_t{1} << 31;
constexpr std::uint64_t generation_one = std::uint64_t{1} << 32;

constexpr auto spin_time = std::chrono::microseconds(40);  // a little more than the gap between two parallel kernels

inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

thread_local bool inside_task = false;

class Pool {
 public:
  void launch(int threads, std::int64_t tasks, Workers::Task task, void* context) {
    bool free = false;
    if (threads <= 1 || tasks <= 1 || inside_task || !busy_.compare_exchange_strong(free, true)) {
      for (std::int64_t i = 0; i < tasks; ++i) task(context, i, 0);
      return;
    }
    grow(static_cast<int>(std::min<std::int64_t>(threads, tasks)) - 1);

    task_ = task;
    context_ = context;
    deal_out(tasks);
    const std::uint64_t generation = (word_.load(std::memory_order_relaxed) & ~(generation_one - 1)) + generation_one;
    word_.store(generation);
    wake();

    work(0, 0);

    word_.fetch_or(closed_bit);
    for (int turn = 1; (word_.load(std::memory_order_acquire) & inside_mask) != 0; ++turn) {
      pause();
      if (turn % 4096 == 0) std::this_thread::yield();  // a worker that is inside may have lost its core
    }
    busy_.store(false, std::memory_order_release);
  }

 private:
  // Tasks [next, end).
  struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  void deal_out(std::int64_t tasks) {
    const std::int64_t each = tasks / (helpers_ + 1), larger = tasks % (helpers_ + 1);
    std::int64_t first = 0;
    for (int thread = 0; thread <= helpers_; ++thread) {
      shares_[thread].next.store(first, std::memory_order_relaxed);
      shares_[thread].end = first += each + (thread < larger);
    }
  }

  // `thread` is one of this job; `home` is where it begins.
  void work(int thread, int home) {
    inside_task = true;
    for (int turn = 0; turn <= helpers_; ++turn) {
      Share& share = shares_[static_cast<std::size_t>((home + turn) % (helpers_ + 1))];
      while (share.next.load(std::memory_order_relaxed) < share.end) {
        const std::int64_t task = share.next.fetch_add(1, std::memory_order_relaxed);
        if (task >= share.end) break;
        task_(context_, task, thread);
      }
    }
    inside_task = false;
  }

  // Called only by the thread that holds the pool, while nobody is inside. Where there is no memory or no thread to be
  // had, the launcher does the work of those that are missing.
  void grow(int helpers) {
    try {
      if (shares_.size() <= static_cast<std::size_t>(helpers)) {
        shares_ = std::vector<Share>(static_cast<std::size_t>(helpers) + 1);
      }
    } catch (const std::bad_alloc&) {
    }
    helpers_ = std::min(helpers, static_cast<int>(shares_.size()) - 1);
    if (workers_ >= helpers_) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // a worker inherits it: signals are the application's business
    try {
      for (; workers_ < helpers_; ++workers_) std::thread([this, home = workers_ + 1] { serve(home); }).detach();
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void wake() {
    const int asleep = sleepers_.load();
    const int missing = helpers_ - (workers_ - asleep);
    if (asleep == 0 || missing <= 0) return;
    // Taking the mutex orders the wake-up after a worker's last look at the word and before its wait.
    {
      const std::lock_guard<std::mutex> lock(mutex_);
    }
    if (missing >= asleep) {
      awakened_.notify_all();
    } else {
      for (int i = 0; i < missing; ++i) awakened_.notify_one();
    }
  }

  void serve(int home) {
    write_fp_control(flushing_fp_control);
    std::uint64_t seen = 0;  // the generation this worker has done with
    for (;;) {
      std::uint64_t word = wait_for_another(seen);
      seen = word & ~(generation_one - 1);
      while ((word & ~(generation_one - 1)) == seen && (word & closed_bit) == 0) {
        // helpers_ is read only after the ticket is taken; before that the launcher may be writing it.
        if (!word_.compare_exchange_weak(word, word + ticket_one + inside_one)) continue;
        const int ticket = static_cast<int>((word >> 16) & ticket_mask);
        if (ticket < helpers_) work(ticket + 1, (home - 1) % helpers_ + 1);
        word_.fetch_sub(inside_one, std::memory_order_release);
        break;
      }
    }
  }

  std::uint64_t wait_for_another(std::uint64_t seen) {
    const auto end = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < 16; ++i) {
        const std::uint64_t word = word_.load(std::memory_order_acquire);
        if ((word & ~(generation_one - 1)) != seen) return word;
        pause();
      }
    } while (std::chrono::steady_clock::now() < end);

    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1);
    std::uint64_t word = word_.load();
    while ((word & ~(generation_one - 1)) == seen) {
      awakened_.wait(lock);
      word = word_.load();
    }
    sleepers_.fetch_sub(1);
    return word;
  }

  alignas(64) std::atomic<std::uint64_t> word_{closed_bit};
  alignas(64) Workers::Task task_ = nullptr;
  void* context_ = nullptr;
  std::vector<Share> shares_ = std::vector<Share>(1);  // of the launcher, and of each helper
  int helpers_ = 0;
  int workers_ = 0;
  alignas(64) std::atomic<bool> busy_{false};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable awakened_;
};

// The pool is never destroyed: its threads are detached and may be asleep in it until the process is gone. A forked
// child has none of these threads, nor those that ran plans, so it forgets the pool and makes its own when it needs
// one.
std::atomic<Pool*> current{nullptr};
std::atomic<int> running{0};

void forget_in_children() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    current.store(nullptr);
    running.store(0);
    inside_task = false;
  });
  static_cast<void>(registered);
}

Pool& pool() {
  Pool* found = current.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  forget_in_children();
  auto* made = new Pool;
  if (current.compare_exchange_strong(found, made)) return *made;
  delete made;  // another thread was faster; nobody has used this one
  return *found;
}

void launch(int threads, std::int64_t tasks, Workers::Task task, void* context) {
  pool().launch(threads, tasks, task, context);
}

int allowed_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// A container may see all cores and be granted the time of a few: more threads than those would be stopped while they
// hold work. Returns a large number where there is no such limit.
int granted_cores() {
  long quota = 0, period = 0;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    const int found = std::fscanf(file, "%ld %ld", &quota, &period);  // "max 100000" when there is no limit
    std::fclose(file);
    if (found == 2 && quota > 0 && period > 0) return static_cast<int>(std::max(1L, (quota + period - 1) / period));
  }
  return most_threads;
}

// What DLNATIVE_NUM_THREADS asks for; 0 where it says nothing, -1 where it is no number of threads.
int wanted_threads() {
  const char* wanted = std::getenv("DLNATIVE_NUM_THREADS");
  if (wanted == nullptr || *wanted == '\0') return 0;
  char* end = nullptr;
  const long count = std::strtol(wanted, &end, 10);
  return end != wanted && *end == '\0' && count >= 1 ? static_cast<int>(std::min<long>(count, most_threads)) : -1;
}

std::atomic<int>& limit() {
  static std::atomic<int> count{wanted_threads() > 0 ? wanted_threads() : available_threads()};
  return count;
}

}  // namespace

int available_threads() {
  static const int count = std::min({allowed_cores(), granted_cores(), most_threads});
  return count;
}

const char* threads_error() {
  static const std::string message = wanted_threads() < 0
                                         ? std::string("DLNATIVE_NUM_THREADS: expected an integer of 1 or more, got ") +
                                               std::getenv("DLNATIVE_NUM_THREADS")
                                         : std::string();
  return message.empty() ? nullptr : message.c_str();
}

int num_threads() { return limit().load(std::memory_order_relaxed); }

void set_num_threads(int count) { limit().store(std::clamp(count, 1, most_threads)); }

Running::Running() {
  forget_in_children();
  running.fetch_add(1, std::memory_order_relaxed);
}
Running::~Running() { running.fetch_sub(1, std::memory_order_relaxed); }
int plans_running() { return running.load(std::memory_order_relaxed); }

Workers workers() { return {num_threads(), launch}; }

}  // namespace dlnative
