"""LSTM, GRU and RNN, whose weights are turned, and their gates ordered, when a file is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.onnx.reading.operators import Node, reads

_ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}
_ACTIVATIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


def recurrent_weights(node: Node, w: Any, r: Any, b: Any) -> dict[str, Any]:
    """Returns the kernels and biases of each direction as dlnative has them, by name."""
    order = _ORDERS[node.op_type]
    gates, units = len(order), r.shape[-1]
    found = {}
    for direction in range(w.shape[0]):
        for name, kernel in (("kernel", w[direction]), ("recurrent_kernel", r[direction])):
            rows = kernel.reshape(gates, units, -1)[list(order)].reshape(gates * units, -1)
            found[f"{name}_{direction}"] = np.ascontiguousarray(rows.T)
        if b is not None:
            biases = b[direction].reshape(2, gates, units)[:, list(order)].reshape(2, -1)
            if node.op_type == "GRU" and node.get("linear_before_reset", 0):
                found[f"bias_{direction}"], found[f"recurrent_bias_{direction}"] = biases[0].copy(), biases[1].copy()
            else:
                found[f"bias_{direction}"] = biases.sum(axis=0)
    return found


@reads("LSTM", "GRU", "RNN")
def _recurrent(
    node: Node,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h: Any = None,
    c: Any = None,
    peepholes: Any = None,
) -> Any:
    _check(node, peepholes)
    time_first = node.get("layout", 0) == 0
    rows = ops.transpose(x, (1, 0, 2)) if time_first else x
    mask = None
    if lengths is not None:
        mask = ops.less(np.arange(rows.shape[1]), ops.expand_dims(lengths, -1))
    direction = node.get("direction", b"forward").decode()
    backwards = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[direction]
    made = []
    for number, reverse in enumerate(backwards):
        state = [None if given is None else given[number] if time_first else given[:, number] for given in (h, c)]
        made.append(_run(node, rows, number, state, mask, reverse))
    steps = [each[0] for each in made]
    if mask is not None:
        steps = [ops.where(ops.expand_dims(mask, -1), y, ops.zeros_like(y)) for y in steps]
    stacked = ops.stack(steps, axis=2)  # batch, steps, directions, units
    y = ops.transpose(stacked, (1, 2, 0, 3)) if time_first else stacked
    finals = [
        ops.stack([each[place] for each in made], axis=0 if time_first else 1) for place in range(1, len(made[0]))
    ]
    return (y, *finals)


def _check(node: Node, peepholes: Any) -> None:
    wanted = _ACTIVATIONS[node.op_type]
    given = [name.decode() for name in node.get("activations", [])]
    if given and given != wanted * (len(given) // len(wanted)):
        raise node.refuse(f"the activations {wanted}, got {given}")
    for name in ("clip", "input_forget"):
        if node.get(name, 0):
            raise node.refuse(f"no {name}, got {node.get(name)}")
    if peepholes is not None:
        raise node.refuse("no peepholes, got some")


def _run(node: Node, x: Any, number: int, state: list[Any], mask: Any, reverse: bool) -> Any:
    get = node.prepared.get
    kernels = get(f"kernel_{number}"), get(f"recurrent_kernel_{number}"), get(f"bias_{number}")
    if kernels[0] is None:
        raise node.refuse("weights that are in the file, got some that are computed")
    if node.op_type == "LSTM":
        given = None if state[0] is None and state[1] is None else _both(state)
        return ops.lstm(x, *kernels, initial_state=given, mask=mask, go_backwards=reverse)
    if node.op_type == "GRU":
        after = bool(node.get("linear_before_reset", 0))
        others = {"recurrent_bias": get(f"recurrent_bias_{number}")} if after else {}
        return ops.gru(
            x, *kernels, initial_state=state[0], mask=mask, go_backwards=reverse, reset_after=after, **others
        )
    return ops.simple_rnn(x, *kernels, initial_state=state[0], mask=mask, go_backwards=reverse)


def _both(state: list[Any]) -> list[Any]:
    known = state[0] if state[0] is not None else state[1]
    return [ops.zeros_like(known) if given is None else given for given in state]
