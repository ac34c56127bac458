"""Checks of data against a model: shapes of inputs, and targets that a loss can take; and of arguments of `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.data.batches import Data
from dlnative.models.compiled_loss import at


def check_targets(model: Any, data: Data) -> None:
    """Refuses targets that the losses cannot take: labels that are no classes, probabilities outside of [0, 1].

    Args:
        model: a compiled model that has been traced, so that the shapes of its outputs are known.
        data: the samples.
    """
    loss = model._objective.loss
    if loss is None or not loss.built or data.y is None or model.output_structure is None:
        return
    try:
        targets = loss.targets(data.y, model.output_structure)
        pairs = [(term.loss, at(targets, term.path), at(model.output_structure, term.path)) for term in loss.terms]
    except (KeyError, IndexError, TypeError, ValueError):
        return  # a subclass brings outputs and targets together in its own way
    for function, target, output in pairs:
        if not isinstance(target, np.ndarray) or not hasattr(output, "shape") or not target.size:
            continue
        name = _function_name(function)
        if name.startswith("sparse_cat"):
            _check_labels(data.call, target, output.shape[-1], getattr(function, "ignore_class", None))
        elif name == "binary_crossentropy":
            low, high = target.min(), target.max()
            if low < 0 or high > 1:
                raise ValueError(
                    f"{data.call}: expected targets in [0, 1] for binary crossentropy, got {low} to {high}"
                )


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


def checked_verbose(call: str, verbose: Any) -> int:
    """Returns 0, 1 or 2; `"auto"` is 1."""
    if verbose == "auto":
        return 1
    if isinstance(verbose, (bool, int, np.integer)) and verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(f'{call}: expected verbose to be 0, 1, 2 or "auto", got {verbose!r}')


def checked_frequency(frequency: Any) -> Any:
    """Returns every how many epochs, or in which ones, `fit` validates."""
    if isinstance(frequency, (int, np.integer)) and not isinstance(frequency, bool) and frequency >= 1:
        return int(frequency)
    if isinstance(frequency, (Sequence, set, frozenset)) and not isinstance(frequency, str):
        epochs = list(frequency)
        if all(isinstance(epoch, (int, np.integer)) and epoch >= 1 for epoch in epochs):
            return epochs
    raise ValueError(
        f"fit: expected validation_freq to be an integer of 1 or more, or a list of epochs from 1 on, got {frequency!r}"
    )


def validates(epoch: int, frequency: Any) -> bool:
    """Tells whether an epoch, counted from 0, is followed by a validation."""
    return (epoch + 1) in frequency if isinstance(frequency, list) else (epoch + 1) % int(frequency) == 0
