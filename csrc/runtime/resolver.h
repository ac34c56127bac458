// From the description of a plan to views with addresses: checked once, for the plans of every device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "dlnative/plan.h"

namespace dlnative {

[[noreturn]] inline void refuse(const std::string& message) { throw std::invalid_argument("Plan: " + message); }

inline std::string numbered(const char* what, std::size_t index) {
  return std::string(what) + " " + std::to_string(index);
}

inline View view_of_buffer(const Buffer& buffer, std::size_t id) {
  if (buffer.shape.size() > static_cast<std::size_t>(max_rank)) {
    refuse(numbered("buffer", id) + ": expected rank at most " + std::to_string(max_rank) + ", got " +
           std::to_string(buffer.shape.size()));
  }
  View view;
  view.dtype = buffer.dtype;
  view.rank = static_cast<std::int32_t>(buffer.shape.size());
  view.size = 1;
  for (std::int32_t axis = 0; axis < view.rank; ++axis) {
    const std::int64_t extent = buffer.shape[static_cast<std::size_t>(axis)];
    if (extent < 0) refuse(numbered("buffer", id) + ": negative extent");
    view.shape[axis] = extent;
    if (__builtin_mul_overflow(view.size, extent, &view.size)) refuse(numbered("buffer", id) + ": too large");
  }
  return view;
}

inline std::int64_t bytes_of(const View& view) { return view.size * item_size(view.dtype); }

// The views of all buffers, with addresses where they lie in memory of others.
class Resolver {
 public:
  explicit Resolver(const PlanDescription& description) : description_(description) {
    views_.reserve(description.buffers.size());
    for (const Buffer& buffer : description.buffers) views_.push_back(view_of_buffer(buffer, views_.size()));
    for (std::size_t feed = 0; feed < description.feeds.size(); ++feed) check_feed(feed);
    for (std::size_t id = 0; id < views_.size(); ++id) place(id);
    find_movable();
  }

  // A result that the plan makes in its arena, where no other buffer lies partly in it.
  struct Movable {
    std::size_t result;
    std::int64_t begin, end;
  };
  const std::vector<Movable>& movables() const { return movables_; }

  // The movable result a buffer lies in, or -1.
  int movable_of(int id) const {
    const Buffer& buffer = description_.buffers[checked(id)];
    if (buffer.space != 0) return -1;
    for (std::size_t i = 0; i < movables_.size(); ++i) {
      if (buffer.offset >= movables_[i].begin && buffer.offset < movables_[i].end) return static_cast<int>(i);
    }
    return -1;
  }

  const View& view(int id) const { return views_[checked(id)]; }
  bool is_in_arena(int id) const { return description_.buffers[checked(id)].space == 0; }
  bool is_external(int id) const { return description_.buffers[checked(id)].space > description_.feed_count; }
  std::int64_t offset(int id) const { return description_.buffers[checked(id)].offset; }

  // The feed a buffer lies in, or -1.
  int feed_of(int id) const {
    const int space = description_.buffers[checked(id)].space;
    return space >= 1 && space <= description_.feed_count ? space - 1 : -1;
  }

 private:
  std::size_t checked(int id) const {
    if (id < 0 || static_cast<std::size_t>(id) >= views_.size()) refuse("no buffer " + std::to_string(id));
    return static_cast<std::size_t>(id);
  }

  void check_feed(std::size_t feed) const {
    const std::size_t id = checked(description_.feeds[feed]);
    const Buffer& buffer = description_.buffers[id];
    if (buffer.space != static_cast<int>(feed) + 1 || buffer.offset != 0) {
      refuse(numbered("feed", feed) + ": its buffer is not the start of its space");
    }
  }

  // A few results that take longer to copy than to find; what is empty lies nowhere.
  void find_movable() {
    constexpr std::size_t most = 8;
    constexpr std::int64_t min_bytes = 4096;
    for (std::size_t result = 0; result < description_.results.size() && movables_.size() < most; ++result) {
      const Buffer& buffer = description_.buffers[checked(description_.results[result])];
      const std::int64_t begin = buffer.offset, end = begin + bytes_of(view(description_.results[result]));
      if (buffer.space != 0 || end - begin < min_bytes) continue;
      const auto apart_or_within = [&](std::size_t id) {
        const Buffer& other = description_.buffers[id];
        const std::int64_t other_end = other.offset + bytes_of(views_[id]);
        return other.space != 0 || other_end <= begin || other.offset >= end ||
               (other.offset >= begin && other_end <= end);
      };
      bool movable = true;
      for (std::size_t id = 0; movable && id < views_.size(); ++id) movable = apart_or_within(id);
      for (const Movable& other : movables_) movable = movable && (other.end <= begin || other.begin >= end);
      if (movable) movables_.push_back({result, begin, end});
    }
  }

  void place(std::size_t id) {
    const Buffer& buffer = description_.buffers[id];
    View& view = views_[id];
    const int first_external = description_.feed_count + 1;
    if (buffer.space < 0 || buffer.space >= first_external + static_cast<int>(description_.externals.size())) {
      refuse(numbered("buffer", id) + ": no space " + std::to_string(buffer.space));
    }
    std::int64_t available = -1;  // how large an external is, the caller knows
    void* base = nullptr;
    if (buffer.space == 0) {
      available = description_.arena_bytes;
    } else if (buffer.space < first_external) {
      available = bytes_of(this->view(description_.feeds[static_cast<std::size_t>(buffer.space - 1)]));
    } else {
      base = description_.externals[static_cast<std::size_t>(buffer.space - first_external)];
    }
    if (buffer.offset < 0 || (available >= 0 && buffer.offset + bytes_of(view) > available)) {
      refuse(numbered("buffer", id) + ": does not fit in its space");
    }
    if (base != nullptr) view.data = static_cast<std::byte*>(base) + buffer.offset;
  }

  const PlanDescription& description_;
  std::vector<View> views_;
  std::vector<Movable> movables_;
};

}  // namespace dlnative
