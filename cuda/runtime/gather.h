// The rows of a batch out of a data set that lies on the device, by an order and a position that lie there, too: so a
// recorded step finds its own batch each time it is replayed.
#pragma once

#include <cstdint>

#include "runtime/queue.h"

namespace dlnative::cuda {

inline constexpr int most_feeds = 8;

struct Feed {
  const void* from;  // a row for each sample of the data set
  void* to;          // a row for each sample of the batch
  std::int64_t row_bytes;
};

// to[i] = from[order[*position + offset + i]] for i in [0, rows), of each of `count` feeds.
void enqueue_gather(Queue& queue, const Feed* feeds, int count, const std::int64_t* order, const std::int64_t* position,
                    std::int64_t offset, std::int64_t rows);

// *position += by
void enqueue_advance(Queue& queue, std::int64_t* position, std::int64_t by);

}  // namespace dlnative::cuda
