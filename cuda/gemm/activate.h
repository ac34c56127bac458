// Activations and their derivatives on a pack, by number: functions that are called, so that the formulas are in the
// code once, whatever kernels end with them.
#pragma once

#include "device/device.h"
#include "simd/activations.h"

namespace dlnative::cuda {

template <class Formula, class T, class... Others>
DLNATIVE_INLINE T with_parameter(T parameter, T x, Others... others) {
  if constexpr (Formula::has_parameter) {
    return Formula::of(x, others..., parameter);
  } else {
    return Formula::of(x, others...);
  }
}

template <class T>
__device__ DLN_NOINLINE Pack<T> activated(Activation activation, T parameter, Pack<T> x) {
  switch (activation) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula)                                                              \
  case Activation::name:                                                                           \
    DLN_UNROLL                                                                                     \
    for (int v = 0; v < pack_width<T>; ++v) x.at[v] = with_parameter<Formula>(parameter, x.at[v]); \
    break;
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
  return x;
}

template <class T>
__device__ DLN_NOINLINE Pack<T> times_derivative(Activation activation, T parameter, Pack<T> x, Pack<T> saved) {
  switch (activation) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula)                                               \
  case Activation::name:                                                            \
    DLN_UNROLL                                                                      \
    for (int v = 0; v < pack_width<T>; ++v) {                                       \
      x.at[v] = with_parameter<Formula##Gradient>(parameter, x.at[v], saved.at[v]); \
    }                                                                               \
    break;
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
  return x;
}

}  // namespace dlnative::cuda
