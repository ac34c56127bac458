// Division of 32-bit numbers by one that is known when a kernel is launched: a multiplication and a shift.
// Source: Granlund & Montgomery, "Division by invariant integers using multiplication", PLDI 1994.
#pragma once

#include <cstdint>

#include "dlnative/types.h"

namespace dlnative::cuda {

class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(std::uint32_t divisor) : divisor_(divisor) {
    while ((std::uint64_t{1} << shift_) < divisor) ++shift_;
    factor_ =
        static_cast<std::uint32_t>(((std::uint64_t{1} << 32) * ((std::uint64_t{1} << shift_) - divisor)) / divisor + 1);
  }
  // n / divisor, and n % divisor in `rest`; n < 2^31.
  DLNATIVE_INLINE std::uint32_t divide(std::uint32_t n, std::uint32_t& rest) const {
    const auto high = static_cast<std::uint32_t>((std::uint64_t{n} * factor_) >> 32);
    const std::uint32_t quotient = (high + n) >> shift_;
    rest = n - quotient * divisor_;
    return quotient;
  }

 private:
  std::uint32_t divisor_ = 1, factor_ = 1, shift_ = 0;
};

}  // namespace dlnative::cuda
