// Optimizer updates: one pass over the flat arena of all parameters, in place; g is the gradient, lr a scalar buffer.
//
//   decay     param -= param * weight_decay * lr, before the update
//   sgd       momentum = 0:  param -= lr g
//             else           m = momentum m - lr g;  param += m,  with Nesterov: param += momentum m - lr g
//   adam      t = iterations + 1;  alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)
//             m += (g - m)(1 - beta_1);  v += (g^2 - v)(1 - beta_2);  param -= m alpha / (sqrt(v) + epsilon)
//             amsgrad: vhat = max(vhat, v) takes the place of v in the last formula
//   rmsprop   velocity = rho velocity + (1 - rho) g^2;  d = velocity + epsilon
//             centered: a = rho a + (1 - rho) g;  d = velocity - a^2 + epsilon
//             step = lr g / sqrt(d);  momentum > 0: m = momentum m + step, param -= m;  else param -= step
//
// An update is a function of one vector (on a GPU: one element) of each array, and reads and writes it through `at`,
// which knows where it is and whether it is whole. Factors that are the same for all elements are computed once; Adam's
// corrections in the parameters' type, as in Keras: in float, 1 - 0.999 is off by 1e-5.
// Sources: Kingma & Ba 2015 (Adam); Reddi, Kale & Kumar 2018 (AMSGrad); Tieleman & Hinton 2012 (RMSprop); the order of
// operations is that of Keras 3.
#pragma once

#include <cmath>

#include "simd/formula.h"

namespace dlnative::DLNATIVE_ISA {

template <class T>
struct SgdUpdate {
  T* param;
  const T* gradient;
  T rate, decay;

  template <class At>
  DLNATIVE_INLINE void operator()(At at) const {
    const auto p = at.read(param);
    at.write(param, p - p * decay - rate * at.read(gradient));
  }
};

template <class T>
struct MomentumUpdate {
  T *param, *slot;
  const T* gradient;
  T momentum, rate, decay;
  bool nesterov;

  template <class At>
  DLNATIVE_INLINE void operator()(At at) const {
    const auto p = at.read(param);
    const auto step = rate * at.read(gradient);
    const auto m = momentum * at.read(slot) - step;
    at.write(slot, m);
    at.write(param, p - p * decay + (nesterov ? momentum * m - step : m));
  }
};

// Two powers with the same exponent, by squaring, side by side and without branches: a step of a small network takes no
// longer than two calls of the C library's pow.
DLNATIVE_INLINE void powers(double (&base)[2], std::int64_t exponent, double (&result)[2]) {
  result[0] = result[1] = 1.0;
  for (; exponent > 0; exponent >>= 1) {
    for (int i = 0; i < 2; ++i) {
      result[i] *= (exponent & 1) != 0 ? base[i] : 1.0;
      base[i] *= base[i];
    }
  }
}

// Adam's alpha in step t.
template <class T>
DLNATIVE_INLINE T adam_rate(double lr, double beta_1, double beta_2, std::int64_t t) {
  double bases[2] = {static_cast<double>(static_cast<T>(beta_1)), static_cast<double>(static_cast<T>(beta_2))};
  double power[2];
  powers(bases, t, power);
  return static_cast<T>(lr) * std::sqrt(T(1) - static_cast<T>(power[1])) / (T(1) - static_cast<T>(power[0]));
}

// vhat is null without amsgrad.
template <class T>
struct AdamUpdate {
  T *param, *m, *v, *vhat;
  const T* gradient;
  T alpha, rest_1, rest_2, epsilon, decay;

  template <class At>
  DLNATIVE_INLINE void operator()(At at) const {
    const auto p = at.read(param), g = at.read(gradient), old_mean = at.read(m), old_variance = at.read(v);
    const auto mean = fma(g - old_mean, broadcast(rest_1), old_mean);
    const auto variance = fma(fma(g, g, -old_variance), broadcast(rest_2), old_variance);
    auto largest = variance;
    at.write(m, mean);
    at.write(v, variance);
    if (vhat != nullptr) {
      const auto before = at.read(vhat);
      largest = select(before > variance, before, variance);
      at.write(vhat, largest);
    }
    at.write(param, subtract_over_root(fma(p, broadcast(-decay), p), alpha, mean, largest, epsilon));
  }
};

// slot is null without momentum, average unless centered.
template <class T, bool centered, bool with_momentum>
struct RmspropUpdate {
  T *param, *velocity, *slot, *average;
  const T* gradient;
  T rho, rest, momentum, epsilon, rate, decay;

  template <class At>
  DLNATIVE_INLINE void operator()(At at) const {
    const auto old = at.read(param), g = at.read(gradient), p = fma(old, broadcast(-decay), old);
    const auto mean_square = fma(g * g, broadcast(rest), rho * at.read(velocity));
    at.write(velocity, mean_square);
    auto variance = mean_square;
    if constexpr (centered) {
      const auto mean = fma(g, broadcast(rest), rho * at.read(average));
      at.write(average, mean);
      variance = mean_square - mean * mean;
    }
    if constexpr (with_momentum) {
      const auto m = subtract_over_root(momentum * at.read(slot), -rate, g, variance + epsilon, T{0});
      at.write(slot, m);
      at.write(param, p - m);
    } else {
      at.write(param, subtract_over_root(p, rate, g, variance + epsilon, T{0}));
    }
  }
};

}  // namespace dlnative::DLNATIVE_ISA
