"""Which element types an op computes in: a part of its row in the op table, checked where nodes and plans are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class UnsupportedTypesError(TypeError):
    """An op does not compute in the types that it was given."""


class TypeRule:
    """The types of an op's operands: T, one type that all share which have no types of their own.

    Args:
        shared: the types that T may be.
        inputs: the types of inputs that have their own, by number.
        results: the types of the results, where these are not of type T.
    """

    __slots__ = ("accepted", "inputs", "results", "shared")

    def __init__(
        self, shared: Sequence[str], inputs: Mapping[int, Sequence[str]], results: Sequence[str] | None
    ) -> None:
        self.shared = tuple(shared)
        self.inputs = dict(inputs)
        self.results = None if results is None else tuple(results)
        self.accepted: set[tuple[str, ...]] = set()  # types of inputs that were asked for and are right

    def takes(self, inputs: Sequence[str], outputs: Sequence[str] = ()) -> bool:
        """Tells whether an op with this rule takes types."""
        given = [(dtype, self.inputs.get(number)) for number, dtype in enumerate(inputs)]
        given += [(dtype, self.results) for dtype in outputs]
        shared = {dtype for dtype, own in given if own is None}
        return len(shared) <= 1 and all(dtype in (self.shared if own is None else own) for dtype, own in given)

    def check(self, name: str, inputs: tuple[str, ...]) -> None:
        """Raises `UnsupportedTypesError`, in one line, unless the op takes these types of inputs."""
        if not self.takes(inputs):
            raise UnsupportedTypesError(self.refusal(name, inputs, _choice(self.shared)))
        self.accepted.add(inputs)

    def refusal(self, name: str, inputs: tuple[str, ...], shared: str) -> str:
        """Returns one line that says what an op takes, and what it was given.

        Args:
            name: the name of the op.
            inputs: the types that it was given.
            shared: what T may be, in words.
        """
        count = len(inputs)
        own = {number: types for number, types in self.inputs.items() if number < count}
        parts = []
        if len(own) < count:
            together = "one type, " if count - len(own) > 1 else ""
            parts.append(f"{'other ' if own else ''}operands of {together}{shared}")
        parts += [f"operand {number} of {_choice(types)}" for number, types in sorted(own.items())]
        return f"{name}: expected {' and '.join(parts[::-1])}, got {_listed(inputs)}"


def check_instruction(op: Any, inputs: Sequence[str], outputs: Sequence[str], steps: Any, backend: str) -> None:
    """Raises `UnsupportedTypesError`, in one line, unless an op takes the types of the operands that a plan gives it.

    Args:
        op: the row of the op table.
        inputs, outputs: types.
        steps: what a chain consists of, or `None`; see `ops/chain.py`.
        backend: the name of the backend that would run it.
    """
    fits = op.types.takes(inputs, outputs) if steps is None else _steps_fit(inputs, outputs, steps)
    if not fits:
        raise UnsupportedTypesError(
            f"op {op.name} has no kernel for ({_listed(inputs)}) -> ({_listed(outputs)}) on {backend}"
        )


def _steps_fit(inputs: Sequence[str], outputs: Sequence[str], steps: Any) -> bool:
    from dlnative.graph.op import OPS

    found = dict(enumerate((*inputs, *outputs)))
    ends = len(found)
    for name, operands, destination, dtype, _ in steps:
        if destination < ends and found[destination] != dtype:
            return False
        if not OPS[name].types.takes([found[number] for number in operands], [dtype]):
            return False
        found[destination] = dtype
    return True


def _listed(types: Sequence[str]) -> str:
    return ", ".join(types)


def _choice(types: Sequence[str]) -> str:
    return _listed(types) if len(types) < 3 else f"{_listed(types[:-1])} or {types[-1]}"
