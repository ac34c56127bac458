"""Softmax over the last axis; the largest logit is subtracted first, so that exp never overflows."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax_gradient(dy: Array, y: Array) -> Array:
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def log_softmax_gradient(dy: Array, y: Array) -> Array:
    return dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)
