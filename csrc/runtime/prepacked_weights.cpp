#include "runtime/prepacked_weights.h"

#include <pthread.h>

#include <map>
#include <mutex>
#include <tuple>

#include "dlnative/plan.h"

namespace dlnative {
namespace {

using Key = std::tuple<Prepack, const void*, DType, std::int64_t, std::int64_t, std::vector<std::int64_t>>;

// Never destroyed: plans may outlive the static objects of a process that ends.
struct Registry {
  std::mutex mutex;
  std::map<Key, std::weak_ptr<PrepackedWeights>> entries;
};

Registry& registry() {
  static auto* const instance = [] {
    // A child of a fork finds the entries as no thread was about to change them.
    pthread_atfork([] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); },
                   [] { registry().mutex.unlock(); });
    return new Registry;
  }();
  return *instance;
}

std::atomic<int> alive{0};

}  // namespace

PrepackedWeights::PrepackedWeights(const View& weights, std::int64_t bytes)
    : begin_(weights.as<std::byte>()),
      end_(begin_ + weights.size * item_size(weights.dtype)),
      bytes_(bytes),
      packed_(allocate_aligned(bytes)) {
  alive.fetch_add(1);
}

PrepackedWeights::~PrepackedWeights() { alive.fetch_sub(1); }

void PrepackedWeights::refresh(Prepack prepack, const Call& call) {
  if (packed_at_.load(std::memory_order_acquire) == writes_.load(std::memory_order_acquire)) return;
  const std::lock_guard<ForkSafeMutex> lock(mutex_);
  const std::uint64_t writes = writes_.load(std::memory_order_acquire);  // before reading them: later ones count again
  if (packed_at_.load(std::memory_order_relaxed) == writes) return;
  prepack(call, packed_.get());
  packed_at_.store(writes, std::memory_order_release);
}

std::shared_ptr<PrepackedWeights> prepacked_weights(Prepack prepack, const Call& call,
                                                    const std::vector<std::int64_t>& ints, std::int64_t bytes) {
  const View& weights = call.inputs[1];
  const std::lock_guard<std::mutex> lock(registry().mutex);
  auto& entries = registry().entries;
  std::erase_if(entries, [](const auto& entry) { return entry.second.expired(); });
  auto& entry = entries[{prepack, weights.data, weights.dtype, weights.shape[0], weights.shape[1], ints}];
  auto found = entry.lock();
  if (found == nullptr) entry = found = std::make_shared<PrepackedWeights>(weights, bytes);
  return found;
}

bool any_prepacked_weights() { return alive.load(std::memory_order_relaxed) > 0; }

void invalidate_prepacked(const void* begin, std::int64_t bytes) {
  if (!any_prepacked_weights()) return;
  const auto* const first = static_cast<const std::byte*>(begin);
  const std::lock_guard<std::mutex> lock(registry().mutex);
  for (const auto& [key, entry] : registry().entries) {
    const auto weights = entry.lock();
    if (weights != nullptr && first < weights->end_ && weights->begin_ < first + bytes) weights->writes_.fetch_add(1);
  }
}

}  // namespace dlnative
