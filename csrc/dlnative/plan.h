// A compiled plan: instructions over buffers, built once and run many times.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "dlnative/isa.h"
#include "runtime/fork.h"

namespace dlnative {

// Where a buffer lives: space 0 is the plan's own arena, spaces 1..F are its feeds, the rest are memory that the caller
// keeps alive (constants, parameters, optimizer slots, metric state).
// A buffer may be a part of another one.
struct Move {
  std::int64_t bytes = 0, turns = 1;
};
struct Buffer {
  int space = 0;
  std::int64_t offset = 0;  // bytes
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  std::vector<Move> moves;  // in each turn of the regions around, from the outermost on
};

// An instruction may be a region: it runs instructions behind it, its bodies, which lie one after the other.
//   scan    runs its body so many times
//   loop    runs its first body and then, if its input is true, the second; at most so many times, or -1 for any number
//   branch  runs its first body if its input is true, else the second
enum class RegionKind : std::uint8_t { none, scan, loop, branch };

struct Instruction {
  int op = 0;               // -1 where `kernel` runs
  Kernel kernel = nullptr;  // a function of whoever builds the plan, in place of a row of the op table; it may throw
  std::vector<int> inputs, outputs;  // buffer ids
  std::vector<std::int64_t> ints;
  std::vector<double> floats;
  RegionKind region = RegionKind::none;
  std::int64_t turns = 0;
  std::vector<std::size_t> lengths;  // instructions of each body, those of regions in it included

  std::size_t instruction_count() const { return std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}); }
};

// Memory that the caller keeps alive.
struct External {
  void* begin = nullptr;
  std::int64_t bytes = 0;
};

struct PlanDescription {
  std::int64_t arena_bytes = 0;
  int feed_count = 0;
  std::vector<int> feeds;           // the buffer id of each feed
  std::vector<int> results;         // buffer ids of what run() gives back
  std::vector<External> externals;  // spaces feed_count + 1, ...
  std::vector<Buffer> buffers;
  std::vector<Instruction> instructions;
};

// One array that an epoch draws its batches from, or writes its results to: rows of `row_size` elements.
struct Rows {
  void* data = nullptr;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  std::int64_t row_size = 0;
};

struct EpochRange {
  const std::int64_t* order = nullptr;  // row numbers in the order of visiting, or null for 0, 1, 2, ...
  std::int64_t position = 0;            // the first row (index into order) of the next batch
  std::int64_t stop = 0;                // no batch reaches past this
  std::int64_t batch_size = 0;
  double seconds = 0;  // return after the first batch that ends later than this; 0 for one batch
};

// Says that memory that plans read has been written by somebody else than a plan: what was packed of it is packed anew.
void invalidate_prepacked(const void* begin, std::int64_t bytes);

class Plan {
 public:
  explicit Plan(const PlanDescription& description);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // Runs once. feeds[i] points to data of exactly the feed's type and shape, results[i] to memory for result i, which
  // result_view(i) describes.
  void run(const void* const* feeds, void* const* results);

  // Runs whole batches from `range.position` on: gathers rows into the feeds (converting types), runs, and copies the
  // results' rows into `sinks` (may be empty). Returns the position after the last batch it ran.
  std::int64_t run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks, const EpochRange& range);

  // Gives the plan a workspace of its own, so that no run allocates; otherwise it borrows one that plans share.
  void keep_workspace();

  // Nanoseconds each instruction took, summed over `repeats` runs with the feeds of the last run.
  std::vector<double> profile(const void* const* feeds, int repeats);

  View result_view(int index) const;
  int result_count() const;
  std::int64_t scratch_bytes() const;
  std::int64_t arena_bytes() const;
  std::int64_t prepacked_bytes() const;  // of weights in the form that kernels compute with; plans share them
  ForkSafeMutex& mutex();                // hold it while the plan runs

  struct State;  // runtime/plan_state.h

 private:
  std::unique_ptr<State> state_;
};

}  // namespace dlnative
