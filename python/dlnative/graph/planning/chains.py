"""Chains: elementwise ops on values of one size become one instruction, which goes through memory once.

A step joins the chains that make its operands. The whole chain then runs where its last step stood, so a chain may grow
only as long as nothing between needs one of its values. The values that only the chain needs are temporaries of a block
of elements, and stay in a cache. A reduction may be the last to read one of them: a sum or a mean of all elements, or a
sum, mean, maximum or minimum along the last axes.
"""

from __future__ import annotations

from typing import Any

from dlnative import dtypes
from dlnative.backends.backend import Limits
from dlnative.graph.op import SERVING, size_of
from dlnative.graph.planning.lower import LoweredIR, Step, Value


def chain(plan: LoweredIR, limits: Limits) -> None:
    """Replaces chains of elementwise steps by one step each, in place.

    Args:
        plan: the steps.
        limits: which values are worth it, and how much the kernel takes. Smaller values are in L1 anyway, and a chain has
            a start-up time of half a microsecond; its blocks are whole rows, which should stay in L2.
    """
    if any(_elements(step, limits) for step in plan.steps):
        _Chains(plan, limits).run()


def _elements(step: Step, limits: Limits) -> int:
    """Returns the number of elements that a step of a chain has, 0 if a step cannot be in one."""
    roles = step.op.roles
    if roles.reduces:
        value = step.inputs[0]
        size = size_of(value.shape)
        fits = (
            roles.reduces == "elements"
            if _row(step) == 0
            else _reduces_last_axes(step) and _row(step) <= limits.chain_row
        )
        return size if size >= limits.chain_elements and fits and dtypes.is_float(value.dtype) else 0
    if not roles.chainable:
        return 0
    size = size_of(step.outputs[0].shape)
    if size < limits.chain_elements or any(size_of(value.shape) not in (1, size) for value in step.inputs):
        return 0
    return size


def _reduces_last_axes(step: Step) -> bool:
    first, count, _ = step.attributes
    return bool(first + count == len(step.inputs[0].shape))


def _row(step: Step) -> int:
    """Returns how many elements a reduction makes one of, or 0 if all."""
    parts = size_of(step.outputs[0].shape)
    return 0 if parts == 1 else size_of(step.inputs[0].shape) // parts


class _Chains:
    def __init__(self, plan: LoweredIR, limits: Limits) -> None:
        self.plan = plan
        self.limits = limits
        self.live_out = plan.live_out()
        self.places = {id(step): place for place, step in enumerate(plan.steps)}
        self.readers: dict[int, list[Step]] = {}
        for step in plan.steps:
            for value in step.inputs:
                self.readers.setdefault(value.key, []).append(step)
        self.members: dict[int, list[Step]] = {}  # the chain that a step is in, by the step

    def elements(self, step: Step) -> int:
        return _elements(step, self.limits)

    def run(self) -> None:
        for step in self.plan.steps:
            if self.elements(step):
                self.join(step)
        steps: list[Step] = []
        for step in self.plan.steps:
            members = self.members.get(id(step), [step])
            if len(members) == 1:
                steps.append(step)
            elif members[-1] is step:
                steps.append(self.chained(members))
        self.plan.steps = steps

    def join(self, step: Step) -> None:
        """Puts a step together with the chains of its operands, as far as that is allowed."""
        members = [step]
        for value in step.inputs:
            maker = value.base.producer
            found = self.members.get(id(maker)) if maker is not None and value.whole else None
            if found is None or found[-1] is members[0] or self.elements(found[0]) != self.elements(step):
                continue
            together = sorted({id(member): member for member in (*found, *members)}.values(), key=self.place)
            if self.allowed(together):
                members = together
        for member in members:
            self.members[id(member)] = members

    def place(self, step: Step) -> int:
        return self.places[id(step)]

    def allowed(self, members: list[Step]) -> bool:
        if len(members) > self.limits.chain_steps:
            return False
        if len({_row(member) for member in members if member.op.roles.reduces}) > 1:
            return False
        inside = {id(member) for member in members}
        last = self.place(members[-1])
        for member in members:
            for reader in self.readers.get(member.outputs[0].key, ()):
                if id(reader) in inside:
                    if member.op.roles.reduces:
                        return False
                elif self.place(reader) < last:
                    return False
        made = {member.outputs[0].key: member.outputs[0].place for member in members}
        for member in members:
            for value in member.inputs:
                if value.key in made and value.place not in made.values():
                    return False  # a part of what the chain makes, or a whole that it makes a part of
        inputs, results = self.ends(members)
        return len(inputs) + len(results) <= self.limits.chain_values

    def ends(self, members: list[Step]) -> tuple[list[Value], list[Value]]:
        """Returns what a chain reads from outside and what it leaves there."""
        inside = {id(member) for member in members}
        made = {member.outputs[0].place for member in members}
        inputs: dict[Any, Value] = {}
        for member in members:
            for value in member.inputs:
                if value.place not in made:
                    inputs.setdefault(value.place, value)
        results = [
            member.outputs[0]
            for member in members
            if member.outputs[0].key in self.live_out
            or any(id(reader) not in inside for reader in self.readers.get(member.outputs[0].key, ()))
        ]
        return list(inputs.values()), results

    def chained(self, members: list[Step]) -> Step:
        inputs, results = self.ends(members)
        numbers = {value.place: number for number, value in enumerate([*inputs, *results])}
        left: dict[Any, int] = {}  # how many readings of a temporary are to come
        for member in members:
            for value in member.inputs:
                left[value.place] = left.get(value.place, 0) + 1
        first = len(numbers)
        used = 0
        free: list[int] = []
        program = []
        for member in members:
            output = member.outputs[0]
            operands = tuple(numbers[value.place] for value in member.inputs)
            for value in member.inputs:
                left[value.place] -= 1
            dying = {
                numbers[value.place]: value.dtype
                for value in member.inputs
                if not left[value.place] and numbers[value.place] >= first
            }
            # A step may write over an operand only if their elements are of one size.
            free += [number for number, dtype in dying.items() if dtype == output.dtype]
            if output.place not in numbers:
                if not free:
                    free.append(first + used)
                    used += 1
                numbers[output.place] = free.pop()
            free += [number for number, dtype in dying.items() if dtype != output.dtype]
            parameters = member.op.encode(member.attributes)[1]
            program.append((member.op.name, operands, numbers[output.place], output.dtype, parameters))
        names = tuple(part for member in members for part in (member.fused or (member.op.name,)))
        row = max((_row(member) for member in members if member.op.roles.reduces), default=0)
        return Step(SERVING["chaining"], inputs, results, (len(results), row, tuple(program)), names)
