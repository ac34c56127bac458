"""Arrays and numbers as they come: byte orders, data of every type, integers that do not fit, denormals, states."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import dtypes, ops
from dlnative.graph.function import Function
from typed import FLOATS, TYPES, agree, values


def test_arrays_in_the_other_byte_order(backend: str) -> None:
    swapped = np.arange(6, dtype=">f4").reshape(2, 3) - 2
    native = swapped.astype("float32")
    for _ in range(2):
        agree(ops.relu(swapped), np.maximum(native, 0), "float32")
        agree(ops.add(swapped, swapped), native + native, "float32")
        agree(ops.cast(swapped.astype(">i2"), "float64"), native, "float64")
    dense = dlnative.layers.Dense(4)
    agree(dense(swapped), dense(native), "float32")


@pytest.mark.parametrize("dtype", [*TYPES, ">f4", ">u2"])
def test_data_of_every_type(dtype: str) -> None:
    """The epoch's gather converts to the type that is fed; a subclassed model sees the data's own type."""
    numpy_dtype = dtypes.NUMPY[dtype] if dtype in dtypes.DTYPES else np.dtype(dtype)
    x = (np.random.RandomState(0).rand(24, 3, 2) * 3).astype(numpy_dtype)
    y = np.arange(24) % 2

    class Dropped(dlnative.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dropout, self.flatten = dlnative.layers.Dropout(0.5), dlnative.layers.Flatten()
            self.dense = dlnative.layers.Dense(2, activation="softmax")

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.dense(self.flatten(self.dropout(inputs, training=training)))

    model = Dropped()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y.astype(numpy_dtype), batch_size=5, verbose=0)
    found = model.predict(x, batch_size=7, verbose=0)
    np.testing.assert_allclose(found, model.predict(x.astype("float32"), batch_size=7, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "uint64"])
def test_losses_and_metrics_of_integers(dtype: str) -> None:
    truth, guess = np.array([[0, 1], [1, 0]]), np.array([[0, 1], [0, 1]])
    for loss in ("CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError", "Hinge"):
        plain = getattr(dlnative.losses, loss)()
        wanted = float(plain(truth.astype("float32"), guess.astype("float32")))
        assert float(plain(truth.astype(dtype), guess.astype(dtype))) == pytest.approx(wanted, rel=1e-6)
    sparse = dlnative.losses.SparseCategoricalCrossentropy()
    wanted = float(sparse(np.array([1, 0]), guess.astype("float32")))
    assert float(sparse(np.array([1, 0]).astype(dtype), guess.astype(dtype))) == pytest.approx(wanted, rel=1e-6)
    for metric in ("CategoricalAccuracy", "BinaryAccuracy", "BinaryCrossentropy", "Precision", "MeanAbsoluteError"):
        one, other = getattr(dlnative.metrics, metric)(), getattr(dlnative.metrics, metric)()
        one.update_state(truth.astype(dtype), guess.astype(dtype))
        other.update_state(truth.astype("float32"), guess.astype("float32"))
        assert float(one.result()) == pytest.approx(float(other.result()), rel=1e-6)


def test_class_numbers_of_any_size(backend: str) -> None:
    """What is no class is none in any type: it does not wrap to one."""
    guess = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]], "float32")
    for dtype in ("int64", "uint64", "float64"):
        labels = np.array([0, 2**32 + 1, 2], dtype)
        assert ops.one_hot(labels, 3).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
        for from_logits in (True, False):
            found = ops.sparse_categorical_crossentropy(labels, guess, from_logits=from_logits)
            wanted = ops.sparse_categorical_crossentropy(np.array([0, 7, 2]), guess, from_logits=from_logits)
            np.testing.assert_array_equal(found, wanted)
        for metric in (
            dlnative.metrics.SparseCategoricalAccuracy(),
            dlnative.metrics.SparseTopKCategoricalAccuracy(k=1),
        ):
            metric.update_state(labels, guess)
            assert float(metric.result()) == pytest.approx(2 / 3)


def test_gradients_of_floats_of_16_bits(backend: str) -> None:
    for dtype in FLOATS:
        x = np.array([0.5, 1.0, -2.0]).astype(dtypes.NUMPY[dtype])
        _, dx = dlnative.value_and_grad(lambda x: ops.sum(ops.exp(x) * x))(x)
        agree(dx, np.exp(x.astype("float64")) * (1 + x.astype("float64")), dtype)


def test_what_is_no_number_is_refused() -> None:
    for array in (np.ones(2, "complex64"), np.array(["a"]), np.array([None]), np.array(["2020"], "M8[Y]")):
        with pytest.raises(TypeError, match="expected an array of numbers"):
            ops.relu(array)


def test_integers_that_do_not_fit_are_refused() -> None:
    for number in (3000000000, -(2**31) - 1, 2**63, 2**70):
        with pytest.raises(OverflowError):
            ops.convert_to_tensor([number])
        with pytest.raises(OverflowError):
            ops.one_hot([number], 3)
    with pytest.raises(OverflowError):
        ops.convert_to_tensor(300, "uint8")
    assert ops.convert_to_tensor([3000000000], "int64").tolist() == [3000000000]
    assert ops.convert_to_tensor([2**70], "float64").tolist() == [2.0**70]
    assert ops.one_hot(np.array([2**32, 2]), 3).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_zeros_with_different_signs_are_two_constants() -> None:
    found = Function(lambda x: (ops.divide(x, 0.0), ops.divide(x, -0.0)))(np.ones(1, "float32"))
    assert [float(y[0]) for y in found] == [np.inf, -np.inf]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_denormals(dtype: str) -> None:
    """They count as 0 in a plan, but argmax tells them apart."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([0, tiny, 0, 3 * tiny, -tiny, 0, 0, 0], dtype)
    assert ops.sign(x).tolist() == [0.0] * 8
    assert ops.log(x).tolist() == [-np.inf] * 8
    assert ops.power(x, np.full(8, 0.5, dtype)).tolist() == [0.0] * 8
    assert ops.argmax(x) == 3
    assert ops.argmin(x) == 4
    pairs = np.stack([x, x[::-1]], axis=1)
    np.testing.assert_array_equal(ops.argmax(pairs, axis=0), np.argmax(pairs, axis=0))
    np.testing.assert_array_equal(ops.argmin(pairs, axis=1), np.argmin(pairs, axis=1))


def test_argmax_of_nan_and_zeros(backend: str) -> None:
    for row in ([1.0, np.nan, 2.0, np.nan], [-0.0, 0.0, -1.0, 0.0], [-np.inf] * 4, [np.inf, 1.0, np.inf, np.nan]):
        x = np.array([row, row[::-1]], "float32")
        for axis, name in itertools.product((0, 1), ("argmax", "argmin")):
            np.testing.assert_array_equal(getattr(ops, name)(x, axis=axis), getattr(np, name)(x, axis=axis))


def test_states_of_random_numbers(backend: str) -> None:
    wanted = ops.random.random_uniform(np.array([5, 7]), (3,))
    np.testing.assert_array_equal(ops.random.random_uniform([5, 7], (3,)), wanted)
    for state in (np.array([1]), np.array(1), np.array([1, 2, 3])):
        for draw in (
            lambda state: ops.random.random_uniform(state, (3,)),
            lambda state: ops.random.random_normal(state, (3,)),
            lambda state: ops.random.random_permutation(state, 3),
            lambda state: ops.random.dropout(np.ones(3, "float32"), 0.5, state),
        ):
            with pytest.raises(ValueError, match=r"expected a state of shape \(2,\)"):
                draw(state)
    with pytest.raises(TypeError, match="random_uniform"):
        ops.random.random_uniform(np.array([1.0, 2.0]), (3,))
    with pytest.raises(TypeError, match="random_normal: expected a result of float32 or float64, got int32"):
        ops.random.random_normal(np.array([1, 2]), (3,), dtype="int32")
    for dtype in FLOATS:
        assert dtypes.of_array(ops.random.random_normal(np.array([1, 2]), (3,), dtype=dtype)) == dtype
        assert dtypes.of_array(ops.random.dropout(values(dtype), 0.5, np.array([1, 2]))) == dtype
    assert ops.random.dropout(np.ones(64, "uint8"), 0.5, np.array([1, 2])).dtype == np.float32
