// Denormals are flushed to zero while a plan runs: on most CPUs one denormal operand costs a hundred ordinary ones, and
// a network that has them carries no information in them.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dlnative {

#if defined(__x86_64__)
using FpControl = unsigned int;
inline FpControl read_fp_control() { return _mm_getcsr(); }
inline void write_fp_control(FpControl control) { _mm_setcsr(control); }
// Round to nearest, all exceptions masked, flush to zero (bit 15), denormals are zero (bit 6).
inline constexpr FpControl flushing_fp_control = 0x1f80u | 0x8000u | 0x0040u;
#elif defined(__aarch64__)
using FpControl = std::uint64_t;
inline FpControl read_fp_control() {
  FpControl control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
inline void write_fp_control(FpControl control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
inline constexpr FpControl flushing_fp_control = FpControl{1} << 24;  // FZ; round to nearest, no traps
#else
using FpControl = unsigned int;
inline FpControl read_fp_control() { return 0; }
inline void write_fp_control(FpControl) {}
inline constexpr FpControl flushing_fp_control = 0;
#endif

// Flushes denormals for a scope and gives the caller its own state back, exception flags included.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(read_fp_control()) { write_fp_control(flushing_fp_control); }
  ~FlushDenormals() { write_fp_control(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  FpControl saved_;
};

}  // namespace dlnative
