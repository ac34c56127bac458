// How many threads a plan runs with while no other does: its own runs decide.
//
// Whether another thread pays depends on more than the size of the work: on how long this machine takes to wake one, on
// what lies in whose cache, and on who else is busy. Results do not depend on the number of threads, so a plan tries: a
// few runs with each of the most, 1, 2, 4, ... threads, then the fastest number, and again after 150 runs and a
// hundredth of a second, which doubles up to half a second as long as the answer stays the same: what disturbed a trial
// passes. Runs of more than three milliseconds take all threads, runs of a few microseconds one, without any timing.
#pragma once

#include <algorithm>
#include <chrono>

namespace dlnative {

class ThreadAutotuner {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // The number of threads for the next run, of `most`.
  int next(int most) {
    if (most != most_) begin(most);
    return threads_;
  }
  // Whether the length of runs is of no interest any more.
  bool settled() const { return settled_; }
  // What the last run took.
  void took(Duration time) {
    if (settled_) return;
    if (trying_ == candidates_) {
      since_ += time;
      if (++run_ >= runs_between && since_ >= interval_) try_again();
      return;
    }
    if (run_++ < runs_passed_over) return;
    min_[trying_] = std::min(min_[trying_], time);
    if (trying_ == 0 && time >= long_enough) return settle(most_);
    if (candidate_[trying_] == 1 && time <= short_enough) return settle(1);
    if (run_ == runs_passed_over + runs_timed) try_next();
  }

 private:
  static constexpr Duration shortest_interval = std::chrono::milliseconds(10);
  static constexpr Duration longest_interval = std::chrono::milliseconds(500);
  static constexpr Duration long_enough = std::chrono::milliseconds(3), short_enough = std::chrono::microseconds(12);
  static constexpr int runs_passed_over = 2;  // they wake threads and move data
  static constexpr int runs_timed = 4, runs_between = 150;
  static constexpr int most_candidates = 12;

  void begin(int most) {
    most_ = threads_ = chosen_ = most;
    candidates_ = 0;
    candidate_[candidates_++] = most;
    for (int threads = 1; threads < most && candidates_ < most_candidates; threads *= 2) {
      candidate_[candidates_++] = threads;
    }
    settled_ = most == 1;
    interval_ = shortest_interval;
    try_again();
  }

  void try_again() {
    trying_ = run_ = 0;
    std::fill(min_, min_ + most_candidates, Duration::max());
    threads_ = candidate_[0];
  }

  void try_next() {
    run_ = 0;
    if (++trying_ < candidates_) {
      threads_ = candidate_[trying_];
      return;
    }
    // Another number than before has to be clearly better.
    int before = 0, best = 0;
    for (int i = 0; i < candidates_; ++i) {
      if (candidate_[i] == chosen_) before = i;
      if (min_[i] < min_[best]) best = i;
    }
    if (min_[best] > min_[before] - min_[before] / 32) best = before;
    interval_ = best == before ? std::min(2 * interval_, longest_interval) : shortest_interval;
    chosen_ = threads_ = candidate_[best];
    since_ = Duration::zero();
  }

  void settle(int threads) {
    threads_ = chosen_ = threads;
    settled_ = true;
  }

  int most_ = 0, threads_ = 1, chosen_ = 1;
  int candidates_ = 0, trying_ = 0, run_ = 0;
  bool settled_ = false;
  int candidate_[most_candidates] = {};
  Duration min_[most_candidates] = {};
  Duration since_ = Duration::zero(), interval_ = shortest_interval;  // since the last trial, and until the next
};

}  // namespace dlnative
