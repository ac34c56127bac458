"""Fusion: what stands around an op goes into its epilogue, and is done while the result is in registers or in a near cache.

    y + bias, y + residual, act(y)       an op that takes an epilogue, and what follows it
    dy * act'(saved)                     the gradient of an activation, behind the op that makes dy
    sum of the rows of dy                behind a product that multiplies by dy: a bias gradient
    gradient * constant                  an op that scales an output by an attribute: the constant of a mean over the batch

What goes into what, rows of the op table say by their roles (`graph/roles.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.graph.op import size_of
from dlnative.graph.planning.lower import LoweredIR, Step, Value
from dlnative.graph.roles import Epilogue


def fuse(plan: LoweredIR) -> None:
    """Replaces groups of steps by fused ones, in place."""
    _Fusion(plan).run()


class _Fusion:
    def __init__(self, plan: LoweredIR) -> None:
        self.plan = plan
        self.live_out = plan.live_out()
        self.uses: dict[int, int] = {}
        for step in plan.steps:
            for value in step.inputs:
                self.uses[value.key] = self.uses.get(value.key, 0) + 1
        self.removed: dict[int, Step] = {}  # by their identity, which none made later may get
        self.places = {id(step): index for index, step in enumerate(plan.steps)}
        self.rules: dict[str, Callable[[Step], Step | None]] = {
            "addition": self.addition,
            "activation": self.activation,
            "gradient": self.activation_gradient,
            "scaling": self.scaled,
        }

    def run(self) -> None:
        steps: list[Step | None] = list(self.plan.steps)
        places = self.places
        products: dict[Any, Step] = {}  # by the rows that they multiply with
        sums: dict[Any, Step] = {}
        for index, step in enumerate(self.plan.steps):
            roles = step.op.roles
            if roles.takes is not None:
                if _takes(step, step.attributes[-1]._replace(sums=True)):
                    products[step.inputs[1].place] = step
            elif roles.post_op == "sums":
                if step.attributes == (0, len(step.inputs[0].shape) - 1, False):
                    sums[step.inputs[0].place] = step
            elif roles.post_op:
                fused = self.rules[roles.post_op](step)
                if fused is not None:
                    steps[index] = None
                    steps[places[id(fused)]] = fused
        for rows, product in products.items():
            total = sums.get(rows)
            if total is not None and id(product) not in self.removed:
                self.bias_gradient(product, total, steps)
        self.plan.steps = [step for step in steps if step is not None and id(step) not in self.removed]

    def producer(self, value: Value) -> Step | None:
        """The step of this plan, and not of one around it, that makes a value."""
        made = value.producer
        return made if made is not None and id(made) in self.places else None

    def epilogue(self, value: Value) -> Epilogue | None:
        """Returns the epilogue of the step that makes a value, if that can have one."""
        made = self.producer(value)
        if made is None or made.op.roles.takes is None or made.outputs[0] is not value:
            return None
        epilogue: Epilogue = made.attributes[-1]
        return None if epilogue.sums else epilogue

    def only_use(self, value: Value) -> bool:
        return self.uses.get(value.key) == 1 and value.key not in self.live_out

    def extended(self, value: Value, step: Step, operand: Value | None, **more: Any) -> Step | None:
        """Returns the step that makes `value` with `step` in its epilogue, if there is such a kernel.

        Args:
            value: what only `step` reads.
            step: the step to take in.
            operand: what it reads beside `value`.
            **more: what it is in an epilogue.
        """
        made = self.producer(value)
        if made is None or made.op.roles.takes is None or not self.only_use(value):
            return None
        place = self.places[id(step)]
        if len(made.outputs) > 1:  # others may be read before the step is reached
            place = self.places[id(made)]
            other = None if operand is None else operand.base.producer
            if other is not None and self.places.get(id(other), -1) >= place:
                return None
        epilogue: Epilogue = made.attributes[-1]
        wanted = epilogue._replace(**more)
        if not _takes(made, wanted):
            return None
        inputs = list(made.inputs)
        if operand is not None:
            own = len(inputs) - epilogue.operands
            inputs.insert(
                own if "bias" in more else own + epilogue.bias if "residual" in more else len(inputs), operand
            )
        self.removed[id(made)] = made
        names = (*(made.fused or (made.op.name,)), step.op.name)
        outputs = [*step.outputs, *made.outputs[1:]]
        fused = Step(made.op, inputs, outputs, (*made.attributes[:-1], wanted), names)
        self.places[id(fused)] = place
        return fused

    def addition(self, step: Step) -> Step | None:
        for value, other in (step.inputs, step.inputs[::-1]):
            epilogue = self.epilogue(value)
            if epilogue is None or epilogue.activation or epilogue.gradient_of or step.outputs[0].shape != value.shape:
                continue
            more = {}
            if other.shape == value.shape:
                more = {"residual": True} if not epilogue.residual and other.key != value.key else {}
            elif other.shape == value.shape[-1:] and not epilogue.bias:
                more = {"bias": True}
            fused = self.extended(value, step, other, **more) if more else None
            if fused is not None:
                return fused
        return None

    def activation(self, step: Step) -> Step | None:
        value = step.inputs[0]
        epilogue = self.epilogue(value)
        if epilogue is None or epilogue.activation or epilogue.gradient_of:
            return None
        return self.extended(value, step, None, activation=(step.op.name, *step.attributes))

    def activation_gradient(self, step: Step) -> Step | None:
        arriving, saved = step.inputs
        epilogue = self.epilogue(arriving)
        if epilogue is None or epilogue.activation or epilogue.gradient_of or saved.shape != arriving.shape:
            return None
        return self.extended(arriving, step, saved, gradient_of=(step.op.roles.of, *step.attributes))

    def scaled(self, step: Step) -> None:
        """A number that an output is multiplied by goes into the attribute that it is multiplied by anyway."""
        for value, factor in (step.inputs, step.inputs[::-1]):
            made = self.producer(value)
            if made is None or made.op.roles.scales is None:
                continue
            output, place = made.op.roles.scales
            if (
                made.outputs[output] is not value
                or not isinstance(factor.origin, np.ndarray)
                or factor.origin.size != 1
                or step.outputs[0].shape != value.shape
                or not self.only_use(value)
            ):
                continue
            attributes, outputs = list(made.attributes), list(made.outputs)
            attributes[place] *= float(factor.origin.item())
            outputs[output] = step.outputs[0]
            made.attributes, made.outputs = tuple(attributes), outputs
            made.makes(step.outputs[:1])
            made.fused = (*(made.fused or (made.op.name,)), step.op.name)
            self.removed[id(step)] = step
            return

    def bias_gradient(self, product: Step, total: Step, steps: list[Step | None]) -> None:
        places = self.places
        first, last = sorted((places[id(product)], places[id(total)]))
        summed, rows = total.inputs[0], product.inputs[1]
        made = product.inputs[0].base.producer
        if made is not None and places.get(id(made), -1) >= first:
            return
        if summed.shape[-1] != rows.shape[-1] or size_of(summed.shape[:-1]) != rows.shape[0]:
            return
        attributes = (*product.attributes[:-1], product.attributes[-1]._replace(sums=True))
        outputs = [*product.outputs, total.outputs[0]]
        names = (*(product.fused or (product.op.name,)), total.op.name)
        steps[first], steps[last] = Step(product.op, product.inputs, outputs, attributes, names), None


def _takes(step: Step, epilogue: Epilogue) -> bool:
    takes = step.op.roles.takes
    assert takes is not None
    own = len(step.inputs) - step.attributes[-1].operands
    return takes([value.shape for value in step.inputs[:own]], (*step.attributes[:-1], epilogue))
