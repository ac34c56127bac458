"""The beginning of a functional model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import dtypes
from dlnative.layers.layer import Layer
from dlnative.symbolic import Call, KerasTensor


class InputLayer(Layer):
    """The layer behind `Input`: it gives a model's input its shape, dtype and name.

    Args:
        shape: the shape without the batch.
        batch_size: the batch size, if it is fixed.
        dtype: the element type, by default float32.
        batch_shape: the shape with the batch, instead of `shape` and `batch_size`.
        name: a name.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | int | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        batch_shape: Sequence[int | None] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name or _input_name(), dtype=dtype)
        if (shape is None) == (batch_shape is None):
            raise ValueError(f'Input "{self.name}": expected either shape or batch_shape, got shape={shape!r}')
        if batch_shape is None:
            sample = (shape,) if isinstance(shape, int) else tuple(shape or ())
            batch_shape = (batch_size, *sample)
        for extent in batch_shape[1:]:
            if extent is not None and (isinstance(extent, bool) or not isinstance(extent, int) or extent < 0):
                raise ValueError(f'Input "{self.name}": expected a shape of non-negative integers, got {shape!r}')
        self.batch_shape = tuple(batch_shape)
        self.built = True
        call = Call(self, (), {})
        tensor = KerasTensor(self.batch_shape, self.dtype, self.name, history=call)
        call.outputs.append(tensor)
        self._last_call = (tensor, tensor)
        self._output_shape = self.batch_shape

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Gives back its input."""
        del kwargs
        return args[0]

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, "name": self.name}


def _input_name() -> str:
    from dlnative.utils.naming import auto_name

    return auto_name("input_layer")


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
) -> KerasTensor:
    """Returns the symbolic input of a functional model.

    Args:
        shape: the shape without the batch.
        batch_size: the batch size, if it is fixed.
        dtype: the element type, by default float32.
        sparse: only `None` or `False`: inputs are dense.
        batch_shape: the shape with the batch, instead of `shape` and `batch_size`.
        name: a name.
        tensor: a `KerasTensor` to give back as it is.

    Example:
        >>> from dlnative import Input
        >>> Input((3,), name="features")
        <KerasTensor shape=(None, 3), dtype=float32, name=features>
    """
    if sparse:
        raise ValueError("Input: expected a dense input, got sparse=True")
    if tensor is not None:
        return tensor
    made: KerasTensor = InputLayer(shape, batch_size, dtypes.standardize(dtype), batch_shape, name).output
    return made
