"""A model's plan as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.gpus import gpu_of, predicted_seconds
from dlnative.backends.program import Program
from dlnative.data.batches import Data
from dlnative.dtypes import ITEM_SIZES
from dlnative.graph.op import size_of
from dlnative.graph.plans import Compiled
from dlnative.graph.roles import PLAIN
from dlnative.graph.tree import flatten_structure, pack, paths
from dlnative.models.entry import ENTERED
from dlnative.utils.html import folded


class PlanTable:
    """The plan of a step as a table: `print` and `str` give it as text, notebooks show it folded.

    Args:
        title: what is planned.
        compiled: the plan.
        gpu: the name of a GPU that the times are predicted for, or `None`.
    """

    def __init__(self, title: str, compiled: Compiled, gpu: str | None = None) -> None:
        self.title = title
        self.program = compiled.program
        self.gpu = gpu
        self._prepacked_bytes = compiled.executor.prepacked_bytes

    @property
    def seconds(self) -> list[float] | None:
        """What each instruction is predicted to take on the GPU; `None` without one."""
        return None if self.gpu is None else predicted_seconds(self.program, gpu_of(self.gpu))

    def __repr__(self) -> str:
        flops = sum(step.flops for step in self.program.instructions)
        return f"<{self.title}: {len(self.program.instructions)} instructions, {flops:,} FLOPs>"

    def __str__(self) -> str:
        times = self.seconds
        lines = [self.title, format_program(self.program, times)]
        if self.gpu is not None and times is not None:
            rates = gpu_of(self.gpu)
            lines.append(
                f"on {self.gpu} {sum(times) * 1e6:.1f} µs a step: the most of bytes at {rates.bandwidth * 1e-12:g} TB/s, "
                f"FLOPs at {rates.float32 * 1e-12:g} TFLOP/s (float64: {rates.float64 * 1e-12:g}) and "
                f"{rates.launch * 1e6:g} µs a kernel"
            )
        if self._prepacked_bytes:
            lines.append(f"prepacked weights: {self._prepacked_bytes:,} bytes")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return folded(repr(self), str(self))


def plan_table(model: Any, batch_size: int, mode: str, gpu: str | None = None) -> PlanTable:
    """Returns the plan of a step of a model; see `Model.plan`."""
    if gpu is not None:
        gpu_of(gpu)  # refused before anything is compiled
    if mode not in ("train", "test", "predict"):
        raise ValueError(f'plan: expected mode "train", "test" or "predict", got {mode!r}')
    if mode != "predict":
        model._assert_compiled("plan")
    return PlanTable(f'Plan of "{model.name}": {mode}, batch {batch_size}', _example(model, batch_size, mode), gpu)


def _example(model: Any, batch_size: int, mode: str) -> Compiled:
    """Returns the plan of a step, for data made up from the shapes of the inputs and outputs.

    Raises:
        ValueError: if the model is not built, so that its shapes are not known.
    """
    tensors = getattr(model, "inputs", None) if model.built else None
    if not tensors:
        for ((kind, *_), _), compiled in reversed(model._steps.plans.items()):
            if kind == mode:
                return compiled
        raise ValueError(
            f"{model._label}: expected a model with Input or one that has seen data, got one whose shapes are unknown"
        )
    if model._entry is not None:
        tensors = model._fed_graph.inputs
    arrays = [np.zeros((batch_size, *(extent or 1 for extent in tensor.shape[1:])), tensor.dtype) for tensor in tensors]
    x = _alone(arrays) if model._entry is None else {ENTERED: arrays}
    if mode == "predict":
        return model._steps.get(mode, Data(x, call="plan"), batch_size)
    outputs = flatten_structure(model.outputs)
    structure = outputs[0] if len(outputs) == 1 and not isinstance(model.output, dict) else model.output
    loss = model._objective.loss
    losses: list[Any] = []
    if loss is not None:
        loss.names = model._output_names()
        if not loss.built:
            loss.build(pack(structure, outputs))
        by_path = {term.path: term.loss for term in loss.terms}
        losses = [by_path.get(path) for path in paths(structure)]
    y: list[Any] = []
    for index, tensor in enumerate(outputs):
        sparse = bool(losses) and _is_sparse(losses[index])
        shape = (batch_size, *tensor.shape[1:-1]) if sparse else (batch_size, *tensor.shape[1:])
        y.append(np.zeros(shape, "int32" if sparse else tensor.dtype))
    return model._steps.get(mode, Data(x, pack(structure, y), call="plan"), batch_size)


def _alone(leaves: list[Any]) -> Any:
    return leaves[0] if len(leaves) == 1 else leaves


def _is_sparse(loss: Any) -> bool:
    name = getattr(getattr(loss, "fn", None), "__name__", type(loss).__name__).lower()
    return name.startswith("sparse")


def format_program(program: Program, seconds: list[float] | None = None) -> str:
    """Returns a table of a program's instructions and a line on its memory.

    Args:
        program: the program.
        seconds: what each instruction takes, for a column.
    """
    timed = ("µs",) if seconds is not None else ()
    rows: list[tuple[str, ...]] = [("#", "op", "inputs", "outputs", "FLOPs", "bytes", *timed, "fused")]
    flops = traffic = 0
    for number, step in enumerate(program.instructions):
        buffers = [program.buffers[index] for index in (*step.inputs, *step.outputs)]
        nbytes = sum(size_of(buffer.shape) * ITEM_SIZES[buffer.dtype] for buffer in buffers)
        flops += step.flops
        traffic += nbytes
        epilogue = step.keywords.get("epilogue", PLAIN)
        attributes = " ".join(map(str, epilogue.activation or epilogue.gradient_of))
        in_place = any(
            (program.buffers[i].space, program.buffers[i].offset)
            == (program.buffers[o].space, program.buffers[o].offset)
            for i in step.inputs
            for o in step.outputs
        )
        rows.append(
            (
                str(number),
                f"{step.op}({attributes})" if attributes else step.op,
                " ".join(_shape(program, index) for index in step.inputs),
                " ".join(_shape(program, index) for index in step.outputs) + (" in place" if in_place else ""),
                f"{step.flops:,}",
                f"{nbytes:,}",
                *([f"{seconds[number] * 1e6:.2f}"] if seconds is not None else []),
                " + ".join(step.fused),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = (0, 4, 5, 6) if timed else (0, 4, 5)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    saved = f", {program.unpacked_bytes:,} without sharing" if program.unpacked_bytes else ""
    lines.append(
        f"{len(program.instructions)} instructions, {flops:,} FLOPs, {traffic:,} bytes moved; "
        f"arena {program.arena_bytes:,} bytes{saved}"
    )
    return "\n".join(lines)


def _shape(program: Program, index: int) -> str:
    buffer = program.buffers[index]
    name = {"float32": "", "float64": ":f64"}.get(buffer.dtype, f":{buffer.dtype}")
    return f"({','.join(map(str, buffer.shape))}){name}"
