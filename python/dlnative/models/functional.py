"""Functional models: the layers between symbolic inputs and outputs."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.tree import flatten, map_structure, pack
from dlnative.layers.effects import get_mask, set_mask
from dlnative.layers.layer import Layer
from dlnative.models.compiled_loss import distinct
from dlnative.models.entry import entered, entry_of
from dlnative.models.function import Function, with_own_inputs
from dlnative.models.model import Model, alone
from dlnative.symbolic import KerasTensor, has_keras_tensor
from dlnative.utils.naming import shortened


class Functional(Model):
    """A model made of the calls that lead from inputs to outputs; `Model(inputs, outputs)` makes one.

    Args:
        inputs: a `KerasTensor`, or nested lists or dicts of them, made by `Input`; one that a layer made begins the model
            with an input of its own.
        outputs: a `KerasTensor`, or nested lists or dicts of them, made from the inputs.
        name: a name.
        trainable: whether an optimizer may change the weights.

    Raises:
        ValueError: if the outputs do not come from the inputs alone.
    """

    # The calls that lead to the losses, too, which `add_loss` was given.
    _with_losses: Function | None = None

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        if inputs is None and outputs is None:  # of a subclass that is made in both ways
            super().__init__(name=name, trainable=trainable, **kwargs)
            return
        super().__init__(name=name, trainable=trainable, autocast=False, **kwargs)
        inputs, outputs = with_own_inputs(self._label, inputs, outputs)
        self._graph = Function(inputs, outputs, self.name, label=self._label)
        self._entry = entry_of(self._label, self._graph)
        self._layers = self._graph.layers
        self.built = True
        if not trainable:
            self.trainable = False

    @property
    def layers(self) -> list[Layer]:
        """The layers, those farthest from the outputs first."""
        return list(self._layers)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            f"{self._label}: `Model.layers` attribute is reserved: expected another name for an attribute, got layers"
        )

    @property
    def operations(self) -> list[Any]:
        """The layers and functions, in the order of their calls."""
        return self._graph.operations

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, in a list."""
        return self._graph.inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, in a list."""
        return self._graph.outputs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [tensor.name or f"input_{index}" for index, tensor in enumerate(self.inputs)]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, each once: of the layers that made them, or the keys of a dict of outputs."""
        structure = self.output
        if isinstance(structure, dict) and len(structure) == len(self.outputs):
            return sorted(structure)
        return distinct(_maker_name(tensor) for tensor in self.outputs)

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return map_structure(lambda tensor: tensor.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return map_structure(lambda tensor: tensor.shape, alone(self.output))

    @property
    def input(self) -> Any:
        """The symbolic inputs."""
        return self._graph.input_structure

    @property
    def output(self) -> Any:
        """The symbolic outputs."""
        return self._graph.output_structure

    def check_input_shape(self, input_shape: Any) -> None:
        if isinstance(input_shape, tuple) and len(self.inputs) == 1 and not any(map(_is_shape, input_shape)):
            self._graph.check(0, input_shape)

    def add_loss(self, loss: Any) -> None:
        """Adds scalars to the loss of the model; others are averaged.

        Args:
            loss: a symbolic tensor made from the model's inputs, or several in a list, which each call computes anew (files
                do not keep them); or what `Layer.add_loss` takes.

        Raises:
            ValueError: if a tensor does not come from the inputs alone.
        """
        listed = list(loss) if isinstance(loss, (list, tuple)) else [loss]
        if not has_keras_tensor(listed):
            super().add_loss(loss)
            return
        if self._entry is not None:
            raise ValueError(f"{self._label}: expected no symbolic loss: its first layers compute outside of the graph")
        known = [] if self._with_losses is None else self._with_losses.output_structure[1]
        self._with_losses = Function(self.input, [self.output, [*known, *listed]], self.name, label=self._label)
        self._layers = self._with_losses.layers
        self._reset_plans()

    def _run(self, graph: Any, leaves: list[Any], call: Any = None) -> Any:
        """Makes the calls, and adds the losses that `add_loss` was given."""
        entered = self._entered(graph, leaves)
        if self._with_losses is None or has_keras_tensor([leaves]):
            return alone(graph.run(entered, call))
        outputs, losses = self._with_losses.run(entered, call)
        super().add_loss([ops.mean(value) for value in losses])
        return alone(outputs)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Calls the layers again on other inputs."""
        graph = self._graph
        if self._entry is not None and not has_keras_tensor([inputs]):
            graph = self._entry.compiled
            if not entered(inputs):
                raise ValueError(
                    f"{self._label}: expected arrays, got symbolic tensors: its first layers compute outside of the graph"
                )
        leaves = graph.leaves(inputs)
        if mask is not None:
            for leaf, found in zip(leaves, flatten(mask), strict=False):
                if leaf is not None and found is not None and get_mask(leaf) is None:
                    set_mask(leaf, found)
        if training is None:
            return self._run(graph, leaves)

        def told(
            function: Any, *args: Any, **kwargs: Any
        ) -> Any:  # what the caller says comes before what was recorded
            return function(*args, **(kwargs | {"training": training} if isinstance(function, Layer) else kwargs))

        return self._run(graph, leaves, told)

    @staticmethod
    def _entered(graph: Any, leaves: list[Any]) -> Any:
        """Returns inputs in the types and with the ranks of the symbolic inputs, nested as they are."""
        fitted = graph.fitted(leaves, lambda leaf: ops.squeeze(leaf, -1), lambda leaf: ops.expand_dims(leaf, -1))
        for index, (leaf, tensor) in enumerate(zip(fitted, graph.inputs, strict=True)):
            if leaf is not None and leaf.dtype != tensor.dtype:
                fitted[index] = ops.cast(leaf, tensor.dtype)
            mask = None if leaf is None else get_mask(leaves[index])
            if mask is not None and fitted[index] is not leaves[index]:
                set_mask(fitted[index], mask)
        return pack(graph.input_structure, fitted)

    def get_config(self) -> dict[str, Any]:
        """Returns the layers and their calls, as `from_config` takes them, in Keras's format."""
        from dlnative.models.functional_config import graph_config

        return {"name": self.name, "trainable": self.trainable, **graph_config(self._graph)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a model from what `get_config` returned; see `Model.from_config`.

        Raises:
            ValueError: for a configuration without layers, inputs and outputs.
        """
        from dlnative.models.functional_config import is_graph_config

        if cls is Functional and not is_graph_config(cls, config):
            raise ValueError(
                "Functional: expected a configuration with layers, input_layers and output_layers, got "
                f"{shortened(config)}"
            )
        return super().from_config(config, custom_objects)

    def _summary_rows(self) -> list[tuple[Any, Any, int, list[str]]]:
        made_by = {id(tensor): call for call in self._graph.calls for tensor in call.outputs}
        rows = []
        for layer in self.layers:
            calls = [call for call in self._graph.calls if call.function is layer]
            sources = [tensor for call in calls for tensor in call.inputs]
            names = []
            for tensor in sources:
                call = made_by.get(id(tensor))
                maker = call.function if call is not None else tensor.history and tensor.history.function
                names.append(f"{getattr(maker, 'name', getattr(maker, '__name__', '?'))}[0][0]")
            shape = calls[0].outputs[0].shape if calls else getattr(layer, "batch_shape", None)
            rows.append((layer, shape, layer.count_params() if layer.built else 0, names))
        return rows


def _is_shape(item: Any) -> bool:
    return isinstance(item, (tuple, list))


def _maker_name(tensor: KerasTensor) -> str:
    call = tensor.history
    function = call.function if call is not None else None
    return str(getattr(function, "name", getattr(function, "__name__", "output")))
