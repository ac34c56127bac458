"""Arguments that cannot be are refused in one line, before anything is changed or computed."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops
from dlnative.utils.terminal import show

X, Y = np.ones((6, 4), "float32"), np.arange(6) % 3
MATRIX = np.zeros((3, 4), "float32")


def model() -> Any:
    inner = [layers.Dense(3, name="a"), layers.BatchNormalization(name="b")]
    made = dlnative.Sequential([dlnative.Input((4,)), *inner], name="whole")
    made.compile("adam", "mse")
    made.fit(X, X[:, :3], verbose=0)
    return made


def state(made: Any) -> list[bytes]:
    return [variable.numpy().tobytes() for variable in (*made.variables, *made.optimizer.variables)]


BAD_WEIGHTS: list[Any] = [np.array(["a"] * 3), np.zeros(3, complex), np.array([None] * 3), np.zeros(4), "abc", None]


@pytest.mark.parametrize("bad", BAD_WEIGHTS, ids=["text", "complex", "objects", "shape", "a string", "nothing"])
def test_no_weight_is_set_where_one_cannot_be(bad: Any) -> None:
    made = model()
    before = state(made)
    tree = made.get_state_tree()
    tree["trainable_variables"]["whole"]["a"]["bias"] += 1
    tree["non_trainable_variables"]["whole"]["b"]["moving_mean"] = bad
    tree["metrics_variables"]["loss"]["count"] = 5.0
    gradients = [np.ones(v.shape, "float32") for v in made.trainable_variables[:-1]]
    for call in (
        lambda: made.set_weights([w + 1 for w in made.get_weights()[:-1]] + [bad]),
        lambda: made.optimizer.set_weights([v.numpy() + 1 for v in made.optimizer.variables[:-1]] + [bad]),
        lambda: made.set_state_tree(tree),
        lambda: made.weights[-1].assign(bad),
        lambda: made.optimizer.apply([*gradients, bad], made.trainable_variables) if bad is not None else int("x"),
    ):
        with pytest.raises((ValueError, TypeError)) as error:
            call()
        assert "\n" not in str(error.value)
        assert state(made) == before


@pytest.mark.parametrize("weights", [None, 5, "abcdef", {}])
def test_weights_come_in_a_list(weights: Any) -> None:
    made = model()
    for owner in (made, made.layers[0], made.optimizer):
        with pytest.raises(TypeError, match="expected a list of arrays as weights"):
            owner.set_weights(weights)
    made.set_weights(iter([w + 1 for w in made.get_weights()]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"class_weight": {0: 1e300}},
        {"class_weight": {0: -1e39, 1: 1.0}},
        {"class_weight": {0: float("nan")}},
    ],
)
def test_weights_of_classes_are_finite_in_float32(arguments: Any) -> None:
    made = model()
    before = state(made)
    with pytest.raises(ValueError, match="fit: expected class_weight to hold finite numbers"):
        made.fit(X, X[:, :3], verbose=0, **arguments)
    assert state(made) == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"loss_weights": float("nan")},
        {"loss_weights": [float("inf")]},
        {"loss_weights": [10**300]},
        {"run_eagerly": "yes"},
        {"jit_compile": "yes"},
        {"auto_scale_loss": "a"},
    ],
)
def test_what_compile_refuses(arguments: Any) -> None:
    made = model()
    with pytest.raises(ValueError, match="compile: expected"):
        made.compile("sgd", "mse", **arguments)
    assert type(made.optimizer).__name__ == "Adam"


SIZES: dict[str, Callable[[int], Any]] = {
    "array_split": lambda n: ops.array_split(MATRIX, n),
    "split": lambda n: ops.split(dlnative.KerasTensor((None, 3)), n),
    "segment_sum": lambda n: ops.segment_sum(MATRIX, Y[:3], n),
    "convert_to_tensor": lambda n: ops.convert_to_tensor(n),
    "add": lambda n: ops.add(Y, n * 2**40),
}


@pytest.mark.parametrize("size", [2**31, 2**63, 2**64, 10**60])
@pytest.mark.parametrize("name", SIZES)
def test_sizes_past_all_memory(name: str, size: int) -> None:
    if name == "segment_sum" and size == 2**31:
        return  # 34 GB: there may be such a machine
    with pytest.raises((ValueError, OverflowError)) as error:
        SIZES[name](size)
    assert "\n" not in str(error.value)
    assert "C long" not in str(error.value)


def test_more_threads_than_there_can_be() -> None:
    before = dlnative.num_threads()
    try:
        for count in (2**31, 2**63, 10**60):
            dlnative.set_num_threads(count)
            assert dlnative.num_threads() >= before
    finally:
        dlnative.set_num_threads(before)


def test_differences_of_differences_end_where_nothing_is_left() -> None:
    assert ops.diff(np.arange(5), 10**18).shape == (0,)
    assert ops.diff(MATRIX, 2**63, axis=0).shape == (0, 4)


def test_initial_weights_of_numpys_extents() -> None:
    shape = (np.int64(3), np.int64(2))
    assert dlnative.initializers.GlorotUniform(1)(shape).shape == (3, 2)


WRONG: dict[str, Callable[[], Any]] = {
    "scatter": lambda: ops.scatter(np.zeros((2, 0), "int32"), MATRIX, (3, 4)),
    "scatter_update": lambda: ops.scatter_update(MATRIX, np.zeros((0,), "int32"), MATRIX),
    "slice": lambda: ops.slice(MATRIX, (0, 0), 1),
    "slice starts": lambda: ops.slice(MATRIX, 1, (1, 1)),
    "slice_update": lambda: ops.slice_update(MATRIX, 1, MATRIX),
    "in_top_k": lambda: ops.in_top_k(np.zeros((0,), "int32"), np.float32(1.0), 1),
    "group_normalization": lambda: layers.GroupNormalization(-1)(np.zeros((3, 0), "float32")),
}


@pytest.mark.parametrize("name", WRONG)
def test_shapes_that_mean_nothing(name: str) -> None:
    with pytest.raises((ValueError, TypeError), match="expected"):
        WRONG[name]()


def test_masks_of_no_features() -> None:
    x = np.zeros((3, 0), "float32")
    made = dlnative.Sequential([layers.Masking()])
    made.compile("sgd", "mse")
    made.fit(x, x, verbose=0)
    assert made.predict(x, verbose=0).shape == (3, 0)


class Broken(io.StringIO):
    def __init__(self, error: Exception, where: str) -> None:
        super().__init__()
        self.error, self.where = error, where

    def write(self, text: str) -> int:
        if self.where == "write":
            raise self.error
        return len(text)

    def flush(self) -> None:
        if self.where == "flush":
            raise self.error


@pytest.mark.parametrize("error", [OSError("no space left"), BrokenPipeError(), ValueError("closed file")])
@pytest.mark.parametrize("where", ["write", "flush"])
def test_training_goes_on_without_an_output(error: Exception, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    monkeypatch.setattr(sys, "stdout", Broken(error, where))
    assert show("text") is False
    for verbose in (1, 2):
        assert len(made.fit(X, X[:, :3], epochs=3, verbose=verbose).history["loss"]) == 3
    made.summary()
    monkeypatch.delattr(sys, "stdout")
    made.evaluate(X, X[:, :3])
