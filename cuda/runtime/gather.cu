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
__device__ __forceinline__ void copy_word(const WordFeed& feed, std::int64_t from_row, std::uint32_t at,
                                          std::uint32_t word) {
  const auto* from = reinterpret_cast<const Word*>(feed.from) + from_row * feed.words;
  reinterpret_cast<Word*>(feed.to)[at] = from[word];
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
  const std::int64_t from_row = order[*position + offset + row];
  switch (feed.word) {
    case 16:
      return copy_word<Pack<float>>(feed, from_row, at, word);
    case 4:
      return copy_word<std::uint32_t>(feed, from_row, at, word);
    default:
      return copy_word<std::uint8_t>(feed, from_row, at, word);
  }
}

__global__ void __launch_bounds__(32) advance_kernel(std::int64_t* position, std::int64_t by) {
  wait_for_previous_kernel();
  if (threadIdx.x == 0) *position += by;
}

}  // namespace

void enqueue_gather(Queue& queue, const Feed* feeds, int count, const std::int64_t* order, const std::int64_t* position,
                    std::int64_t offset, std::int64_t rows) {
  queue.op = "gather";
  if (count > most_feeds) throw Error("cuda: gather: more than " + std::to_string(most_feeds) + " feeds");
  Feeds words{};
  std::int64_t most = 0;
  for (int i = 0; i < count; ++i) {
    const Feed& feed = feeds[i];
    const auto fits = [&](std::int64_t bytes) {
      return feed.row_bytes % bytes == 0 && reinterpret_cast<std::uintptr_t>(feed.from) % bytes == 0 &&
             reinterpret_cast<std::uintptr_t>(feed.to) % bytes == 0;
    };
    const std::int32_t word = fits(16) ? 16 : fits(4) ? 4 : 1;
    const std::int64_t of_row = feed.row_bytes / word;
    if (of_row * rows >= std::int64_t{1} << 31) throw Error("cuda: gather: a batch of more than 2^31 words");
    if (of_row * rows > most) most = of_row * rows;
    words.feed[i] = {static_cast<const char*>(feed.from), static_cast<char*>(feed.to),
                     static_cast<std::int32_t>(of_row), word, Divisor(static_cast<std::uint32_t>(of_row))};
  }
  Grid grid{blocks_for(most, threads), threads};
  grid.blocks_y = static_cast<unsigned>(count);
  launch(queue, gather_kernel, grid, words, order, position, offset, rows);
}

void enqueue_advance(Queue& queue, std::int64_t* position, std::int64_t by) {
  queue.op = "advance";
  launch(queue, advance_kernel, Grid{1, 32}, position, by);
}

}  // namespace dlnative::cuda
