// The epoch loop: gather a batch of rows, run the plan, put the results' rows where the caller wants them, until the
// rows or the time run out. Nothing is allocated after the first batch.
#include <chrono>
#include <cstring>

#include "dlnative/plan.h"
#include "runtime/fp_state.h"
#include "runtime/plan_state.h"

namespace dlnative {
namespace {

template <class To, class From>
void convert(const From* from, To* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
}

template <class From>
void convert_to(DType dtype, const From* from, void* to, std::int64_t count) {
  switch (dtype) {
    case DType::float32:
      return convert(from, static_cast<float*>(to), count);
    case DType::float64:
      return convert(from, static_cast<double*>(to), count);
    case DType::int32:
      return convert(from, static_cast<std::int32_t*>(to), count);
    case DType::int64:
      return convert(from, static_cast<std::int64_t*>(to), count);
    case DType::uint8:
      return convert(from, static_cast<std::uint8_t*>(to), count);
    case DType::boolean:
      return convert(from, static_cast<bool*>(to), count);
  }
}

void convert_elements(DType from_dtype, const void* from, DType to_dtype, void* to, std::int64_t count) {
  switch (from_dtype) {
    case DType::float32:
      return convert_to(to_dtype, static_cast<const float*>(from), to, count);
    case DType::float64:
      return convert_to(to_dtype, static_cast<const double*>(from), to, count);
    case DType::int32:
      return convert_to(to_dtype, static_cast<const std::int32_t*>(from), to, count);
    case DType::int64:
      return convert_to(to_dtype, static_cast<const std::int64_t*>(from), to, count);
    case DType::uint8:
    case DType::boolean:
      return convert_to(to_dtype, static_cast<const std::uint8_t*>(from), to, count);
  }
}

// Rows of a few words, as tables of features have them, are not worth a call of memcpy each.
void gather_words(const std::byte* from, std::byte* to, const std::int64_t* order, std::int64_t count,
                  std::int64_t row_bytes) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::byte* row = from + order[i] * row_bytes;
    for (std::int64_t b = 0; b < row_bytes; b += 4) {
      std::uint32_t word;
      std::memcpy(&word, row + b, 4);
      std::memcpy(to + b, &word, 4);
    }
    to += row_bytes;
  }
}

void gather(const Rows& source, const std::int64_t* order, std::int64_t count, DType dtype, void* to) {
  const auto* from = static_cast<const std::byte*>(source.data);
  auto* next = static_cast<std::byte*>(to);
  const std::int64_t row_bytes = source.row_size * item_size(source.dtype);
  if (source.dtype != dtype) {
    const std::int64_t converted_bytes = source.row_size * item_size(dtype);
    for (std::int64_t i = 0; i < count; ++i, next += converted_bytes) {
      convert_elements(source.dtype, from + order[i] * row_bytes, dtype, next, source.row_size);
    }
  } else if (row_bytes <= 64 && row_bytes % 4 == 0) {
    gather_words(from, next, order, count, row_bytes);
  } else {
    for (std::int64_t i = 0; i < count; ++i, next += row_bytes) {
      std::memcpy(next, from + order[i] * row_bytes, static_cast<std::size_t>(row_bytes));
    }
  }
}

// Contiguous rows [start, start + count).
void convert_rows(const Rows& source, std::int64_t start, std::int64_t count, DType dtype, void* to) {
  const auto* from = static_cast<const std::byte*>(source.data) + start * source.row_size * item_size(source.dtype);
  convert_elements(source.dtype, from, dtype, to, count * source.row_size);
}

void scatter(const View& result, const Rows& sink, std::int64_t start, std::int64_t count) {
  auto* to = static_cast<std::byte*>(sink.data) + start * sink.row_size * item_size(sink.dtype);
  const std::int64_t size = count * sink.row_size;
  if (result.dtype == sink.dtype) {
    std::memcpy(to, result.data, static_cast<std::size_t>(size * item_size(sink.dtype)));
  } else {
    convert_elements(result.dtype, result.data, sink.dtype, to, size);
  }
}

}  // namespace

std::int64_t Plan::run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                             const EpochRange& range) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const std::chrono::duration<double> limit(range.seconds);
  State& state = *state_;
  for (std::size_t i = 0; i < state.feeds.size(); ++i) {
    State::Feed& feed = state.feeds[i];
    const bool copied = range.order != nullptr || sources[i].dtype != feed.view.dtype;
    if (copied && feed.gathered == nullptr) {
      feed.gathered = allocate_aligned(feed.view.size * item_size(feed.view.dtype));
    }
  }
  state.prepare_workers();
  const FlushDenormals flushed;

  std::int64_t position = range.position;
  while (range.batch_size > 0 && position + range.batch_size <= range.stop) {
    for (std::size_t i = 0; i < state.feeds.size(); ++i) {
      State::Feed& feed = state.feeds[i];
      const Rows& source = sources[i];
      const DType dtype = feed.view.dtype;
      if (range.order != nullptr) {
        gather(source, range.order + position, range.batch_size, dtype, feed.gathered.get());
        state.bind(i, feed.gathered.get());
      } else if (source.dtype != dtype) {
        convert_rows(source, position, range.batch_size, dtype, feed.gathered.get());
        state.bind(i, feed.gathered.get());
      } else {
        state.bind(i, static_cast<const std::byte*>(source.data) + position * source.row_size * item_size(dtype));
      }
    }
    state.execute();
    for (std::size_t i = 0; i < sinks.size(); ++i) scatter(state.results[i], sinks[i], position, range.batch_size);
    position += range.batch_size;
    if (Clock::now() - start >= limit) break;
  }
  return position;
}

}  // namespace dlnative
