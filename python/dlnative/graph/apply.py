"""Applying ops to symbolic tensors, in types that they have kernels for.

Rare types are computed through a cast around the op: a float of 16 bits as float32, an integer that kernels do not know
as a wider one. The results get the narrow type back, where they are of the operands' type.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import SERVING, Op
from dlnative.graph.tensor import Node, Tensor
from dlnative.graph.trace import current_trace
from dlnative.graph.type_rule import UnsupportedTypesError

_FIRST_INT64 = np.asarray(-(2**63), np.int64)


def apply(op: Op, inputs: tuple[Tensor, ...], attributes: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Returns what an op of the table makes of tensors.

    Raises:
        TypeError: if the op computes neither in their types nor in wider ones.
    """
    try:
        node = Node(op, inputs, attributes)
    except UnsupportedTypesError:
        wide = _wider(op, inputs)
        if wide is None:
            types = tuple([x.dtype for x in inputs])
            raise UnsupportedTypesError(op.types.refusal(op.name, types, _taken(op))) from None
    else:
        trace = current_trace()
        if trace is not None:
            trace.nodes.append(node)
        return node.outputs
    narrow = next(x.dtype for number, x in enumerate(inputs) if number not in op.types.inputs)
    shifted = narrow == "uint64" and op.uint64 == "order"
    operands = tuple(
        x if number in op.types.inputs else _shifted(_cast(x, wide), shifted) for number, x in enumerate(inputs)
    )
    made = apply(op, operands, attributes)
    if op.types.results is not None:
        return made
    return tuple(_cast(_shifted(y, shifted), narrow) for y in made)


def _wider(op: Op, inputs: tuple[Tensor, ...]) -> str | None:
    """Returns the type that an op computes in instead, or `None`."""
    found = {x.dtype for number, x in enumerate(inputs) if number not in op.types.inputs}
    if len(found) != 1:
        return None
    narrow = found.pop()
    wide = ("int64" if op.uint64 else None) if narrow == "uint64" else dtypes.WIDER.get(narrow)
    types = tuple([x.dtype if number in op.types.inputs else wide or narrow for number, x in enumerate(inputs)])
    return wide if wide is not None and op.types.takes(types) else None


def _taken(op: Op) -> str:
    """Returns the types that an op computes in, be it through a cast, in words."""
    uint64 = "uint64" in op.dtypes or op.uint64 is not None
    words = ["floats"] if "float32" in op.dtypes else []
    if "int64" in op.dtypes:
        words.append("integers" if uint64 else "integers but uint64")
    words += ["bool"] if "bool" in op.dtypes else []
    return " or ".join(words)


def _cast(x: Tensor, dtype: str) -> Tensor:
    return apply(SERVING["casting"], (x,), (dtype,))[0]


def _shifted(x: Tensor, shifts: bool) -> Tensor:
    """Adds -2^63 modulo 2^64: the order of uint64 becomes that of int64, and the other way round."""
    return apply(SERVING["adding"], (x, Tensor((), "int64", source=_FIRST_INT64)), ())[0] if shifts else x
