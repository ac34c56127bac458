// The rows of a batch out of a data set that lies on the device, by an order and a position that lie there, too: so a
// recorded step finds its own batch each time it is replayed, and the place of its results.
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

// to[i] = from[order[*position + offset + i]] for i in [0, rows), of each of `count` feeds; without an order, from
// [*position + offset + i].
void enqueue_gather(Queue& queue, const Feed* feeds, int count, const std::int64_t* order, const std::int64_t* position,
                    std::int64_t offset, std::int64_t rows);

// to[*position + offset + i] = from[i] for i in [0, rows), of each of `count` feeds: results, where the rows of all
// batches are to lie.
void enqueue_put(Queue& queue, const Feed* feeds, int count, const std::int64_t* position, std::int64_t offset,
                 std::int64_t rows);

// position[i] += by, for the first `count` positions.
void enqueue_advance(Queue& queue, std::int64_t* position, std::int64_t by, int count = 1);

}  // namespace dlnative::cuda
