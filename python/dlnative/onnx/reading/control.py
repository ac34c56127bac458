"""Operators whose attributes are graphs: scans, loops and branches."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.onnx.reading.operators import Image, Node, reads


def _tensor(value: Any) -> Any:
    return value.first if isinstance(value, Image) else value


@reads("If")
def _if(node: Node, condition: Any) -> Any:
    then, otherwise = (node.graph.inner(node, name) for name in ("then_branch", "else_branch"))
    if isinstance(condition, np.ndarray):
        made = (then if bool(condition.reshape(-1)[0]) else otherwise)([])
    else:
        made = ops.cond(ops.reshape(condition, ()), lambda: tuple(then([])), lambda: tuple(otherwise([])))
    return tuple(made) if len(made) > 1 else made[0]


@reads("Scan")
def _scan(node: Node, *given: Any) -> Any:
    count = node.get("num_scan_inputs")
    body = node.graph.inner(node, "body")
    carries = len(given) - count
    directions = list(node.get("scan_input_directions", [0] * count))
    axes = list(node.get("scan_input_axes", [0] * count))
    results = len(node.outputs) - carries
    backwards = list(node.get("scan_output_directions", [0] * results))
    places = list(node.get("scan_output_axes", [0] * results))
    rows = [ops.moveaxis(x, axis, 0) if axis else x for x, axis in zip(given[carries:], axes, strict=True)]
    reverse = all(directions)
    if not reverse:
        rows = [ops.flip(x, axis=0) if turned else x for x, turned in zip(rows, directions, strict=True)]

    def turn(carry: Any, xs: Any) -> Any:
        made = body([*carry, *xs])
        kept = [ops.cast(new, str(old.dtype)) for new, old in zip(made[:carries], carry, strict=True)]
        return tuple(kept), tuple(made[carries:])

    finals, stacked = ops.scan(turn, tuple(given[:carries]), tuple(rows), reverse=reverse)
    ys = [ops.flip(y, axis=0) if bool(turned) != reverse else y for y, turned in zip(stacked, backwards, strict=True)]
    ys = [ops.moveaxis(y, 0, axis) if axis else y for y, axis in zip(ys, places, strict=True)]
    made = (*finals, *ys)
    return made if len(made) > 1 else made[0]


@reads("Loop")
def _loop(node: Node, most: Any, condition: Any, *given: Any) -> Any:
    body = node.graph.inner(node, "body")
    carries = len(given)
    turns = None if most is None else int(node.known(most, "a number of turns").reshape(-1)[0])
    if len(node.outputs) > carries:
        if turns is None or (condition is not None and not (isinstance(condition, np.ndarray) and condition.all())):
            raise node.refuse("a known number of turns where results are stacked")

        def turn(carry: Any, n: Any) -> Any:
            made = body([n, np.asarray(True), *carry])
            return tuple(made[1 : 1 + carries]), tuple(made[1 + carries :])

        finals, stacked = ops.scan(turn, tuple(given), np.arange(turns, dtype=np.int64), length=turns)
        return (*finals, *stacked)
    begins = np.asarray(True) if condition is None else ops.reshape(condition, ())

    def again(goes_on: Any, n: Any, *values: Any) -> Any:
        return goes_on if turns is None else ops.logical_and(goes_on, n < turns)

    def step(goes_on: Any, n: Any, *values: Any) -> Any:
        made = body([n, goes_on, *values])
        return (ops.reshape(ops.cast(made[0], "bool"), ()), n + 1, *made[1:])

    _, _, *finals = ops.while_loop(again, step, (ops.cast(begins, "bool"), np.asarray(0, np.int64), *given))
    return tuple(finals) if len(finals) > 1 else finals[0]
