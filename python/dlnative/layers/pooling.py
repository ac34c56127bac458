"""Pooling: the largest element or the mean of windows, of as many windows as are asked for, or of everything."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.layers.arguments import checked_data_format, checked_window
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer
from dlnative.ops.pooling import global_pool
from dlnative.ops.windows import window_over


class _Spatial(Layer):
    """A layer without weights over images of a rank."""

    rank: int

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self._label, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def _spatial(self, shape: Any) -> tuple[Any, ...]:
        return tuple(shape[1:-1] if self.data_format == "channels_last" else shape[2:])

    def _with_spatial(self, shape: Any, spatial: Any) -> tuple[Any, ...]:
        if self.data_format == "channels_last":
            return (shape[0], *spatial, shape[-1])
        return (shape[0], shape[1], *spatial)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class _Pooling(_Spatial):
    _pool: Any

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.pool_size = checked_window(self._label, "pool_size", pool_size, self.rank)
        self.strides = checked_window(self._label, "strides", pool_size if strides is None else strides, self.rank)
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(
                f"{self._label}: The `padding` argument must be one of 'valid', 'same', got padding={padding!r}"
            )

    def call(self, inputs: Any) -> Any:
        return type(self)._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        window = window_over(self._label, self._spatial(input_shape), self.pool_size, self.strides, self.padding)
        return self._with_spatial(input_shape, window.out)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
        }


class _Adaptive(_Spatial):
    _pool: Any

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.output_size = checked_window(self._label, "output_size", output_size, self.rank)

    def call(self, inputs: Any) -> Any:
        return type(self)._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._with_spatial(input_shape, self.output_size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size}


class _Global(_Spatial):
    _reduction: str

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Any:
        return global_pool(self._reduction, inputs, self.keepdims, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = self._with_spatial(input_shape, [1] * self.rank)
        return shape if self.keepdims else (shape[0], input_shape[-1 if self.data_format == "channels_last" else 1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keepdims": self.keepdims}


_WINDOWS = """

    Args:
        pool_size: the extent of the windows, {each}.
        strides: how far apart they are; by default side by side.
        padding: `"valid"`: windows lie inside; `"same"`: they may reach over, so that there are `ceil(extent / stride)`.
            What is outside does not count.
        data_format: `"channels_last"`, or `"channels_first"` for inputs and outputs of `(batch, channels, ...)`.

    Raises:
        ValueError: if an argument is not positive, or no window fits an input.
    """
_COUNTS = """

    Window i of an axis goes from `floor(i * extent / count)` up to `ceil((i + 1) * extent / count)`.

    Args:
        output_size: how many windows there are, {each}.
        data_format: `"channels_last"` or `"channels_first"`.
    """
_WHOLE = """

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the axes of space stay, with extent 1.
    """


def _layers(names: str, base: type[Layer], what: str, more: str, **attributes: Any) -> list[Any]:
    """Returns the classes for sequences, images and volumes."""
    made = []
    for rank, kind, each in (
        (1, "sequences", "an int"),
        (2, "images", "an int or two"),
        (3, "volumes", "an int or three"),
    ):
        name = names.format(rank)
        doc = f"{what.format(kind)}{more.format(each=each)}"
        made.append(type(name, (base,), {"rank": rank, "__module__": __name__, "__doc__": doc, **attributes}))
    return made


MaxPooling1D, MaxPooling2D, MaxPooling3D = _layers(
    "MaxPooling{}D", _Pooling, "The largest element of windows over {}, for each channel.", _WINDOWS, _pool=ops.max_pool
)
AveragePooling1D, AveragePooling2D, AveragePooling3D = _layers(
    "AveragePooling{}D", _Pooling, "The mean of windows over {}, for each channel.", _WINDOWS, _pool=ops.average_pool
)
AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D = _layers(
    "AdaptiveMaxPooling{}D", _Adaptive, "The largest elements of so many windows over {}.", _COUNTS,
    _pool=ops.adaptive_max_pool,
)  # fmt: skip
AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D = _layers(
    "AdaptiveAveragePooling{}D", _Adaptive, "The means of so many windows over {}.", _COUNTS,
    _pool=ops.adaptive_average_pool,
)  # fmt: skip
GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D = _layers(
    "GlobalMaxPooling{}D", _Global, "The largest element of each channel of {}.", _WHOLE, _reduction="max"
)
_, GlobalAveragePooling2D, GlobalAveragePooling3D = _layers(
    "GlobalAveragePooling{}D", _Global, "The mean of each channel of {}.", _WHOLE, _reduction="mean"
)


class GlobalAveragePooling1D(_Global):
    """The mean of each channel of sequences; of those steps that a mask leaves.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the axis of steps stays, with extent 1.

    Call arguments:
        inputs: of shape `(batch, steps, channels)`.
        mask: which steps count, of shape `(batch, steps)`.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> x = np.array([[[1.0], [3.0], [8.0]]], "float32")
        >>> layers.GlobalAveragePooling1D()(x, mask=np.array([[True, True, False]]))
        array([[2.]], dtype=float32)
    """

    rank = 1
    _reduction = "mean"

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        axis = 1 if self.data_format == "channels_last" else 2
        counted = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(inputs * counted, axis=axis, keepdims=self.keepdims)
        return total / ops.sum(counted, axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None
