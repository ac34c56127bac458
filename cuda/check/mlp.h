// A training step of a multilayer perceptron as a list of ops, as a plan holds it: gather, forward, loss, backward,
// Adam. The same list runs on the CPU's kernels, on those of cuda/ op by op, and recorded, several steps at once.
#pragma once

#include <memory>

#include "check/tensor.h"

namespace dlnative::cuda::check {

struct Workload {
  const char* name;
  std::vector<std::int64_t> sizes;  // of the layers, the input first
  std::int64_t batch;
  bool classes;  // sparse crossentropy; else mean squared error
};
// The four of benchmarks/peers/workload.py.
const std::vector<Workload>& workloads();

class Mlp {
 public:
  Mlp(const Workload& workload, std::int64_t batches);
  ~Mlp();

  void run_on_cpu(int steps);
  void enqueue(Queue& queue, int steps);  // with the position's move at the end
  int launches() const;                   // of a step

  std::vector<double> device_parameters(Queue& queue) const;
  std::vector<double> cpu_parameters() const;
  double device_loss(Queue& queue) const;  // the sum of the steps' mean losses
  double cpu_loss() const;
  void upload(Queue& queue);  // the initial state
  void rewind(Queue& queue);  // to the first sample

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dlnative::cuda::check
