#include "runtime/mirror.h"

#include <algorithm>
#include <functional>
#include <map>

#include "runtime/context.h"

namespace dlnative::cuda {
namespace {

constexpr std::size_t most_ranges = 32;

using Mirrors = std::map<const std::byte*, std::weak_ptr<Mirror>, std::less<>>;
Mirrors& mirrors() {
  static Mirrors& all = *new Mirrors;
  return all;
}
Traffic traffic;

// Calls `use(mirror, begin, end)` with the part of each mirror that lies in a piece of memory.
template <class Use>
void for_each_in(const void* begin, std::size_t bytes, const Use& use) {
  const auto* const first = static_cast<const std::byte*>(begin);
  auto next = mirrors().upper_bound(first);
  if (next != mirrors().begin()) --next;
  for (; next != mirrors().end() && next->first < first + bytes; ++next) {
    const std::shared_ptr<Mirror> mirror = next->second.lock();
    if (mirror == nullptr) continue;
    const std::byte* const last = mirror->host() + mirror->bytes();
    if (last <= first) continue;
    const std::byte* const from = std::max<const std::byte*>(first, mirror->host());
    const std::byte* const to = std::min(first + bytes, last);
    use(*mirror, static_cast<std::size_t>(from - mirror->host()), static_cast<std::size_t>(to - mirror->host()));
  }
}

}  // namespace

Mirror::Mirror(std::byte* host, std::size_t bytes) : host_(host), device_(bytes), written_{{0, bytes}} {}

Mirror::~Mirror() {
  if (const auto place = mirrors().find(host_); place != mirrors().end() && place->second.expired()) {
    mirrors().erase(place);
  }
  try {
    bring_to_host(context().queue);
  } catch (const Error&) {  // of a device that has failed: the host keeps what it has
  }
}

void Mirror::upload(Queue& queue) {
  for (const Range& range : written_) {
    if (range.end > range.begin) queue.upload(device() + range.begin, host_ + range.begin, range.end - range.begin);
    traffic.uploaded += static_cast<std::int64_t>(range.end - range.begin);
  }
  written_.clear();
}

void Mirror::bring_to_host(Queue& queue) {
  if (!device_is_newer_) return;
  bring_to_device(queue);
  queue.download(host_, device(), bytes());
  traffic.downloaded += static_cast<std::int64_t>(bytes());
  device_is_newer_ = false;
}

void Mirror::host_has_written(std::size_t begin, std::size_t end) {
  for (Range& range : written_) {
    if (begin <= range.end && range.begin <= end) {
      range = {std::min(begin, range.begin), std::max(end, range.end)};
      return;
    }
  }
  if (written_.size() == most_ranges) upload(context().queue);
  written_.push_back({begin, end});
}

std::shared_ptr<Mirror> mirror_of(void* begin, std::size_t bytes) {
  auto* const host = static_cast<std::byte*>(begin);
  std::shared_ptr<Mirror> found;
  bool overlaps = false;
  for_each_in(begin, bytes, [&](Mirror& mirror, std::size_t, std::size_t) {
    const bool same = mirror.host() == host && mirror.bytes() == bytes;
    if (same) found = mirrors()[host].lock();
    overlaps = overlaps || !same;
  });
  if (overlaps) throw Error("cuda: a plan names a part of memory that another one names as a whole");
  if (found == nullptr) {
    found = std::make_shared<Mirror>(host, bytes);
    if (bytes > 0) mirrors()[host] = found;
  }
  return found;
}

void host_will_read(const void* begin, std::size_t bytes) {
  for_each_in(begin, bytes, [](Mirror& mirror, std::size_t, std::size_t) { mirror.bring_to_host(context().queue); });
}

void host_has_written(const void* begin, std::size_t bytes) {
  for_each_in(begin, bytes,
              [](Mirror& mirror, std::size_t from, std::size_t to) { mirror.host_has_written(from, to); });
}

void leave_memory_to_the_host() {
  for (const auto& [begin, held] : mirrors()) {
    if (const std::shared_ptr<Mirror> mirror = held.lock()) {
      mirror->bring_to_host(context().queue);
      mirror->host_has_written(0, mirror->bytes());
    }
  }
}

const Traffic& mirror_traffic() { return traffic; }

}  // namespace dlnative::cuda
