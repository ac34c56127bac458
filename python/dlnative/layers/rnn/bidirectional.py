"""Bidirectional: a recurrent layer there and back."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import map_structure
from dlnative.layers.layer import Layer
from dlnative.layers.signature import call_signature

_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """Runs a recurrent layer over sequences from the first step on, another from the last on, and merges their outputs.

    Args:
        layer: a recurrent layer, of which both are made, with weights of their own.
        merge_mode: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or `None` for both outputs.
        weights: first values of the weights, those of the forward layer first.
        backward_layer: the layer that goes backwards, where it is another: with `go_backwards`.

    Call arguments:
        sequences, mask, training: as for the layers.
        initial_state: the states of the forward layer, then those of the other.

    Raises:
        ValueError: for what is no layer, an unknown mode, or layers that do not go with one another.

    Source:
        Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Bidirectional(layers.GRU(4, return_sequences=True))(np.zeros((2, 5, 3), "float32")).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        cls = type(self).__name__
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{cls}: Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. Received: {layer!r}"
            )
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(
                f"{cls}: `backward_layer` need to be a `keras.layers.Layer` instance. Received: {backward_layer!r}"
            )
        if merge_mode not in _MODES:
            raise ValueError(
                f"{cls}: Invalid merge mode. Received: {merge_mode!r}. Merge mode should be one of {_MODES}"
            )
        super().__init__(**kwargs)
        self.forward_layer = _again(layer, "forward_")
        self.backward_layer = (
            _again(layer, "backward_", go_backwards=True) if backward_layer is None else backward_layer
        )
        self._check_layers()
        for inner in (self.forward_layer, self.backward_layer):
            if getattr(inner, "zero_output_for_mask", None) is not None:
                inner.zero_output_for_mask = inner.return_sequences
            if hasattr(layer, "use_cudnn"):
                inner.use_cudnn = layer.use_cudnn
        self.merge_mode = merge_mode
        self._first_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_layers(self) -> None:
        there, back = self.forward_layer, self.backward_layer
        if there.go_backwards == back.go_backwards:
            raise ValueError(
                f"{self._label}: Forward layer and backward layer should have different `go_backwards` value. Received: "
                f"forward_layer.go_backwards={there.go_backwards}, backward_layer.go_backwards={back.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            values = getattr(there, name), getattr(back, name)
            if values[0] != values[1]:
                raise ValueError(
                    f"{self._label}: Forward layer and backward layer are expected to have the same value for attribute "
                    f'"{name}", got "{values[0]}" for forward layer and "{values[1]}" for backward layer'
                )

    # States.

    @property
    def states(self) -> Any:
        """The variables in which stateful layers keep their states; `None` before they are built."""
        there, back = self.forward_layer.states, self.backward_layer.states
        return (*there, *back) if there and back else None

    def reset_state(self) -> None:
        """Sets the states of stateful layers to zero.

        Raises:
            AttributeError: if they are not stateful.
        """
        if not self.stateful:
            raise AttributeError(f"{self._label}: Layer must be stateful.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for inner in (self.forward_layer, self.backward_layer):
            if not inner.built:
                inner.build(sequences_shape)
        if self._first_weights:
            half = len(self._first_weights) // 2
            self.forward_layer.set_weights(self._first_weights[:half])
            self.backward_layer.set_weights(self._first_weights[half:])

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        states: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            states = list(initial_state[:half]), list(initial_state[half:])
        made = []
        for inner, state in zip((self.forward_layer, self.backward_layer), states, strict=True):
            signature = call_signature(inner)
            kwargs: dict[str, Any] = {"training": training} if signature.takes_training else {}
            if signature.takes_mask:
                kwargs["mask"] = mask
            if state is not None:
                kwargs["initial_state"] = state
            made.append(inner(sequences, **kwargs))
        last: tuple[Any, ...] = ()
        if self.return_state:
            last = (*made[0][1:], *made[1][1:])
            made = [made[0][0], made[1][0]]
        there, back = (ops.cast(y, self.compute_dtype) for y in made)
        if self.return_sequences:
            back = _turned(back)
        output: Any = (there, back)
        if self.merge_mode == "concat":
            output = ops.concatenate([there, back], axis=-1)
        elif self.merge_mode == "sum":
            output = there + back
        elif self.merge_mode == "ave":
            output = (there + back) / 2
        elif self.merge_mode == "mul":
            output = there * back
        if not self.return_state:
            return output
        return (*output, *last) if self.merge_mode is None else (output, *last)

    # Shapes, masks, configuration.

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shapes = self.forward_layer.compute_output_shape(sequences_shape)
        output, states = (shapes[0], shapes[1:]) if self.return_state else (shapes, ())
        output = tuple(output)
        if self.merge_mode == "concat":
            output = (*output[:-1], 2 * output[-1])
        merged = (output, output) if self.merge_mode is None else output
        if not self.return_state:
            return merged
        return (*(merged if self.merge_mode is None else (merged,)), *states, *states)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        outputs = [mask, mask] if self.merge_mode is None else [mask]
        if self.return_state:
            outputs += [None] * 2 * len(self.forward_layer.state_size)
        return outputs if len(outputs) > 1 else mask

    def get_config(self) -> dict[str, Any]:
        from dlnative.layers import serialize

        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize(self.forward_layer),
            "backward_layer": serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned.

        Args:
            config: the config.
            custom_objects: classes by name.
        """
        from dlnative.layers import deserialize

        inner = {
            name: deserialize(config[name], custom_objects) for name in ("layer", "backward_layer") if config.get(name)
        }
        return super().from_config({**config, **inner})


def _again(layer: Any, prefix: str, **others: Any) -> Any:
    """Returns another layer of the same configuration, whose name begins with a prefix."""
    config = map_structure(lambda leaf: leaf, layer.get_config())
    name = f"{prefix}{layer.name.removeprefix(prefix)}"
    return type(layer).from_config({**config, **others, "name": name})


def _turned(y: Any) -> Any:
    """Returns a tensor with its steps the other way round; what a layer has just turned is taken as it was."""
    turned = ops.flip(y, axis=1)
    if isinstance(y, Tensor) and y.node is not None:
        mine, other = turned.node, y.node
        if mine.op is other.op and mine.attributes == other.attributes and mine.inputs == (y,):
            return other.inputs[0]
    return turned
