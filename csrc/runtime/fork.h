// A mutex that a child of fork() finds free.
//
// A child has only the thread that forked: a mutex that another thread held would stay locked for ever. Here a lock
// that was taken before the last fork counts as none. What it guards must be in order again by the next use, whatever a
// thread that is gone was about to do with it.
#pragma once

#include <atomic>
#include <cstdint>

namespace dlnative {

// 1 in a process that was not forked since this library was loaded, one more in each child than in its parent.
std::uint32_t fork_generation();

class ForkSafeMutex {
 public:
  ForkSafeMutex() = default;
  ForkSafeMutex(const ForkSafeMutex&) = delete;
  ForkSafeMutex& operator=(const ForkSafeMutex&) = delete;

  bool try_lock() {
    const std::uint32_t generation = fork_generation();
    std::uint32_t holder = holder_.load(std::memory_order_relaxed);
    return holder != generation && holder_.compare_exchange_strong(holder, generation, std::memory_order_acquire);
  }
  void lock() {
    while (!try_lock()) holder_.wait(fork_generation());
  }
  void unlock() {
    holder_.store(0, std::memory_order_release);
    holder_.notify_one();
  }

 private:
  std::atomic<std::uint32_t> holder_{0};  // the generation in which it was taken; 0: free
};

}  // namespace dlnative
