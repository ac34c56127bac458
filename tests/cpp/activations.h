// Activations and their derivatives in double, as the checks of products expect them.
#pragma once

#include <cmath>

#include "dlnative/types.h"

namespace activations {

using dlnative::Activation;

inline constexpr double parameter = 0.3;  // of leaky_relu and others that have one
inline constexpr double selu_scale = 1.0507009873554805, selu_limit = 1.7580993408473769;

inline double gelu_argument(double x) { return 2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double hard_sigmoid(double x) { return std::fmin(std::fmax(x + 3, 0), 6) / 6; }

inline double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::linear:
      return x;
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::relu6:
      return std::fmin(std::fmax(x, 0), 6);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::softplus:
      return std::log1p(std::exp(x));
    case Activation::leaky_relu:
      return x > 0 ? x : parameter * x;
    case Activation::elu:
      return x > 0 ? x : parameter * std::expm1(x);
    case Activation::celu:
      return x > 0 ? x : parameter * std::expm1(x / parameter);
    case Activation::selu:
      return x > 0 ? selu_scale * x : selu_limit * std::expm1(x);
    case Activation::hard_sigmoid:
      return hard_sigmoid(x);
    case Activation::sparse_sigmoid:
      return std::fmin(std::fmax((x + 1) / 2, 0), 1);
    case Activation::hard_tanh:
      return std::fmin(std::fmax(x, -1), 1);
    case Activation::log_sigmoid:
      return -std::log1p(std::exp(-x));
    case Activation::hard_shrink:
      return std::fabs(x) > parameter ? x : 0;
    case Activation::soft_shrink:
      return x > parameter ? x - parameter : x < -parameter ? x + parameter : 0;
    case Activation::softsign:
      return x / (1 + std::fabs(x));
    case Activation::silu:
      return x * sigmoid(x);
    case Activation::gelu:
      return x * (0.5 + 0.5 * std::erf(x * M_SQRT1_2));
    case Activation::gelu_tanh:
      return x * sigmoid(gelu_argument(x));
    case Activation::mish:
      return x * std::tanh(std::log1p(std::exp(x)));
    case Activation::hard_silu:
      return x * hard_sigmoid(x);
    case Activation::tanh_shrink:
      return x - std::tanh(x);
    case Activation::squareplus:
      return (x + std::sqrt(x * x + parameter)) / 2;
    case Activation::sparse_plus:
      return x >= 1 ? x : x <= -1 ? 0 : (x + 1) * (x + 1) / 4;
  }
  return x;
}

// Of the result or, from softsign on, of the argument.
inline double derivative(double y, Activation activation) {
  const double s = activation == Activation::gelu_tanh ? sigmoid(gelu_argument(y)) : sigmoid(y);
  const double t = std::tanh(std::log1p(std::exp(y)));
  switch (activation) {
    case Activation::linear:
      return 1;
    case Activation::relu:
      return y > 0 ? 1 : 0;
    case Activation::relu6:
      return y > 0 && y < 6 ? 1 : 0;
    case Activation::sigmoid:
      return y * (1 - y);
    case Activation::tanh:
      return 1 - y * y;
    case Activation::softplus:
      return 1 - std::exp(-y);
    case Activation::leaky_relu:
      return y > 0 ? 1 : parameter;
    case Activation::elu:
      return y > 0 ? 1 : y + parameter;
    case Activation::celu:
      return y > 0 ? 1 : y / parameter + 1;
    case Activation::selu:
      return y > 0 ? selu_scale : y + selu_limit;
    case Activation::hard_sigmoid:
      return y > 0 && y < 1 ? 1.0 / 6 : 0;
    case Activation::sparse_sigmoid:
      return y > 0 && y < 1 ? 0.5 : 0;
    case Activation::hard_tanh:
      return y > -1 && y < 1 ? 1 : 0;
    case Activation::log_sigmoid:
      return 1 - std::exp(y);
    case Activation::hard_shrink:
    case Activation::soft_shrink:
      return y != 0 ? 1 : 0;
    case Activation::softsign:
      return 1 / ((1 + std::fabs(y)) * (1 + std::fabs(y)));
    case Activation::silu:
      return s + y * s * (1 - s);
    case Activation::gelu:
      return 0.5 + 0.5 * std::erf(y * M_SQRT1_2) + y * std::exp(-y * y / 2) / std::sqrt(2 * M_PI);
    case Activation::gelu_tanh:
      return s + y * s * (1 - s) * 2 * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * y * y);
    case Activation::mish:
      return t + y * (1 - t * t) * s;
    case Activation::hard_silu:
      return y <= -3 ? 0 : y >= 3 ? 1 : (2 * y + 3) / 6;
    case Activation::tanh_shrink:
      return std::tanh(y) * std::tanh(y);
    case Activation::squareplus:
      return (1 + y / std::sqrt(y * y + parameter)) / 2;
    case Activation::sparse_plus:
      return std::fmin(std::fmax((y + 1) / 2, 0), 1);
  }
  return 1;
}

}  // namespace activations
