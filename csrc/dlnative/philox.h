// Philox 4x32-10: a random function of a 64-bit key and a 128-bit counter, so that any element of any draw can be
// computed by itself, in any order, on any backend.
//
// A round multiplies two of the four counter words, keeps low and high halves, and mixes in the other two words and the
// key; the key moves on by a Weyl sequence. Ten rounds. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC 2011; the constants are the paper's.
#pragma once

#include <cstdint>

#include "dlnative/types.h"

#if defined(DLNATIVE_ISA_CUDA)
#elif defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace dlnative {

struct PhiloxKey {
  std::uint32_t low, high;
};

inline constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53u, philox_multiplier_1 = 0xCD9E8D57u;
inline constexpr std::uint32_t philox_weyl_low = 0x9E3779B9u, philox_weyl_high = 0xBB67AE85u;
inline constexpr int philox_rounds = 10;

// The four words of one block.
struct PhiloxBlock {
  std::uint32_t word[4];
};
DLNATIVE_INLINE PhiloxBlock philox_block(PhiloxKey key, std::uint64_t block, std::uint64_t counter) {
  std::uint32_t c0 = static_cast<std::uint32_t>(block), c1 = static_cast<std::uint32_t>(block >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(counter), c3 = static_cast<std::uint32_t>(counter >> 32);
  for (int round = 0; round < philox_rounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{philox_multiplier_0} * c0;
    const std::uint64_t product1 = std::uint64_t{philox_multiplier_1} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key.low;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key.high;
    c3 = static_cast<std::uint32_t>(product0);
    key.low += philox_weyl_low;
    key.high += philox_weyl_high;
  }
  return {{c0, c1, c2, c3}};
}

#if !defined(DLNATIVE_ISA_CUDA)
// Each 64-bit lane holds one word of one block in its lower half; what is in the upper half does not matter, because
// the multiplication reads lower halves only and its product is high half and low half at once.
#if defined(__AVX512F__)
typedef std::uint64_t PhiloxLanes __attribute__((vector_size(64)));
DLNATIVE_INLINE PhiloxLanes philox_product(PhiloxLanes a, PhiloxLanes b) {
  // The form with a mask: GCC 12 warns of an undefined value in the other.
  return reinterpret_cast<PhiloxLanes>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}
#elif defined(__AVX2__)
typedef std::uint64_t PhiloxLanes __attribute__((vector_size(32)));
DLNATIVE_INLINE PhiloxLanes philox_product(PhiloxLanes a, PhiloxLanes b) {
  return reinterpret_cast<PhiloxLanes>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}
#else
typedef std::uint64_t PhiloxLanes __attribute__((vector_size(16)));
DLNATIVE_INLINE PhiloxLanes philox_product(PhiloxLanes a, PhiloxLanes b) {
#if defined(__x86_64__)
  return reinterpret_cast<PhiloxLanes>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#elif defined(__aarch64__)
  return reinterpret_cast<PhiloxLanes>(
      vmull_u32(vmovn_u64(reinterpret_cast<uint64x2_t>(a)), vmovn_u64(reinterpret_cast<uint64x2_t>(b))));
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}
#endif

inline constexpr int philox_lanes = static_cast<int>(sizeof(PhiloxLanes) / sizeof(std::uint64_t));
inline constexpr int philox_group = 64;  // words that one call of philox makes
static_assert(philox_group % (8 * philox_lanes) == 0);

// The words of sixteen blocks from number `block` on, in order: word w of block b is words[4 * (b - block) + w].
DLNATIVE_INLINE void philox(PhiloxKey key, std::uint64_t block, std::uint64_t counter,
                            std::uint32_t (&words)[philox_group]) {
  constexpr int side_by_side = 2;  // two chains, to hide the latency of the multiplication
  for (int start = 0; start < philox_group / 4; start += side_by_side * philox_lanes) {
    PhiloxLanes c0[side_by_side], c1[side_by_side], c2[side_by_side], c3[side_by_side];
    for (int v = 0; v < side_by_side; ++v) {
      for (int i = 0; i < philox_lanes; ++i) {
        c0[v][i] = block + static_cast<std::uint64_t>(start + v * philox_lanes + i);
      }
      c1[v] = c0[v] >> 32;
      c2[v] = PhiloxLanes{} + counter;
      c3[v] = c2[v] >> 32;
    }
    std::uint32_t key_low = key.low, key_high = key.high;
    for (int round = 0; round < philox_rounds; ++round) {
      for (int v = 0; v < side_by_side; ++v) {
        const PhiloxLanes product0 = philox_product(c0[v], PhiloxLanes{} + philox_multiplier_0);
        const PhiloxLanes product1 = philox_product(c2[v], PhiloxLanes{} + philox_multiplier_1);
        c0[v] = (product1 >> 32) ^ c1[v] ^ key_low;
        c1[v] = product1;
        c2[v] = (product0 >> 32) ^ c3[v] ^ key_high;
        c3[v] = product0;
      }
      key_low += philox_weyl_low;
      key_high += philox_weyl_high;
    }
    for (int v = 0; v < side_by_side; ++v) {
      const PhiloxLanes first = (c0[v] & 0xffffffffu) | (c1[v] << 32), second = (c2[v] & 0xffffffffu) | (c3[v] << 32);
      std::uint64_t pairs[2 * philox_lanes];
      for (int i = 0; i < philox_lanes; ++i) {
        pairs[2 * i] = first[i];
        pairs[2 * i + 1] = second[i];
      }
      __builtin_memcpy(words + 4 * (start + v * philox_lanes), pairs, sizeof(pairs));
    }
  }
}
#endif

}  // namespace dlnative
