// The epoch loop: gather a batch of rows, run the plan, put the results' rows where the caller wants them, until the
// rows or the time run out. Nothing is allocated after the first batch.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "dlnative/plan.h"
#include "runtime/plan_state.h"

namespace dlnative {
namespace {

// Of larger batches, and of the ends of longer rows, L1 would not keep what is prefetched early.
constexpr std::int64_t most_rows_prefetched = 64, most_bytes_prefetched = 256;

constexpr std::int64_t long_row_bytes = 1024;

// Rows of a known, small size are not worth a call of memcpy each.
template <std::size_t row_bytes>
void gather_rows(const std::byte* from, std::byte* to, const std::int64_t* order, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i, to += row_bytes) {
    std::memcpy(to, from + order[i] * static_cast<std::int64_t>(row_bytes), row_bytes);
  }
}

// Long rows side by side, a line of each by turns: so many more lines are on their way from memory, which the processor
// asks for by itself as far as it sees that a row goes on.
void gather_long_rows(const std::byte* from, std::byte* to, const std::int64_t* order, std::int64_t count,
                      std::int64_t row_bytes) {
  constexpr std::int64_t side_by_side = 8, line = 64;
  for (std::int64_t first = 0; first < count; first += side_by_side) {
    const std::int64_t rows = std::min(side_by_side, count - first);
    std::int64_t begin = 0;
    const auto copy = [&](std::int64_t bytes) __attribute__((always_inline)) {
      for (std::int64_t row = 0; row < rows; ++row) {
        std::memcpy(to + (first + row) * row_bytes + begin, from + order[first + row] * row_bytes + begin,
                    static_cast<std::size_t>(bytes));
      }
    };
    for (; begin + line <= row_bytes; begin += line) copy(line);
    if (begin < row_bytes) copy(row_bytes - begin);
  }
}

void gather_range(const Rows& source, const std::int64_t* order, std::int64_t count, DType dtype, void* to) {
  const auto* from = static_cast<const std::byte*>(source.data);
  auto* next = static_cast<std::byte*>(to);
  const std::int64_t row_bytes = source.row_size * item_size(source.dtype);
  if (source.dtype != dtype) {
    const std::int64_t converted_bytes = source.row_size * item_size(dtype);
    const ConvertLoop loop = isa().convert_loop(source.dtype, dtype);
    for (std::int64_t i = 0; i < count; ++i, next += converted_bytes) {
      const auto* row = from + order[i] * row_bytes;
      if (loop != nullptr) {
        loop(row, next, source.row_size);
      } else {
        isa().convert(source.dtype, row, dtype, next, source.row_size);
      }
    }
    return;
  }
  switch (row_bytes) {
    case 4:
      return gather_rows<4>(from, next, order, count);
    case 8:
      return gather_rows<8>(from, next, order, count);
    case 16:
      return gather_rows<16>(from, next, order, count);
    default:
      if (row_bytes >= long_row_bytes) return gather_long_rows(from, next, order, count, row_bytes);
      for (std::int64_t i = 0; i < count; ++i, next += row_bytes) {
        std::memcpy(next, from + order[i] * row_bytes, static_cast<std::size_t>(row_bytes));
      }
  }
}

void gather(const Rows& source, const std::int64_t* order, std::int64_t count, DType dtype, void* to,
            const Workers& workers) {
  constexpr std::int64_t rows_a_task = 8;
  constexpr double bytes_per_nanosecond = 5.0;
  const std::int64_t row_bytes = source.row_size * item_size(dtype);
  const int threads = workers.worthwhile(static_cast<double>(count * row_bytes) / bytes_per_nanosecond);
  if (threads == 1) return gather_range(source, order, count, dtype, to);
  workers.parallel_for(threads, (count + rows_a_task - 1) / rows_a_task, [&](std::int64_t task, int) {
    const std::int64_t first = task * rows_a_task;
    gather_range(source, order + first, std::min(rows_a_task, count - first), dtype,
                 static_cast<std::byte*>(to) + first * row_bytes);
  });
}

// Prefetches rows that will be gathered after the step that runs now: they lie anywhere in memory.
void prefetch_rows(const Rows& source, const std::int64_t* order, std::int64_t count) {
  const auto* from = static_cast<const std::byte*>(source.data);
  const std::int64_t row_bytes = source.row_size * item_size(source.dtype);
  const std::int64_t bytes = row_bytes < most_bytes_prefetched ? row_bytes : most_bytes_prefetched;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t b = 0; b < bytes; b += 64) __builtin_prefetch(from + order[i] * row_bytes + b);
  }
}

// Contiguous rows [start, start + count).
void convert_rows(const Rows& source, std::int64_t start, std::int64_t count, DType dtype, void* to) {
  const auto* from = static_cast<const std::byte*>(source.data) + start * source.row_size * item_size(source.dtype);
  isa().convert(source.dtype, from, dtype, to, count * source.row_size);
}

void scatter(const View& result, const Rows& sink, std::int64_t start, std::int64_t count) {
  auto* to = static_cast<std::byte*>(sink.data) + start * sink.row_size * item_size(sink.dtype);
  const std::int64_t size = count * sink.row_size;
  if (result.dtype == sink.dtype) {
    std::memcpy(to, result.data, static_cast<std::size_t>(size * item_size(sink.dtype)));
  } else {
    isa().convert(result.dtype, result.data, sink.dtype, to, size);
  }
}

}  // namespace

std::int64_t Plan::run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                             const EpochRange& range) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const std::chrono::duration<double> limit(range.seconds);
  State& state = *state_;
  const State::RunScope scope(state);
  state.bind_results(nullptr);

  // Reading the clock takes some per cent of the shortest steps: where nobody needs the time of each, it is read often
  // enough for the limit.
  constexpr auto between_readings = std::chrono::microseconds(100);
  constexpr std::int64_t most_steps = 32;
  std::int64_t position = range.position, steps = 0, steps_to_reading = 1;
  auto now = start;
  while (range.batch_size > 0 && range.batch_size <= range.stop - position) {
    state.choose_threads();
    for (std::size_t i = 0; i < state.feeds.size(); ++i) {
      State::Feed& feed = state.feeds[i];
      const Rows& source = sources[i];
      const DType dtype = feed.view.dtype;
      std::byte* const gathered = state.arena.begin + feed.gathered;
      if (range.order != nullptr) {
        gather(source, range.order + position, range.batch_size, dtype, gathered, state.workers);
        feed.place.bind(gathered);
      } else if (source.dtype != dtype) {
        convert_rows(source, position, range.batch_size, dtype, gathered);
        feed.place.bind(gathered);
      } else {
        feed.place.bind(static_cast<std::byte*>(source.data) + position * source.row_size * item_size(dtype));
      }
    }
    if (range.order != nullptr && range.seconds > 0 && range.batch_size <= (range.stop - position) / 2 &&
        range.batch_size <= most_rows_prefetched) {
      for (const Rows& source : sources)
        prefetch_rows(source, range.order + position + range.batch_size, range.batch_size);
    }
    state.execute();
    for (std::size_t i = 0; i < sinks.size(); ++i) scatter(state.results[i], sinks[i], position, range.batch_size);
    position += range.batch_size;
    if (++steps < steps_to_reading) continue;
    const auto before = now;
    now = Clock::now();
    if (state.alone) state.autotuner.took(now - before);
    if (now - start >= limit) break;
    const bool hurried = state.autotuner.settled() && (now - before) * most_steps < between_readings * steps;
    steps_to_reading = hurried ? most_steps : 1;
    steps = 0;
  }
  return position;
}

}  // namespace dlnative
