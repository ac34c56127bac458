"""`Dataset`, and what makes one of series or of parts of others."""

from __future__ import annotations

import collections
import threading
import time
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.data import AUTOTUNE, Dataset
from dlnative.utils import (
    audio_dataset_from_directory,
    split_dataset,
    timeseries_dataset_from_array,
)


def lists(dataset: Any) -> list[Any]:
    def plain(item: Any) -> Any:
        if isinstance(item, tuple):
            return tuple(map(plain, item))
        return {key: plain(part) for key, part in item.items()} if isinstance(item, dict) else item.tolist()

    return [plain(item) for item in dataset]


# Pipelines: what each step gives of 0 to 5, and how many.
STEPS: list[tuple[Any, Any]] = [
    (lambda d: d, [0, 1, 2, 3, 4, 5]),
    (lambda d: d.map(lambda x: x * 2), [0, 2, 4, 6, 8, 10]),
    (lambda d: d.map(lambda x: (x, -x)).map(lambda x, y: x - y, num_parallel_calls=AUTOTUNE), [0, 2, 4, 6, 8, 10]),
    (lambda d: d.filter(lambda x: x % 2 == 0), [0, 2, 4]),
    (lambda d: d.batch(4), [[0, 1, 2, 3], [4, 5]]),
    (lambda d: d.batch(4, drop_remainder=True), [[0, 1, 2, 3]]),
    (lambda d: d.map(lambda x: x).batch(4), [[0, 1, 2, 3], [4, 5]]),
    (lambda d: d.batch(4).unbatch(), [0, 1, 2, 3, 4, 5]),
    (lambda d: d.take(2), [0, 1]),
    (lambda d: d.batch(2).take(1), [[0, 1]]),
    (lambda d: d.skip(4), [4, 5]),
    (lambda d: d.map(lambda x: x).skip(4), [4, 5]),
    (lambda d: d.take(-1).skip(-1), []),
    (lambda d: d.take(2).repeat(2), [0, 1, 0, 1]),
    (lambda d: d.repeat().take(8), [0, 1, 2, 3, 4, 5, 0, 1]),
    (lambda d: d.take(1).concatenate(d.skip(5)), [0, 5]),
    (lambda d: d.take(2).enumerate(start=3), [(3, 0), (4, 1)]),
    (lambda d: d.prefetch(AUTOTUNE).cache().prefetch(3), [0, 1, 2, 3, 4, 5]),
    (lambda d: Dataset.zip((d, d.skip(3))), [(0, 3), (1, 4), (2, 5)]),
    (lambda d: Dataset.zip({"a": d, "b": d}).take(1), [{"a": 0, "b": 0}]),
    (lambda d: d.map(lambda x: np.arange(x)).take(3).padded_batch(3, padding_values=9), [[[9, 9], [0, 9], [0, 1]]]),
    (lambda d: d.apply(lambda inner: inner.take(1)), [0]),
    (lambda d: Dataset.range(2, 9, 3), [2, 5, 8]),
    (lambda d: Dataset.from_tensors([1, 2]), [[1, 2]]),
    (lambda d: Dataset.from_tensor_slices({"a": [1, 2], "b": ([3, 4],)}), [{"a": 1, "b": (3,)}, {"a": 2, "b": (4,)}]),
    (lambda d: Dataset.from_generator(lambda n: iter(range(n)), output_types="int8", args=(2,)), [0, 1]),
]


@pytest.mark.parametrize(("step", "expected"), STEPS)
def test_steps_of_a_pipeline(step: Any, expected: Any) -> None:
    """Each gives the same again in a second pass, and knows its length if it says one."""
    dataset = step(Dataset.from_tensor_slices(np.arange(6)))
    assert lists(dataset) == expected
    assert lists(dataset) == expected
    assert int(dataset.cardinality()) in (len(expected), -2)
    if int(dataset.cardinality()) >= 0:
        assert len(dataset) == len(expected)


def test_elements_are_arrays_with_what_tensors_have() -> None:
    """As loops over batches are written for TensorFlow."""
    for x, y in (
        Dataset.from_tensor_slices((np.ones((3, 2)), np.array([2, 0, 1]), np.array(["a", "b", "c"])))
        .map(lambda x, y, z: (x, y))
        .batch(3)
    ):
        assert type(x[0].numpy()) is np.ndarray
        assert y[0].numpy() == 2
        assert ["cat", "dog", "eel"][y[0]] == "eel"
        assert int(y[1]) == 0
        assert collections.Counter(y)[2] == 1
        assert type(np.concatenate([y, y])) is np.ndarray
    (text,) = Dataset.from_tensors((["a", "b"],)).as_numpy_iterator()
    assert text[0].tolist() == ["a", "b"]


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("buffer", [3, 50])
def test_shuffling(rows: bool, buffer: int) -> None:
    numbers = Dataset.range(50) if rows else Dataset.range(50).map(lambda x: x)
    dataset = numbers.shuffle(buffer, seed=3)
    first, second = lists(dataset), lists(dataset)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(50))
    assert all(place >= number - buffer for place, number in enumerate(first)) or buffer == 50
    assert lists(numbers.shuffle(buffer, seed=3)) == first
    fixed = numbers.shuffle(buffer, seed=3, reshuffle_each_iteration=False)
    assert lists(fixed) == lists(fixed)
    dlnative.utils.set_random_seed(1)
    one = lists(numbers.shuffle(buffer))
    dlnative.utils.set_random_seed(1)
    assert lists(numbers.shuffle(buffer)) == one


def test_prefetching_is_ahead_and_ends() -> None:
    made: list[int] = []

    def numbers() -> Any:
        for number in range(100):
            made.append(number)
            yield number

    before = threading.active_count()
    for item in Dataset.from_generator(numbers).prefetch(3):
        deadline = time.monotonic() + 5
        while len(made) < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(made) >= 3
        assert int(item) == 0
        break
    assert len(made) < 10
    assert threading.active_count() == before

    def broken() -> Any:
        yield 1
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        lists(Dataset.from_generator(broken).prefetch(2))


def test_models_take_pipelines() -> None:
    x = np.random.RandomState(0).rand(20, 3).astype("float32")
    y = x.sum(1, keepdims=True)
    model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = Dataset.from_tensor_slices((x, y)).shuffle(20).batch(8).map(lambda x, y: (x, y)).prefetch(AUTOTUNE)
    history = model.fit(batches, validation_data=batches, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    np.testing.assert_allclose(
        model.predict(Dataset.from_tensor_slices(x).batch(7), verbose=0), model.predict(x, verbose=0), rtol=1e-6
    )
    assert model.evaluate(batches, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    with pytest.raises(ValueError, match=r"fit: expected a Dataset of batches, .* call batch"):
        model.fit(Dataset.from_tensor_slices((x, y)), verbose=0)
    endless = batches.repeat()
    assert len(model.fit(endless, epochs=2, steps_per_epoch=2, verbose=0).history["loss"]) == 2
    layer = dlnative.layers.Normalization()
    layer.adapt(batches)
    np.testing.assert_allclose(layer.mean[0], x.mean(0), rtol=1e-5)


@pytest.mark.parametrize(
    "steps",
    [
        lambda rows: rows.batch(8),
        lambda rows: rows.shuffle(50, seed=3).batch(7, drop_remainder=True).prefetch(2),
        lambda rows: rows.shuffle(50, seed=3).take(9).batch(4),
        lambda rows: rows.skip(5).batch(6).repeat(),
    ],
)
def test_rows_of_arrays_are_taken_by_the_model_itself(steps: Any) -> None:
    """With the same batches in the same order as those that are made one by one."""
    random = np.random.RandomState(0)
    x, y, weights = random.rand(20, 3).astype("float32"), random.rand(20, 1), random.rand(20)
    rows = Dataset.from_tensor_slices((x, y, weights))
    results = []
    for change in (lambda batches: batches, lambda batches: batches.map(lambda *items: items)):
        model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse", weighted_metrics=["mae"])
        batches = change(steps(rows))
        steps_per_epoch = 2 if int(batches.cardinality()) < 0 else None
        history = model.fit(batches, epochs=3, steps_per_epoch=steps_per_epoch, verbose=0).history
        results.append((history, model.get_weights()[0], model.predict(batches.take(2), verbose=0)))
    for made, expected in zip(*results, strict=True):
        if isinstance(made, dict):
            assert made == expected
        else:
            np.testing.assert_array_equal(made, expected)
    with pytest.raises(ValueError, match="nan"):
        model.fit(Dataset.from_tensor_slices((x * np.nan, y)).batch(4), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "windows", "targets"),
    [
        ({}, [[[0, 1, 2], [1, 2, 3]], [[2, 3, 4], [3, 4, 5]], [[4, 5, 6]]], [[10, 11], [12, 13], [14]]),
        ({"sequence_stride": 3}, [[[0, 1, 2], [3, 4, 5]]], [[10, 13]]),
        ({"sampling_rate": 2}, [[[0, 2, 4], [1, 3, 5]], [[2, 4, 6]]], [[10, 11], [12]]),
        ({"start_index": 1, "end_index": 5}, [[[1, 2, 3], [2, 3, 4]]], [[11, 12]]),
        ({"batch_size": None, "start_index": 4}, [[4, 5, 6]], [14]),
    ],
)
def test_windows_of_a_series(arguments: Any, windows: Any, targets: Any) -> None:
    series = np.arange(7)
    given: dict[str, Any] = {"sequence_length": 3, "batch_size": 2} | arguments
    assert lists(timeseries_dataset_from_array(series, series + 10, **given)) == list(
        zip(windows, targets, strict=True)
    )
    assert lists(timeseries_dataset_from_array(series, None, **given)) == windows
    shuffled = timeseries_dataset_from_array(series, series, **given, shuffle=True, seed=1)
    for x, y in shuffled.unbatch() if given["batch_size"] else shuffled:
        assert x[0] == y


@pytest.mark.parametrize("batched", [True, False])
def test_splitting(batched: bool) -> None:
    x, y = np.arange(10), np.arange(10) * 2
    whole = Dataset.from_tensor_slices((x, y))
    left, right = split_dataset(whole.batch(4) if batched else whole, left_size=0.7)
    if batched:
        assert [item[0].tolist() for item in left] == [[0, 1, 2, 3], [4, 5, 6]]
        left, right = left.unbatch(), right.unbatch()
    assert lists(left) == [(i, 2 * i) for i in range(7)]
    assert lists(right) == [(i, 2 * i) for i in range(7, 10)]
    first, last = split_dataset((x, y), left_size=2, right_size=3)
    assert [item[0] for item in lists(first)] == [0, 1]
    assert [item[0] for item in lists(last)] == [7, 8, 9]
    some, others = split_dataset(x, right_size=4, shuffle=True, seed=1)
    assert sorted(lists(some) + lists(others)) == list(range(10))
    assert lists(some) != sorted(lists(some))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Dataset.from_tensor_slices((np.ones(2), np.ones(3))), ValueError, "one length"),
        (lambda: Dataset.from_tensor_slices(3), ValueError, "one length"),
        (lambda: Dataset.from_generator(iter([])), TypeError, "function"),
        (lambda: Dataset.range(3).batch(0), ValueError, "batch_size"),
        (lambda: Dataset.range(3).shuffle(0), ValueError, "buffer_size"),
        (lambda: Dataset.range(3).cache("file"), ValueError, "filename"),
        (lambda: Dataset.range(3).padded_batch(2, (3,)), ValueError, "padded_shapes"),
        (lambda: lists(Dataset.range(3).map(np.arange).batch(2)), ValueError, "one shape"),
        (lambda: len(Dataset.range(3).repeat()), TypeError, "without an end"),
        (lambda: len(Dataset.range(3).filter(bool)), TypeError, "unknown length"),
        (lambda: split_dataset(3, 0.5), TypeError, "expected arrays"),
        (lambda: split_dataset(np.ones(4)), ValueError, "must be specified"),
        (lambda: split_dataset(np.ones(4), 0.5, 0.6), ValueError, "greater"),
        (lambda: split_dataset(np.ones(4), 5), ValueError, "left_size"),
        (lambda: split_dataset(np.ones(4), "a"), TypeError, "left_size"),  # type: ignore[arg-type]
        (lambda: split_dataset(np.ones(4), 0.01), ValueError, "both sides"),
        (lambda: split_dataset([], 0.5), ValueError, "empty list"),
        (lambda: split_dataset([[1]], 0.5), ValueError, "numpy.ndarray"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, start_index=-1), ValueError, "start_index"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, start_index=5), ValueError, "start_index"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, end_index=9), ValueError, "end_index"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, sampling_rate=0), ValueError, "sampling_rate"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, 9), ValueError, "sequence_stride"),
        (lambda: audio_dataset_from_directory(".", ragged=True), ValueError, "ragged"),
        (lambda: audio_dataset_from_directory(".", sampling_rate=0), ValueError, "sampling_rate"),
    ],
)
def test_refusals(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
