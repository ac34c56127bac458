// What a plan holds: calls whose views lie in device memory, in the order in which they are enqueued.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "runtime/context.h"
#include "runtime/mirror.h"
#include "runtime/plan.h"
#include "runtime/row.h"

namespace dlnative::cuda {

// An array of rows for each of some feeds or results, on the device.
struct Staged {
  std::vector<Memory> memory;
  std::vector<View> views;
};

struct Plan::State {
  struct External {
    std::shared_ptr<Mirror> mirror;
    bool written;
  };
  struct Feed {
    View view;
    Memory device;
  };
  struct Step {
    std::size_t number;  // of its instruction
    const Row* row;      // null for an op that the host computes
    Kernel on_host;      // which it does with this
    Call call;
    std::vector<View> inputs, outputs;
    std::vector<std::int64_t> ints;
    std::vector<double> floats;
  };
  // Calls one after the other, which are one recording; or one that the host computes; or a region whose way the host
  // decides by what was computed.
  struct Node {
    RegionKind region = RegionKind::none;
    bool on_host = false;
    std::vector<const Step*> steps;
    Recording recording;
    View condition;
    std::int64_t turns = 0;
    std::vector<Node> first, second;
  };
  // Several steps with the gathering of their batches, in one recording; good for these sources.
  struct Together {
    std::vector<const void*> key;
    Recording recording;
    std::int64_t steps = 0;
  };

  Queue& queue = context().queue;
  Memory arena, scratch;
  std::vector<External> externals;
  std::vector<Feed> feeds;
  std::vector<View> results;
  std::deque<Step> steps;  // which stay where they are
  std::vector<Node> nodes;
  std::size_t instructions = 0;
  bool step_by_step = false;  // DLNATIVE_CUDA_DEBUG
  bool host_failed = false;   // what is thrown comes from an op that the host computes

  // For batches of what lies on the device.
  Memory counters, order;  // the position in the order, and the rows done; the order
  Staged gathered, sinks;
  Together together;
  double seconds_a_step = 0;

  void enqueue(const Step& step) {
    if (step.row == nullptr) return compute_on_host(step);
    queue.op = step.row->name;
    step.row->enqueue(step.call, queue);
  }
  void compute_on_host(const Step& step);  // never while recording
  bool is_straight() const { return nodes.size() == 1 && nodes[0].region == RegionKind::none && !nodes[0].on_host; }
  void record(std::vector<Node>& of);
  void bring_externals();  // and the device writes them from now on
  void bring_feed(const Feed& feed, const Source& source);
  void execute() { execute(nodes); }
  void execute(const std::vector<Node>& of);
  void execute_each(const Node& node);
  // What goes wrong in a recording does not say where; the message tells how to find out.
  template <class Body>
  void explaining(const Body& body);
  // Calls `visit` with each step that runs, in order.
  template <class Visit>
  void walk(const std::vector<Node>& of, const Visit& visit);
  bool holds(const View& condition);
};

template <class Body>
void Plan::State::explaining(const Body& body) {
  host_failed = false;
  try {
    body();
  } catch (const OutOfMemory&) {
    throw;
  } catch (const std::exception& error) {
    if (step_by_step || host_failed) throw;
    throw Error(std::string(error.what()) + "; with DLNATIVE_CUDA_DEBUG=1 plans run op by op and name the op");
  }
}

template <class Visit>
void Plan::State::walk(const std::vector<Node>& of, const Visit& visit) {
  for (const Node& node : of) {
    switch (node.region) {
      case RegionKind::loop:
        for (std::int64_t turn = 0; turn != node.turns; ++turn) {
          walk(node.first, visit);
          if (!holds(node.condition)) break;
          walk(node.second, visit);
        }
        break;
      case RegionKind::branch:
        walk(holds(node.condition) ? node.first : node.second, visit);
        break;
      default:
        visit(node);
    }
  }
}

}  // namespace dlnative::cuda
