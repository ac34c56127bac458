"""Memory: which values share the arena, which are computed in place, which go straight into a variable.

Every value that a step computes lives from that step to the last step that reads it. Going through the steps in order,
a value takes the smallest free gap that holds it, and gives it back after its last use. An op that works element by
element may write over an input that dies there. A value that becomes a variable's new value is computed right into the
variable's memory, if no later step reads the old one.
"""

from __future__ import annotations

from typing import Any

from dlnative.graph.arena import Arena, padded
from dlnative.graph.op import SERVING
from dlnative.graph.planning.lower import LoweredIR, Step, Value
from dlnative.graph.planning.regions import LoweredRegion, Place
from dlnative.graph.variable import Variable


class Layout:
    """Where each computed value lies: an arena offset or a variable, by the key of the value."""

    def __init__(self) -> None:
        self.offsets: dict[int, int] = {}
        self.pinned: dict[int, Variable | Place] = {}
        self.arena_bytes = 0
        self.unpacked_bytes = 0


def assign_memory(plan: LoweredIR, written: set[Variable]) -> Layout:
    """Gives every computed value a place, and appends the copies that updates need.

    Args:
        plan: the steps; copies are added to them.
        written: variables that are written after the last step.
    """
    layout = Layout()
    _save_old_values(plan, written)
    _pin_updates(plan, layout)
    if plan.has_regions:
        for step in plan.steps:
            if step.op.roles.region:
                _assign_inside(step, layout)
    _pack(plan, layout)
    return layout


def _assign_inside(step: Step, layout: Layout) -> None:
    """Places what the bodies of a region compute in one more output of the step, which lives as long as the step."""
    region: LoweredRegion = step.attributes[0]
    layouts = [assign_memory(body, set()) for body in region.bodies]
    region.layouts = layouts
    nbytes = max(inside.arena_bytes for inside in layouts)  # only one of them runs at a time
    region.workspace = Value((nbytes,), "uint8")
    step.outputs.append(region.workspace)
    layout.unpacked_bytes += max(inside.unpacked_bytes for inside in layouts) - padded(nbytes)


def _save_old_values(plan: LoweredIR, written: set[Variable]) -> None:
    """Copies a variable's value first, where its old value is returned or assigned although the plan changes it."""
    changing = written | {variable for variable, _ in plan.updates}
    if not changing:
        return
    copies: dict[int, Value] = {}
    steps: list[Step] = []

    def saved(value: Value) -> Value:
        if not isinstance(value.origin, (Variable, Place)) or value.origin not in changing:
            return value
        copy = copies.get(value.key)
        if copy is None:
            base = value.base
            copy = copies[value.key] = Value(base.shape, base.dtype)
            steps.append(Step(SERVING["copying"], [base], [copy], ()))
        return copy if value.shape == copy.shape else Value(value.shape, value.dtype, alias=copy, offset=value.offset)

    plan.results = [saved(value) for value in plan.results]
    plan.updates = [(variable, saved(value)) for variable, value in plan.updates]
    plan.steps[:0] = steps


def _pin_updates(plan: LoweredIR, layout: Layout) -> None:
    if not plan.updates:
        return
    last_read: dict[Any, int] = {}
    made: dict[int, int] = {}
    first_made: dict[int, int] = {}
    for index, step in enumerate(plan.steps):
        for value in step.inputs:
            if isinstance(value.origin, (Variable, Place)):
                last_read[value.origin] = index
        for value in step.outputs:
            made[value.key] = index
            first_made.setdefault(value.key, index)  # of a joined value, the first part
    for variable, value in plan.updates:
        base = value.base
        index = made.get(base.key, -1)
        read = last_read.get(variable, -1)
        if (
            index >= 0
            and value.whole
            and (read < first_made[base.key] or any(output is base for output in plan.steps[index].outputs))
            and base.key not in layout.pinned
            and (read < index or (read == index and _in_place(plan.steps[index], variable, base)))
        ):
            layout.pinned[base.key] = variable
        else:
            copy = Value(value.shape, value.dtype)
            plan.steps.append(Step(SERVING["copying"], [value], [copy], ()))
            layout.pinned[copy.key] = variable


def _in_place(step: Step, variable: Variable | Place, output: Value) -> bool:
    """Tells whether a step may overwrite a variable that it reads."""
    reusable = step.op.reusable(step.attributes, step.outputs.index(output), len(step.inputs))
    return all(
        number in reusable and value.shape == output.shape and value.dtype == output.dtype
        for number, value in enumerate(step.inputs)
        if value.origin is variable
    )


def _pack(plan: LoweredIR, layout: Layout) -> None:
    end = len(plan.steps)
    last_use: dict[int, int] = {}
    for index, step in enumerate(plan.steps):
        for value in step.outputs:
            last_use[value.key] = index
        for value in step.inputs:
            last_use[value.key] = index
    for value in plan.results:
        last_use[value.key] = end
    arena = Arena()
    offsets, pinned = layout.offsets, layout.pinned
    sizes: dict[int, int] = {}
    for index, step in enumerate(plan.steps):
        dying = {value.key for value in step.inputs if last_use[value.key] == index and value.key in offsets}
        for value in step.outputs:
            if value.key in pinned:
                continue
            if value.key in offsets:  # of another part of the same value
                continue
            nbytes = sizes[value.key] = padded(value.base.nbytes)
            layout.unpacked_bytes += nbytes
            old = _predecessor(step, value, dying) if dying and value.alias is None else None
            if old is not None:
                offsets[value.key] = offsets[old]
                dying.discard(old)
            else:
                offsets[value.key] = arena.take(nbytes)
        for value in step.outputs:
            if last_use[value.key] == index and value.key in offsets:
                dying.add(value.key)
        for key in dying:
            arena.give(offsets[key], sizes[key])
    layout.arena_bytes = arena.size


def _predecessor(step: Step, output: Value, dying: set[int]) -> int | None:
    """Returns the key of an input that dies in this step and whose memory the output may take."""
    reusable = step.op.reusable(step.attributes, step.outputs.index(output), len(step.inputs))
    for number in reusable:
        value = step.inputs[number]
        if (
            value.key in dying
            and value.shape == output.shape
            and value.dtype == output.dtype
            and value.whole
            and all(
                place in reusable and other.shape == value.shape
                for place, other in enumerate(step.inputs)
                if other.key == value.key
            )
        ):
            return value.key
    return None
