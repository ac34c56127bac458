"""The beginning of a functional model."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.layers.layer import Layer
from dlnative.symbolic import Call, KerasTensor
from dlnative.utils.naming import auto_name


class InputLayer(Layer):
    """The layer behind `Input`: it gives a model's input its shape, dtype and name.

    Args:
        shape: the shape without the batch.
        batch_size: the batch size, if it is fixed.
        dtype: the element type, by default float32; `"string"` for text.
        sparse, ragged: only `None` or `False`: inputs are dense.
        batch_shape: the shape with the batch, instead of `shape` and `batch_size`.
        input_tensor: a `KerasTensor` that becomes the input; the other arguments must agree with it.
        optional: whether the input may be `None`.
        name: a name.

    Raises:
        ValueError: for a wrong shape, or arguments that do not agree.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | int | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" in kwargs:
            warnings.warn("Argument `input_shape` is deprecated. Use `shape` instead.", stacklevel=2)
            shape = kwargs.pop("input_shape")
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        # Text is given to layers that turn it into numbers; see models/entry.py.
        kind = None if dtype is None else "string" if dtype == "string" else dtypes.standardize(dtype)
        super().__init__(name=name or auto_name("input_layer"), **kwargs)
        label = f'Input "{self.name}"'
        for what, value in (("sparse", sparse), ("ragged", ragged)):
            if value and input_tensor is not None:
                raise ValueError(
                    f"{label}: you cannot provide an incompatible `{what}` argument beside an input_tensor"
                )
            if value:
                raise ValueError(f"{label}: expected a dense input, got {what}=True: `{what}=True` is not supported")
        if shape is not None and batch_shape is not None:
            raise ValueError(f"{label}: expected one of them: You cannot pass both `shape` and `batch_shape`")
        if batch_size is not None and batch_shape is not None:
            raise ValueError(f"{label}: expected one of them: You cannot pass both `batch_size` and `batch_shape`")
        sample = None if shape is None else _extents(label, "shape", shape)
        whole = None if batch_shape is None else _extents(label, "batch_shape", batch_shape)
        if batch_size is not None:
            batch_size = _extents(label, "batch_size", [batch_size])[0]
        if input_tensor is None:
            if sample is not None:
                whole = (batch_size, *sample)
            if whole is None:
                raise ValueError(
                    f"{label}: expected either shape or batch_shape, got none: You must pass a `shape` argument."
                )
            input_tensor = KerasTensor(whole, kind or dtypes.floatx(), self.name)
        else:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(f"{label}: Argument `input_tensor` must be a KerasTensor, got {input_tensor!r}")
            own = input_tensor.shape
            for what, fits in (
                ("batch_size", batch_size is None or (len(own) > 0 and own[0] == batch_size)),
                ("shape", sample is None or tuple(own[1:]) == sample),
                ("batch_shape", whole is None or tuple(own) == whole),
                ("dtype", kind is None or input_tensor.dtype == kind),
            ):
                if not fits:
                    raise ValueError(
                        f"{label}: you cannot provide an incompatible `{what}` argument beside an input_tensor of shape {own}"
                        f" and dtype {input_tensor.dtype}"
                    )
        if input_tensor.history is None:
            input_tensor.history = Call(self, (), {})
            input_tensor.history.outputs.append(input_tensor)
        self.batch_shape = tuple(input_tensor.shape)
        self._input_dtype = input_tensor.dtype
        self.optional = optional
        self.sparse = self.ragged = False
        self.built = True
        self._last_call = (input_tensor, input_tensor)
        self._output_shape = self.batch_shape

    @property
    def dtype(self) -> str:
        """The type of the input."""
        return self._input_dtype

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        tensor = KerasTensor(self.batch_shape, self._input_dtype, self.name, history=Call(self, (), {}))
        assert tensor.history is not None
        tensor.history.outputs.append(tensor)
        self.__dict__["_last_call"] = (tensor, tensor)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Gives back its input."""
        del kwargs
        return args[0] if args else None

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self._input_dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _extents(label: str, name: str, shape: Any) -> tuple[int | None, ...]:
    """Returns a shape of Python integers."""
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    listed = shape if isinstance(shape, (list, tuple)) else (shape,)
    try:
        extents = tuple([None if extent is None else operator.index(extent) for extent in listed])
    except TypeError:
        extents = (-1,)
    if any(isinstance(extent, bool) for extent in listed) or any(
        extent is not None and extent < 0 for extent in extents
    ):
        raise ValueError(f"{label}: expected a shape of non-negative integers, got {name}={shape!r}")
    return extents


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """Returns the symbolic input of a functional model.

    Args:
        shape: the shape without the batch.
        batch_size: the batch size, if it is fixed.
        dtype: the element type, by default float32; `"string"` for text.
        sparse, ragged: only `None` or `False`: inputs are dense.
        batch_shape: the shape with the batch, instead of `shape` and `batch_size`.
        name: a name.
        tensor: a `KerasTensor` to give back as it is; the other arguments must agree with it.
        optional: whether the input may be `None`.

    Example:
        >>> from dlnative import Input
        >>> Input((3,), name="features")
        <KerasTensor shape=(None, 3), dtype=float32, name=features>
    """
    made: KerasTensor = InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional=optional, name=name
    ).output
    return made
