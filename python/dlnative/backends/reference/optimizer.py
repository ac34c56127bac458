"""The updates of the optimizers: from parameters, gradients and slots to new parameters and slots."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _decayed(param: Array, learning_rate: Array, weight_decay: float) -> Array:
    """Decoupled weight decay (Loshchilov and Hutter 2019): w - lr decay w, before the step."""
    return param - param * param.dtype.type(weight_decay) * param.dtype.type(learning_rate)


def sgd(
    param: Array,
    gradient: Array,
    learning_rate: Array,
    *slots: Array,
    nesterov: bool,
    momentum: float,
    weight_decay: float,
) -> tuple[Array, ...]:
    """w - lr g; with momentum: m = momentum m - lr g, w + m, or Nesterov's w + momentum m - lr g."""
    step = param.dtype.type(learning_rate) * gradient
    param = _decayed(param, learning_rate, weight_decay)
    if not slots:
        return (param - step,)
    factor = param.dtype.type(momentum)
    m = factor * slots[0] - step
    return param + (factor * m - step if nesterov else m), m


def adam(
    param: Array, gradient: Array, learning_rate: Array, iterations: Array, m: Array, v: Array, *vhat: Array,
    amsgrad: bool, beta_1: float, beta_2: float, epsilon: float, weight_decay: float,
) -> tuple[Array, ...]:  # fmt: skip
    """Kingma and Ba 2015, with the bias corrections in the step size; AMSGrad: Reddi, Kale, Kumar 2018.

    The corrections are computed in the parameters' type, as in Keras: in float32, 1 - 0.999 is off by 1e-5.
    """
    real = param.dtype.type
    t = int(iterations) + 1
    one, power_1, power_2 = real(1), real(float(real(beta_1)) ** t), real(float(real(beta_2)) ** t)
    alpha = real(learning_rate) * np.sqrt(one - power_2) / (one - power_1)
    param = _decayed(param, learning_rate, weight_decay)
    m = m + (gradient - m) * real(1 - beta_1)
    v = v + (gradient * gradient - v) * real(1 - beta_2)
    if not amsgrad:
        return param - m * alpha / (np.sqrt(v) + real(epsilon)), m, v
    largest = np.maximum(vhat[0], v)
    return param - m * alpha / (np.sqrt(largest) + real(epsilon)), m, v, largest


def rmsprop(
    param: Array, gradient: Array, learning_rate: Array, velocity: Array, *slots: Array,
    centered: bool, rho: float, momentum: float, epsilon: float, weight_decay: float,
) -> tuple[Array, ...]:  # fmt: skip
    """Hinton's lecture 6e: g over the root of a running mean of g^2, less the squared mean of g if centred."""
    real = param.dtype.type
    rest = list(slots)
    param = _decayed(param, learning_rate, weight_decay)
    velocity = real(rho) * velocity + real(1 - rho) * gradient * gradient
    written = [velocity]
    momentum_slot = rest.pop(0) if momentum > 0 else None
    denominator = velocity + real(epsilon)
    average = None
    if centered:
        average = real(rho) * rest.pop(0) + real(1 - rho) * gradient
        denominator = velocity - average * average + real(epsilon)
    step = real(learning_rate) * gradient / np.sqrt(denominator)
    if momentum_slot is not None:
        step = real(momentum) * momentum_slot + step
        written.append(step)
    if average is not None:
        written.append(average)
    return (param - step, *written)
