"""Layers that add borders to sequences, images and volumes, or cut them off: ZeroPadding and Cropping."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.layers.arguments import checked_borders, checked_data_format, checked_extents
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer


class _Borders(Layer):
    """A layer with a pair of border widths for each axis of space."""

    _axes: int
    _argument: str

    def __init__(self, widths: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self._label, data_format)
        self._widths = self._checked(widths)
        self.input_spec = InputSpec(ndim=self._axes + 2)
        self._build_at_init()

    def _checked(self, widths: Any) -> tuple[tuple[int, int], ...]:
        return checked_borders(self._label, self._argument, widths, self._axes)

    @property
    def _first(self) -> int:
        """The first axis of space."""
        return 2 if self.data_format == "channels_first" else 1

    def _given(self) -> Any:
        return self._widths

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), self._argument: self._given(), "data_format": self.data_format}


class _ZeroPadding(_Borders):
    _argument = "padding"

    @property
    def padding(self) -> Any:
        """The widths before and behind, for each axis."""
        return self._given()

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, widths in enumerate(self._widths, self._first):
            shape[axis] = None if shape[axis] is None else shape[axis] + sum(widths)
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        widths = [(0, 0)] * len(inputs.shape)
        widths[self._first : self._first + self._axes] = self._widths
        return ops.pad(inputs, widths)


class ZeroPadding1D(_ZeroPadding):
    """Adds zeros before and behind sequences `(batch, steps, features)`.

    Args:
        padding: how many on either side, or a pair.
        data_format: `"channels_last"`, or `"channels_first"` for `(batch, features, steps)`.
    """

    _axes = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)

    def _checked(self, widths: Any) -> tuple[tuple[int, int], ...]:
        before, behind = checked_extents(self._label, "padding", widths, 2, low=0)
        return ((before, behind),)

    def _given(self) -> Any:
        return self._widths[0]


class ZeroPadding2D(_ZeroPadding):
    """Adds zeros around images.

    Args:
        padding: how many on all sides, a pair for rows and columns, or a pair of pairs.
        data_format: `"channels_last"` for `(batch, rows, columns, channels)`, or `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.ZeroPadding2D(((0, 1), (2, 0)))(np.ones((1, 2, 2, 1), "float32"))[0, ..., 0]
        array([[0., 0., 1., 1.],
               [0., 0., 1., 1.],
               [0., 0., 0., 0.]], dtype=float32)
    """

    _axes = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Adds zeros around volumes.

    Args:
        padding: how many on all sides, three for the axes, or three pairs.
        data_format: `"channels_last"` for `(batch, depth, rows, columns, channels)`, or `"channels_first"`.
    """

    _axes = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Borders):
    _argument = "cropping"

    @property
    def cropping(self) -> Any:
        """The widths before and behind, for each axis."""
        return self._given()

    def check_input_shape(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, widths in enumerate(self._widths, self._first):
            if shape[axis] is not None:
                shape[axis] -= sum(widths)
                if shape[axis] <= 0:
                    raise ValueError(
                        f"{self._label}: Values in `cropping` argument should be smaller than the corresponding spatial "
                        f"dimension of the input, got cropping={self._given()} for shape {tuple(input_shape)}"
                    )
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        cut = [slice(None)] * self._first + [slice(before, -behind or None) for before, behind in self._widths]
        return inputs[tuple(cut)]


class Cropping1D(_Cropping):
    """Cuts steps off sequences `(batch, steps, features)`.

    Args:
        cropping: how many on either side, or a pair.
    """

    _axes = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)

    def _checked(self, widths: Any) -> tuple[tuple[int, int], ...]:
        before, behind = checked_extents(self._label, "cropping", widths, 2, low=0)
        return ((before, behind),)

    def _given(self) -> Any:
        return self._widths[0]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(_Cropping):
    """Cuts borders off images.

    Args:
        cropping: how much on all sides, a pair for rows and columns, or a pair of pairs.
        data_format: `"channels_last"` for `(batch, rows, columns, channels)`, or `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Cropping2D(((1, 0), (0, 2)))(np.zeros((1, 5, 5, 3), "float32")).shape
        (1, 4, 3, 3)
    """

    _axes = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cuts borders off volumes.

    Args:
        cropping: how much on all sides, three for the axes, or three pairs.
        data_format: `"channels_last"` for `(batch, depth, rows, columns, channels)`, or `"channels_first"`.
    """

    _axes = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
