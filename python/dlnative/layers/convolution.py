"""Convolutions in one, two and three dimensions, and transposed ones."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.layers.arguments import checked_count, checked_data_format, checked_window
from dlnative.layers.dense import KernelLayer
from dlnative.layers.input_spec import InputSpec
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.convolution import convolve
from dlnative.ops.windows import (
    Window,
    as_channels_last,
    back_from_channels_last,
    transposed_window,
    window_over,
)


class WindowedLayer(KernelLayer):
    """A layer whose kernel slides over an image: what convolutions of all kinds have in common."""

    rank: int
    _paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: Any,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activation, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint,
            bias_constraint, lora_rank, lora_alpha, **kwargs,
        )  # fmt: skip
        label = self._label
        self.kernel_size = checked_window(label, "kernel_size", kernel_size, self.rank)
        self.strides = checked_window(label, "strides", strides, self.rank)
        self.dilation_rate = checked_window(label, "dilation_rate", dilation_rate, self.rank)
        self.padding = str(padding).lower()
        if self.padding not in self._paddings:
            known = ", ".join(repr(name) for name in self._paddings)
            raise ValueError(
                f"{label}: The `padding` argument must be one of {known}, got padding={padding!r}: expected one of these"
            )
        self.data_format = checked_data_format(label, data_format)
        self.use_bias = use_bias
        self.input_spec = InputSpec(min_ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{label}: `strides > 1` not supported in conjunction with `dilation_rate > 1`, got "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _channels(self, input_shape: Any) -> int:
        """Returns the channels of an input, whose number is to be known."""
        if len(input_shape) != self.rank + 2:
            raise ValueError(
                f"{self._label}: expected an input of rank {self.rank + 2}, got shape {tuple(input_shape)}"
            )
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(f"{self._label}: expected a known number of channels, got shape {tuple(input_shape)}")
        return int(channels)

    def _spatial(self, input_shape: Any) -> tuple[Any, ...]:
        return tuple(input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:])

    def _window(self, extents: Any) -> Window:
        return window_over(self._label, extents, self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def _finish(self, x: Any) -> Any:
        """Adds the bias, applies the activation, and puts the channels where they belong."""
        return back_from_channels_last(super()._finish(x), self.data_format)

    def _shape_with(self, input_shape: Any, filters: int) -> Any:
        self._channels(input_shape)
        spatial = self._window(self._spatial(input_shape)).out
        if self.data_format == "channels_last":
            return (input_shape[0], *spatial, filters)
        return (input_shape[0], filters, *spatial)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "use_bias": self.use_bias,
        }


class _Convolution(WindowedLayer):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, lora_rank,
            lora_alpha, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = _checked_filters(self._label, filters)
        if hasattr(groups, "__index__") and groups <= 0:
            raise ValueError(f"{self._label}: The number of groups must be a positive integer, got groups={groups}")
        self.groups = checked_count(self._label, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{self._label}: The number of filters must be evenly divisible by the number of groups, got "
                f"groups={self.groups}, filters={self.filters}"
            )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self._label}: The number of input channels must be evenly divisible by the number of groups, got "
                f"groups={self.groups}, but the input has {channels} channels (full input shape is {tuple(input_shape)})"
            )
        self.compute_output_shape(input_shape)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self._add_weights(shape, (self.filters,) if self.use_bias else None, self.kernel_initializer)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Returns the convolution of inputs with a kernel, before bias and activation: what a subclass may replace."""
        x = as_channels_last(inputs, self.data_format)
        x, w = (to_float(item) for item in promote(x, kernel))
        y = convolve(x, w, self._window(x.shape[1:-1]), self.groups)
        return back_from_channels_last(y, self.data_format)

    def call(self, inputs: Any) -> Any:
        y = self.convolution_op(inputs, self.kernel)
        return self._finish(as_channels_last(y, self.data_format))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._shape_with(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


def _checked_filters(label: str, filters: Any) -> int:
    if hasattr(filters, "__index__") and filters <= 0:
        raise ValueError(
            f"{label}: Invalid value for argument `filters`. Expected a strictly positive value. Received filters={filters}."
        )
    return checked_count(label, "filters", filters)


class Conv1D(_Convolution):
    """A convolution of sequences: `activation(conv(x, kernel) + bias)`, see `ops.conv`.

    Args:
        filters: the number of output channels, F.
        kernel_size: the extent of the window.
        strides: how far apart windows are.
        padding: `"valid"`: windows lie inside; `"same"`: with zeros around, so that there are `ceil(extent / stride)`
            outputs; `"causal"`: with zeros in front, so that an output sees nothing behind it.
        data_format: `"channels_last"`, or `"channels_first"` for inputs and outputs of `(batch, channels, steps)`.
        dilation_rate: how far apart what a window sees is.
        groups: into how many groups the channels are cut; a filter sees those of its group.
        activation: a function or its name; linear by default.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        lora_rank, lora_alpha: see `enable_lora`, which is called when the layer is built.

    Shapes:
        input `(batch, steps, C)`, output `(batch, new steps, F)`; kernel `(kernel_size, C / groups, F)`, bias `(F,)`.

    Raises:
        ValueError: if an argument is not positive, groups do not divide, or no window fits an input.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Conv1D(4, 3, padding="causal")(np.zeros((2, 10, 5), "float32")).shape
        (2, 10, 4)
    """

    rank = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(_Convolution):
    """A convolution of images: `activation(conv(x, kernel) + bias)`, see `ops.conv`.

    Args:
        filters: the number of output channels, F.
        kernel_size, strides, dilation_rate: an int, or one for height and one for width.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, or `"channels_first"` for inputs and outputs of `(batch, channels, height, width)`.
        groups, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, lora_rank, lora_alpha: as for `Conv1D`.

    Shapes:
        input `(batch, height, width, C)`, output `(batch, new height, new width, F)`; kernel
        `(*kernel_size, C / groups, F)`, bias `(F,)`.

    Raises:
        ValueError: if an argument is not positive, groups do not divide, or no window fits an input.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Conv2D(32, 3, activation="relu")(np.zeros((2, 28, 28, 1), "float32")).shape
        (2, 26, 26, 32)
    """

    rank = 2


class Conv3D(_Convolution):
    """A convolution of volumes: see `Conv2D`, with a depth before height and width.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Conv3D(2, (1, 3, 3), strides=2, padding="same")(np.zeros((1, 4, 6, 6, 3), "float32")).shape
        (1, 2, 3, 3, 2)
    """

    rank = 3


class _TransposedConvolution(WindowedLayer):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = _checked_filters(self._label, filters)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = checked_window(self._label, "output_padding", output_padding, self.rank, low=0)
            for index, (more, stride) in enumerate(zip(self.output_padding, self.strides, strict=True)):
                if more >= stride:
                    raise ValueError(
                        f"{self._label}: `output_padding` must be strictly less than `strides` for all dimensions: at "
                        f"dimension {index}, got output_padding={self.output_padding}, strides={self.strides}"
                    )

    def _window(self, extents: Any) -> Window:
        return transposed_window(
            self._label, extents, self.kernel_size, self.strides, self.padding, self.output_padding, self.dilation_rate
        )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        shape = (*self.kernel_size, self.filters, channels)
        self._add_weights(shape, (self.filters,) if self.use_bias else None, self.kernel_initializer)

    def call(self, inputs: Any) -> Any:
        y = ops.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self._finish(as_channels_last(y, self.data_format))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._shape_with(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("lora_rank", "lora_alpha"):
            config.pop(name, None)
        return {**config, "filters": self.filters, "output_padding": self.output_padding}


class Conv1DTranspose(_TransposedConvolution):
    """A transposed convolution of sequences: `activation(conv_transpose(x, kernel) + bias)`, see `ops.conv_transpose`.

    Args:
        filters: the number of output channels, F.
        kernel_size, strides, dilation_rate: of the convolution whose gradient by the input it is.
        padding: `"valid"` or `"same"`.
        output_padding: how many outputs there are at the end beyond those that need be; by default as many as make
            `extent * stride` outputs (`"same"`), or cover all (`"valid"`).
        data_format, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint: as for `Conv1D`.

    Shapes:
        input `(batch, steps, C)`, output `(batch, new steps, F)`; kernel `(kernel_size, F, C)`, bias `(F,)`.

    Raises:
        ValueError: if an argument is not positive, or `output_padding` is not below `strides`.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Conv1DTranspose(4, 3, strides=2, padding="same")(np.zeros((2, 10, 5), "float32")).shape
        (2, 20, 4)
    """

    rank = 1


class Conv2DTranspose(_TransposedConvolution):
    """A transposed convolution of images: see `Conv1DTranspose`, with an int or one for height and one for width.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Conv2DTranspose(8, 4, strides=2, padding="same")(np.zeros((2, 7, 7, 16), "float32")).shape
        (2, 14, 14, 8)
    """

    rank = 2


class Conv3DTranspose(_TransposedConvolution):
    """A transposed convolution of volumes: see `Conv2DTranspose`, with a depth before height and width."""

    rank = 3
