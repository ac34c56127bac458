"""Fusion: matrix products and losses take in what stands around them.

    matmul, add of a bias, add of a residual,
    activation                                   ->  dense
    matmul, add of another gradient, gradient
    of an activation                             ->  matmul_activation_gradient
    matmul x^T dy, sum of dy over its rows       ->  matmul_bias_gradient

A crossentropy of logits multiplies its gradient by the constant that comes with a mean over the batch.

The fused kernels do the rest while a tile of the product is in cache, so the intermediate values need no memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlnative.graph.op import ACTIVATIONS, LINEAR, OPS, size_of
from dlnative.graph.planning.lower import Lowered, Step, Value

_GRADIENTS = {f"{name}_gradient": name for name in ACTIVATIONS if name != "linear"}


def fuse(plan: Lowered) -> None:
    """Replaces groups of steps by fused ones, in place."""
    _Fusion(plan).run()


class _Fusion:
    def __init__(self, plan: Lowered) -> None:
        self.plan = plan
        self.kept = plan.kept()
        self.uses: dict[int, int] = {}
        for step in plan.steps:
            for value in step.inputs:
                self.uses[value.key] = self.uses.get(value.key, 0) + 1
        self.removed: set[int] = set()

    def run(self) -> None:
        steps: list[Step | None] = list(self.plan.steps)
        places = {id(step): index for index, step in enumerate(self.plan.steps)}
        products: dict[int, Step] = {}  # by the rows that they multiply with, for the bias gradients
        sums: dict[int, Step] = {}
        for index, step in enumerate(self.plan.steps):
            name = step.op.name
            fused: Step | None = None
            if name == "add":
                fused = self.bias(step) or self.residual(step)
            elif name in ACTIVATIONS:
                fused = self.activation(step)
            elif name in _GRADIENTS:
                fused = self.activation_gradient(step)
            elif name == "multiply":
                fused = self.scaled_gradient(step)
            elif name == "matmul" and step.attributes == (True, False) and len(step.inputs[0].shape) == 2:
                products[step.inputs[1].key] = step
            elif name == "sum" and step.attributes == (0, len(step.inputs[0].shape) - 1, False):
                sums[step.inputs[0].key] = step
            if fused is not None:
                steps[index] = fused
                places[id(fused)] = index
        for rows, product in products.items():
            total = sums.get(rows)
            if (
                id(product) not in self.removed
                and total is not None
                and total.inputs[0].shape[-1] == product.inputs[1].shape[-1]
            ):
                self.bias_gradient(product, total, steps, places)
        self.plan.steps = [step for step in steps if step is not None and id(step) not in self.removed]

    def only_use(self, value: Value) -> bool:
        return self.uses.get(value.key) == 1 and value.key not in self.kept

    def replace(self, name: str, inputs: list[Value], attributes: tuple[object, ...], *steps: Step) -> Step:
        self.removed.update(id(step) for step in steps[:-1])
        fused = sum((step.fused or (step.op.name,) for step in steps), ())
        return Step(OPS[name], inputs, steps[-1].outputs, attributes, fused)

    def bias(self, step: Step) -> Step | None:
        for product, bias in (step.inputs, step.inputs[::-1]):
            made = product.producer
            if (
                made is not None
                and made.op.name == "matmul"
                and made.attributes == (False, False)
                and len(made.inputs[1].shape) == 2
                and bias.shape == (product.shape[-1],)
                and step.outputs[0].shape == product.shape
                and self.only_use(product)
            ):
                return self.replace("dense", [*made.inputs, bias], (LINEAR, False), made, step)
        return None

    def residual(self, step: Step) -> Step | None:
        for made, residual in self.terms(step):
            if self.takes_more(made, (LINEAR, False)):
                return self.replace("dense", [*made.inputs, residual], (LINEAR, True), made, step)
        return None

    def terms(self, step: Step) -> Iterator[tuple[Step, Value]]:
        """What an addition of two values of one shape adds, in both orders, as far as nobody else reads the first."""
        for value, other in (step.inputs, step.inputs[::-1]):
            made = value.producer
            if made is not None and value.shape == other.shape and value.key != other.key and self.only_use(value):
                yield made, other

    def is_of_rows(self, made: Step) -> bool:
        """Whether a step is a product of rows, perhaps transposed, and a matrix."""
        if made.op.name != "matmul" or len(made.inputs[1].shape) != 2:
            return False
        return len(made.inputs[0].shape) == 2 or not made.attributes[0]

    def takes_more(self, made: Step, *unfinished: tuple[object, ...]) -> bool:
        """Whether a step is a product of rows and a matrix that can still take in what stands behind it."""
        plain = made.op.name == "matmul" and made.attributes == (False, False) and len(made.inputs[1].shape) == 2
        return plain or (made.op.name == "dense" and made.attributes in unfinished)

    def activation(self, step: Step) -> Step | None:
        value = step.inputs[0]
        made = value.producer
        if made is None or not self.only_use(value):
            return None
        if not self.takes_more(made, (LINEAR, False), (LINEAR, True)):
            return None
        residual = made.op.name == "dense" and made.attributes[1]
        return self.replace("dense", made.inputs, ((step.op.name, *step.attributes), residual), made, step)

    def scaled_gradient(self, step: Step) -> Step | None:
        value, factor = step.inputs
        made = value.producer
        if (
            made is None
            or not made.op.name.endswith("crossentropy_with_logits")
            or len(made.outputs) != 2
            or made.outputs[1] is not value
            or not isinstance(factor.origin, np.ndarray)
            or factor.origin.size != 1
            or not self.only_use(value)
        ):
            return None
        (scale,) = made.attributes
        made.attributes = (scale * float(factor.origin.item()),)
        made.outputs = [made.outputs[0], step.outputs[0]]
        made.makes(step.outputs[:1])
        made.fused = (*(made.fused or (made.op.name,)), "multiply")
        self.removed.add(id(step))
        return None

    def activation_gradient(self, step: Step) -> Step | None:
        arriving, saved = step.inputs
        made = arriving.producer
        if made is None or not self.only_use(arriving):
            return None
        activation = (_GRADIENTS[step.op.name], *step.attributes)
        if self.is_of_rows(made):
            attributes = (*made.attributes, activation, False)
            return self.replace("matmul_activation_gradient", [*made.inputs, saved], attributes, made, step)
        for product, other in self.terms(made) if made.op.name == "add" else ():
            if self.is_of_rows(product):
                attributes = (*product.attributes, activation, True)
                operands = [*product.inputs, saved, other]
                return self.replace("matmul_activation_gradient", operands, attributes, product, made, step)
        return None

    def bias_gradient(self, product: Step, total: Step, steps: list[Step | None], places: dict[int, int]) -> None:
        first, last = sorted((places[id(product)], places[id(total)]))
        x, dy = product.inputs
        made = x.base.producer
        if made is not None and places.get(id(made), -1) >= first:
            return
        if size_of(total.inputs[0].shape[:-1]) != dy.shape[0]:
            return
        fused = Step(
            OPS["matmul_bias_gradient"], [x, dy], [product.outputs[0], total.outputs[0]], (), ("matmul", "sum")
        )
        steps[first], steps[last] = fused, None
