"""Predictions of what instructions take on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops
from dlnative.backends.gpus import GPUS, Gpu, gpu_of, predicted_seconds


def program_of(function: Any, *arrays: Any) -> Any:
    from dlnative.graph.function import Function

    return Function(function).compiled(arrays, {})[0].program


def test_a_product_is_bound_by_what_takes_longest() -> None:
    program = program_of(ops.matmul, np.ones((64, 256), "float32"), np.ones((256, 32), "float32"))
    (step,) = program.instructions
    assert step.flops == 2 * 64 * 256 * 32
    nbytes = 4 * (64 * 256 + 256 * 32 + 64 * 32)
    assert predicted_seconds(program, Gpu(1e9, 1e15, 1e15, 0)) == pytest.approx([nbytes / 1e9])
    assert predicted_seconds(program, Gpu(1e15, 1e9, 1e12, 0)) == pytest.approx([step.flops / 1e9])
    assert predicted_seconds(program, Gpu(1e15, 1e15, 1e15, 1.0)) == [1.0]


def test_float64_has_a_rate_of_its_own() -> None:
    program = program_of(ops.matmul, np.ones((8, 8)), np.ones((8, 8)))
    assert predicted_seconds(program, Gpu(1e15, 1e15, 1e3, 0)) == pytest.approx([2 * 8**3 / 1e3])


def test_a_scan_launches_its_body_in_each_turn() -> None:
    def cumulated(x: Any) -> Any:
        return ops.scan(lambda carry, row: (carry + row, carry * 2.0), ops.zeros((3,)), x)[0]

    program = program_of(cumulated, np.ones((10, 3), "float32"))
    seconds = predicted_seconds(program, Gpu(1e18, 1e18, 1e18, 1.0))
    inside = [
        time for time, step in zip(seconds, program.instructions, strict=True) if step.region is None and time > 1
    ]
    assert set(inside) == {10.0}


def test_a_plan_is_printed_with_times(capsys: pytest.CaptureFixture[str]) -> None:
    model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(3)])
    model.plan(batch_size=2, gpu="h200")
    out = capsys.readouterr().out
    assert "µs" in out.splitlines()[1]
    assert "on h200 1.3 µs a step: the most of bytes at 4.8 TB/s" in out
    model.plan(batch_size=2)
    assert "µs" not in capsys.readouterr().out


def test_names_of_gpus() -> None:
    assert gpu_of("NVIDIA H100") == GPUS["H100"]
    with pytest.raises(ValueError, match=r"plan: expected a GPU of A100, .*, got 'TPU'"):
        gpu_of("TPU")
