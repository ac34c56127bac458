// What a GPU is to do, in order: launches of kernels, copies, fills. Behind it a stream of CUDA's runtime, or, in a
// build for the host, the machine of cuda/host.
//
//   launch(queue, kernel, Grid{blocks, threads, shared bytes}, arguments...)
//   Recording step = queue.record([&] { ... });    what is enqueued meanwhile is kept instead of done
//   queue.replay(step);                            a CUDA graph; on the host the list of launches
//
// Errors are exceptions whose text names the op that was being enqueued (queue.op). A kernel that goes wrong while it
// runs is found by the next wait() or download().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#if defined(DLNATIVE_CUDA_HOST)
#include <functional>
#include <vector>

#include "host/machine.h"
#else
#include <cuda_runtime_api.h>
#endif

namespace dlnative::cuda {

struct Grid {
  unsigned blocks;
  unsigned threads;
  std::size_t shared_bytes = 0;
  unsigned blocks_y = 1, blocks_z = 1;
};

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Says how much was asked for.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(std::size_t bytes, const std::string& use = "")
      : Error("cuda: expected " + std::to_string(bytes) + " bytes of device memory" + use + ", got none") {}
};

class Recording {
 public:
  Recording();
  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;
  ~Recording();
  explicit operator bool() const { return kept_ != nullptr; }

 private:
  friend class Queue;
  struct Kept;
  std::unique_ptr<Kept> kept_;
};

class Queue {
 public:
  Queue();
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  const char* op = "";     // what is being enqueued, for the text of errors
  bool dependent = false;  // a kernel may begin while the one in front of it ends: programmatic dependent launch

  void copy(void* to, const void* from, std::size_t bytes);  // between buffers of the device
  void fill(void* to, int byte, std::size_t bytes);
  // Between the host's memory and the device's, done when they return; never while recording.
  void upload(void* to, const void* from, std::size_t bytes);
  void download(void* to, const void* from, std::size_t bytes);
  void wait();
  void pace();  // waits until what was enqueued before the latest pace() is done: the host stays so far ahead
  void wait_for_stream(std::uintptr_t stream);  // of somebody else, as __cuda_array_interface__ names it
  void* stream() const;                         // CUDA's, for libraries that take one; null on the host

  template <class Body>
  Recording record(const Body& body) {
    begin_recording();
    try {
      body();
    } catch (...) {
      drop_recording();
      throw;
    }
    return end_recording();
  }
  void replay(const Recording& recording);

  // Milliseconds of the device that `body` takes.
  template <class Body>
  double time(const Body& body) {
    begin_timing();
    body();
    return end_timing();
  }

  void launch(const void* kernel, const Grid& grid, void** arguments);
#if defined(DLNATIVE_CUDA_HOST)
  using Work = std::function<void()>;
  void enqueue(Work work);
#endif

 private:
  void begin_recording();
  Recording end_recording();
  void drop_recording();
  void begin_timing();
  double end_timing();

  struct State;
  std::unique_ptr<State> state_;
};

// Memory of the device. On the host its ends are guarded.
class Memory {
 public:
  Memory() = default;
  explicit Memory(std::size_t bytes);
  Memory(Memory&& other) noexcept { *this = std::move(other); }
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Memory();
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// What runs: "host", or the device's name; the driver's version; multiprocessors.
struct Device {
  std::string name;
  int driver = 0, multiprocessors = 1, major = 0, minor = 0;
};
const Device& device();

#if defined(DLNATIVE_CUDA_HOST)
template <class... Parameters, class... Arguments>
void launch(Queue& queue, void (*kernel)(Parameters...), const Grid& grid, Arguments... given) {
  using Call = std::pair<void (*)(Parameters...), std::tuple<Parameters...>>;
  Call call{kernel, std::tuple<Parameters...>(static_cast<Parameters>(given)...)};
  if (grid.blocks == 0 || grid.blocks_y == 0 || grid.blocks_z == 0) return;
  queue.enqueue([call, grid, op = queue.op] {
    const auto body = [](const void* state) {
      const auto& [function, arguments] = *static_cast<const Call*>(state);
      std::apply(function, arguments);
    };
    host::run_grid(op, {grid.blocks, grid.blocks_y, grid.blocks_z}, grid.threads, grid.shared_bytes, body, &call);
  });
}
#else
template <class... Parameters, class... Arguments>
void launch(Queue& queue, void (*kernel)(Parameters...), const Grid& grid, Arguments... given) {
  std::tuple<Parameters...> arguments(static_cast<Parameters>(given)...);
  if (grid.blocks == 0 || grid.blocks_y == 0 || grid.blocks_z == 0) return;
  std::apply(
      [&](auto&... each) {
        void* addresses[] = {const_cast<void*>(static_cast<const void*>(&each))...};
        queue.launch(reinterpret_cast<const void*>(kernel), grid, addresses);
      },
      arguments);
}
#endif

inline unsigned blocks_for(std::int64_t items, std::int64_t each) {
  return static_cast<unsigned>((items + each - 1) / each);
}

}  // namespace dlnative::cuda
