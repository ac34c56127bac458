"""Models made anew of the layers of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative.graph.tree import flatten, form, map_structure, pack
from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.models.functional import Functional
from dlnative.models.sequential import Sequential
from dlnative.saving import functions
from dlnative.symbolic import KerasTensor


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """Returns a model like another, with layers and weights of its own; it is compiled like the other, unless that has a
    `compile` of its own.

    Args:
        model: a model. One of a subclass that is no functional model is made from its configuration.
        input_tensors: symbolic inputs for the new model, nested as the other's; by default new ones.
        clone_function: makes a new layer of a layer; by default from its configuration. Layers that are shared stay so.
        call_function: calls a new layer: `call_function(layer, *args, **kwargs)`; for functional models.
        recursive: whether models in the model are cloned in the same way, instead of by `clone_function` as a whole.

    Raises:
        ValueError: if an argument does not go with this kind of model.

    Example:
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(2, name="last")])
        >>> dlnative.models.clone_model(model).layers[0].name
        'last'
    """
    label = getattr(model, "_label", repr(model))
    if not isinstance(model, (Functional, Sequential)):
        own = {"input_tensors": input_tensors, "clone_function": clone_function, "call_function": call_function}
        for name, value in own.items():
            if value is not None:
                raise ValueError(f"clone_model: expected a functional or sequential model beside {name}, got {label}")
        with functions.kept():
            return type(model).from_config(model.get_config())
    for name, value in (("clone_function", clone_function), ("call_function", call_function)):
        if value is not None and not callable(value):
            raise ValueError(f"clone_model: expected {name} to be a function, got {value!r}")
    with functions.kept():
        return _cloned(model, input_tensors, clone_function, call_function, recursive)


def _cloned(
    model: Any, input_tensors: Any, clone_function: Any, call_function: Callable[..., Any] | None, recursive: bool
) -> Any:
    label = model._label
    clones: dict[Any, Any] = {}

    def clone(layer: Any) -> Any:
        if layer not in clones:
            if recursive and isinstance(layer, (Functional, Sequential)):
                inner = None if isinstance(layer, Sequential) else call_function
                clones[layer] = clone_model(layer, None, clone_function, inner, recursive)
            elif isinstance(layer, InputLayer):
                clones[layer] = InputLayer.from_config(layer.get_config())
            else:
                clones[layer] = (clone_function or _from_config)(layer)
        return clones[layer]

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(f"clone_model: expected no call_function for a sequential model, got one for {label}")
        made: Any = _cloned_sequential(model, input_tensors, clone)
    else:
        made = _cloned_functional(model, input_tensors, clone, call_function)
    if model.compiled and not model._overrides("compile"):
        optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        made.compile(
            optimizer, **model._objective.copied_arguments(), run_eagerly=model.run_eagerly,
            steps_per_execution=model.steps_per_execution, jit_compile=model.jit_compile, auto_scale_loss=False,
        )  # fmt: skip
    return made


def _from_config(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _cloned_sequential(model: Sequential, input_tensors: Any, clone: Callable[[Any], Any]) -> Sequential:
    layers = [clone(layer) for layer in model._layers]
    if input_tensors is not None:
        given = flatten(input_tensors)
        if len(given) != 1 or not isinstance(given[0], KerasTensor):
            raise ValueError(f"clone_model: expected one KerasTensor as input_tensors, got {input_tensors!r}")
        layers = [layer for layer in layers if not isinstance(layer, InputLayer)]
        layers.insert(0, _own_input(given[0]))
    return Sequential(layers, trainable=model.trainable, name=model.name)


def _own_input(tensor: KerasTensor) -> Any:
    if tensor.history is not None and isinstance(tensor.history.function, InputLayer):
        return tensor.history.function
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)


def _cloned_functional(
    model: Functional, input_tensors: Any, clone: Callable[[Any], Any], call_function: Callable[..., Any] | None
) -> Functional:
    if input_tensors is None:
        inputs = pack(model.input, [clone(_maker(tensor)).output for tensor in model.inputs])
    else:
        inputs = input_tensors
        if isinstance(model.input, list) and isinstance(inputs, KerasTensor):
            inputs = [inputs]
        if form(inputs) != form(model.input):
            raise ValueError(
                "clone_model: `input_tensors` must have the same structure as model.input: expected "
                f"{map_structure(lambda tensor: tensor.name, model.input)}, got {inputs!r}"
            )

    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        made = clone(function) if isinstance(function, Layer) else function
        return made(*args, **kwargs) if call_function is None else call_function(made, *args, **kwargs)

    outputs = model._graph.run(inputs, call)
    config = {} if type(model) is Functional else _other_arguments(model)
    made: Functional = type(model)(inputs, outputs, name=model.name, **config)
    made._trainable = model._trainable
    return made


def _maker(tensor: KerasTensor) -> Any:
    assert tensor.history is not None
    return tensor.history.function


def _other_arguments(model: Functional) -> dict[str, Any]:
    graph = ("layers", "input_layers", "output_layers", "name", "trainable")
    return {key: value for key, value in model.get_config().items() if key not in graph}
