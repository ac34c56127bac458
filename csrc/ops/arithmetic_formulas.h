// What the rarer elementwise functions compute, an element at a time.
//
// floor_divide and remainder round towards minus infinity, as Python's // and %; fmod rounds towards zero. Integers
// divided by zero give 0, and whatever does not fit wraps around. A shift by the width of the type or more leaves what
// comes in from the side: zeros, or from the left the sign.
#pragma once

#include <cfloat>
#include <cmath>
#include <type_traits>

#include "dlnative/types.h"

namespace dlnative::DLNATIVE_ISA {

// The C library's functions by type; on a CPU the builtins, because inline functions of <cmath> would be compiled for
// one instruction set and linked into all.
#if defined(DLNATIVE_ISA_CUDA)
#define DLNATIVE_OF_LIBRARY(function) ::function
#else
#define DLNATIVE_OF_LIBRARY(function) __builtin_##function
#endif
// Denormals are flushed here: the library, which does not expect that the processor reads them as zeros, gives for them
// what is neither their value nor that of zero.
DLNATIVE_INLINE float flushed(float x) {
  return DLNATIVE_OF_LIBRARY(fabsf)(x) < FLT_MIN ? DLNATIVE_OF_LIBRARY(copysignf)(0.0f, x) : x;
}
DLNATIVE_INLINE double flushed(double x) {
  return DLNATIVE_OF_LIBRARY(fabs)(x) < DBL_MIN ? DLNATIVE_OF_LIBRARY(copysign)(0.0, x) : x;
}

#define DLNATIVE_LIBRARY(Name, function)                                                              \
  struct Name {                                                                                       \
    static DLNATIVE_INLINE float of(float x) { return DLNATIVE_OF_LIBRARY(function##f)(flushed(x)); } \
    static DLNATIVE_INLINE double of(double x) { return DLNATIVE_OF_LIBRARY(function)(flushed(x)); }  \
  };
#define DLNATIVE_LIBRARY_OF_TWO(Name, function, prepared)                \
  struct Name {                                                          \
    static DLNATIVE_INLINE float of(float a, float b) {                  \
      return DLNATIVE_OF_LIBRARY(function##f)(prepared(a), prepared(b)); \
    }                                                                    \
    static DLNATIVE_INLINE double of(double a, double b) {               \
      return DLNATIVE_OF_LIBRARY(function)(prepared(a), prepared(b));    \
    }                                                                    \
  };
DLNATIVE_LIBRARY(Tan, tan)
DLNATIVE_LIBRARY(Arcsin, asin)
DLNATIVE_LIBRARY(Arccos, acos)
DLNATIVE_LIBRARY(Arctan, atan)
DLNATIVE_LIBRARY(Sinh, sinh)
DLNATIVE_LIBRARY(Cosh, cosh)
DLNATIVE_LIBRARY(Arcsinh, asinh)
DLNATIVE_LIBRARY(Arccosh, acosh)
DLNATIVE_LIBRARY(Arctanh, atanh)
DLNATIVE_LIBRARY(Log2, log2)
DLNATIVE_LIBRARY(Log10, log10)
DLNATIVE_LIBRARY(Cbrt, cbrt)
DLNATIVE_LIBRARY(Trunc, trunc)
DLNATIVE_LIBRARY(Round, rint)  // halves to the even neighbour
DLNATIVE_LIBRARY_OF_TWO(Arctan2, atan2, flushed)
DLNATIVE_LIBRARY_OF_TWO(Hypot, hypot, flushed)
DLNATIVE_LIBRARY_OF_TWO(Nextafter, nextafter, )
DLNATIVE_LIBRARY_OF_TWO(LibraryFmod, fmod, flushed)
DLNATIVE_LIBRARY_OF_TWO(Copysign, copysign, )
DLNATIVE_LIBRARY(LibraryFloor, floor)

template <class T>
using Unsigned = std::make_unsigned_t<T>;

template <class T>
DLNATIVE_INLINE T negated(T x) {
  return static_cast<T>(-static_cast<Unsigned<T>>(x));
}

struct Fmod {
  template <class T>
  static DLNATIVE_INLINE T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return b == 0 || b == -1 ? T{0} : static_cast<T>(a % b);
    } else {
      return LibraryFmod::of(a, b);
    }
  }
};

struct Remainder {
  template <class T>
  static DLNATIVE_INLINE T of(T a, T b) {
    const T rest = Fmod::of(a, b);
    if (rest != 0) return (rest < 0) != (b < 0) ? rest + b : rest;
    if constexpr (std::is_integral_v<T>) {
      return rest;
    } else {
      return Copysign::of(rest, b);
    }
  }
};

struct FloorDivide {
  template <class T>
  static DLNATIVE_INLINE T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) return 0;
      if (b == -1) return negated(a);
      const T quotient = a / b;
      return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
    } else {
      if (b == 0) return a / b;
      if (b - b != 0 && b == b && a - a == 0) return (a < 0) != (b < 0) && a != 0 ? T(-1) : a / b;  // infinite
      const T quotient = (a - Remainder::of(a, b)) / b;  // an integer, but for rounding
      if (!(quotient - quotient == 0)) return quotient;
      const T below = LibraryFloor::of(quotient);
      return quotient - below > T(0.5) ? below + 1 : below;
    }
  }
};

struct IntegerPower {
  template <class T>
  static DLNATIVE_INLINE T of(T base, T exponent) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    Unsigned<T> result = 1, factor = static_cast<Unsigned<T>>(base);
    for (auto rest = static_cast<Unsigned<T>>(exponent); rest != 0; rest >>= 1, factor *= factor) {
      if (rest & 1) result *= factor;
    }
    return static_cast<T>(result);
  }
};

#define DLNATIVE_OF_INTEGERS(Name, expression)           \
  struct Name {                                          \
    template <class T>                                   \
    static DLNATIVE_INLINE T of(T a, T b) {              \
      constexpr T width = static_cast<T>(sizeof(T) * 8); \
      (void)width;                                       \
      return static_cast<T>(expression);                 \
    }                                                    \
  };
DLNATIVE_OF_INTEGERS(BitwiseAnd, a& b)
DLNATIVE_OF_INTEGERS(BitwiseOr, a | b)
DLNATIVE_OF_INTEGERS(BitwiseXor, a ^ b)
DLNATIVE_OF_INTEGERS(LeftShift, b < 0 || b >= width ? 0 : static_cast<Unsigned<T>>(a) << b)
DLNATIVE_OF_INTEGERS(RightShift, a >> (b < 0 || b >= width ? width - 1 : b))

}  // namespace dlnative::DLNATIVE_ISA
