// Memory of the host that plans read and write, and its copy on the device. Each side knows what only the other has:
// what the host wrote goes up before the next run, what runs wrote comes down when somebody reads it.
//
// Whoever calls any of this holds context().mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/queue.h"

namespace dlnative::cuda {

class Mirror {
 public:
  Mirror(std::byte* host, std::size_t bytes);
  ~Mirror();  // nothing is lost: what only the device has comes down
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  std::byte* host() const { return host_; }
  std::byte* device() const { return static_cast<std::byte*>(device_.data()); }
  std::size_t bytes() const { return device_.bytes(); }

  void bring_to_device(Queue& queue) {
    if (!written_.empty()) upload(queue);
  }
  void bring_to_host(Queue& queue);
  void host_has_written(std::size_t begin, std::size_t end);
  void device_writes() { device_is_newer_ = true; }

 private:
  struct Range {
    std::size_t begin, end;
  };
  void upload(Queue& queue);

  std::byte* host_;
  Memory device_;
  std::vector<Range> written_;    // by the host, and not on the device yet
  bool device_is_newer_ = false;  // but for what the host has written
};

// The mirror of a piece of memory, the same for all who ask while somebody holds it.
std::shared_ptr<Mirror> mirror_of(void* begin, std::size_t bytes);

// Somebody reads, or has written, memory that may have a mirror.
void host_will_read(const void* begin, std::size_t bytes);
void host_has_written(const void* begin, std::size_t bytes);

// Somebody else runs programs from now on: the host has everything, and what the device has counts no more.
void leave_memory_to_the_host();

// Bytes that went up and came down since the process began: of mirrors, which are to stay where they are.
struct Traffic {
  std::int64_t uploaded = 0, downloaded = 0;
};
const Traffic& mirror_traffic();

}  // namespace dlnative::cuda
