"""Every mistake of a beginner gets one clear line, and changes nothing of theirs."""

from __future__ import annotations

import numpy as np
import pytest

import beginner_mistakes_data
import beginner_mistakes_models
import dlnative
from beginner_mistakes import MISTAKES, Workbench

FILES = (beginner_mistakes_data, beginner_mistakes_models)  # importing them filed the mistakes
LONGEST = 400


def assert_same(before: list, after: list) -> None:
    for left, right in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(left, right)
    assert before[1:] == after[1:]


@pytest.mark.parametrize("name", list(MISTAKES))
def test_one_clear_line_and_nothing_changed(name: str) -> None:
    mistake = MISTAKES[name]
    bench = Workbench(dlnative)
    before = bench.state()
    optimizer = bench.model.optimizer
    with pytest.raises(mistake.error) as caught:
        mistake.make(dlnative, bench)
    line = str(caught.value)
    assert line == line.strip()
    assert "\n" not in line
    assert 10 < len(line) <= LONGEST
    missing = [word for word in mistake.says if word.lower() not in line.lower()]
    assert not missing, f"{missing} not in: {line}"
    if bench.model.optimizer is optimizer:  # compiling again is asked for, a new optimizer is what it gives
        assert_same(before, bench.state())
    else:
        for left, right in zip(before[0][:4], bench.model.get_weights(), strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", ["shape_features", "labels_too_large", "nan_features", "number_batch_size_zero"])
def test_training_goes_on_after_a_mistake(name: str) -> None:
    """A failed call leaves no trace: what follows is what follows without it."""
    histories = []
    for wrong in (False, True):
        dlnative.utils.set_random_seed(3)
        bench = Workbench(dlnative)
        if wrong:
            with pytest.raises(ValueError):
                MISTAKES[name].make(dlnative, bench)
        histories.append(bench.model.fit(bench.x, bench.y, batch_size=16, epochs=2, verbose=0).history)
    assert histories[0] == histories[1]


def test_a_class_without_weight_counts_once() -> None:
    """As in Keras, this is no mistake."""
    losses = []
    for class_weight in ({0: 2.0}, {0: 2.0, 1: 1.0, 2: 1.0}):
        dlnative.utils.set_random_seed(0)
        bench = Workbench(dlnative)
        history = bench.model.fit(bench.x, bench.y, class_weight=class_weight, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1]
