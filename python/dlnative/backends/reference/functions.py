"""Finds the reference function of an op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative.backends.reference import chain, elementwise, linalg, loss, optimizer, random, reduction, shape, softmax

_FAMILIES = {
    "chain": chain,
    "elementwise": elementwise,
    "linalg": linalg,
    "loss": loss,
    "optimizer": optimizer,
    "random": random,
    "reduction": reduction,
    "shape": shape,
    "softmax": softmax,
}


def function_of(family: str, name: str) -> Callable[..., Any]:
    """Returns the NumPy function of an op.

    Raises:
        NotImplementedError: if there is none.
    """
    function: Callable[..., Any] | None = getattr(_FAMILIES[family], name, None)
    if function is None:
        raise NotImplementedError(f'the reference backend has no function for the op "{name}"')
    return function
