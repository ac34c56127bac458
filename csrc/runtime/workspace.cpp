#include "runtime/workspace.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace dlnative {
namespace {

// What may stay for later plans although none that lives needs as much: new memory is dear when it is first touched.
constexpr std::int64_t always_kept_bytes = std::int64_t{16} << 20;

constexpr std::int64_t mapped_bytes = std::int64_t{1} << 20;  // from here on a workspace is whole pages

using Workspaces = std::vector<std::unique_ptr<Workspace>>;

class Pool {
 public:
  // Never destroyed: plans may outlive the static objects of a process that ends.
  static Pool& instance() {
    static auto* const pool = [] {
      // A child of a fork finds the pool as no thread was about to change it.
      pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().mutex_.unlock(); });
      return new Pool;
    }();
    return *pool;
  }

  void claim(std::int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++claims_[bytes];
    set_largest();
  }

  void drop(std::int64_t bytes) {
    Workspaces freed;  // after the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = claims_.find(bytes);
    if (--found->second > 0) return;
    claims_.erase(found);
    set_largest();
    if (Workspace* last = last_.exchange(nullptr)) idle_.emplace_back(last);
    const auto oversized = std::partition(idle_.begin(), idle_.end(), [&](const auto& idle) { return fits(*idle); });
    std::move(oversized, idle_.end(), std::back_inserter(freed));
    idle_.erase(oversized, idle_.end());
  }

  std::unique_ptr<Workspace> take(std::int64_t bytes) {
    std::unique_ptr<Workspace> found(last_.exchange(nullptr, std::memory_order_acquire));
    if (found == nullptr) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        found = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (found != nullptr && found->bytes() >= bytes) return found;
    found.reset();
    try {
      return std::make_unique<Workspace>(std::max(bytes, largest_.load(std::memory_order_relaxed)));
    } catch (const std::bad_alloc&) {  // there may be memory for this plan where there is none for the largest
      return std::make_unique<Workspace>(bytes);
    }
  }

  void give(std::unique_ptr<Workspace> workspace) {
    if (!fits(*workspace)) return;
    Workspace* none = nullptr;
    if (last_.compare_exchange_strong(none, workspace.get(), std::memory_order_release)) {
      static_cast<void>(workspace.release());
      return;
    }
    try {
      const std::lock_guard<std::mutex> lock(mutex_);
      idle_.push_back(std::move(workspace));
    } catch (const std::bad_alloc&) {  // then it is freed
    }
  }

 private:
  void set_largest() { largest_.store(claims_.empty() ? 0 : claims_.rbegin()->first, std::memory_order_relaxed); }
  bool fits(const Workspace& workspace) const {
    return workspace.bytes() <= std::max(largest_.load(std::memory_order_relaxed), always_kept_bytes);
  }

  std::atomic<Workspace*> last_{nullptr};  // lent first, without the mutex
  std::atomic<std::int64_t> largest_{0};
  std::mutex mutex_;
  std::map<std::int64_t, int> claims_;  // how many plans need so many bytes
  Workspaces idle_;                     // beside the last one
};

}  // namespace

Workspace::Workspace(std::int64_t bytes) : bytes_(bytes) {
  if (bytes < mapped_bytes) {
    begin_ = allocate_aligned(bytes).release();
    return;
  }
  void* const memory = mmap(nullptr, static_cast<std::size_t>(bytes + cache_line), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  begin_ = static_cast<std::byte*>(memory);
}

Workspace::~Workspace() {
  if (bytes_ < mapped_bytes) {
    FreeBytes()(begin_);
  } else {
    munmap(begin_, static_cast<std::size_t>(bytes_ + cache_line));
  }
}

WorkspaceClaim::WorkspaceClaim(std::int64_t bytes) : bytes_(bytes) { Pool::instance().claim(bytes); }
WorkspaceClaim::~WorkspaceClaim() { Pool::instance().drop(bytes_); }

WorkspaceLease::WorkspaceLease(const WorkspaceClaim& claim) {
  if (claim.bytes() > 0) workspace_ = Pool::instance().take(claim.bytes());
}
WorkspaceLease::~WorkspaceLease() {
  if (workspace_ != nullptr) Pool::instance().give(std::move(workspace_));
}

}  // namespace dlnative
