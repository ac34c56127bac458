"""BatchNormalization: channels by the statistics of the batch, and by their moving averages once trained."""

from __future__ import annotations

from typing import Any

from dlnative import initializers, ops
from dlnative.dtypes import epsilon
from dlnative.layers.arguments import checked_axes, checked_number
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.normalization import ScaledNormalization
from dlnative.ops.normalization import normalize_batch


class BatchNormalization(ScaledNormalization):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, with mean and variance of each channel.

    While training they are those of the batch, over all axes but one, and `moving = moving * momentum + batch * (1 -
    momentum)` follows them; otherwise the moving ones are taken, and also where the layer's `trainable` is false.

    Args:
        axis: the axis of the channels.
        momentum: how much of the moving statistics stays in each step.
        epsilon: what is added to the variance.
        center, scale: whether there are beta and gamma, with a number for each channel.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: how they begin.
        beta_regularizer, gamma_regularizer: functions of them that are added to the loss.
        beta_constraint, gamma_constraint: functions applied to them after each step.
        renorm: whether to train by statistics that are near the moving ones (Ioffe 2017).
        renorm_clipping: a dict with `rmin`, `rmax` and `dmax`, the bounds of the corrections of renorm.
        renorm_momentum: how much of the statistics of renorm stays in each step.
        synchronized: only `False`: there are no replicas.

    Call arguments:
        inputs: of any rank from 2 on.
        training: whether the statistics of the batch are taken.
        mask: which samples (or steps) count in the statistics: of the inputs' shape without its last axis.

    Raises:
        ValueError: for an axis that an input has not, or other bounds of renorm.

    Source:
        Ioffe and Szegedy, "Batch normalization", ICML 2015.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layer = layers.BatchNormalization(epsilon=0.0)
        >>> layer(np.array([[1.0], [3.0]], "float32"), training=True).tolist()
        [[-1.0], [1.0]]
        >>> layer.moving_mean.numpy().round(4)
        array([0.02], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        if synchronized:
            raise ValueError(f"{self._label}: expected synchronized=False: there are no replicas to average over")
        self.axis = int(axis)
        self.momentum = checked_number(self, "momentum", momentum, high=1.0)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = _checked_clipping(self._label, renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = checked_number(self, "renorm_momentum", renorm_momentum, high=1.0)
        self.synchronized = synchronized

    def build(self, input_shape: Any) -> None:
        checked_axes(self._label, self.axis, input_shape)
        shape = (input_shape[self.axis],)
        self._add_scale(shape)
        self.moving_mean = self._add_statistic(shape, "moving_mean", self.moving_mean_initializer)
        self.moving_variance = self._add_statistic(shape, "moving_variance", self.moving_variance_initializer)
        if self.renorm:
            variance = self.moving_variance_initializer

            def deviation(shape: Any, dtype: Any = None) -> Any:
                return ops.sqrt(initializers.get(initializers.serialize(variance))(shape, dtype=dtype))

            mean = initializers.get(initializers.serialize(self.moving_mean_initializer))
            self.moving_stddev = self._add_statistic(shape, "moving_stddev", deviation)
            self.renorm_mean = self._add_statistic(shape, "renorm_mean", mean)
            self.renorm_stddev = self._add_statistic(shape, "renorm_stddev", deviation)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: input_shape[self.axis]})

    def _add_statistic(self, shape: Any, name: str, initializer: Any) -> Any:
        return self.add_weight(shape=shape, initializer=initializer, trainable=False, autocast=False, name=name)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                f"{self._label}: The mask provided should be one dimension less than the inputs, got a mask of shape "
                f"{tuple(mask.shape)} for inputs of shape {tuple(inputs.shape)}"
            )
        x = inputs if inputs.dtype in ("float32", "float64") else ops.cast(inputs, "float32")
        dtype = x.dtype
        gamma = None if self.gamma is None else ops.cast(self.gamma, dtype)
        beta = None if self.beta is None else ops.cast(self.beta, dtype)
        if not (training and self.trainable):
            mean, variance = ops.cast(self.moving_mean, dtype), ops.cast(self.moving_variance, dtype)
        elif mask is None and not self.renorm:
            y, mean, variance = normalize_batch(x, gamma, beta, self.axis, self.epsilon)
            self._follow(self.moving_mean, mean, self.momentum)
            self._follow(self.moving_variance, variance, self.momentum)
            return ops.cast(y, self.compute_dtype)
        else:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._renormalized(mean, variance, gamma, beta)
            else:
                self._follow(self.moving_mean, mean, self.momentum)
                self._follow(self.moving_variance, variance, self.momentum)
        y = ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon)
        return ops.cast(y, self.compute_dtype)

    @staticmethod
    def _follow(variable: Any, value: Any, momentum: float) -> None:
        variable.assign(ops.cast(variable, value.dtype) * momentum + value * (1.0 - momentum))

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        rank = len(x.shape)
        axes = [axis for axis in range(rank) if axis != self.axis % rank]
        if mask is None:
            return ops.moments(x, axes)
        counted = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        count = ops.sum(ops.cast(counted, x.dtype), axes, keepdims=True) + epsilon()
        mean = ops.sum(ops.where(counted, x, 0.0), axes, keepdims=True) / count
        apart = ops.where(counted, x - mean, 0.0)
        variance = ops.sum(ops.square(apart), axes, keepdims=True) / count
        shape = (x.shape[self.axis],)
        return ops.reshape(mean, shape), ops.reshape(variance, shape)

    def _renormalized(self, mean: Any, variance: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Returns scale and offset with which the batch's own statistics give what the moving ones would, within bounds.

        (x - mean) / stddev * r + d, r = stddev / moving stddev, d = (mean - moving mean) / moving stddev (Ioffe, "Batch
        renormalization", NeurIPS 2017). r and d count as constants of the gradient.
        """
        bounds = self.renorm_clipping or {}
        stddev = ops.sqrt(variance + self.epsilon)
        moving_stddev = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        r = stddev / moving_stddev
        d = (mean - ops.cast(self.renorm_mean, mean.dtype)) / moving_stddev
        if bounds.get("rmin") is not None:
            r = ops.maximum(r, bounds["rmin"])
        if bounds.get("rmax") is not None:
            r = ops.minimum(r, bounds["rmax"])
        if bounds.get("dmax") is not None:
            d = ops.clip(d, -bounds["dmax"], bounds["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        self._follow(self.renorm_mean, mean, self.renorm_momentum)
        self._follow(self.renorm_stddev, stddev, self.renorm_momentum)
        self._follow(self.moving_mean, mean, self.momentum)
        self._follow(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.relu(ops.square(ops.cast(self.moving_stddev, mean.dtype)) - self.epsilon))
        scale = r if gamma is None else r * gamma
        offset = d if gamma is None else d * gamma
        return scale, offset if beta is None else offset + beta

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


def _checked_clipping(label: str, bounds: dict[str, float] | None) -> dict[str, float]:
    bounds = dict(bounds or {})
    if set(bounds) - {"rmin", "rmax", "dmax"}:
        raise ValueError(
            f"{label}: Received invalid keys for `renorm_clipping` argument: expected some of rmin, rmax and dmax, got "
            f"{bounds}"
        )
    least, most, shift = bounds.get("rmin"), bounds.get("rmax"), bounds.get("dmax")
    if least is not None and most is not None and most < least:
        raise ValueError(
            f"{label}: rmax should be greater than rmin in the `renorm_clipping` argument, got rmax={most}, rmin={least}"
        )
    if shift is not None and shift < 0:
        raise ValueError(f"{label}: dmax should be non-negative in the `renorm_clipping` argument, got dmax={shift}")
    return bounds
