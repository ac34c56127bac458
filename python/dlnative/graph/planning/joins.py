"""Joins: values that are only put one behind the other are computed where they belong in the whole, without a copy."""

from __future__ import annotations

from collections.abc import Iterator

from dlnative.dtypes import ITEM_SIZES
from dlnative.graph.op import SERVING
from dlnative.graph.planning.lower import LoweredIR, Step, Value
from dlnative.graph.planning.regions import Place


def join(plan: LoweredIR) -> None:
    """Makes the inputs of steps that join them parts of the result, in place; what has memory of its own is copied."""
    if any(step.op.roles.joins is not None for step in plan.steps):
        _Joins(plan).run()


class _Joins:
    def __init__(self, plan: LoweredIR) -> None:
        self.plan = plan
        self.made = {id(value) for step in plan.steps for value in step.outputs}
        self.written = {value.key for _, value in plan.updates}  # computed where a variable lies
        self.parts: dict[int, tuple[Value, int]] = {}  # by key: the value that another one is a part of, and where

    def run(self) -> None:
        steps: list[Step] = []
        for step in self.plan.steps:
            joins = step.op.roles.joins
            starts = None if joins is None else joins([value.shape for value in step.inputs], step.attributes)
            if starts is None or not self.place(step, starts, steps):
                steps.append(step)
        self.plan.steps = steps
        if self.parts:
            self.move()

    def place(self, step: Step, starts: list[int], steps: list[Step]) -> bool:
        """Puts the inputs of a step into its output; `False` if all of them have to be copied anyway."""
        whole = step.outputs[0]
        item = ITEM_SIZES[whole.dtype]
        fits = [self.may_be_part(value, step) for value in step.inputs]
        if not any(fits):
            return False
        for value, start, fit in zip(step.inputs, starts, fits, strict=True):
            if fit:
                self.parts[value.key] = whole, start * item
            else:
                part = Value(value.shape, value.dtype, alias=whole, offset=start * item)
                steps.append(Step(SERVING["copying"], [value], [part], ()))
        return True

    def may_be_part(self, value: Value, step: Step) -> bool:
        """Whether a value is computed by a step, and is nothing else yet."""
        return (
            id(value.base) in self.made
            and value.whole
            and value.key not in self.parts
            and value.key not in self.written
            and sum(other.key == value.key for other in step.inputs) == 1
        )

    def move(self) -> None:
        """Makes the values parts of the whole, with all that were parts of them."""
        places: dict[int, tuple[Value, int]] = {}  # from the last on, so that the wholes of wholes are known
        for key, (whole, start) in reversed(self.parts.items()):
            last, further = places.get(whole.key, (whole, 0))
            places[key] = last, start + further
        for value in {id(value): value for value in _values(self.plan)}.values():
            if value.key in places:
                whole, start = places[value.key]
                if value.alias is None:
                    value.alias = whole
                value.key = whole.key
                value.offset += start


def _values(plan: LoweredIR) -> Iterator[Value]:
    """All values that a plan and the regions in it name."""
    for step in plan.steps:
        yield from step.inputs
        yield from step.outputs
        if step.op.roles.region:
            region = step.attributes[0]
            if region.condition is not None:
                yield region.condition
            for body in region.bodies:
                yield from _values(body)
    yield from plan.results
    for target, value in plan.updates:
        yield value
        if isinstance(target, Place):
            yield target.of
