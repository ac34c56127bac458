// The epoch loop: a batch, a step, again, until the rows or the time run out. Of data sets on the device the host only
// launches recordings; it stays a few ahead, so that an interrupt is answered within a slice of time.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "dlnative/isa.h"
#include "runtime/gather.h"
#include "runtime/plan_state.h"
#include "runtime/resolver.h"

namespace dlnative::cuda {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr std::int64_t most_steps_together = 16, most_calls_together = 8192;
constexpr std::int64_t most_sink_bytes = std::int64_t{1} << 28;  // of one call, on the device

void grow(Memory& memory, std::int64_t bytes) {
  if (memory.bytes() < static_cast<std::size_t>(bytes)) memory = Memory(static_cast<std::size_t>(bytes));
}

}  // namespace

namespace {

// Batches of what lies on the host go to the device one by one.
std::int64_t run_from_host(Plan::State& state, const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                           const EpochRange& range) {
  const auto start = Clock::now();
  state.bring_externals();
  std::int64_t position = range.position;
  std::vector<std::byte> rows;
  while (range.batch_size > 0 && range.batch_size <= range.stop - position) {
    for (std::size_t i = 0; i < state.feeds.size(); ++i) {
      const Plan::State::Feed& feed = state.feeds[i];
      const Rows& source = sources[i];
      const std::int64_t from_bytes = source.row_size * item_size(source.dtype);
      const std::int64_t to_bytes = source.row_size * item_size(feed.view.dtype);
      const auto* const data = static_cast<const std::byte*>(source.data);
      if (range.order == nullptr && source.dtype == feed.view.dtype) {
        state.bring_feed(feed, {data + position * from_bytes, false});
        continue;
      }
      rows.resize(static_cast<std::size_t>(to_bytes * range.batch_size));
      for (std::int64_t row = 0; row < range.batch_size; ++row) {
        const std::int64_t at = range.order == nullptr ? position + row : range.order[position + row];
        isa().convert(source.dtype, data + at * from_bytes, feed.view.dtype, rows.data() + row * to_bytes,
                      source.row_size);
      }
      state.bring_feed(feed, {rows.data(), false});
    }
    state.execute();
    for (std::size_t i = 0; i < sinks.size(); ++i) {
      const View& result = state.results[i];
      const Rows& sink = sinks[i];
      rows.resize(static_cast<std::size_t>(bytes_of(result)));
      if (rows.empty()) continue;
      state.queue.download(rows.data(), result.data, rows.size());
      isa().convert(result.dtype, rows.data(), sink.dtype,
                    static_cast<std::byte*>(sink.data) + position * sink.row_size * item_size(sink.dtype),
                    range.batch_size * sink.row_size);
    }
    position += range.batch_size;
    if (seconds_since(start) >= range.seconds) break;
  }
  state.queue.wait();
  return position;
}

}  // namespace

std::int64_t Plan::run_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                             const EpochRange& range) {
  std::int64_t position = range.position;
  state_->explaining([&] { position = run_from_host(*state_, sources, sinks, range); });
  return position;
}

namespace {

// One call of run_resident_steps: what it gathers from, and where results go.
class Epoch {
 public:
  Epoch(Plan::State& state, const std::vector<Rows>& sources, const std::vector<Rows>& sinks, const EpochRange& range)
      : state_(state), sources_(sources), sinks_(sinks), range_(range), stop_(range.stop) {
    const std::int64_t rows = prepare_sinks();
    prepare_order(rows);
    prepare_feeds();
  }

  std::int64_t run() {
    const auto start = Clock::now();
    std::int64_t position = range_.position;
    while (range_.batch_size > 0 && range_.batch_size <= stop_ - position) {
      const std::int64_t batches = (stop_ - position) / range_.batch_size;
      const std::int64_t together = range_.seconds > 0 ? steps_together(batches) : 0;
      if (together > 0) {
        state_.queue.replay(state_.together.recording);
        position += together * range_.batch_size;
      } else {
        const auto before = Clock::now();
        enqueue_batch(0);
        state_.execute();
        enqueue_results(0);
        enqueue_advance(state_.queue, counters(), range_.batch_size, 2);
        position += range_.batch_size;
        if (timed_ < 2 && range_.seconds > 0) {  // the first one may wait for something that others have enqueued
          state_.queue.wait();
          state_.seconds_a_step = seconds_since(before);
          ++timed_;
        }
      }
      state_.queue.pace();
      if (seconds_since(start) >= range_.seconds) break;
    }
    state_.queue.wait();
    take_results(position - range_.position);
    return position;
  }

 private:
  std::int64_t* counters() const { return static_cast<std::int64_t*>(state_.counters.data()); }
  const std::int64_t* order() const {
    return range_.order == nullptr ? nullptr : static_cast<const std::int64_t*>(state_.order.data());
  }
  static std::int64_t row_bytes(const Rows& rows) { return rows.row_size * item_size(rows.dtype); }

  // Rows of all batches on the device, as many as one call may take; returns the number of rows.
  std::int64_t prepare_sinks() {
    std::int64_t of_row = 0;
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      of_row = std::max(of_row, sinks_[i].row_size * item_size(state_.results[i].dtype));
    }
    std::int64_t rows = stop_ - range_.position;
    if (range_.seconds <= 0) rows = std::min(rows, range_.batch_size);
    if (of_row > 0) rows = std::min(rows, std::max(range_.batch_size, most_sink_bytes / of_row));
    stop_ = range_.position + rows;
    state_.sinks.memory.resize(sinks_.size());
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      grow(state_.sinks.memory[i], rows * sinks_[i].row_size * item_size(state_.results[i].dtype));
    }
    return rows;
  }

  void prepare_order(std::int64_t rows) {
    if (range_.order != nullptr && rows > 0) {
      grow(state_.order, rows * static_cast<std::int64_t>(sizeof(std::int64_t)));
      state_.queue.upload(state_.order.data(), range_.order + range_.position,
                          static_cast<std::size_t>(rows) * sizeof(std::int64_t));
    }
    grow(state_.counters, 2 * static_cast<std::int64_t>(sizeof(std::int64_t)));
    const std::int64_t begin[2] = {range_.order == nullptr ? range_.position : 0, 0};
    state_.queue.upload(state_.counters.data(), begin, sizeof(begin));
  }

  // What is of another type than the plan takes is gathered as it is, and converted then.
  void prepare_feeds() {
    state_.gathered.memory.resize(state_.feeds.size());
    state_.gathered.views.resize(state_.feeds.size());
    for (std::size_t i = 0; i < state_.feeds.size(); ++i) {
      View& view = state_.gathered.views[i] = state_.feeds[i].view;
      view.dtype = sources_[i].dtype;
      if (view.dtype == state_.feeds[i].view.dtype) {
        view.data = state_.feeds[i].device.data();
      } else {
        grow(state_.gathered.memory[i], bytes_of(view));
        view.data = state_.gathered.memory[i].data();
      }
    }
  }

  void enqueue_batch(std::int64_t offset) {
    Queue& queue = state_.queue;
    std::vector<Feed> feeds;
    for (std::size_t i = 0; i < state_.feeds.size(); ++i) {
      const View& to = state_.gathered.views[i];
      if (to.size > 0) feeds.push_back({sources_[i].data, to.data, row_bytes(sources_[i])});
    }
    for_groups(feeds, [&](const Feed* first, int count) {
      enqueue_gather(queue, first, count, order(), counters(), offset, range_.batch_size);
    });
    for (std::size_t i = 0; i < state_.feeds.size(); ++i) {
      View from = state_.gathered.views[i], to = state_.feeds[i].view;
      if (from.dtype == to.dtype || to.size == 0) continue;
      to.data = state_.feeds[i].device.data();
      Call call{};
      call.inputs = &from;
      call.outputs = &to;
      call.input_count = call.output_count = 1;
      queue.op = "cast";
      find_row("cast")->enqueue(call, queue);
    }
  }

  void enqueue_results(std::int64_t offset) {
    std::vector<Feed> rows;
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      const View& result = state_.results[i];
      const std::int64_t bytes = sinks_[i].row_size * item_size(result.dtype);
      if (bytes > 0) rows.push_back({result.data, state_.sinks.memory[i].data(), bytes});
    }
    for_groups(rows, [&](const Feed* first, int count) {
      enqueue_put(state_.queue, first, count, counters() + 1, offset, range_.batch_size);
    });
  }

  template <class Use>
  static void for_groups(const std::vector<Feed>& feeds, const Use& use) {
    for (std::size_t first = 0; first < feeds.size(); first += most_feeds) {
      use(feeds.data() + first, static_cast<int>(std::min<std::size_t>(most_feeds, feeds.size() - first)));
    }
  }

  void take_results(std::int64_t rows) {
    std::vector<std::byte> there;
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      const Rows& sink = sinks_[i];
      const DType dtype = state_.results[i].dtype;
      const std::int64_t size = rows * sink.row_size;
      if (size == 0) continue;
      auto* const to = static_cast<std::byte*>(sink.data) + range_.position * row_bytes(sink);
      const auto bytes = static_cast<std::size_t>(size * item_size(dtype));
      if (sink.dtype == dtype) {
        state_.queue.download(to, state_.sinks.memory[i].data(), bytes);
        continue;
      }
      there.resize(bytes);
      state_.queue.download(there.data(), state_.sinks.memory[i].data(), bytes);
      isa().convert(dtype, there.data(), sink.dtype, to, size);
    }
  }

  // How many steps the recording of several has, if it is worth while for so many batches; makes it when it is.
  std::int64_t steps_together(std::int64_t batches) {
    if (!state_.is_straight() || state_.step_by_step) return 0;
    std::vector<const void*> key{order(), state_.counters.data()};
    for (const Rows& source : sources_) key.push_back(source.data);
    for (const View& view : state_.gathered.views) key.push_back(view.data);
    for (std::size_t i = 0; i < sinks_.size(); ++i) key.push_back(state_.sinks.memory[i].data());
    Plan::State::Together& together = state_.together;
    if (together.steps > 0 && together.key == key) return batches >= together.steps ? together.steps : 0;
    if (timed_ < 2) return 0;
    const std::int64_t steps = std::min(worthwhile(), batches / 2);  // it is to be replayed more than once
    if (steps < 2) return 0;
    together = {};
    together.recording = state_.queue.record([&] {
      for (std::int64_t step = 0; step < steps; ++step) {
        enqueue_batch(step * range_.batch_size);
        for (const Plan::State::Step* call : state_.nodes[0].steps) state_.enqueue(*call);
        enqueue_results(step * range_.batch_size);
      }
      enqueue_advance(state_.queue, counters(), steps * range_.batch_size, 2);
    });
    together.key = std::move(key);
    together.steps = steps;
    return steps;
  }

  std::int64_t worthwhile() const {
    const auto calls = static_cast<std::int64_t>(state_.nodes[0].steps.size());
    const std::int64_t most = std::min(most_steps_together, most_calls_together / std::max<std::int64_t>(calls, 1));
#if defined(DLNATIVE_CUDA_HOST)
    return std::min<std::int64_t>(most, 4);  // time says nothing about a GPU's here
#else
    // A few of them in a slice of time, which interrupts wait for.
    return std::min(most, static_cast<std::int64_t>(range_.seconds / (4 * std::max(state_.seconds_a_step, 1e-7))));
#endif
  }

  Plan::State& state_;
  const std::vector<Rows>& sources_;
  const std::vector<Rows>& sinks_;
  const EpochRange& range_;
  std::int64_t stop_;
  int timed_ = 0;
};

}  // namespace

std::int64_t Plan::run_resident_steps(const std::vector<Rows>& sources, const std::vector<Rows>& sinks,
                                      const EpochRange& range) {
  State& state = *state_;
  std::int64_t position = range.position;
  state.explaining([&] {
    state.bring_externals();
    position = Epoch(state, sources, sinks, range).run();
  });
  return position;
}

}  // namespace dlnative::cuda
