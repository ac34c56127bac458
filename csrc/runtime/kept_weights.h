// Weights in the form that a kernel computes with, kept between runs, as long as nobody writes to them.
//
// Plans that use the same weights in the same form share what is kept. Whoever writes to memory that plans may read
// calls note_written() afterwards; what is kept of it is then made anew by the next run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "dlnative/kernel.h"
#include "runtime/aligned.h"

namespace dlnative {

class KeptWeights {
 public:
  KeptWeights(const View& weights, std::int64_t bytes);
  ~KeptWeights();
  KeptWeights(const KeptWeights&) = delete;
  KeptWeights& operator=(const KeptWeights&) = delete;

  const void* data() const { return kept_.get(); }
  std::int64_t bytes() const { return bytes_; }
  // Makes it anew if the weights have been written since. `call` is one that reads them.
  void refresh(Keep keep, const Call& call);

 private:
  friend void note_written(const void* begin, std::int64_t bytes);

  const std::byte* const begin_;
  const std::byte* const end_;
  const std::int64_t bytes_;
  AlignedBytes kept_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> writes_{1}, kept_at_{0};  // how often they were written, and when that was last looked at
};

// What `keep` makes of the second input of a call, in so many bytes: the same for all calls that agree in the weights
// and in `ints`, the call's attributes.
std::shared_ptr<KeptWeights> kept_weights(Keep keep, const Call& call, const std::vector<std::int64_t>& ints,
                                          std::int64_t bytes);

// False when there is nobody to whom note_written() would say anything.
bool any_kept_weights();

}  // namespace dlnative
