// Feeds the choice of the number of threads with the times of machines that are made up, and looks at what it chooses.
#include <cstdio>

#include "runtime/thread_autotuner.h"

namespace {

using dlnative::ThreadAutotuner;
using std::chrono::microseconds;

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

// Runs `count` times on a machine where a run with so many threads takes time(threads); returns the last number.
template <class Time>
int run(ThreadAutotuner& choice, int most, int count, Time time) {
  int threads = 0;
  for (int i = 0; i < count; ++i) {
    threads = choice.next(most);
    choice.took(microseconds(time(threads)));
  }
  return threads;
}

}  // namespace

int main() {
  {
    ThreadAutotuner choice;
    expect(run(choice, 4, 60, [](int threads) { return 400 / threads; }) == 4, "all threads where all are faster");
    expect(run(choice, 4, 5000, [](int threads) { return 100 * threads; }) == 1, "one when that has become faster");
    expect(run(choice, 2, 60, [](int threads) { return 400 / threads; }) == 2, "it begins anew with another number");
    expect(!choice.settled(), "it goes on looking");
  }
  {
    ThreadAutotuner choice;
    int runs = 0;  // somebody else has the other core for the first of them
    const auto time = [&](int threads) { return ++runs <= 20 && threads == 2 ? 1000 : 400 / threads; };
    expect(run(choice, 2, 20, time) == 1, "one while the others are slow");
    expect(run(choice, 2, 180, time) == 2, "and soon all again");
    int with_one = 0;
    run(choice, 2, 20000, [&](int threads) { return with_one += threads == 1, 400 / threads; });
    expect(with_one > 0 && with_one < 200, "trials become rare while the answer stays the same");
  }
  {
    ThreadAutotuner choice;
    expect(run(choice, 8, 100, [](int threads) { return threads == 2 ? 100 : 200; }) == 2, "a number in between");
  }
  {
    ThreadAutotuner choice;
    expect(run(choice, 2, 60, [](int threads) { return threads == 1 ? 99 : 100; }) == 2, "no change for one per cent");
  }
  {
    ThreadAutotuner choice;
    int with_one = 0;
    run(choice, 2, 50, [&](int threads) { return with_one += threads == 1, 10000 / threads; });
    expect(with_one == 0 && choice.settled(), "long runs take all threads and are not tried");
  }
  {
    ThreadAutotuner choice;
    expect(run(choice, 2, 50, [](int threads) { return 2 * threads; }) == 1 && choice.settled(), "one for short runs");
  }
  {
    ThreadAutotuner choice;
    expect(choice.next(1) == 1 && choice.settled(), "nothing to choose from");
  }
  std::printf("thread choice: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
