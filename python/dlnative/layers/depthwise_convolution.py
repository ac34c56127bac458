"""Convolutions of each channel by itself, and with a mixing of the channels after it."""

from __future__ import annotations

from typing import Any

from dlnative import constraints, initializers, ops, regularizers
from dlnative.layers.arguments import checked_count
from dlnative.layers.convolution import WindowedLayer, _checked_filters
from dlnative.layers.input_spec import InputSpec
from dlnative.ops.windows import as_channels_last


def _checked_multiplier(label: str, value: Any) -> int:
    if hasattr(value, "__index__") and value <= 0:
        raise ValueError(
            f"{label}: Invalid value for argument `depth_multiplier`. Expected a strictly positive value. Received "
            f"depth_multiplier={value}."
        )
    return checked_count(label, "depth_multiplier", value)


class _DepthwiseConvolution(WindowedLayer):
    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, depthwise_initializer,
            bias_initializer, depthwise_regularizer, bias_regularizer, depthwise_constraint, bias_constraint,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = _checked_multiplier(self._label, depth_multiplier)

    @property
    def depthwise_initializer(self) -> Any:
        """How the kernel begins."""
        return self.kernel_initializer

    @property
    def depthwise_regularizer(self) -> Any:
        """A function of the kernel that is added to the loss."""
        return self.kernel_regularizer

    @property
    def depthwise_constraint(self) -> Any:
        """A function applied to the kernel after each step."""
        return self.kernel_constraint

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        bias = (channels * self.depth_multiplier,) if self.use_bias else None
        self._add_weights(shape, bias, self.kernel_initializer)

    def call(self, inputs: Any) -> Any:
        y = ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._finish(as_channels_last(y, self.data_format))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._shape_with(input_shape, self._channels(input_shape) * self.depth_multiplier)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["depth_multiplier"] = self.depth_multiplier
        for part in ("initializer", "regularizer", "constraint"):
            config[f"depthwise_{part}"] = config.pop(f"kernel_{part}")
        return config


class DepthwiseConv1D(_DepthwiseConvolution):
    """A convolution of each channel of sequences by itself: `activation(depthwise_conv(x, kernel) + bias)`.

    Args:
        kernel_size, strides, dilation_rate: as for `Conv1D`.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of filters for each channel, M.
        data_format, activation, use_bias, bias_initializer, bias_regularizer, activity_regularizer, bias_constraint: as for
            `Conv1D`.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel.

    Shapes:
        input `(batch, steps, C)`, output `(batch, new steps, C * M)`; kernel `(kernel_size, C, M)`, bias `(C * M,)`.

    Raises:
        ValueError: if an argument is not positive, or no window fits an input.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 10, 5), "float32")).shape
        (2, 8, 10)
    """

    rank = 1


class DepthwiseConv2D(_DepthwiseConvolution):
    """A convolution of each channel of images by itself: see `DepthwiseConv1D`, with an int or one for height and width.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.DepthwiseConv2D(3, padding="same")(np.zeros((2, 8, 8, 5), "float32")).shape
        (2, 8, 8, 5)
    """

    rank = 2


class _SeparableConvolution(WindowedLayer):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, None, bias_initializer, None,
            bias_regularizer, None, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = _checked_filters(self._label, filters)
        self.depth_multiplier = _checked_multiplier(self._label, depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.depthwise_kernel = self.add_weight(
            shape=(*self.kernel_size, channels, self.depth_multiplier), initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint, name="depthwise_kernel",
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            shape=(*[1] * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint, name="pointwise_kernel",
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,), initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint, name="bias",
            )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        y = ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding, self.data_format,
            self.dilation_rate,
        )  # fmt: skip
        return self._finish(as_channels_last(y, self.data_format))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._shape_with(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("kernel_initializer", "kernel_regularizer", "kernel_constraint"):
            del config[name]
        return {
            **config,
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
        }


class SeparableConv1D(_SeparableConvolution):
    """A convolution of each channel of sequences by itself, and one with windows of extent 1 that mixes the channels.

    Args:
        filters: the number of output channels, F.
        kernel_size, strides, dilation_rate: of the first, as for `Conv1D`.
        padding: `"valid"` or `"same"`.
        depth_multiplier: how many filters the first has for each channel, M.
        data_format, activation, use_bias, bias_initializer, bias_regularizer, activity_regularizer, bias_constraint: as for
            `Conv1D`.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the first kernel.
        pointwise_initializer, pointwise_regularizer, pointwise_constraint: of the second.

    Shapes:
        input `(batch, steps, C)`, output `(batch, new steps, F)`; kernels `(kernel_size, C, M)` and `(1, C * M, F)`.

    Raises:
        ValueError: if an argument is not positive, or no window fits an input.

    Source:
        Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR 2017.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.SeparableConv1D(7, 3)(np.zeros((2, 10, 5), "float32")).shape
        (2, 8, 7)
    """

    rank = 1


class SeparableConv2D(_SeparableConvolution):
    """A separable convolution of images: see `SeparableConv1D`, with an int or one for height and one for width."""

    rank = 2
