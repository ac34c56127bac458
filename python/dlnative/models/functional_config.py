"""The configuration of a functional model, in Keras's format: its layers, and for each the calls that were made of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from dlnative.graph.tree import flatten, map_structure
from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.models.function import Function
from dlnative.operation import Operation
from dlnative.saving import operations
from dlnative.saving.serialization import deserialize_keras_object as deserialize
from dlnative.saving.serialization import serialize_keras_object as serialize
from dlnative.symbolic import KerasTensor

_KEYS = ("layers", "input_layers", "output_layers")


def graph_config(graph: Function) -> dict[str, Any]:
    """Returns the layers and functions of a graph with their calls, and which results of calls are inputs and outputs."""
    names = _names(graph)
    histories: dict[int, list[Any]] = {}  # a tensor: the name of what made it, which of its calls, which of its results
    for tensor in graph.inputs:
        assert tensor.history is not None
        histories[id(tensor)] = [names[id(tensor.history.function)], 0, 0]
    nodes: dict[str, list[Any]] = {}
    for number, call in enumerate(graph.calls):
        name = names.get(id(call.function)) or names[number]
        for place, tensor in enumerate(call.outputs):
            histories[id(tensor)] = [name, len(nodes.get(name, [])), place]
        nodes.setdefault(name, []).append(call)

    def entry(leaf: Any) -> Any:
        if isinstance(leaf, KerasTensor):
            config = {"shape": leaf.shape, "dtype": leaf.dtype, "keras_history": histories[id(leaf)]}
            return {"class_name": "__keras_tensor__", "config": config}
        return serialize(leaf)

    def described(function: Any, name: str, calls: list[Any]) -> dict[str, Any]:
        if isinstance(function, (Layer, Operation)):
            made, given = serialize(function), [(call.args, call.kwargs) for call in calls]
        else:  # each of its calls has a name of its own
            made, args, kwargs = operations.described(function, name, calls[0].args, calls[0].kwargs)
            made, given = serialize(made), [(args, kwargs)]
        inbound = [{"args": _mapped(entry, list(args)), "kwargs": _mapped(entry, kwargs)} for args, kwargs in given]
        return {**made, "name": name, "inbound_nodes": inbound}

    layers = []
    for tensor in graph.inputs:
        assert tensor.history is not None
        layers.append(described(tensor.history.function, histories[id(tensor)][0], []))
    layers += [described(calls[0].function, name, calls) for name, calls in nodes.items()]
    functional = {name for name, calls in nodes.items() if _counts_itself(calls[0].function)}

    def listed(tensor: KerasTensor) -> list[Any]:
        name, number, place = histories[id(tensor)]
        return [name, number + (name in functional), place]

    return {
        "layers": layers,
        "input_layers": map_structure(listed, graph.input_structure),
        "output_layers": map_structure(listed, graph.output_structure),
    }


def _counts_itself(function: Any) -> bool:
    """Tells whether Keras counts the calls of a layer from 1 where it lists outputs: a functional model's own comes first."""
    from dlnative.models.functional import Functional

    return isinstance(function, Functional)


def _names(graph: Function) -> dict[int, str]:
    """Returns the name of each layer by its id, and of each call of a function by its number."""
    names: dict[int, str] = {}
    counts: dict[str, int] = {}
    for operation in graph.operations:
        if isinstance(operation, (Layer, Operation)):
            names[id(operation)] = operation.name
    for number, call in enumerate(graph.calls):
        if not isinstance(call.function, (Layer, Operation)):
            base = call.function.__name__
            count = counts[base] = counts.get(base, -1) + 1
            names[number] = f"{base}_{count}" if count else base
            while names[number] in [name for key, name in names.items() if key != number]:
                names[number] += "_op"
    return names


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to the leaves of what becomes JSON, which has no tuples."""
    if isinstance(structure, dict):
        return {key: _mapped(function, item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_mapped(function, item) for item in structure]
    return function(structure)


def is_graph_config(cls: type, config: dict[str, Any]) -> bool:
    """Tells whether a configuration is that of a functional model, and a class takes inputs and outputs."""
    if not all(key in config for key in _KEYS):
        return False
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    names = [parameter.name for parameter in parameters]
    kinds = [parameter.kind for parameter in parameters]
    anything = inspect.Parameter.VAR_POSITIONAL in kinds and inspect.Parameter.VAR_KEYWORD in kinds
    return anything or names[:2] == ["inputs", "outputs"]


def from_graph_config(cls: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """Makes a functional model of a class.

    Args:
        cls: the class; what the configuration has beside the graph are arguments of its constructor.
        config: what `get_config` returned.
        custom_objects: classes of the user's, by name.

    Raises:
        ValueError: if a call needs what no other makes.
    """
    from dlnative.models.functional import Functional
    from dlnative.models.model import Model

    inputs, outputs = _tensors(config, custom_objects)
    rest = {key: value for key, value in config.items() if key not in (*_KEYS, "name", "trainable")}
    made = (Functional if cls is Model else cls)(inputs=inputs, outputs=outputs, name=config.get("name"), **rest)
    if not config.get("trainable", True):
        made.trainable = False
    return made


def _tensors(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> tuple[Any, Any]:
    """Makes the layers, calls them, and returns the symbolic inputs and outputs."""
    functions: dict[str, Any] = {}
    results: dict[tuple[str, int], list[Any]] = {}
    waiting: list[tuple[str, int, Any]] = []
    for layer in config["layers"]:
        name = layer.get("name") or layer["config"]["name"]
        functions[name] = function = _made(layer, custom_objects)
        if isinstance(function, InputLayer):
            results[name, 0] = [function.output]
        waiting += [(name, index, node) for index, node in enumerate(layer["inbound_nodes"])]
    while waiting:
        left = []
        done = dict.fromkeys(functions, 0)
        for name, index, node in waiting:
            needed = list(_needed(node))
            ready = all(key in results for key in needed) and (index == 0 or (name, index - 1) in results)
            if not ready:
                left.append((name, index, node))
                continue
            args, kwargs = _arguments(node, results, custom_objects)
            outputs = flatten(functions[name](*args, **kwargs))
            results[name, index] = [item for item in outputs if isinstance(item, KerasTensor)]
            done[name] += 1
        if len(left) == len(waiting):
            unknown = [key[0] for _, _, node in left for key in _needed(node) if key[0] not in functions]
            if unknown:
                raise ValueError(f"from_config: expected calls of known layers, got none: Missing node: {unknown[0]}")
            raise ValueError(
                f"from_config: expected calls in some order, got a loop through {sorted({n for n, _, _ in left})}"
            )
        waiting = left

    def found(structure: Any) -> Any:
        if _is_history(structure):
            name, index, place = structure[:3]
            return results[name, index - _counts_itself(functions.get(name))][place]
        if isinstance(structure, dict):
            return {key: found(item) for key, item in structure.items()}
        made = [found(item) for item in structure]
        return made if isinstance(structure, list) else tuple(made)

    return found(config["input_layers"]), found(config["output_layers"])


def _is_history(structure: Any) -> bool:
    return isinstance(structure, (list, tuple)) and len(structure) >= 3 and isinstance(structure[0], str)


def _made(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    if operations.is_operation(config):
        settings = {key: _deserialized(value, custom_objects) for key, value in config["config"].items()}
        return operations.made({**config, "config": settings})
    return deserialize({key: value for key, value in config.items() if key != "name"}, custom_objects)


def _deserialized(value: Any, custom_objects: dict[str, Any] | None) -> Any:
    """Returns a setting of an op: a function of the user's is a dict in the configuration."""
    if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
        return deserialize(value, custom_objects)
    return value


def _needed(node: Any) -> Any:
    """Yields which results of which calls a call takes."""
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        name, index, _ = node["config"]["keras_history"]
        yield name, index
    elif isinstance(node, dict):
        for item in node.values():
            yield from _needed(item)
    elif _is_history(node):  # Keras 2
        yield node[0], node[1]
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from _needed(item)


def _arguments(node: Any, results: dict[tuple[str, int], list[Any]], custom_objects: Any) -> tuple[list[Any], Any]:
    def argument(value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            name, index, place = value["config"]["keras_history"]
            return results[name, index][place]
        if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
            return deserialize(value, custom_objects)
        if isinstance(value, dict):
            return {key: argument(item) for key, item in value.items()}
        return [argument(item) for item in value] if isinstance(value, (list, tuple)) else value

    if isinstance(node, dict):
        return argument(node["args"]), argument(node["kwargs"])
    tensors = [results[item[0], item[1]][item[2]] for item in node]
    kwargs = node[0][3] if len(node[0]) > 3 else {}
    return [tensors[0] if len(tensors) == 1 else tensors], kwargs
