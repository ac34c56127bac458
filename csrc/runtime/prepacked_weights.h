// Weights in the form that a kernel computes with, kept between runs, as long as nobody writes to them.
//
// Plans that use the same weights in the same form share what is kept. Whoever writes to memory that plans may read
// calls invalidate_prepacked() afterwards; what is kept of it is then made anew by the next run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dlnative/kernel.h"
#include "runtime/aligned.h"
#include "runtime/fork.h"

namespace dlnative {

class PrepackedWeights {
 public:
  PrepackedWeights(const View& weights, std::int64_t bytes);
  ~PrepackedWeights();
  PrepackedWeights(const PrepackedWeights&) = delete;
  PrepackedWeights& operator=(const PrepackedWeights&) = delete;

  const void* data() const { return packed_.get(); }
  std::int64_t bytes() const { return bytes_; }
  // Makes it anew if the weights have been written since. `call` is one that reads them.
  void refresh(Prepack prepack, const Call& call);

 private:
  friend void invalidate_prepacked(const void* begin, std::int64_t bytes);

  const std::byte* const begin_;
  const std::byte* const end_;
  const std::int64_t bytes_;
  AlignedBytes packed_;
  ForkSafeMutex mutex_;
  std::atomic<std::uint64_t> writes_{1},
      packed_at_{0};  // how often they were written, and when that was last looked at
};

// What `prepack` makes of the second input of a call, in so many bytes: the same for all calls that agree in the
// weights and in `ints`, the call's attributes.
std::shared_ptr<PrepackedWeights> prepacked_weights(Prepack prepack, const Call& call,
                                                    const std::vector<std::int64_t>& ints, std::int64_t bytes);

// False when there is nobody to whom invalidate_prepacked() would say anything.
bool any_prepacked_weights();

}  // namespace dlnative
