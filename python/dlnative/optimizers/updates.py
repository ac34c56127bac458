"""How an update becomes part of a plan: clipping, averaging, the step itself, means, constraints, in the order of Keras 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative import ops
from dlnative.graph.op import OPS
from dlnative.graph.revised import Revised
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.ops.core import invoke
from dlnative.optimizers.averaging import Accumulation, Averages
from dlnative.optimizers.block import Block


class Updates(Revised):
    """The part of an optimizer that adds updates to a trace."""

    _not_traced = frozenset({"_function", "_own_slots", "built", "name"})

    op: str | None
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    loss_scale_factor: float | None
    iterations: Any
    update_attributes: Callable[[float], tuple[Any, ...]]
    update_inputs: Callable[[], list[Any]]
    update_step: Callable[[Any, Variable, Any], None]
    _decay_of: Callable[[Variable], float]
    _steps: Variable
    _one: Variable
    _learning_rate: Variable
    _schedule: Callable[..., Any] | None
    _scheduled: Callable[[Any], Any]
    _blocks: list[Block]
    _averages: Averages | None
    _accumulation: Accumulation | None

    def _apply_symbols(
        self, pairs: Sequence[tuple[Any, Variable]], in_place: bool = True, rate_is_set: bool = False
    ) -> None:
        """Adds the update to the trace.

        Args:
            pairs: gradients and their variables.
            in_place: whether memory may be written that the trace does not know of: blocks, and the number of steps.
            rate_is_set: whether somebody has set the learning rate that the schedule says.
        """
        trace = current_trace()
        assert trace is not None
        trace.depends_on(self)
        pairs = self._without_overwritten(pairs)
        gradients = [gradient for gradient, _ in pairs]
        variables = [variable for _, variable in pairs]
        if self.loss_scale_factor is not None:
            gradients = [gradient / self.loss_scale_factor for gradient in gradients]
        due = None
        if self._accumulation is not None:
            due, gradients = self._accumulation.take(self._steps, gradients, variables)
        gradients = self._clipped(gradients)
        by_variable = {
            id(variable): ops.cast(gradient, variable.dtype)
            for variable, gradient in zip(variables, gradients, strict=True)
        }
        if self._schedule is not None and not rate_is_set:
            self._learning_rate.assign(self._scheduled(trace.read(self._steps)))
        # A block is updated in place, in one pass, if nothing else has to see the new values.
        whole = in_place and due is None and self._averages is None and not trace.in_order
        before = dict(trace.updates)
        if self.op is None:
            self._update_each(variables, by_variable)
        for block in self._blocks:
            self._update_block(block, by_variable, whole)
        if due is not None:
            for variable, value in list(trace.updates.items()):
                old = before[variable] if variable in before else trace.first(variable)
                if value is not old:
                    trace.assign(variable, ops.where(due, value, old))
        if self._averages is not None:
            self._averages.update(self.iterations)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self._count_step(in_place)

    def _count_step(self, in_place: bool) -> None:
        trace = current_trace()
        assert trace is not None
        if in_place and not trace.in_order:
            trace.finalize("add", [self._steps, self._one], [self._steps])
        else:
            self._steps.assign(ops.add(trace.read(self._steps), 1))

    def _without_overwritten(self, pairs: Sequence[tuple[Any, Variable]]) -> list[tuple[Any, Variable]]:
        """Gives variables that are to be overwritten their gradients, and returns the other pairs."""
        rest = []
        for gradient, variable in pairs:
            if not variable.overwrite_with_gradient:
                rest.append((gradient, variable))
            elif self._accumulation is None:
                variable.assign(gradient)
            else:
                self._accumulation.overwrite(self._steps, gradient, variable)
        return rest

    def _update_each(self, variables: Sequence[Variable], gradients: dict[int, Any]) -> None:
        trace = current_trace()
        assert trace is not None
        rate = trace.read(self._learning_rate)
        for variable in variables:
            decay = self._decay_of(variable)
            if decay:
                variable.assign(variable - variable * (decay * rate))
            self.update_step(gradients[id(variable)], variable, rate)

    def _update_block(self, block: Block, gradients: dict[int, Any], whole: bool) -> None:
        trace = current_trace()
        assert trace is not None
        attributes = self.update_attributes(float(self.weight_decay or 0.0) if block.decays else 0.0)
        if whole and all(id(variable) in gradients and variable.constraint is None for variable in block.variables):
            for variable, slot in zip(block.variables, block.gradients, strict=True):
                slot.assign(gradients[id(variable)])
            inputs = [block.parameters, block.gradient, *self.update_inputs(), *block.flat_slots]
            assert self.op is not None
            trace.finalize(self.op, inputs, [block.parameters, *block.flat_slots], attributes, block.variables)
            return
        # Each variable by itself: frozen or constrained ones in the block, or new values that are not final yet.
        for index, variable in enumerate(block.variables):
            gradient = gradients.get(id(variable))
            if gradient is None:
                continue
            slots = [slot[index] for slot in block.slots]
            scalars = [trace.read(item) if isinstance(item, Variable) else item for item in self.update_inputs()]
            tensors = [trace.read(variable), gradient, *scalars, *(trace.read(slot) for slot in slots)]
            assert self.op is not None
            results = invoke(OPS[self.op], tensors, attributes)
            for target, value in zip(
                [variable, *slots], results if isinstance(results, tuple) else (results,), strict=True
            ):
                target.assign(value)

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipvalue is not None:
            return [ops.clip(gradient, -self.clipvalue, self.clipvalue) for gradient in gradients]
        if self.clipnorm is not None:
            return [_scaled_to(gradient, ops.sum(ops.square(gradient)), self.clipnorm) for gradient in gradients]
        if self.global_clipnorm is not None:
            total: Any = 0.0
            for gradient in gradients:
                total = ops.sum(ops.square(gradient)) + total
            return [_scaled_to(gradient, total, self.global_clipnorm) for gradient in gradients]
        return gradients


def _scaled_to(gradient: Tensor, squared_norm: Any, limit: float) -> Any:
    """Returns the gradient, scaled so that its norm is at most the limit: g * limit / max(norm, limit)."""
    return gradient * (limit / ops.maximum(ops.sqrt(squared_norm), limit))
