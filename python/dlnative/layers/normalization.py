"""Layer, group, RMS and unit normalisation: each sample by its own statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import constraints, initializers, ops, regularizers
from dlnative.layers.arguments import checked_axes, checked_number
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer
from dlnative.ops.normalization import warn_of_rms_scaling


class ScaledNormalization(Layer):
    """A normalisation with a scale (gamma) and an offset (beta)."""

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.epsilon = checked_number(self, "epsilon", epsilon)
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Any = None
        self.beta: Any = None

    def _add_scale(self, shape: Any) -> None:
        if self.scale:
            self.gamma = self.add_weight(
                shape=shape, initializer=self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, autocast=False, name="gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape=shape, initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, autocast=False, name="beta",
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Any) -> Any:
        checked_axes(self._label, self.axis, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class LayerNormalization(ScaledNormalization):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, with mean and variance of each sample over some axes.

    Args:
        axis: the axes over which a sample has its statistics; gamma and beta have their extents.
        epsilon: what is added to the variance.
        center, scale: whether there are beta and gamma.
        beta_initializer, gamma_initializer: how they begin.
        beta_regularizer, gamma_regularizer: functions of them that are added to the loss.
        beta_constraint, gamma_constraint: functions applied to them after each step.
        rms_scaling: whether x, from which nothing is subtracted, is divided by the root of the variance. Keras has
            deprecated it for `RMSNormalization`.

    Raises:
        TypeError: for an axis that is no integer.
        ValueError: for an axis that an input has not.

    Source:
        Ba et al., "Layer normalization", 2016.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0], [5.0, 5.5]], "float32"))
        array([[-1.,  1.],
               [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self.rms_scaling = bool(kwargs.pop("rms_scaling", False))
        if self.rms_scaling:
            warn_of_rms_scaling("LayerNormalization", "layers.RMSNormalization")
            center, scale = False, True
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.autocast = False
        self.axis = _listed(self, axis)

    def build(self, input_shape: Any) -> None:
        axes = checked_axes(self._label, self.axis, input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self._add_scale(tuple([input_shape[axis] for axis in sorted(axes)]))

    def call(self, inputs: Any) -> Any:
        more = {"rms_scaling": True} if self.rms_scaling else {}
        y = ops.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon, **more)
        return ops.cast(y, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


def _listed(layer: Layer, axis: Any) -> int | list[int]:
    """Returns an axis as an int, or several as a list."""
    several = isinstance(axis, (list, tuple))
    for item in axis if several else (axis,):
        if not hasattr(item, "__index__") or isinstance(item, bool):
            raise TypeError(
                f"{layer._label}: Invalid value for `axis` argument: expected an int or a list/tuple of ints. Expected an "
                f"int or a list/tuple of ints for the argument 'axis', got {axis!r}"
            )
    return [int(item) for item in axis] if several else int(axis)


class RMSNormalization(Layer):
    """`x / sqrt(mean(x**2) + epsilon) * scale`, with the mean of each sample over some axes.

    Args:
        axis: the axes over which the mean is taken; scale has their extents.
        epsilon: what is added to the mean.

    Raises:
        ValueError: for an axis that an input has not.

    Source:
        Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _listed(self, axis)
        self.epsilon = checked_number(self, "epsilon", epsilon)

    def build(self, input_shape: Any) -> None:
        axes = checked_axes(self._label, self.axis, input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape = tuple([input_shape[axis] for axis in sorted(axes)])
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")

    def call(self, x: Any) -> Any:
        return ops.rms_normalization(x, self.scale, self.axis, self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        checked_axes(self._label, self.axis, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """x divided by its Euclidean norm over some axes, which is taken to be 1e-12 at least.

    Args:
        axis: the axes.

    Raises:
        TypeError: for an axis that is no integer.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.UnitNormalization()(np.array([[3.0, 4.0]], "float32"))
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _listed(self, axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        checked_axes(self._label, self.axis, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class GroupNormalization(ScaledNormalization):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, with mean and variance of each group of channels of each sample.

    Args:
        groups: the number of groups, which divides that of the channels; -1 makes each channel one (instance
            normalisation).
        axis: the axis of the channels.
        epsilon: what is added to the variance.
        center, scale: whether there are beta and gamma, with a number for each channel.
        beta_initializer, gamma_initializer: how they begin.
        beta_regularizer, gamma_regularizer: functions of them that are added to the loss.
        beta_constraint, gamma_constraint: functions applied to them after each step.

    Raises:
        ValueError: if the groups do not divide the channels.

    Source:
        Wu and He, "Group normalization", ECCV 2018.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.GroupNormalization(2, epsilon=0.0)(np.array([[1.0, 3.0, 5.0, 5.5]], "float32"))
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if not hasattr(groups, "__index__") or isinstance(groups, bool) or (groups <= 0 and groups != -1):
            raise ValueError(
                "GroupNormalization: Received an invalid value for argument `groups`, expected a positive integer (or `-1` "
                f"for instance normalization), got groups={groups!r}"
            )
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.autocast = False
        self.groups = int(groups)
        self.axis = int(axis)

    def build(self, input_shape: Any) -> None:
        checked_axes(self._label, self.axis, input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"{self._label}: Axis {self.axis} of input tensor should have a defined dimension but the layer received an "
                f"input with shape {input_shape}."
            )
        if channels == 0:
            raise ValueError(f"{self._label}: expected one channel or more, got shape {tuple(input_shape)}")
        groups = channels if self.groups == -1 else self.groups
        if channels < groups:
            raise ValueError(
                f"{self._label}: Number of groups ({groups}) cannot be more than the number of channels ({channels})."
            )
        if channels % groups:
            raise ValueError(
                f"{self._label}: Number of groups ({groups}) must be a multiple of the number of channels ({channels}): "
                "expected groups that divide the channels"
            )
        self.groups = groups
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self._add_scale((channels,))

    def call(self, inputs: Any) -> Any:
        """Each group becomes a row, which is normalised without gamma and beta; these belong to channels."""
        rank = len(inputs.shape)
        axis = self.axis % rank
        order = (0, axis, *[i for i in range(1, rank) if i != axis])
        groups_first = ops.transpose(inputs, order)
        moved = groups_first.shape
        inner = ops.reshape(groups_first, (-1, self.groups, moved[1] // self.groups, *moved[2:]))
        rows = ops.layer_normalization(inner, axis=tuple(range(2, len(inner.shape))), epsilon=self.epsilon)
        y = ops.reshape(rows, (-1, *moved[1:]))
        y = ops.transpose(y, tuple(sorted(range(rank), key=order.__getitem__)))
        shape = [1] * rank
        shape[axis] = inputs.shape[axis]
        if self.gamma is not None:
            y = y * ops.cast(ops.reshape(self.gamma, shape), y.dtype)
        if self.beta is not None:
            y = y + ops.cast(ops.reshape(self.beta, shape), y.dtype)
        return ops.cast(y, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


def __getattr__(name: str) -> Any:
    """Finds what Keras once had in a module of this name."""
    from dlnative.legacy.modules import attribute

    return attribute(__name__, name)
