"""Normalisation, of rows by their own statistics and of columns (channels) by those of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference.epilogue import finish
from dlnative.graph.roles import PLAIN, Epilogue

Array = np.ndarray[Any, Any]


def _unit_rows(x: Array, centered: bool, epsilon: float) -> tuple[Array, Array]:
    """(x - mean) rstd for each row, and rstd."""
    apart = x - x.mean(axis=-1, keepdims=True) if centered else x
    rstd = 1 / np.sqrt((apart**2).mean(axis=-1, keepdims=True) + epsilon)
    return apart * rstd, rstd


def layer_normalization(x: Array, gamma: Array, beta: Array, centered: bool, epsilon: float) -> Array:
    unit, _ = _unit_rows(x, centered, epsilon)
    return unit * gamma + beta


def layer_normalization_gradient(
    dy: Array, x: Array, gamma: Array, centered: bool, epsilon: float
) -> tuple[Array, Array, Array]:
    unit, rstd = _unit_rows(x, centered, epsilon)
    g = dy * gamma
    dx = g - unit * (g * unit).mean(axis=-1, keepdims=True)
    if centered:
        dx = dx - g.mean(axis=-1, keepdims=True)
    rows = tuple(range(x.ndim - 1))
    return dx * rstd, (dy * unit).sum(axis=rows), dy.sum(axis=rows)


def batch_normalization(
    x: Array, mean: Array, variance: Array, gamma: Array, beta: Array, *operands: Array, epsilon: float,
    epilogue: Epilogue = PLAIN,
) -> Array:  # fmt: skip
    return finish((x - mean) / np.sqrt(variance + epsilon) * gamma + beta, operands, epilogue)


def batch_normalization_training(
    x: Array, gamma: Array, beta: Array, *operands: Array, epsilon: float, epilogue: Epilogue = PLAIN
) -> tuple[Array, Array, Array]:
    rows = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axis=rows), x.var(axis=rows)
    y = batch_normalization(x, mean, variance, gamma, beta, *operands, epsilon=epsilon, epilogue=epilogue)
    return y, mean, variance


def batch_normalization_gradient(
    dy: Array, x: Array, gamma: Array, mean: Array, variance: Array, epsilon: float
) -> tuple[Array, Array, Array]:
    rows = tuple(range(x.ndim - 1))
    rstd = 1 / np.sqrt(variance + epsilon)
    unit = (x - mean) * rstd
    dgamma, dbeta = (dy * unit).sum(axis=rows), dy.sum(axis=rows)
    count = x.size // x.shape[-1]
    return gamma * rstd * (dy - (dbeta + unit * dgamma) / count), dgamma, dbeta
