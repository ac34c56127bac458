"""The planner: from a trace to a program."""

from __future__ import annotations

from collections.abc import Sequence

from dlnative.backends.backend import Limits
from dlnative.backends.program import Program
from dlnative.graph.op import OPS
from dlnative.graph.planning.assemble import Assembler
from dlnative.graph.planning.chains import chain
from dlnative.graph.planning.fuse import fuse
from dlnative.graph.planning.joins import join
from dlnative.graph.planning.lower import LoweredIR, Step, lower
from dlnative.graph.planning.memory import assign_memory
from dlnative.graph.planning.regions import prune, refresh_inputs
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import Trace


def plan(trace: Trace, results: Sequence[Tensor], limits: Limits) -> Program:
    """Returns the program that computes `results` and the trace's updates, and then runs its finalizers.

    Args:
        trace: what tracing left behind.
        results: what the program returns.
        limits: what the backend's kernels can do.
    """
    lowered = lower(trace, results)
    _optimise(lowered, limits)
    written = {variable for finalizer in trace.finalizers for variable in finalizer.outputs}
    layout = assign_memory(lowered, written)
    assembler = Assembler(trace, layout)
    for step in lowered.steps:
        assembler.step(step)
    for finalizer in trace.finalizers:
        assembler.instruction(
            OPS[finalizer.op],
            [assembler.variable(variable) for variable in finalizer.inputs],
            [assembler.variable(variable) for variable in finalizer.outputs],
            finalizer.attributes,
            (),
        )
    return assembler.program([assembler.buffer(value) for value in lowered.results])


def _optimise(plan: LoweredIR, limits: Limits) -> None:
    if len(plan.steps) < 2 and not plan.has_regions:  # as that of one op on arrays: nothing to combine
        return
    fuse(plan)
    _remove_unused(plan)
    if plan.has_regions:
        for step in plan.steps:
            if step.op.roles.region:
                for body in step.attributes[0].bodies:
                    _optimise(body, limits)
                refresh_inputs(step)
    join(plan)
    chain(plan, limits)


def _remove_unused(plan: LoweredIR) -> None:
    needed = plan.live_out()
    steps: list[Step] = []
    for step in reversed(plan.steps):
        if any(value.key in needed for value in step.outputs):
            if step.op.roles.region:
                prune(step, needed)
                for body in step.attributes[0].bodies:
                    _remove_unused(body)
                refresh_inputs(step)
            steps.append(step)
            needed.update([value.key for value in step.inputs])
    plan.steps = steps[::-1]
