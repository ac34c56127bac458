#include "runtime/gather.h"

#include "device/device.h"
#include "device/divisor.h"

namespace dlnative::cuda {
namespace {

constexpr int threads = 256;

struct WordFeed {
  const char* from;
  char* to;
  std::int32_t words;  // of a row
  std::int32_t word;   // 16, 4 or 1 bytes
  Divisor row;         // by `words`
};
struct Feeds {
  WordFeed feed[most_feeds];
};

template <class Word>
__device__ __forceinline__ void copy_word(const WordFeed& feed, std::int64_t from, std::int64_t to) {
  reinterpret_cast<Word*>(feed.to)[to] = reinterpret_cast<const Word*>(feed.from)[from];
}
__device__ __forceinline__ void copy_word_of(const WordFeed& feed, std::int64_t from, std::int64_t to) {
  switch (feed.word) {
    case 16:
      return copy_word<Pack<float>>(feed, from, to);
    case 4:
      return copy_word<std::uint32_t>(feed, from, to);
    default:
      return copy_word<std::uint8_t>(feed, from, to);
  }
}

// blockIdx.y is the feed; a thread moves one word.
__global__ void __launch_bounds__(threads)
    gather_kernel(Feeds feeds, const std::int64_t* order, const std::int64_t* position, std::int64_t offset,
                  std::int64_t rows) {
  wait_for_previous_kernel();
  const WordFeed feed = feeds.feed[blockIdx.y];
  const std::uint32_t at = blockIdx.x * threads + threadIdx.x;
  if (at >= rows * feed.words) return;
  std::uint32_t word;
  const std::uint32_t row = feed.row.divide(at, word);
  const std::int64_t place = *position + offset + row;
  copy_word_of(feed, (order == nullptr ? place : order[place]) * feed.words + word, at);
}

__global__ void __launch_bounds__(threads)
    put_kernel(Feeds feeds, const std::int64_t* position, std::int64_t offset, std::int64_t rows) {
  wait_for_previous_kernel();
  const WordFeed feed = feeds.feed[blockIdx.y];
  const std::uint32_t at = blockIdx.x * threads + threadIdx.x;
  if (at >= rows * feed.words) return;
  copy_word_of(feed, at, (*position + offset) * feed.words + at);
}

__global__ void __launch_bounds__(32) advance_kernel(std::int64_t* position, std::int64_t by, int count) {
  wait_for_previous_kernel();
  if (static_cast<int>(threadIdx.x) < count) position[threadIdx.x] += by;
}

// The feeds in the largest words that fit, and a grid of a thread for each word.
Grid in_words(const Queue& queue, const Feed* feeds, int count, std::int64_t rows, Feeds& words) {
  if (count > most_feeds) {
    throw Error(std::string("cuda: ") + queue.op + ": more than " + std::to_string(most_feeds) + " arrays");
  }
  std::int64_t most = 0;
  for (int i = 0; i < count; ++i) {
    const Feed& feed = feeds[i];
    const auto fits = [&](std::int64_t bytes) {
      return feed.row_bytes % bytes == 0 && reinterpret_cast<std::uintptr_t>(feed.from) % bytes == 0 &&
             reinterpret_cast<std::uintptr_t>(feed.to) % bytes == 0;
    };
    const std::int32_t word = fits(16) ? 16 : fits(4) ? 4 : 1;
    const std::int64_t of_row = feed.row_bytes / word;
    if (of_row * rows >= std::int64_t{1} << 31) {
      throw Error(std::string("cuda: ") + queue.op + ": a batch of more than 2^31 words");
    }
    if (of_row * rows > most) most = of_row * rows;
    words.feed[i] = {static_cast<const char*>(feed.from), static_cast<char*>(feed.to),
                     static_cast<std::int32_t>(of_row), word, Divisor(static_cast<std::uint32_t>(of_row))};
  }
  Grid grid{blocks_for(most, threads), threads};
  grid.blocks_y = static_cast<unsigned>(count);
  return grid;
}

}  // namespace

void enqueue_gather(Queue& queue, const Feed* feeds, int count, const std::int64_t* order, const std::int64_t* position,
                    std::int64_t offset, std::int64_t rows) {
  queue.op = "gather of a batch";
  Feeds words{};
  const Grid grid = in_words(queue, feeds, count, rows, words);
  launch(queue, gather_kernel, grid, words, order, position, offset, rows);
}

void enqueue_put(Queue& queue, const Feed* feeds, int count, const std::int64_t* position, std::int64_t offset,
                 std::int64_t rows) {
  queue.op = "results of a batch";
  Feeds words{};
  const Grid grid = in_words(queue, feeds, count, rows, words);
  launch(queue, put_kernel, grid, words, position, offset, rows);
}

void enqueue_advance(Queue& queue, std::int64_t* position, std::int64_t by, int count) {
  queue.op = "advance";
  launch(queue, advance_kernel, Grid{1, 32}, position, by, count);
}

}  // namespace dlnative::cuda
