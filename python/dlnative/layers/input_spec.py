"""What a layer says about the inputs it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.tree import flatten_structure


class InputSpec:
    """The rank, shape and dtype that an input of a layer must have; what is `None` is free.

    Args:
        dtype: the element type.
        shape: the shape, `None` where an extent is free.
        ndim: the rank.
        max_ndim, min_ndim: bounds of the rank.
        axes: extents by axis.
        allow_last_axis_squeeze: whether a last axis of extent 1 may be missing or too many.
        name: the name of the input, by which a dict of inputs is taken.
        optional: whether the input may be `None`.

    Raises:
        TypeError: if `axes` has keys that are no integers.
        ValueError: if it has an axis beyond the rank.

    Example:
        >>> from dlnative import layers
        >>> layers.InputSpec(ndim=3, axes={-1: 4})
        InputSpec(ndim=3, axes={-1: 4})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.standardize(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(axis): extent for axis, extent in dict(axes or {}).items()}
        except (ValueError, TypeError):
            raise TypeError(f"InputSpec: expected axes as a dict with integer keys, got {axes!r}") from None
        rank = self.ndim if self.ndim is not None else max_ndim
        if self.axes and rank is not None and max(self.axes) >= rank:
            raise ValueError(f"InputSpec: expected axes below the rank {rank}, got {max(self.axes)}")

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{name}={getattr(self, name)}' for name in names if getattr(self, name))})"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a specification again."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """Makes a specification from what `get_config` returned."""
        return cls(**config)

    def check(self, label: str, x: Any) -> None:
        """Refuses a tensor or array that does not fit.

        Raises:
            ValueError: in one line that names the layer, what it expected and what came.
        """
        if not hasattr(x, "shape"):
            raise ValueError(f"{label}: expected a tensor as input, got {x!r}")
        shape = tuple(x.shape)
        rank = len(shape)
        if self.ndim is not None and not self.allow_last_axis_squeeze and rank != self.ndim:
            raise ValueError(
                f"{label}: expected an input of rank {self.ndim} (expected ndim={self.ndim}), got shape {shape}"
            )
        if self.max_ndim is not None and rank > self.max_ndim:
            raise ValueError(f"{label}: expected an input of rank {self.max_ndim} or less, got shape {shape}")
        if self.min_ndim is not None and rank < self.min_ndim:
            raise ValueError(f"{label}: expected an input of rank {self.min_ndim} or more, got shape {shape}")
        if self.dtype is not None:
            dtype = x.dtype if isinstance(x.dtype, str) else dtypes.of_array(x)
            if dtype != self.dtype:
                raise ValueError(f"{label}: expected an input of dtype {self.dtype}, got {dtype}")
        for axis, extent in self.axes.items():
            if not -rank <= axis < rank or (extent is not None and shape[axis] not in (extent, None)):
                where = "last axis" if axis == -1 else f"axis {axis} of extent"
                raise ValueError(f"{label}: expected {where} {extent}, got input of shape {shape}")
        if self.shape is not None:
            expected = self.shape
            if self.allow_last_axis_squeeze:
                shape = shape[:-1] if shape and shape[-1] == 1 else shape
                expected = expected[:-1] if expected and expected[-1] == 1 else expected
            for extent, actual in zip(expected, shape, strict=False):
                if None not in (extent, actual) and extent != actual:
                    raise ValueError(f"{label}: expected shape={self.shape}, found shape={tuple(x.shape)}")


def check_inputs(specification: Any, inputs: Any, label: str) -> None:
    """Refuses inputs that do not fit a layer's `input_spec`.

    Args:
        specification: an `InputSpec`, or nested ones.
        inputs: a tensor or array, or nested ones; a dict is taken by the names of the specifications.
        label: the layer, for messages.

    Raises:
        ValueError: if the number of inputs or one of them does not fit.
    """
    specs = list(specification) if isinstance(specification, (list, tuple)) else flatten_structure(specification)
    names = [spec.name for spec in specs if spec is not None]
    if isinstance(inputs, dict) and names and all(names):
        missing = [name for name in names if name not in inputs]
        if missing:
            raise ValueError(f'{label}: expected an input "{missing[0]}", got {", ".join(map(str, inputs))}')
        given = [inputs[name] for name in names]
    elif isinstance(inputs, (list, tuple)):
        given = [leaf for item in inputs for leaf in (flatten_structure(item) or [None])]
    elif isinstance(inputs, dict):
        given = flatten_structure(inputs)
    else:
        given = [inputs]
    if len(given) != len(specs):
        raise ValueError(f"{label}: expected {len(specs)} inputs, got {len(given)}")
    for spec, x in zip(specs, given, strict=True):
        if spec is not None and not (x is None and spec.optional):
            spec.check(label, x)
