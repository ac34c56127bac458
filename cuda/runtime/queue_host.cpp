// The queue in a build for the host: what is enqueued is done at once, or kept in a list.
#include <chrono>
#include <cstring>
#include <new>

#include "runtime/queue.h"

namespace dlnative::cuda {

struct Recording::Kept {
  std::vector<Queue::Work> list;
};
Recording::Recording() = default;
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;
Recording::~Recording() = default;

struct Queue::State {
  std::unique_ptr<Recording::Kept> recording;
  std::chrono::steady_clock::time_point begin;
};

Queue::Queue() : state_(new State) {}
Queue::~Queue() = default;

void Queue::enqueue(Work work) {
  if (state_->recording != nullptr) {
    state_->recording->list.push_back(std::move(work));
  } else {
    work();
  }
}
void Queue::copy(void* to, const void* from, std::size_t bytes) {
  enqueue([=] { std::memmove(to, from, bytes); });
}
void Queue::fill(void* to, int byte, std::size_t bytes) {
  enqueue([=] { std::memset(to, byte, bytes); });
}
void Queue::upload(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void Queue::download(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void Queue::wait() {}
void Queue::pace() {}
void Queue::wait_for_stream(std::uintptr_t) {}
void* Queue::stream() const { return nullptr; }

void Queue::begin_recording() { state_->recording = std::make_unique<Recording::Kept>(); }
Recording Queue::end_recording() {
  Recording recording;
  recording.kept_ = std::move(state_->recording);
  return recording;
}
void Queue::drop_recording() { state_->recording.reset(); }
void Queue::replay(const Recording& recording) {
  for (const Work& work : recording.kept_->list) work();
}

void Queue::begin_timing() { state_->begin = std::chrono::steady_clock::now(); }
double Queue::end_timing() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - state_->begin).count();
}

Memory::Memory(std::size_t bytes) : bytes_(bytes) {
  try {
    data_ = host::allocate_guarded(bytes);
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(bytes);
  }
}
Memory::~Memory() { host::free_guarded(data_, bytes_); }

const Device& device() {
  static const Device host{"host", 0, 1, 0, 0};
  return host;
}

}  // namespace dlnative::cuda
