"""Checks of data against a model: shapes of inputs, and targets that a loss can take."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import losses
from dlnative.graph.tree import flatten_structure
from dlnative.models.data import Data


def fit_inputs(model: Any, arrays: list[np.ndarray[Any, Any]]) -> None:
    """Checks inputs against the symbolic inputs, and adds or drops a last axis of extent 1 where that is all that differs.

    A model that has not been built yet is built for these inputs.

    Args:
        model: a functional or sequential model.
        arrays: the inputs; changed in place where an axis is added or dropped.

    Raises:
        ValueError: if a shape does not fit.
    """
    if not model.built:
        model.build((None, *arrays[0].shape[1:]))
    for index, (array, tensor) in enumerate(zip(arrays, model.inputs, strict=True)):
        model.check_leaf(tensor, array.shape)
        if array.ndim < len(tensor.shape):
            arrays[index] = array[..., None]
        elif array.ndim > len(tensor.shape):
            arrays[index] = array[..., 0]


def check_targets(model: Any, call: str, samples: Data) -> None:
    """Refuses targets that the losses cannot take: labels that are no classes, probabilities outside of [0, 1].

    Args:
        model: a compiled model that has been traced, so that the shapes of its outputs are known.
        call: who asks.
        samples: the data.
    """
    if model._compiled_loss is None:
        return
    outputs = flatten_structure(model.output_structure)
    for loss, target, output in zip(model._compiled_loss.losses, samples.y, outputs, strict=True):
        if target is None or loss is None:
            continue
        sparse = isinstance(loss, losses.SparseCategoricalCrossentropy) or _function_name(loss).startswith("sparse_cat")
        binary = isinstance(loss, losses.BinaryCrossentropy) or _function_name(loss) == "binary_crossentropy"
        if sparse:
            _check_labels(call, target, output.shape[-1], getattr(loss, "ignore_class", None))
        elif binary:
            low, high = target.min(), target.max()
            if low < 0 or high > 1:
                raise ValueError(f"{call}: expected targets in [0, 1] for binary crossentropy, got {low} to {high}")


def _function_name(loss: Any) -> str:
    return str(getattr(getattr(loss, "fn", None), "__name__", ""))


def _check_labels(call: str, labels: np.ndarray[Any, Any], classes: int, ignored: Any) -> None:
    low, high = labels.min(), labels.max()
    if low >= 0 and high < classes and (labels.dtype.kind != "f" or (labels == np.floor(labels)).all()):
        return
    wrong = (labels < 0) | (labels >= classes)
    if ignored is not None:
        wrong &= labels != ignored
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
    if wrong.any():
        raise ValueError(
            f"{call}: expected labels that are integers in [0, {classes}) for an output of {classes} classes, got "
            f"{labels[wrong].ravel()[0]}"
        )
