"""Finds the reference function of an op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative.backends.reference import (
    arithmetic,
    attention,
    chain,
    convolution,
    decoding,
    depthwise,
    elementwise,
    factorization,
    fourier,
    indexing,
    linalg,
    loss,
    normalization,
    optimizer,
    pooling,
    random,
    recurrent,
    reduction,
    shape,
    softmax,
    solving,
)

_FAMILIES = {
    "arithmetic": arithmetic,
    "attention": attention,
    "chain": chain,
    "convolution": convolution,
    "decoding": decoding,
    "depthwise": depthwise,
    "elementwise": elementwise,
    "factorization": factorization,
    "fourier": fourier,
    "indexing": indexing,
    "linalg": linalg,
    "loss": loss,
    "normalization": normalization,
    "optimizer": optimizer,
    "pooling": pooling,
    "random": random,
    "recurrent": recurrent,
    "reduction": reduction,
    "shape": shape,
    "softmax": softmax,
    "solving": solving,
}


_others: dict[str, Callable[..., Any]] = {}


def provide(name: str, function: Callable[..., Any]) -> None:
    """Makes a function the reference of an op that is in none of these files."""
    _others[name] = function


def function_of(family: str, name: str) -> Callable[..., Any]:
    """Returns the NumPy function of an op.

    Raises:
        NotImplementedError: if there is none.
    """
    function: Callable[..., Any] | None = _others.get(name) or getattr(_FAMILIES.get(family), name, None)
    if function is None:
        raise NotImplementedError(f'the reference backend has no function for the op "{name}"')
    return function
