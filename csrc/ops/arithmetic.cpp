// Elementwise functions that are rare: computed by the C library, an element at a time.
//
// floor_divide and remainder round towards minus infinity, as Python's // and %; fmod rounds towards zero. Integers
// divided by zero give 0, and whatever does not fit wraps around. A shift by the width of the type or more leaves what
// comes in from the side: zeros, or from the left the sign.
#include <type_traits>

#include "ops/dispatch.h"
#include "ops/loops.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// The C library's functions by type. The builtins, because inline functions of <cmath> would be compiled for one
// instruction set and linked into all.
#define DLNATIVE_LIBRARY(Name, function)                                            \
  struct Name {                                                                     \
    static DLNATIVE_INLINE float of(float x) { return __builtin_##function##f(x); } \
    static DLNATIVE_INLINE double of(double x) { return __builtin_##function(x); }  \
  };
#define DLNATIVE_LIBRARY_OF_TWO(Name, function)                                                 \
  struct Name {                                                                                 \
    static DLNATIVE_INLINE float of(float a, float b) { return __builtin_##function##f(a, b); } \
    static DLNATIVE_INLINE double of(double a, double b) { return __builtin_##function(a, b); } \
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
DLNATIVE_LIBRARY_OF_TWO(Arctan2, atan2)
DLNATIVE_LIBRARY_OF_TWO(Hypot, hypot)
DLNATIVE_LIBRARY_OF_TWO(Nextafter, nextafter)
DLNATIVE_LIBRARY_OF_TWO(LibraryFmod, fmod)
DLNATIVE_LIBRARY_OF_TWO(Copysign, copysign)
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

template <class Formula, class T>
void unary_loop(const LoopCall& call) {
  const T* x = static_cast<const T*>(call.x[0]);
  T* y = static_cast<T*>(call.y);
  for (std::int64_t i = 0; i < call.count; ++i) y[i] = Formula::of(x[i]);
}

template <class Formula, class T, int single>
void binary_loop(const LoopCall& call) {
  T* y = static_cast<T*>(call.y);
  for (std::int64_t row = 0; row < call.rows; ++row, y += call.count) {
    const T* a = row_of<T>(call, 0, row);
    const T* b = row_of<T>(call, 1, row);
    const T first_a = *a, first_b = *b;
    for (std::int64_t i = 0; i < call.count; ++i) {
      y[i] = Formula::of(single == 1 ? first_a : a[i], single == 2 ? first_b : b[i]);
    }
  }
}

constexpr double nanoseconds_each = 8;  // of the slower half of them

template <class Formula, class T>
constexpr InnerLoop unary_loops[] = {unary_loop<Formula, T>};
template <class Formula, class T>
constexpr InnerLoop binary_loops[] = {binary_loop<Formula, T, 0>, binary_loop<Formula, T, 1>,
                                      binary_loop<Formula, T, 2>};

template <class Formula>
void unary(const Call& call) {
  with_type(Floats{}, call.outputs[0].dtype,
            [&](auto type) { broadcast_loop<1>(call, nanoseconds_each, unary_loops<Formula, decltype(type)>); });
}

template <class Formula, class List>
void binary(const Call& call) {
  with_type(List{}, call.outputs[0].dtype,
            [&](auto type) { broadcast_loop<2>(call, nanoseconds_each, binary_loops<Formula, decltype(type)>); });
}

}  // namespace

extern const OpRow arithmetic_rows[] = {
    {"tan", unary<Tan>, same<Floats>},
    {"arcsin", unary<Arcsin>, same<Floats>},
    {"arccos", unary<Arccos>, same<Floats>},
    {"arctan", unary<Arctan>, same<Floats>},
    {"sinh", unary<Sinh>, same<Floats>},
    {"cosh", unary<Cosh>, same<Floats>},
    {"arcsinh", unary<Arcsinh>, same<Floats>},
    {"arccosh", unary<Arccosh>, same<Floats>},
    {"arctanh", unary<Arctanh>, same<Floats>},
    {"log2", unary<Log2>, same<Floats>},
    {"log10", unary<Log10>, same<Floats>},
    {"cbrt", unary<Cbrt>, same<Floats>},
    {"trunc", unary<Trunc>, same<Floats>},
    {"round", unary<Round>, same<Floats>},
    {"arctan2", binary<Arctan2, Floats>, same<Floats>},
    {"hypot", binary<Hypot, Floats>, same<Floats>},
    {"nextafter", binary<Nextafter, Floats>, same<Floats>},
    {"fmod", binary<Fmod, Numbers>, same<Numbers>},
    {"remainder", binary<Remainder, Numbers>, same<Numbers>},
    {"floor_divide", binary<FloorDivide, Numbers>, same<Numbers>},
    {"integer_power", binary<IntegerPower, Integers>, same<Integers>},
    {"bitwise_and", binary<BitwiseAnd, Integers>, same<Integers>},
    {"bitwise_or", binary<BitwiseOr, Integers>, same<Integers>},
    {"bitwise_xor", binary<BitwiseXor, Integers>, same<Integers>},
    {"left_shift", binary<LeftShift, Integers>, same<Integers>},
    {"right_shift", binary<RightShift, Integers>, same<Integers>},
};
extern const int arithmetic_row_count = sizeof(arithmetic_rows) / sizeof(arithmetic_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
