#include "runtime/resolver.h"

#include <stdexcept>

namespace dlnative {

void refuse(const std::string& message) { throw std::invalid_argument("Plan: " + message); }

namespace {

std::string numbered(const char* what, std::size_t index) { return std::string(what) + " " + std::to_string(index); }

}  // namespace

View view_of_buffer(const Buffer& buffer, std::size_t id) {
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
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(view.size, item_size(view.dtype), &bytes)) refuse(numbered("buffer", id) + ": too large");
  return view;
}

Span span_of(const Buffer& buffer, std::int64_t bytes) {
  Span span{0, bytes};
  if (bytes == 0) return span;
  for (const Move& move : buffer.moves) {
    std::int64_t last = 0;
    if (move.turns > 0 && __builtin_mul_overflow(move.turns - 1, move.bytes, &last)) refuse("a buffer moves too far");
    std::int64_t& end = last < 0 ? span.begin : span.end;
    if (__builtin_add_overflow(end, last, &end)) refuse("a buffer moves too far");
  }
  return span;
}

Resolver::Resolver(const PlanDescription& description) : description_(description) {
  if (description.arena_bytes < 0) refuse("negative arena size");
  if (description.feed_count != static_cast<int>(description.feeds.size())) refuse("feed_count is not len(feeds)");
  views_.reserve(description.buffers.size());
  for (const Buffer& buffer : description.buffers) views_.push_back(view_of_buffer(buffer, views_.size()));
  for (std::size_t feed = 0; feed < description.feeds.size(); ++feed) check_feed(feed);
  for (std::size_t id = 0; id < views_.size(); ++id) place(id);
  std::vector<const Instruction*> around;
  check_regions(0, description.instructions.size(), around);
  for (const int id : description.results) check_moves(id, around);
  find_movable();
}

int Resolver::movable_of(int id) const {
  const Buffer& inside = buffer(id);
  if (inside.space != 0) return -1;
  for (std::size_t i = 0; i < movables_.size(); ++i) {
    if (inside.offset >= movables_[i].begin && inside.offset < movables_[i].end) return static_cast<int>(i);
  }
  return -1;
}

int Resolver::feed_of(int id) const {
  const int space = buffer(id).space;
  return space >= 1 && space <= description_.feed_count ? space - 1 : -1;
}

std::size_t Resolver::checked(int id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= views_.size()) refuse("no buffer " + std::to_string(id));
  return static_cast<std::size_t>(id);
}

void Resolver::check_feed(std::size_t feed) const {
  const int id = description_.feeds[feed];
  if (buffer(id).space != static_cast<int>(feed) + 1 || buffer(id).offset != 0 || !buffer(id).moves.empty()) {
    refuse(numbered("feed", feed) + ": its buffer is not the start of its space");
  }
}

// Whether the bodies of regions lie in one another, and nothing moves further than its region has turns.
void Resolver::check_regions(std::size_t first, std::size_t behind, std::vector<const Instruction*>& around) const {
  while (first < behind) {
    const Instruction& instruction = description_.instructions[first];
    const bool is_loop = instruction.region == RegionKind::loop;
    if (is_loop) around.push_back(&instruction);  // it reads its condition in its own turns
    for (const int id : instruction.inputs) check_moves(id, around);
    for (const int id : instruction.outputs) check_moves(id, around);
    ++first;
    if (instruction.region == RegionKind::none) continue;
    const std::size_t bodies = instruction.region == RegionKind::scan ? 1 : 2, conditions = bodies - 1;
    if (instruction.lengths.size() != bodies || instruction.inputs.size() != conditions ||
        instruction.instruction_count() > behind - first) {
      refuse("a region whose bodies do not fit");
    }
    if (conditions > 0 &&
        (view(instruction.inputs[0]).dtype != DType::boolean || view(instruction.inputs[0]).size < 1)) {
      refuse("a region whose condition is not a boolean");
    }
    if (!is_loop) around.push_back(&instruction);
    if (around.size() > most_regions_around) {
      refuse("more than " + std::to_string(most_regions_around) + " regions in one another");
    }
    for (const std::size_t length : instruction.lengths) {
      check_regions(first, first + length, around);
      first += length;
    }
    around.pop_back();
  }
}

void Resolver::check_moves(int id, const std::vector<const Instruction*>& around) const {
  const std::vector<Move>& moves = buffer(id).moves;
  bool fits = moves.size() <= around.size();
  for (std::size_t depth = 0; fits && depth < moves.size(); ++depth) {
    fits = moves[depth].bytes == 0 ||
           (around[depth]->region == RegionKind::scan && around[depth]->turns <= moves[depth].turns);
  }
  if (!fits) refuse(numbered("buffer", checked(id)) + ": moves where no region has such turns");
}

// A few results that take longer to copy than to find; what is empty lies nowhere.
void Resolver::find_movable() {
  constexpr std::size_t most = 8;
  constexpr std::int64_t min_bytes = 4096;
  for (std::size_t result = 0; result < description_.results.size() && movables_.size() < most; ++result) {
    const Buffer& buffer = description_.buffers[checked(description_.results[result])];
    const std::int64_t begin = buffer.offset, end = begin + bytes_of(view(description_.results[result]));
    if (buffer.space != 0 || end - begin < min_bytes) continue;
    const auto apart_or_within = [&](std::size_t id) {
      const Buffer& other = description_.buffers[id];
      const Span span = span_of(other, bytes_of(views_[id]));
      const std::int64_t other_begin = other.offset + span.begin, other_end = other.offset + span.end;
      return other.space != 0 || other_end <= begin || other_begin >= end || (other_begin >= begin && other_end <= end);
    };
    bool movable = true;
    for (std::size_t id = 0; movable && id < views_.size(); ++id) movable = apart_or_within(id);
    for (const Movable& other : movables_) movable = movable && (other.end <= begin || other.begin >= end);
    if (movable) movables_.push_back({result, begin, end});
  }
}

void Resolver::place(std::size_t id) {
  const Buffer& buffer = description_.buffers[id];
  View& view = views_[id];
  const int first_external = description_.feed_count + 1;
  if (buffer.space < 0 || buffer.space >= first_external + static_cast<int>(description_.externals.size())) {
    refuse(numbered("buffer", id) + ": no space " + std::to_string(buffer.space));
  }
  std::int64_t available = 0;
  void* base = nullptr;
  if (buffer.space == 0) {
    available = description_.arena_bytes;
  } else if (buffer.space < first_external) {
    available = bytes_of(this->view(description_.feeds[static_cast<std::size_t>(buffer.space - 1)]));
  } else {
    const External& external = description_.externals[static_cast<std::size_t>(buffer.space - first_external)];
    base = external.begin;
    available = external.bytes;
  }
  const Span span = span_of(buffer, bytes_of(view));
  std::int64_t begin = 0, end = 0;
  if (__builtin_add_overflow(buffer.offset, span.begin, &begin) ||
      __builtin_add_overflow(buffer.offset, span.end, &end) || begin < 0 || end > available) {
    refuse(numbered("buffer", id) + ": does not fit in its space");
  }
  if (base != nullptr) view.data = static_cast<std::byte*>(base) + buffer.offset;
}

}  // namespace dlnative
