"""In which order the calls of a functional model are made, and its layers listed."""

from __future__ import annotations

from typing import Any

from dlnative.graph.tree import paths
from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.symbolic import Call, KerasTensor


def calls_between(label: str, inputs: list[KerasTensor], outputs: list[KerasTensor], structure: Any) -> list[Call]:
    """Returns the calls that make the outputs from the inputs, in order."""
    found: dict[int, Call] = {}
    known = {id(tensor) for tensor in inputs}
    for index, output in enumerate(outputs):
        stack = [output]
        while stack:
            tensor = stack.pop()
            if id(tensor) in known:
                continue
            call = tensor.history
            if call is None or isinstance(call.function, InputLayer):
                path = ".".join(map(str, paths(structure)[index]))
                raise ValueError(
                    f"{label}: Output with path `{path}` is not connected to `inputs`: expected outputs made of the inputs, "
                    f'got one that needs "{tensor.name}" as well'
                )
            if call.serial not in found:
                found[call.serial] = call
                stack.extend(call.inputs)
    return [found[serial] for serial in sorted(found)]


def layers_by_depth(inputs: list[KerasTensor], outputs: list[KerasTensor], calls: list[Call]) -> list[Layer]:
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
