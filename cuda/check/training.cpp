// Training steps of multilayer perceptrons, recorded and replayed, against the same steps by the CPU's kernels: the
// losses and all parameters. An argument is the number of workloads to run; on the host the last ones take long.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "check/mlp.h"
#include "check/program.h"

namespace {

int check_all(int count, char** arguments) {
  using namespace dlnative::cuda;
  const std::size_t most = count > 1 ? static_cast<std::size_t>(std::atoi(arguments[1])) : check::workloads().size();
  int failures = 0;
  Queue queue;
  std::printf("on %s\n", device().name.c_str());
  for (std::size_t w = 0; w < std::min(most, check::workloads().size()); ++w) {
    const check::Workload& workload = check::workloads()[w];
    constexpr int steps = 4, replays = 3;
    for (const bool dependent : {false, true}) {
      check::Mlp mlp(workload, steps * replays);
      queue.dependent = dependent;
      mlp.upload(queue);
      const Recording recording = queue.record([&] { mlp.enqueue(queue, steps); });
      for (int i = 0; i < replays; ++i) queue.replay(recording);
      queue.wait();
      mlp.run_on_cpu(steps * replays);
      const double loss = mlp.device_loss(queue), wanted = mlp.cpu_loss();
      const std::vector<double> got = mlp.device_parameters(queue), expected = mlp.cpu_parameters();
      double sum = 0, largest = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        sum += (got[i] - expected[i]) * (got[i] - expected[i]);
        largest = std::max(largest, std::abs(got[i] - expected[i]));
      }
      const double root = std::sqrt(sum / static_cast<double>(got.size()));
      // A step of Adam moves a parameter by up to 1e-3, in a direction that rounding decides where the gradient is 0.
      const bool right = std::abs(loss - wanted) <= 1e-5 * std::abs(wanted) && root <= 1e-5;
      std::printf("%s%s: loss %.7g, on the CPU %.7g; parameters differ by %.2g on average, at most by %.2g%s\n",
                  workload.name, dependent ? ", dependent" : "", loss, wanted, root, largest, right ? "" : ": FAILED");
      failures += !right;
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  return dlnative::cuda::check::run_program([&] { return check_all(count, arguments); });
}
