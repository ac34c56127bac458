// The layer that kernels are written in, by itself. On either side: barriers, shuffles, votes, packs, folds,
// recordings. On the host also that the machine finds planted mistakes: each kernel of check/mistakes.cu that lacks
// something is to become a Fault, or a result that depends on the order of threads.
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "check/device_kernels.h"
#include "check/program.h"

namespace {

using namespace dlnative::cuda;
using namespace dlnative::cuda::check;

int failures = 0;

void expect(bool right, const std::string& what) {
  if (right) return;
  std::printf("FAILED %s\n", what.c_str());
  ++failures;
}

template <class T>
std::vector<T> run(Queue& queue, std::size_t count, const std::function<void(T*)>& enqueue) {
  Memory memory(count * sizeof(T));
  queue.fill(memory.data(), 0xff, memory.bytes());
  enqueue(static_cast<T*>(memory.data()));
  queue.wait();
  std::vector<T> result(count);
  queue.download(result.data(), memory.data(), memory.bytes());
  return result;
}

void right_kernels(Queue& queue) {
  const auto ints = run<int>(queue, 3 * 64, [&](int* y) { enqueue_warp_calls(queue, y); });
  for (int t = 0; t < 64; ++t) {
    const int lane = t % 32, warp = t / 32 * 32;
    expect(ints[static_cast<std::size_t>(t)] == (lane ^ 5) + warp, "__shfl_xor_sync");
    expect(ints[static_cast<std::size_t>(64 + t)] == 3 + warp, "__shfl_sync");
    expect(ints[static_cast<std::size_t>(128 + t)] == 0x11111111, "__ballot_sync");
  }
  const auto sums = run<float>(queue, 5, [&](float* y) { enqueue_folds(queue, y, 5); });
  for (std::size_t block = 0; block < 5; ++block) {
    expect(sums[block] == 256.0f * 255 / 2 + 256 * static_cast<float>(block), "fold_block");
  }
  const auto reversed = run<float>(queue, 1024, [&](float* y) { enqueue_reverse(queue, y, 1024, Mistake::none); });
  for (std::size_t i = 0; i < 1024; ++i) {
    expect(reversed[i] == static_cast<float>(i / 256 * 256 + 255 - i % 256), "shared memory and a barrier");
  }
  // Each kernel reads what the one before wrote, with and without dependent launch.
  for (const bool dependent : {false, true}) {
    queue.dependent = dependent;
    Memory counter(4096 * sizeof(float));
    queue.fill(counter.data(), 0, counter.bytes());
    auto* x = static_cast<float*>(counter.data());
    Recording ten = queue.record([&] {
      for (int i = 0; i < 10; ++i) enqueue_increment(queue, x, 4096, i);
    });
    for (int i = 0; i < 7; ++i) queue.replay(ten);
    std::vector<float> values(4096);
    queue.wait();
    queue.download(values.data(), x, counter.bytes());
    float wanted = 0;
    for (int i = 0; i < 70; ++i) wanted = wanted * 0.5f + static_cast<float>(i % 10);
    bool all = true;
    for (const float value : values) all = all && value == wanted;
    expect(all, std::string("70 kernels in order, recorded") + (dependent ? ", dependent" : ""));
  }
  queue.dependent = false;
}

#if defined(DLNATIVE_CUDA_HOST)
// What a kernel with a mistake gives: the text of the fault, or "order" when the two orders differ, or "".
std::string found(Queue& queue, const std::function<void(float*)>& enqueue) {
  std::vector<float> results[2];
  for (const auto order : {host::Order::forward, host::Order::reverse}) {
    host::set_order(order);
    try {
      results[order == host::Order::reverse] = run<float>(queue, 1024, enqueue);
    } catch (const host::Fault& fault) {
      host::set_order(host::Order::forward);
      return fault.what();
    }
  }
  host::set_order(host::Order::forward);
  return std::memcmp(results[0].data(), results[1].data(), 4096) == 0 ? "" : "order";
}

void planted_mistakes(Queue& queue) {
  struct Planted {
    Mistake mistake;
    const char* found;  // a part of what is said of it
  };
  const Planted list[] = {
      {Mistake::none, ""},
      {Mistake::missing_barrier, "order"},
      {Mistake::missing_second_barrier, "order"},
      {Mistake::divergent_barrier, "waits at the barrier at"},
      {Mistake::ended_before_barrier, "has ended, and others wait at the barrier"},
      {Mistake::divergent_shuffle, "warp call at"},
      {Mistake::partial_shuffle, "which not all lanes of its warp have come to"},
      {Mistake::partial_mask, "is not for all lanes of the warp"},
      {Mistake::stray_read, "lies in no buffer"},
      {Mistake::stray_write, "lies in no buffer"},
      {Mistake::stray_shared, "lies in no buffer"},
      {Mistake::read_before_written, "order"},
      {Mistake::race_in_block, "order"},
      {Mistake::race_of_blocks, "order"},
  };
  for (const Planted& planted : list) {
    queue.op = "reverse";
    const std::string text = found(queue, [&](float* y) { enqueue_reverse(queue, y, 1024, planted.mistake); });
    const bool right = *planted.found == 0 ? text.empty() : text.find(planted.found) != std::string::npos;
    expect(right, "planted mistake " + std::to_string(static_cast<int>(planted.mistake)) + ": expected \"" +
                      planted.found + "\", found \"" + text + "\"");
    if (text.size() > 5)
      expect(text.rfind("reverse: block (", 0) == 0, "the fault names op, block and thread: " + text);
  }
  // After a fault the machine is as before.
  right_kernels(queue);
}
#else
void planted_mistakes(Queue&) {}
#endif

int check_all() {
  Queue queue;
  std::printf("on %s\n", device().name.c_str());
  right_kernels(queue);
  planted_mistakes(queue);
  std::printf("device layer: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main() {
  return dlnative::cuda::check::run_program([&] { return check_all(); });
}
