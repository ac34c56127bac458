// The class Plan in Python: tuples in, a plan out; arrays in, arrays out. Whatever could read or write outside an array
// is refused here. The interpreter's lock is always given up before the plan's own lock is taken, so the two cannot
// wait for each other.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "bind/arrays.h"
#include "bind/environment.h"
#include "bind/host.h"
#include "bind/interpreter_lock.h"
#include "dlnative/plan.h"
#include "runtime/resolver.h"

namespace dlnative::bind {

inline int small_integer(PyObject* object) {
  const std::int64_t value = integer(object);
  if (value < 0 || value > std::numeric_limits<int>::max()) {
    throw py::value_error("Plan: " + std::to_string(value) + " is not a number of a buffer, a space or an op");
  }
  return static_cast<int>(value);
}

inline std::vector<int> small_integers(PyObject* sequence, const char* what) {
  const Items items = items_of(sequence, what);
  std::vector<int> values(items.count);
  for (std::size_t i = 0; i < items.count; ++i) values[i] = small_integer(items[i]);
  return values;
}

inline Items fields_of(PyObject* record, std::size_t count, const char* what) {
  const Items fields = items_of(record, what);
  if (fields.count != count) {
    throw py::value_error(std::string(what) + ": expected " + std::to_string(count) + " fields, got " +
                          std::to_string(fields.count));
  }
  return fields;
}

inline Buffer buffer_of(PyObject* record) {
  const Items fields = fields_of(record, 5, "Plan: buffer");
  Buffer buffer;
  buffer.space = small_integer(fields[0]);
  buffer.offset = integer(fields[1]);
  const int dtype = small_integer(fields[2]);
  if (dtype >= dtype_count) throw py::value_error("Plan: no dtype code " + std::to_string(dtype));
  buffer.dtype = static_cast<DType>(dtype);
  buffer.shape = integers(fields[3], "Plan: shape");
  const Items moves = items_of(fields[4], "Plan: moves");
  for (std::size_t i = 0; i < moves.count; ++i) {
    const Items move = fields_of(moves[i], 2, "Plan: move");
    buffer.moves.push_back({integer(move[0]), integer(move[1])});
  }
  return buffer;
}

// A region: its kind instead of an op code, and as integers the turns and the number of instructions of each body.
inline Instruction region_of(const Items& fields) {
  const auto kind = py::cast<std::string>(py::handle(fields[0]));
  if (items_of(fields[2], "Plan: outputs").count + items_of(fields[4], "Plan: floats").count > 0) {
    throw py::value_error("Plan: a region has no outputs and no floats");
  }
  const char* const kinds[] = {"for", "while", "if"};
  const auto* const found = std::find(std::begin(kinds), std::end(kinds), kind);
  if (found == std::end(kinds)) throw py::value_error("Plan: no region \"" + kind + "\"");
  Instruction instruction;
  instruction.region = static_cast<RegionKind>(found - kinds + 1);
  instruction.inputs = small_integers(fields[1], "Plan: inputs");
  const std::vector<std::int64_t> ints = integers(fields[3], "Plan: ints");
  if (ints.size() < 2 || ints.size() > 3) throw py::value_error("Plan: expected the turns and lengths of a region");
  instruction.turns = ints[0];
  for (std::size_t i = 1; i < ints.size(); ++i) {
    if (ints[i] < 0 || ints[i] > std::numeric_limits<int>::max()) throw py::value_error("Plan: a region without end");
    instruction.lengths.push_back(static_cast<std::size_t>(ints[i]));
  }
  return instruction;
}

inline Instruction instruction_of(PyObject* record) {
  const Items fields = fields_of(record, 5, "Plan: instruction");
  const bool named = PyUnicode_Check(fields[0]);
  const bool host = named && PyUnicode_CompareWithASCIIString(fields[0], "host") == 0;
  if (named && !host) return region_of(fields);
  Instruction instruction;
  instruction.op = host ? -1 : small_integer(fields[0]);
  if (host) instruction.kernel = call_host;
  instruction.inputs = small_integers(fields[1], "Plan: inputs");
  instruction.outputs = small_integers(fields[2], "Plan: outputs");
  instruction.ints = integers(fields[3], "Plan: ints");
  instruction.floats = reals(fields[4], "Plan: floats");
  if (host && instruction.ints.size() != 1) throw py::value_error("Plan: expected the number of a function");
  return instruction;
}

inline PlanDescription description_of(std::int64_t arena_bytes, const py::object& feeds, const py::object& results,
                                      const Items& arrays, const py::object& buffers, const py::object& instructions) {
  require_environment();
  PlanDescription description;
  description.arena_bytes = arena_bytes;
  description.feeds = small_integers(feeds.ptr(), "Plan: feeds");
  description.feed_count = static_cast<int>(description.feeds.size());
  description.results = small_integers(results.ptr(), "Plan: results");

  for (std::size_t i = 0; i < arrays.count; ++i) {
    const Array array = inspect(arrays[i], "Plan: externals");
    require_writable(array, "Plan: externals");
    description.externals.push_back({array.data, array.size * item_size(static_cast<DType>(array.dtype))});
  }

  const Items buffer_records = items_of(buffers.ptr(), "Plan: buffers");
  description.buffers.reserve(buffer_records.count);
  for (std::size_t i = 0; i < buffer_records.count; ++i) {
    description.buffers.push_back(buffer_of(buffer_records[i]));
  }

  const Items instruction_records = items_of(instructions.ptr(), "Plan: instructions");
  description.instructions.reserve(instruction_records.count);
  for (std::size_t i = 0; i < instruction_records.count; ++i) {
    description.instructions.push_back(instruction_of(instruction_records[i]));
  }
  return description;
}

// Plan: dlnative::Plan, or that of another device with the same functions.
template <class Plan>
class BoundPlan {
 public:
  BoundPlan(std::int64_t arena_bytes, const py::object& feeds, const py::object& results, const py::object& externals,
            const py::object& buffers, const py::object& instructions)
      : BoundPlan(arena_bytes, feeds, results, items_of(externals.ptr(), "Plan: externals"), buffers, instructions) {}

  py::list run(const py::list& feeds) {
    const Items held = items_of(feeds.ptr(), "Plan.run");
    const std::vector<const void*> addresses = feed_addresses(held, "Plan.run");
    py::list results(static_cast<std::size_t>(plan_.result_count()));
    std::vector<void*> targets(results_.size());
    for (std::size_t i = 0; i < results_.size(); ++i) {
      py::object array = new_array(results_[i]);
      targets[i] = py::detail::array_proxy(array.ptr())->data;
      PyList_SET_ITEM(results.ptr(), static_cast<Py_ssize_t>(i), array.release().ptr());
    }
    run_guarded(addresses.data(), targets.data());
    return results;
  }

  // What a call with a few arrays gives, or None if they are not exactly what the plan takes: the caller then finds out
  // why.
  py::object call(const py::args& feeds) {
    constexpr std::size_t most = 4;
    const std::size_t count = feeds_.size();
    if (feeds.size() != count || count > most || results_.size() != 1 || results_[0].rank == 0) return py::none();
    const void* addresses[most];
    for (std::size_t i = 0; i < count; ++i) {
      PyObject* const feed = PyTuple_GET_ITEM(feeds.ptr(), static_cast<Py_ssize_t>(i));
      if (!is_plain_array(feed)) return py::none();
      const Array array = inspect(feed, "Plan.call");
      if (!matches(array, feeds_[i])) return py::none();
      addresses[i] = array.data;
    }
    py::object result = new_array(results_[0]);
    void* target = py::detail::array_proxy(result.ptr())->data;
    run_guarded(addresses, &target);
    return result;
  }

  std::int64_t run_steps(const py::list& sources, const py::list& sinks, const py::object& order, std::int64_t position,
                         std::int64_t stop, std::int64_t batch_size, double seconds) {
    const Items held_sources = items_of(sources.ptr(), "Plan.run_steps: sources");
    return run_rows(
        held_sources, sinks, order, {nullptr, position, stop, batch_size, seconds},
        [&](PyObject* object, const char* name) {
          const Array array = inspect(object, name);
          require_dense(array, name);
          return view_of(array);
        },
        [&](const auto&... rows) { return plan_.run_steps(rows...); });
  }

  std::vector<double> profile(const py::list& feeds, int repeats) {
    const Items held = items_of(feeds.ptr(), "Plan.profile");
    if (repeats < 1) throw py::value_error("Plan.profile: expected repeats >= 1, got " + std::to_string(repeats));
    const std::vector<const void*> addresses = feed_addresses(held, "Plan.profile");
    const InterpreterLockReleased released;
    const std::lock_guard lock(plan_.mutex());
    return plan_.profile(addresses.data(), repeats);
  }

  std::int64_t arena_bytes() const { return plan_.arena_bytes(); }
  std::int64_t scratch_bytes() const { return plan_.scratch_bytes(); }
  std::int64_t prepacked_bytes() const { return plan_.prepacked_bytes(); }

 protected:
  BoundPlan(std::int64_t arena_bytes, const py::object& feeds, const py::object& results, const Items& externals,
            const py::object& buffers, const py::object& instructions)
      : BoundPlan(description_of(arena_bytes, feeds, results, externals, buffers, instructions), externals) {}

  BoundPlan(const PlanDescription& description, const Items& externals)
      : externals_(externals.tuple), plan_(description) {
    for (const int id : description.feeds)
      feeds_.push_back(shape_of(description.buffers[static_cast<std::size_t>(id)]));
    for (int i = 0; i < plan_.result_count(); ++i) results_.push_back(plan_.result_view(i));
    constexpr std::int64_t brief_elements = 4096;
    std::int64_t elements = 0;
    for (const Instruction& instruction : description.instructions) {
      if (instruction.region != RegionKind::none) elements += brief_elements + 1;  // of many turns, perhaps
      for (const int id : instruction.inputs)
        elements += elements_of(description.buffers[static_cast<std::size_t>(id)]);
      for (const int id : instruction.outputs)
        elements += elements_of(description.buffers[static_cast<std::size_t>(id)]);
    }
    brief_ = elements <= brief_elements;
  }

  // Checks what steps are to run on, and calls `run(sources, sinks, range)`. `look(object, name)` returns the view of a
  // source.
  template <class Look, class Run>
  std::int64_t run_rows(const Items& sources, const py::list& sinks, const py::object& order, EpochRange range,
                        const Look& look, const Run& run) {
    const Items held_sinks = items_of(sinks.ptr(), "Plan.run_steps: sinks");
    if (!(range.seconds >= 0)) {
      throw py::value_error("Plan.run_steps: expected seconds >= 0, got " + std::to_string(range.seconds));
    }
    if (range.batch_size < 1 || range.position < 0) {
      throw py::value_error("Plan.run_steps: expected batch_size >= 1 and position >= 0, got " +
                            std::to_string(range.batch_size) + " and " + std::to_string(range.position));
    }
    // The rows this call may reach.
    range.stop = std::max(range.stop, range.position);
    const bool whole = range.seconds > 0 || range.stop - range.position < range.batch_size;
    const std::int64_t last = whole ? range.stop : range.position + range.batch_size;
    if (sources.count != feeds_.size() || held_sinks.count > results_.size()) {
      throw py::value_error("Plan.run_steps: expected " + std::to_string(feeds_.size()) + " sources and at most " +
                            std::to_string(results_.size()) + " sinks");
    }
    std::vector<Rows> source_rows, sink_rows;
    std::int64_t rows = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < feeds_.size(); ++i) {
      const std::string name = "Plan.run_steps: source " + std::to_string(i);
      source_rows.push_back(rows_of(look(sources[i], name.c_str()), feeds_[i], range.batch_size, name));
      rows = std::min(rows, source_rows.back().count);
    }
    for (std::size_t i = 0; i < held_sinks.count; ++i) {
      const std::string name = "Plan.run_steps: sink " + std::to_string(i);
      const Array sink = inspect(held_sinks[i], name.c_str());
      require_dense(sink, name.c_str());
      sink_rows.push_back(rows_of(view_of(sink), results_[i], range.batch_size, name));
      require_writable(sink, "Plan.run_steps: sink");
      if (sink_rows.back().count < last) throw py::value_error("Plan.run_steps: a sink has too few rows");
    }
    if (order.is_none()) {
      if (last > rows) throw py::value_error("Plan.run_steps: a source has too few rows");
    } else {
      range.order = checked_order(order.ptr(), range.position, last, rows);
    }
    const InterpreterLockReleased released;
    const std::lock_guard lock(plan_.mutex());
    return run(source_rows, sink_rows, range);
  }

  void run_guarded(const void* const* feeds, void* const* targets) {
    std::unique_lock lock(plan_.mutex(), std::defer_lock);
    if (brief_ && lock.try_lock()) {
      plan_.run(feeds, targets);
    } else {
      const InterpreterLockReleased released;
      lock.lock();
      plan_.run(feeds, targets);
      lock.unlock();
    }
  }

  static std::int64_t elements_of(const Buffer& buffer) {
    std::int64_t elements = 1;
    for (const std::int64_t extent : buffer.shape) elements *= extent;
    return elements;
  }

  static View shape_of(const Buffer& buffer) {
    View view;
    view.dtype = buffer.dtype;
    view.rank = static_cast<std::int32_t>(buffer.shape.size());
    view.size = elements_of(buffer);
    for (std::size_t axis = 0; axis < buffer.shape.size(); ++axis) view.shape[axis] = buffer.shape[axis];
    return view;
  }

  std::vector<const void*> feed_addresses(const Items& held, const char* what) const {
    if (held.count != feeds_.size()) {
      throw py::value_error(std::string(what) + ": expected " + std::to_string(feeds_.size()) + " feeds, got " +
                            std::to_string(held.count));
    }
    std::vector<const void*> addresses(feeds_.size());
    for (std::size_t i = 0; i < feeds_.size(); ++i) {
      const Array array = inspect(held[i], what);
      if (!matches(array, feeds_[i])) {
        throw py::value_error(std::string(what) + ": feed " + std::to_string(i) + ": expected a C-contiguous " +
                              describe(feeds_[i]) + ", got " + describe(array));
      }
      addresses[i] = array.data;
    }
    return addresses;
  }

  // Checks that `batch_size` rows of the array are as large as the plan's buffer.
  static Rows rows_of(const View& array, const View& batch, std::int64_t batch_size, const std::string& name) {
    std::int64_t row_size = 1;
    for (int axis = 1; axis < array.rank; ++axis) row_size *= array.shape[axis];
    if (array.rank < 1 || batch.rank < 1 || batch.shape[0] != batch_size || row_size * batch_size != batch.size) {
      throw py::value_error(name + ": " + std::to_string(batch_size) + " rows do not make a " + describe(batch) +
                            ", got " + describe(array));
    }
    return {array.data, array.dtype, array.shape[0], row_size};
  }

  static const std::int64_t* checked_order(PyObject* object, std::int64_t position, std::int64_t last,
                                           std::int64_t rows) {
    const Array array = inspect(object, "Plan.run_steps: order");
    if (array.rank != 1 || array.dtype != static_cast<int>(DType::int64) || !array.contiguous || array.size < last) {
      throw py::value_error("Plan.run_steps: order: expected a C-contiguous int64 array of at least " +
                            std::to_string(last) + " rows, got " + describe(array));
    }
    const auto* order = static_cast<const std::int64_t*>(array.data);
    std::uint64_t outside = 0;  // a negative number is a large one when it has no sign
    for (std::int64_t i = position; i < last; ++i) {
      outside |= static_cast<std::uint64_t>(static_cast<std::uint64_t>(order[i]) >= static_cast<std::uint64_t>(rows));
    }
    if (outside != 0) throw py::value_error("Plan.run_steps: order names a row that the sources do not have");
    return order;
  }

  py::tuple externals_;  // the arrays whose memory the plan uses; they outlive it
  Plan plan_;
  std::vector<View> feeds_, results_;
  bool brief_ = false;  // takes no longer than giving up the interpreter's lock and getting it back
};

// Adds the class to a module; Bound: a BoundPlan, or what is derived from it.
template <class Bound>
py::class_<Bound> bind_plan_class(py::module_& module) {
  py::class_<Bound> made(module, "Plan", "A compiled plan: instructions over buffers, built once and run many times.");
  made.def(py::init<std::int64_t, const py::object&, const py::object&, const py::object&, const py::object&,
                    const py::object&>(),
           py::arg("arena_bytes"), py::arg("feeds"), py::arg("results"), py::arg("externals"), py::arg("buffers"),
           py::arg("instructions"))
      .def("run", &Bound::run, py::arg("feeds"), "Runs once and returns new arrays.")
      .def("call", &Bound::call,
           "Runs once on the feeds and returns the only result; None if they are not what the plan takes.")
      .def("run_steps", &Bound::run_steps, py::arg("sources"), py::arg("sinks"), py::arg("order"), py::arg("position"),
           py::arg("stop"), py::arg("batch_size"), py::arg("seconds"),
           "Runs whole batches of rows until `stop` or the time limit, and returns the position it reached.")
      .def("profile", &Bound::profile, py::arg("feeds"), py::arg("repeats"),
           "Returns the nanoseconds each instruction took, summed over the repeats.")
      .def_property_readonly("arena_bytes", &Bound::arena_bytes)
      .def_property_readonly("scratch_bytes", &Bound::scratch_bytes)
      .def_property_readonly("prepacked_bytes", &Bound::prepacked_bytes);
  return made;
}

}  // namespace dlnative::bind
