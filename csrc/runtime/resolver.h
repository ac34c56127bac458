// From the description of a plan to addresses, the same for every device: what lies where, what moves with the turns of
// a region, which results may be elsewhere in each run. Whatever would reach outside its memory is refused here.
#pragma once

#include <string>
#include <vector>

#include "dlnative/plan.h"

namespace dlnative {

[[noreturn]] void refuse(const std::string& message);

// A buffer as kernels see it, without its address; refuses what no kernel takes.
View view_of_buffer(const Buffer& buffer, std::size_t id);

inline std::int64_t bytes_of(const View& view) { return view.size * item_size(view.dtype); }

// The bytes that a buffer takes in all turns, from where it begins in the first.
struct Span {
  std::int64_t begin = 0, end = 0;
};
Span span_of(const Buffer& buffer, std::int64_t bytes);

// The views of all buffers, with addresses where they lie in memory of others.
class Resolver {
 public:
  explicit Resolver(const PlanDescription& description);

  // A result that the plan makes in its arena, where no other buffer lies partly in it.
  struct Movable {
    std::size_t result;
    std::int64_t begin, end;
  };
  const std::vector<Movable>& movables() const { return movables_; }
  // The movable result a buffer lies in, or -1.
  int movable_of(int id) const;

  const View& view(int id) const { return views_[checked(id)]; }
  Span span(int id) const { return span_of(buffer(id), bytes_of(view(id))); }
  const std::vector<Move>& moves(int id) const { return buffer(id).moves; }
  std::int64_t offset(int id) const { return buffer(id).offset; }
  bool is_in_arena(int id) const { return buffer(id).space == 0; }
  bool is_external(int id) const { return buffer(id).space > description_.feed_count; }
  // The feed a buffer lies in, or -1.
  int feed_of(int id) const;

 private:
  std::size_t checked(int id) const;
  const Buffer& buffer(int id) const { return description_.buffers[checked(id)]; }
  void check_feed(std::size_t feed) const;
  // Bodies may lie so deep in one another: checking and running them takes stack.
  static constexpr std::size_t most_regions_around = 64;
  void check_regions(std::size_t first, std::size_t behind, std::vector<const Instruction*>& around) const;
  void check_moves(int id, const std::vector<const Instruction*>& around) const;
  void place(std::size_t id);
  void find_movable();

  const PlanDescription& description_;
  std::vector<View> views_;
  std::vector<Movable> movables_;
};

}  // namespace dlnative
