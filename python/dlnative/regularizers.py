"""Penalties on weights and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.utils.registry import Registry


class Regularizer:
    """A function of a tensor whose value is added to the loss."""

    def __call__(self, x: Any) -> Any:
        """Returns the penalty, a scalar."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method __call__(x), found none")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a regularizer again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """Makes a regularizer from what `get_config` returned."""
        return cls(**config)


def _checked(name: str, value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.integer, np.floating))
        or not 0 <= value < float("inf")
    ):
        raise ValueError(f"regularizer: expected {name} to be a number that is not negative, got {value!r}")
    return float(value)


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x**2)`.

    Args:
        l1, l2: the factors.

    Example:
        >>> import numpy as np
        >>> float(L1L2(l1=0.5, l2=0.25)(np.array([1.0, -2.0])))
        2.75
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _checked("l1", 0.0 if l1 is None else l1)
        self.l2 = _checked("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        penalty: Any = None
        if self.l1:
            penalty = self.l1 * ops.sum(ops.absolute(x))
        if self.l2:
            squares = self.l2 * ops.sum(ops.square(x))
            penalty = squares if penalty is None else penalty + squares
        return ops.sum(x) * 0.0 if penalty is None else penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """`l1 * sum(|x|)`.

    Args:
        l1: the factor, 0.01 by default.
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """`l2 * sum(x**2)`.

    Args:
        l2: the factor, 0.01 by default.
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of the absolute cosines between all pairs of rows, or of columns, of a matrix.

    Args:
        factor: the factor.
        mode: `"rows"` or `"columns"`.

    Raises:
        ValueError: for another mode; when called, for a tensor that is no matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _checked("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f'OrthogonalRegularizer: expected mode "rows" or "columns", got {mode!r}')
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        shape = tuple(x.shape)
        if len(shape) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={shape}")
        rows = x if self.mode == "rows" else ops.transpose(x)
        rows = rows * ops.rsqrt(ops.maximum(ops.sum(ops.square(rows), axis=1, keepdims=True), 1e-14))
        cosines = ops.absolute(ops.matmul(rows, ops.transpose(rows)))
        size = int(rows.shape[0])
        others = (1.0 - np.eye(size)).astype(x.dtype)
        return ops.sum(cosines * others) * (self.factor / max(size * (size - 1), 1))

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _l1_l2() -> L1L2:
    return L1L2(0.01, 0.01)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
_registry = Registry(
    "regularizer", Regularizer, [L1, L2, L1L2, OrthogonalRegularizer], {"l1": L1, "l2": L2, "l1_l2": L1L2}
)
serialize, deserialize = _registry.serialize, _registry.deserialize


def get(identifier: Any) -> Any:
    """Returns a regularizer given as itself, a class, a name, a function or a config; `None` stays `None`.

    The name `"l1_l2"` gives both factors 0.01, `"L1L2"` an object that adds nothing, as its class does.
    """
    return _l1_l2() if isinstance(identifier, str) and identifier == "l1_l2" else _registry.get(identifier)


def __getattr__(name: str) -> Any:
    """Finds older names."""
    from dlnative.legacy.names import find

    return find(__name__, name)
