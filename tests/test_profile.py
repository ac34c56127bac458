"""`model.profile` times what runs and changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dlnative
from dlnative import layers


@pytest.fixture
def model() -> dlnative.Sequential:
    made = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(4, "relu"), layers.Dropout(0.2), layers.Dense(2)])
    made.compile("adam", "mse", metrics=["mae"])
    return made


def test_times_every_instruction_and_changes_nothing(
    model: dlnative.Sequential, random: np.random.RandomState, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = random.rand(40, 3).astype("float32"), random.rand(40, 2).astype("float32")
    model.fit(x, y, verbose=0)
    before = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    metrics = model.get_metrics_result()
    found = model.profile(x, y, batch_size=8)
    for variable, value in zip((*model.variables, *model.optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert model.get_metrics_result() == metrics
    assert len(found.seconds) == len(found.program.instructions)
    assert all(seconds >= 0 for seconds in found.seconds)
    assert sum(found.seconds) > 0
    printed = capsys.readouterr().out
    for step in found.program.instructions:
        assert step.op in printed
    assert "GFLOP/s" in printed


def test_profiles_a_prediction_and_draws(model: dlnative.Sequential, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "roofline.png"
    assert "adam" not in str(model.profile(np.ones((4, 3), "float32"), batch_size=4, plot=file))
    assert file.stat().st_size > 1000


def test_needs_a_whole_batch(model: dlnative.Sequential) -> None:
    with pytest.raises(ValueError, match="at least 32 samples, got 4"):
        model.profile(np.ones((4, 3), "float32"))


def test_the_limit_is_the_slower_of_arithmetic_and_reading() -> None:
    from dlnative.models.profile import Limits

    limits = Limits(flops=100.0, reading={10: 20.0, 1000: 10.0, 100_000: 5.0})
    assert limits.seconds(200, 5) == 2.0
    assert limits.seconds(200, 80) == 4.0
    assert limits.seconds(200, 2000) == 200.0
    assert limits.seconds(0, 10_000_000) == 2_000_000.0


def test_the_limits_are_measured() -> None:
    from dlnative.models.profile import measure_limits

    limits = measure_limits()
    rates = list(limits.reading.values())
    assert limits.flops > 1e8
    assert rates == sorted(rates, reverse=True)
    assert 1e8 < rates[-1] <= rates[0] < 1e13  # more, and nothing was read
