"""Crossentropies of logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference.softmax import log_softmax, softmax

Array = np.ndarray[Any, Any]


def categorical_crossentropy_with_logits(logits: Array, target: Array, scale: float) -> tuple[Array, Array]:
    """loss = -sum(t ln softmax(z)); dloss/dz = sum(t) softmax(z) - t, times the scale. A target of 0 counts nothing, even
    for z = -inf."""
    log_p = log_softmax(logits)
    loss = -np.where(target == 0, 0, target * log_p).sum(axis=-1)
    gradient = target.sum(axis=-1, keepdims=True) * softmax(logits) - target
    return loss.astype(logits.dtype), gradient * logits.dtype.type(scale)


def sparse_categorical_crossentropy_with_logits(logits: Array, labels: Array, scale: float) -> tuple[Array, Array]:
    """loss = -ln softmax(z)[label]; dloss/dz = softmax(z) - onehot(label), times the scale. NaN where the label is out of
    range."""
    classes = logits.shape[-1]
    inside = (labels >= 0) & (labels < classes)
    chosen = np.where(inside, labels, 0)[..., None]
    loss = -np.take_along_axis(log_softmax(logits), chosen, axis=-1)[..., 0]
    gradient = (softmax(logits) - (labels[..., None] == np.arange(classes))) * logits.dtype.type(scale)
    nan = logits.dtype.type(np.nan)
    return np.where(inside, loss, nan), np.where(inside[..., None], gradient, nan).astype(logits.dtype)


def binary_crossentropy_with_logits(logits: Array, target: Array) -> Array:
    """-(t ln s(z) + (1 - t) ln(1 - s(z))) for the sigmoid s, written as max(z, 0) - z t + ln(1 + exp(-|z|))."""
    return np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
