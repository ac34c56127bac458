"""Identity, Lambda, Masking, Wrapper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import ops
from dlnative.layers.layer import Layer
from dlnative.symbolic import map_shapes


class Identity(Layer):
    """Passes its input on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config()


class Lambda(Layer):
    """Applies a function written in `dlnative.ops`.

    Args:
        function: takes the input, and `mask` and `training` if it has such arguments.
        output_shape: the shape of the output without the batch, or a function of the input's shape; by default the
            function is traced.
        mask: a mask that goes on with the output, or a function of the input and its mask that returns one.
        arguments: further keyword arguments of the function.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Lambda(lambda x: x**2)(np.array([[1.0, 3.0]], "float32"))
        array([[1., 9.]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        import inspect

        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"{self._label}: expected a function, got {function!r}")
        self.function = function
        self.output_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        try:
            names: Any = inspect.signature(function).parameters
        except (TypeError, ValueError):  # a function without a signature
            names = ()
        self._passes = tuple(name for name in ("mask", "training") if name in names)
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        given = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: given[name] for name in self._passes})

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self.output_shape):
            return self.output_shape(input_shape)
        first: Any = input_shape
        while isinstance(first, (list, tuple)):
            first = first[0]
        return map_shapes(lambda shape: (first, *shape), self.output_shape)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        from dlnative.saving import functions, serialization

        def described(value: Any) -> Any:
            return functions.described(value, False) if callable(value) else serialization.serialize_keras_object(value)

        config = {**super().get_config(), "function": described(self.function)}
        if self.output_shape is not None:
            config["output_shape"] = described(self.output_shape)
        if self.mask is not None:
            config["mask"] = described(self.mask if callable(self.mask) else ops.convert_to_numpy(self.mask))
        return {**config, "arguments": self.arguments}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        """Makes a layer from what `get_config` returned.

        Args:
            config: the config.
            custom_objects: functions by name.
            safe_mode: whether the code of a lambda is refused; by default as the load that this is a part of says.
        """
        from dlnative.saving.serialization import deserialize_keras_object

        safe = True if safe_mode is None else safe_mode
        given = dict(config)
        for name in ("function", "output_shape", "mask", "arguments"):
            value = given.get(name)
            if isinstance(value, dict):
                given[name] = deserialize_keras_object(value, custom_objects, safe)
        if isinstance(given.get("output_shape"), list):
            given["output_shape"] = tuple(given["output_shape"])
        return super().from_config(given)


class Masking(Layer):
    """Masks steps all of whose features have one value, and sets them to 0.

    Args:
        mask_value: the value.

    Shapes:
        input and output `(batch, steps, features)`, mask `(batch, steps)`.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Masking(mask_value=9.0)(np.array([[[9.0, 9.0], [9.0, 1.0]]], "float32"))
        array([[[0., 0.],
                [9., 1.]]], dtype=float32)
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_init()

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(kept, inputs, ops.zeros_like(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}


class Wrapper(Layer):
    """The base of layers around another layer, which they build.

    Args:
        layer: the layer inside.

    Raises:
        ValueError: if it is none.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__}: Layer {layer} supplied to Wrapper isn't a supported layer type. Please ensure "
                "wrapped layer is a valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        from dlnative.layers import serialize

        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned.

        Args:
            config: the config.
            custom_objects: classes by name.
        """
        from dlnative.layers import deserialize

        return super().from_config({**config, "layer": deserialize(config["layer"], custom_objects)})


def __getattr__(name: str) -> Any:
    """Finds what Keras once had in a module of this name."""
    from dlnative.legacy.modules import attribute

    return attribute(__name__, name)
