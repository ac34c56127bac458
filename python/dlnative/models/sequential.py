"""Models that are a list of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.plans import compiling
from dlnative.graph.tree import map_structure
from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.layers.signature import call_signature
from dlnative.models.functional import Functional
from dlnative.models.model import Model
from dlnative.symbolic import KerasTensor, map_shapes
from dlnative.utils.naming import shortened


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

    _builds_from_shapes = True

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(name=name, trainable=trainable, autocast=False)
        self._layers: list[Layer] = []
        self._functional: Functional | None = None
        self._widens = False  # whether the input's shape was that of the first data, not one that was asked for
        names: set[str] = set()
        for layer in layers or ():
            self._append(layer, names)
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
        self._append(layer, {other.name for other in self._layers})
        if rebuild:
            self._rebuild()

    def _append(self, layer: Any, names: set[str]) -> None:
        """Appends a layer whose name is none of those that are taken, and takes it."""
        if (
            isinstance(layer, KerasTensor)
            and layer.history is not None
            and isinstance(layer.history.function, InputLayer)
        ):
            layer = layer.history.function
        if not isinstance(layer, Layer):
            raise ValueError(f"{self._label}: expected a layer: Only instances of `Layer` can be added, got {layer!r}")
        if layer.name in names:
            raise ValueError(f'{self._label}: all layers should have unique names, got a second "{layer.name}"')
        if isinstance(layer, InputLayer) and self._layers:
            raise ValueError(
                f"{self._label}: has already been configured: expected Input as the first layer, got it after "
                f"{len(self._layers)} others"
            )
        if not self._layers and layer._first_shape is not None:
            self._layers.append(InputLayer(batch_shape=layer._first_shape))
            names.add(self._layers[0].name)
        self._layers.append(layer)
        names.add(layer.name)

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
        self._functional = None
        self.built = False
        if len(self._layers) < 2:
            return
        first = self._layers[0]
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif (known := _input_of(first)) is not None:
            self.build(known.shape)

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for an input shape, the batch first, or for shapes nested as the inputs."""
        first = self._layers[0] if self._layers else None
        if isinstance(first, InputLayer):
            known = first.batch_shape
            given = tuple(input_shape) if isinstance(input_shape, (list, tuple)) else known
            if given[1:] != known[1:]:
                raise ValueError(
                    f"{self._label}: has already been configured to use input shape {known}: expected no other, got {given}"
                )
        if self._functional is not None:
            return
        if not self.layers:
            raise ValueError(f"{self._label}: expected layers to build, got no layers")
        if isinstance(first, InputLayer):
            start: Any = first.output
        else:
            if not isinstance(input_shape, (tuple, list, dict)):
                raise ValueError(f"{self._label}: expected one input shape to build, got {input_shape}")
            start = map_shapes(lambda shape: self._input(first, shape), input_shape)
            if isinstance(start, KerasTensor):
                assert start.history is not None
                self._layers.insert(0, start.history.function)
                self._widens = True
        self._connect(start)

    def _connect(self, start: Any) -> None:
        """Calls the layers on symbolic inputs."""
        x: Any = start
        for layer in self.layers:
            self._refuse_several_inputs(layer)
            try:
                x = layer(x)
            except NotImplementedError:  # its layers are built when they see data
                return
        self._functional = Functional(start, x, name=f"{self.name}_functional")
        self._functional._graph.label = self._label  # what messages call it
        self.built = True

    def widen(self, shape: tuple[Any, ...]) -> bool:
        """Builds a model for data of another shape than those that it was built for; axes that differ are unknown from then on.

        Returns:
            Whether it did. A model that begins with an `Input` keeps to it, as one does whose layers cannot take the shape.
        """
        with compiling():
            first, functional = self._layers[0], self._functional
            if not (self._widens and functional is not None and isinstance(first, InputLayer)):
                return False
            known = first.batch_shape
            wider = tuple(a if a == b else None for a, b in zip(known, shape, strict=False))
            if len(shape) != len(known) or wider[1:] == known[1:]:
                return False
            start = InputLayer(batch_shape=(None, *wider[1:]), dtype=first.output.dtype, name=first.name)
            try:
                self._connect(start.output)
            except (ValueError, TypeError):
                self._functional = functional
                return False
            self._layers[0] = start
            return True

    @property
    def _begins_outside(self) -> bool:
        return bool(self._layers) and self._layers[0].computes_outside

    def _refuse_several_inputs(self, layer: Layer) -> None:
        needed = call_signature(layer).needed
        if len(needed) > 1:
            raise ValueError(
                f"{self._label}: a layer can only have a single positional argument of `call`, the input, without a default; "
                f"got {list(needed)} of {layer._label}"
            )

    @staticmethod
    def _input(layer: Any, shape: tuple[Any, ...]) -> Any:
        known = _input_of(layer)
        dtype = layer.input_dtype if known is None else known.dtype
        return InputLayer(batch_shape=(None, *shape[1:]), dtype=dtype).output

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(f"{self._label}: `layers` is reserved: Use `add()` and `pop()` to change the layers")

    def _inner(self, attributes: list[Any]) -> list[Layer]:
        del attributes
        return list(self._layers)

    @property
    def _graph(self) -> Any:
        return None if self._functional is None else self._functional._graph

    @property
    def _entry(self) -> Any:
        return None if self._functional is None else self._functional._entry

    def _model(self) -> Functional:
        if self._functional is None:
            raise AttributeError(
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
        if self._functional is None:
            return
        try:
            self._functional.check_input_shape(input_shape)
        except ValueError:
            if not self.widen(input_shape):
                raise

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Calls the layers one after the other."""
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask)
        for layer in self.layers:  # what a layer returns is not known before it runs
            inputs = layer(inputs, training=training)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Returns the layers, and the shape that the model was built for, as `from_config` takes them, in Keras's format."""
        from dlnative.saving.serialization import serialize_keras_object as serialize

        config: dict[str, Any] = {
            "name": self.name, "trainable": self.trainable, "layers": [serialize(layer) for layer in self._layers],
        }  # fmt: skip
        if self._functional is not None:
            first = self._layers[0]
            shapes = map_structure(lambda tensor: list(tensor.shape), self._functional.input)
            config["build_input_shape"] = list(first.batch_shape) if isinstance(first, InputLayer) else shapes
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a model from what `get_config` returned.

        Args:
            config: the configuration.
            custom_objects: classes of the user's, by name.
        """
        from dlnative.saving.serialization import deserialize_keras_object as deserialize

        if not isinstance(config, dict) or "name" not in config or "layers" not in config:
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys: got "
                f"{shortened(config)}"
            )
        for layer in config["layers"]:
            if not isinstance(layer, dict) or "config" not in layer:
                raise ValueError(
                    f"{config['name']}: Expected a dictionary containing a 'config' key for each layer, got {shortened(layer)}"
                )
        model = cls(name=config["name"])
        names: set[str] = set()
        for layer in config["layers"]:
            model._append(deserialize(layer, custom_objects), names)
        model._rebuild()
        shape = config.get("build_input_shape")
        if model._functional is None and shape and model.layers:
            model.build(shape)
        if not config.get("trainable", True):
            model.trainable = False
        return model

    def _summary_rows(self) -> list[tuple[Any, Any, int, list[str]]]:
        return [(layer, layer._output_shape, layer.count_params() if layer.built else 0, []) for layer in self.layers]


def _input_of(layer: Any) -> KerasTensor | None:
    """Returns the symbolic input of a model that has one."""
    known = layer.input if isinstance(layer, Model) and layer._graph is not None else None
    return known if isinstance(known, KerasTensor) else None
