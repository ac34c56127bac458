"""Functional models: the layers between symbolic inputs and outputs."""

from __future__ import annotations

from typing import Any

from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.models.model import Model
from dlnative.symbolic import Call, KerasTensor


class Functional(Model):
    """A model made of the calls that lead from inputs to outputs; `Model(inputs, outputs)` makes one.

    Args:
        inputs: a `KerasTensor`, or nested lists or dicts of them, made by `Input`.
        outputs: a `KerasTensor`, or nested lists or dicts of them, made from the inputs.
        name: a name.
        trainable: whether an optimizer may change the weights.

    Raises:
        ValueError: if the outputs do not come from the inputs alone.
    """

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(name=name, autocast=False, **kwargs)
        for role, structure in (("inputs", inputs), ("outputs", outputs)):
            leaves = flatten_structure(structure)
            for leaf in leaves:
                if not isinstance(leaf, KerasTensor):
                    raise ValueError(f"{self._label}: expected KerasTensors as {role}, got {leaf!r}")
            if not leaves:
                raise ValueError(f"{self._label}: expected at least one KerasTensor as {role}, got none")
        self._input_structure = inputs
        self._output_structure = outputs
        self.inputs: list[KerasTensor] = flatten_structure(inputs)
        self.outputs: list[KerasTensor] = flatten_structure(outputs)
        self._calls = _calls_between(self._label, self.inputs, self.outputs)
        self._layers = _layers_by_depth(self.inputs, self.outputs, self._calls)
        self.built = True
        if not trainable:
            self.trainable = False

    @property
    def layers(self) -> list[Layer]:
        """The layers, those farthest from the outputs first."""
        return list(self._layers)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [tensor.name or f"input_{index}" for index, tensor in enumerate(self.inputs)]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: of the layers that made them, or the keys of a dict of outputs."""
        if isinstance(self._output_structure, dict):
            return sorted(self._output_structure)
        return [_maker_name(tensor) for tensor in self.outputs]

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return map_structure(lambda tensor: tensor.shape, self._input_structure)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return map_structure(lambda tensor: tensor.shape, self._output_structure)

    @property
    def input(self) -> Any:
        """The symbolic inputs."""
        return self._input_structure

    @property
    def output(self) -> Any:
        """The symbolic outputs."""
        return self._output_structure

    def input_leaves(self, x: Any) -> list[Any]:
        """Returns what is given for the inputs, in their order; a dict is taken by the inputs' names."""
        if isinstance(x, dict):
            keys = sorted(self._input_structure) if isinstance(self._input_structure, dict) else self.input_names
            missing = [key for key in keys if key not in x]
            if missing:
                raise ValueError(f'{self._label}: expected an input "{missing[0]}", got {", ".join(map(str, x))}')
            return [x[key] for key in keys]
        leaves = flatten_structure(x) if isinstance(x, (list, tuple)) and len(self.inputs) > 1 else [x]
        if isinstance(x, (list, tuple)) and len(self.inputs) == 1 and len(x) == 1 and hasattr(x[0], "shape"):
            leaves = list(x)
        if len(leaves) != len(self.inputs):
            raise ValueError(f"{self._label}: expected {len(self.inputs)} inputs, got {len(leaves)}")
        return leaves

    def check_input_shape(self, input_shape: Any) -> None:
        if isinstance(input_shape, tuple) and len(self.inputs) == 1:
            self.check_leaf(self.inputs[0], input_shape)

    def check_leaf(self, tensor: KerasTensor, shape: tuple[Any, ...]) -> None:
        """Refuses an input of another shape than the symbolic input has."""
        expected = tensor.shape
        fits = len(shape) == len(expected) and all(
            a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
        )
        if not fits and not _same_but_for_one_axis(shape, expected):
            wanted = ", ".join("batch" if index == 0 and e is None else str(e) for index, e in enumerate(expected))
            raise ValueError(f"{self._label}: expected an input of shape ({wanted}), got shape {tuple(shape)}")

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Calls the layers again on other inputs."""
        del mask
        values: dict[int, Any] = {}
        for tensor, leaf in zip(self.inputs, self.input_leaves(inputs), strict=True):
            self.check_leaf(tensor, tuple(leaf.shape))
            values[id(tensor)] = _fitted(leaf, tensor)
        for call in self._calls:
            args, kwargs = map_structure(lambda leaf: values.get(id(leaf), leaf), (call.args, call.kwargs))
            if training is not None and isinstance(
                call.function, Layer
            ):  # what the caller says comes before what was recorded
                kwargs["training"] = training
            results = [item for item in flatten_structure(call.function(*args, **kwargs)) if hasattr(item, "shape")]
            for tensor, result in zip(call.outputs, results, strict=True):
                values[id(tensor)] = result
        return map_structure(lambda tensor: values[id(tensor)], self._output_structure)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer by its name or its place.

        Raises:
            ValueError: if there is none.
        """
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"{self._label}: expected a layer index below {len(self.layers)}, got {index}")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f'{self._label}: expected one of the layers {[layer.name for layer in self.layers]}, got "{name}"'
        )

    def _summary_rows(self) -> list[tuple[Any, Any, int, list[str]]]:
        made_by = {id(tensor): call for call in self._calls for tensor in call.outputs}
        rows = []
        for layer in self.layers:
            calls = [call for call in self._calls if call.function is layer]
            sources = [tensor for call in calls for tensor in call.inputs]
            names = []
            for tensor in sources:
                call = made_by.get(id(tensor))
                maker = call.function if call is not None else tensor.history and tensor.history.function
                names.append(f"{getattr(maker, 'name', getattr(maker, '__name__', '?'))}[0][0]")
            shape = calls[0].outputs[0].shape if calls else getattr(layer, "batch_shape", None)
            rows.append((layer, shape, layer.count_params() if layer.built else 0, names))
        return rows


def _maker_name(tensor: KerasTensor) -> str:
    call = tensor.history
    function = call.function if call is not None else None
    return str(getattr(function, "name", getattr(function, "__name__", "output")))


def _calls_between(label: str, inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Call]:
    """Returns the calls that make the outputs from the inputs, in order."""
    found: dict[int, Call] = {}
    known = {id(tensor) for tensor in inputs}
    stack = list(outputs)
    while stack:
        tensor = stack.pop()
        if id(tensor) in known:
            continue
        call = tensor.history
        if call is None or isinstance(call.function, InputLayer):
            raise ValueError(
                f'{label}: expected outputs made of the inputs, got one that needs "{tensor.name}" as well'
            )
        if call.serial not in found:
            found[call.serial] = call
            stack.extend(call.inputs)
    return [found[serial] for serial in sorted(found)]


def _layers_by_depth(inputs: list[KerasTensor], outputs: list[KerasTensor], calls: list[Call]) -> list[Layer]:
    """Returns the layers by their distance from the outputs, the farthest first; those found first, going back from the
    outputs, come first among equals."""
    beginnings = [tensor.history for tensor in inputs if tensor.history is not None]
    known = {call.serial for call in (*beginnings, *calls)}
    depth = {call.serial: 0 for call in (*beginnings, *calls)}
    for call in reversed(calls):
        for tensor in call.inputs:
            maker = tensor.history
            if maker is not None and maker.serial in known:
                depth[maker.serial] = max(depth[maker.serial], depth[call.serial] + 1)
    found: dict[int, int] = {}
    stack = [tensor.history for tensor in reversed(outputs) if tensor.history is not None]
    while stack:
        call = stack.pop()
        if call.serial in known and call.serial not in found:
            found[call.serial] = len(found)
            stack.extend(tensor.history for tensor in reversed(call.inputs) if tensor.history is not None)
    layers: dict[Any, int] = {}
    places: dict[Any, int] = {}
    for call in (*beginnings, *calls):
        if isinstance(call.function, Layer):
            layers[call.function] = max(layers.get(call.function, 0), depth[call.serial])
            places[call.function] = min(places.get(call.function, len(known)), found.get(call.serial, len(known)))
    return sorted(layers, key=lambda layer: (-layers[layer], places[layer]))


def _same_but_for_one_axis(shape: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    """Tells whether two shapes differ only by a last axis of extent 1."""
    longer, shorter = (shape, expected) if len(shape) > len(expected) else (expected, shape)
    return (
        len(longer) == len(shorter) + 1
        and longer[-1] == 1
        and all(a is None or b is None or a == b for a, b in zip(longer, shorter, strict=False))
    )


def _fitted(leaf: Any, tensor: KerasTensor) -> Any:
    """Returns an input with the dtype of the symbolic input, and with its rank if a last axis of 1 is all that differs."""
    from dlnative import ops

    leaf = ops.cast(leaf, tensor.dtype)
    if len(leaf.shape) == len(tensor.shape):
        return leaf
    return ops.squeeze(leaf, -1) if len(leaf.shape) > len(tensor.shape) else ops.expand_dims(leaf, -1)
