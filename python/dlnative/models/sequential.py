"""Models that are a list of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.models.functional import Functional
from dlnative.models.model import Model
from dlnative.symbolic import KerasTensor


class Sequential(Model):
    """A list of layers, each fed with what the one before it gives.

    Args:
        layers: the layers; the first may be `Input(shape)`, which gives the weights their shapes at once. Without it, the
            model is built when it first sees data.
        trainable: whether an optimizer may change the weights.
        name: a name.

    Example:
        >>> from dlnative import Sequential, Input, layers
        >>> model = Sequential([Input((4,)), layers.Dense(8, "relu"), layers.Dense(3)])
        >>> model.count_params()
        67
    """

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(name=name, autocast=False)
        self._layers: list[Layer] = []
        self._functional: Functional | None = None
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()
        if not trainable:
            self.trainable = False

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Appends a layer.

        Args:
            layer: a layer, or an `Input`.
            rebuild: whether the model is built at once if its input shape is known.

        Raises:
            ValueError: if it is no layer, or its name is taken.
        """
        if (
            isinstance(layer, KerasTensor)
            and layer.history is not None
            and isinstance(layer.history.function, InputLayer)
        ):
            layer = layer.history.function
        if not isinstance(layer, Layer):
            raise ValueError(f"{self._label}: expected a layer, got {layer!r}")
        if layer.name in [other.name for other in self._layers]:
            raise ValueError(f'{self._label}: expected layers with different names, got a second "{layer.name}"')
        if isinstance(layer, InputLayer) and self._layers:
            raise ValueError(
                f"{self._label}: expected Input as the first layer, got it after {len(self._layers)} others"
            )
        if not self._layers and layer._first_input_shape is not None:
            self._layers.append(InputLayer(tuple(layer._first_input_shape)))
        self._layers.append(layer)
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer and returns it."""
        layer = self._layers.pop()
        self.built = False
        self._functional = None
        if rebuild:
            self._rebuild()
        return layer

    def _rebuild(self) -> None:
        self._reset_plans()
        self._function = None
        if self._layers and isinstance(self._layers[0], InputLayer):
            self._functional = None
            if len(self._layers) > 1:
                self.build(self._layers[0].batch_shape)
        else:
            self.built = False

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for an input shape, the batch first."""
        if self._functional is not None:
            return
        if not self.layers:
            raise ValueError(f"{self._label}: expected layers to build, got none")
        first = self._layers[0]
        if isinstance(first, InputLayer):
            start = first.output
        else:
            if input_shape is None or not isinstance(input_shape, (tuple, list)):
                raise ValueError(f"{self._label}: expected one input shape to build, got {input_shape}")
            first = InputLayer(batch_shape=(None, *input_shape[1:]), dtype=first.dtype)
            self._layers.insert(0, first)
            start = first.output
        x: Any = start
        for layer in self._layers[1:]:
            x = layer(x)
        self._functional = Functional(start, x, name=f"{self.name}_functional")
        self.built = True

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    def _inner(self, attributes: list[Any]) -> list[Layer]:
        del attributes
        return list(self._layers)

    def _model(self) -> Functional:
        if self._functional is None:
            raise ValueError(
                f"{self._label}: expected a built model, got one that has seen no data; call build(input_shape) or begin "
                "with Input(shape)"
            )
        return self._functional

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs."""
        return self._model().inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs."""
        return self._model().outputs

    @property
    def input_shape(self) -> Any:
        """The shape of the input."""
        return self._model().input_shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output."""
        return self._model().output_shape

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._model().input

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._model().output

    @property
    def output_names(self) -> list[str]:
        """The name of the last layer, in a list."""
        return self._model().output_names

    def check_input_shape(self, input_shape: Any) -> None:
        if self._functional is not None and isinstance(input_shape, tuple):
            self._checked(input_shape)

    def _checked(self, shape: tuple[Any, ...]) -> None:
        try:
            self._model().check_input_shape(shape)
        except ValueError as error:
            raise ValueError(str(error).replace(self._model()._label, self._label)) from None

    def input_leaves(self, x: Any) -> list[Any]:
        """Returns what is given for the input, in a list."""
        return self._model().input_leaves(x) if self._functional is not None else [x]

    def check_leaf(self, tensor: KerasTensor, shape: tuple[Any, ...]) -> None:
        """Refuses an input of another shape than the symbolic input has."""
        del tensor
        self._checked(shape)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Calls the layers one after the other."""
        del mask
        return self._model().call(inputs, training=training)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer by its name or its place; see `Functional.get_layer`."""
        if index is not None and -len(self.layers) <= index < len(self.layers):
            return self.layers[index]
        for layer in self.layers:
            if index is None and layer.name == name:
                return layer
        wanted = f'"{name}"' if index is None else index
        raise ValueError(
            f"{self._label}: expected one of the layers {[layer.name for layer in self.layers]}, got {wanted}"
        )

    def _summary_rows(self) -> list[tuple[Any, Any, int, list[str]]]:
        return [(layer, layer._output_shape, layer.count_params() if layer.built else 0, []) for layer in self.layers]
