"""Where batches come from: arrays, frames, generators, iterables and data sets give the same training."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.data.arrays import ArrayBatches
from dlnative.data.batches import Data, Passes

X = np.linspace(-1.0, 1.0, 60, dtype="float32").reshape(20, 3)
Y = (X[:, :1] - 2.0 * X[:, 1:2]).astype("float32")
WEIGHTS = np.linspace(0.5, 1.5, 20, dtype="float32")
SIZE = 6


class Rows(dlnative.utils.PyDataset):
    """The rows of the arrays above, batch by batch; it counts its epochs."""

    def __init__(self, parts: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts = parts
        self.begun = self.ended = 0

    def __len__(self) -> int:
        return -(-len(X) // SIZE)

    def __getitem__(self, index: int) -> Any:
        rows = slice(index * SIZE, (index + 1) * SIZE)
        return (X[rows], Y[rows], WEIGHTS[rows])[: self.parts]

    def on_epoch_begin(self) -> None:
        self.begun += 1

    def on_epoch_end(self) -> None:
        self.ended += 1


class Endless(Rows):
    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index % len(self))


def model(units: int = 1) -> Any:
    made = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(units, kernel_initializer="ones")])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def trained(x: Any, y: Any = None, **arguments: Any) -> tuple[Any, Any]:
    made = model()
    history = made.fit(x, y, epochs=3, shuffle=False, verbose=0, **arguments).history
    return history, made.get_weights()


def assert_same(found: Any, expected: Any) -> None:
    assert found[0] == expected[0]
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["list", "tuple of lists", "data set", "threads", "processes"])
def test_iterables_train_as_arrays_do(kind: str) -> None:
    batches = [Rows()[index] for index in range(4)]
    source = {
        "list": iter_again(batches),
        "tuple of lists": iter_again([[x, y] for x, y in batches]),
        "data set": Rows(),
        "threads": Rows(workers=3, max_queue_size=2),
        "processes": Rows(workers=1, use_multiprocessing=True),
    }[kind]
    assert_same(trained(source), trained(X, Y, batch_size=SIZE))


def iter_again(batches: list[Any]) -> Any:
    class Again:
        def __iter__(self) -> Any:
            return iter(batches)

    return Again()


def test_a_generator_trains_until_it_ends() -> None:
    def batches(epochs: int) -> Any:
        for _ in range(epochs):
            for index in range(4):
                yield Rows()[index]

    expected = trained(X, Y, batch_size=SIZE)
    assert_same(trained(batches(3), steps_per_epoch=4), expected)
    made = model()
    with pytest.warns(UserWarning, match="ran out"):
        history = made.fit(batches(2), epochs=5, steps_per_epoch=4, verbose=0)
    assert history.history["loss"] == expected[0]["loss"][:2]


def test_weights_in_batches() -> None:
    assert_same(trained(Rows(3)), trained(X, Y, sample_weight=WEIGHTS, batch_size=SIZE))


def test_class_weights_of_batches() -> None:
    labels = np.arange(20, dtype="int32") % 3
    batches = [(X[i : i + SIZE], labels[i : i + SIZE]) for i in range(0, 20, SIZE)]
    losses = []
    for data, size in (((X, labels), SIZE), ((iter_again(batches), None), None)):
        made = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(3, "softmax", kernel_initializer="ones")])
        made.compile("sgd", "sparse_categorical_crossentropy")
        history = made.fit(*data, batch_size=size, class_weight={0: 2.0, 2: 0.5}, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1]


def test_a_data_set_is_told_of_epochs_and_shuffled() -> None:
    data = Rows()
    model().fit(data, epochs=3, verbose=0)
    assert (data.begun, data.ended) == (3, 3)
    seen: list[int] = []

    class Seen(Rows):
        def __getitem__(self, index: int) -> Any:
            seen.append(index)
            return super().__getitem__(index)

    dlnative.utils.set_random_seed(1)
    model().fit(Seen(), epochs=8, verbose=0)
    orders = [seen[i : i + 4] for i in range(0, 32, 4)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    seen.clear()
    model().evaluate(Seen(), verbose=0)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_data_set_without_an_end(workers: int) -> None:
    assert_same(trained(Endless(workers=workers), steps_per_epoch=4), trained(X, Y, batch_size=SIZE))


def test_an_error_in_a_worker_is_raised() -> None:
    class Broken(Rows):
        def __getitem__(self, index: int) -> Any:
            if index == 2:
                raise RuntimeError("the file is gone")
            return super().__getitem__(index)

    with pytest.raises(RuntimeError, match="the file is gone"):
        model().fit(Broken(workers=2), shuffle=False, verbose=0)


def test_evaluate_and_predict_from_batches() -> None:
    made = model()
    batches = [Rows()[index] for index in range(4)]
    assert made.evaluate(Rows(), verbose=0) == made.evaluate(X, Y, batch_size=SIZE, verbose=0)
    assert made.evaluate(iter(batches), steps=2, verbose=0) == made.evaluate(X[:12], Y[:12], batch_size=SIZE, verbose=0)
    uneven = [X[:2], X[2:5], (X[5:20],)]
    np.testing.assert_array_equal(made.predict(iter(uneven), verbose=0), made.predict(X, verbose=0))
    np.testing.assert_array_equal(made.predict(Rows(), verbose=0), made.predict(X, verbose=0))
    np.testing.assert_array_equal(made.predict(iter(uneven), steps=2, verbose=0), made.predict(X[:5], verbose=0))


def test_validation_from_batches() -> None:
    expected = trained(X, Y, batch_size=SIZE, validation_data=(X[:12], Y[:12]), validation_batch_size=SIZE)
    assert_same(trained(X, Y, batch_size=SIZE, validation_data=Rows(), validation_steps=2), expected)

    def endless() -> Any:
        while True:
            yield X[:12], Y[:12]

    one = trained(X, Y, batch_size=SIZE, validation_data=(X[:12], Y[:12]), validation_batch_size=12)
    assert_same(trained(X, Y, batch_size=SIZE, validation_data=endless(), validation_steps=1), one)


def test_validation_data_that_run_out() -> None:
    with pytest.warns(UserWarning, match="validation data ran out"):
        history = model().fit(X, Y, validation_data=iter([(X, Y)]), epochs=3, verbose=0).history
    assert {name: len(values) for name, values in history.items()} == {"loss": 3, "mae": 3, "val_loss": 1, "val_mae": 1}


@pytest.mark.parametrize("steps", [2, 3, 4, 6])
def test_an_epoch_of_some_steps_goes_on_where_the_one_before_stopped(steps: int) -> None:
    """Five batches of four rows; an epoch in which they run out is shorter, and the next begins anew: as in Keras 3."""
    made = model()
    made.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses = made.fit(X, Y, batch_size=4, epochs=4, steps_per_epoch=steps, shuffle=False, verbose=0).history["loss"]
    counts = {2: [2, 2, 1, 2], 3: [3, 2, 3, 2], 4: [4, 1, 4, 1], 6: [5, 5, 5, 5]}[steps]
    assert len(caught) == sum(count < steps for count in counts)
    by_hand = model()
    by_hand.compile("sgd", "mse")
    position, expected = 0, []
    for count in counts:
        batches = [slice(4 * ((position + i) % 5), 4 * ((position + i) % 5) + 4) for i in range(count)]
        expected.append(np.mean([by_hand.train_on_batch(X[rows], Y[rows]) for rows in batches]))
        position += count
    np.testing.assert_allclose(losses, expected, rtol=1e-6)


def test_an_epoch_of_all_steps_needs_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(trained(X, Y, batch_size=5, steps_per_epoch=4), trained(X, Y, batch_size=5))


def test_passes_cut_a_chunk_and_keep_the_rest() -> None:
    passes = Passes(ArrayBatches(Data(X), 4), 3)
    found = []
    for _ in range(3):
        assert passes.ready()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append([(chunk.start, chunk.stop) for chunk in passes.epoch()])
    assert found == [[(0, 12)], [(12, 20)], [(0, 12)]]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"y": Y}, "y"), ({"batch_size": 4}, "batch_size"), ({"sample_weight": WEIGHTS}, "sample_weight"),
        ({"validation_split": 0.2}, "validation_split"),
    ],
)  # fmt: skip
def test_what_batches_bring_themselves(arguments: dict[str, Any], word: str) -> None:
    made = model()
    before = made.get_weights()
    with pytest.raises(ValueError, match=word):
        made.fit(Rows(), verbose=0, **arguments)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_are_checked_before_their_step() -> None:
    made = model()
    with pytest.raises(ValueError, match="nan"):
        made.fit(iter([(X * np.nan, Y)]), verbose=0)
    with pytest.raises(ValueError, match="4 parts"):
        made.fit(iter([(X, Y, WEIGHTS, 1)]), verbose=0)
    with pytest.raises(ValueError, match="at least one batch"):
        made.fit(iter([]), verbose=0)

    class Careless(Rows):
        def __init__(self) -> None:
            self.parts, self.begun, self.ended = 2, 0, 0

    with pytest.warns(UserWarning, match="super"):
        made.fit(Careless(), verbose=0)


# Arrays of other kinds.


def test_frames_and_series() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "a": [1.5, 2.5, 3.0], "b": [True, False, True], "c": pandas.array([1, 2, 3], "Int64"),
        "d": pandas.array([True, False, False], "boolean"), "e": pandas.array([0.5, 1.0, 2.0], "Float32"),
    })  # fmt: skip
    expected = np.array([[1.5, 1, 1, 1, 0.5], [2.5, 0, 2, 0, 1.0], [3.0, 1, 3, 0, 2.0]], "float32")
    made = dlnative.Sequential([dlnative.Input((5,)), layers.Dense(1, kernel_initializer="ones")])
    made.compile("sgd", "mse")
    np.testing.assert_array_equal(made.predict(frame, verbose=0), made.predict(expected, verbose=0))
    y = frame["c"]
    assert made.evaluate(frame, y, verbose=0) == made.evaluate(expected, np.array([1.0, 2.0, 3.0]), verbose=0)
    missing = frame.assign(c=pandas.array([1, None, 3], "Int64"))
    with pytest.raises(ValueError, match="nan"):
        made.fit(missing, y, verbose=0)
    for column in (["x", "y", "z"], pandas.Categorical(["x", "y", "x"]), pandas.date_range("2020", periods=3)):
        with pytest.raises(TypeError, match='fit: x: expected columns of numbers, got "a" of dtype') as raised:
            made.fit(frame.assign(a=column), y, verbose=0)
        assert "\n" not in str(raised.value)


def test_what_numpy_would_take_for_something_else() -> None:
    made = model()
    with pytest.raises(ValueError, match="masked"):
        made.predict(np.ma.masked_array(X, mask=X[0, 0] == X), verbose=0)
    with pytest.raises(TypeError, match="the function 'model': call it"):
        made.fit(model, verbose=0)


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">i8"])
def test_big_endian_arrays(dtype: str) -> None:
    made = model()
    values = np.arange(12).reshape(4, 3)
    swapped, plain = values.astype(dtype), values.astype("float32")
    np.testing.assert_array_equal(made.predict(swapped, verbose=0), made.predict(plain, verbose=0))
    assert made.evaluate(swapped, swapped[:, :1], verbose=0) == made.evaluate(plain, plain[:, :1], verbose=0)


def test_numbers_that_are_infinite_as_they_are_fed() -> None:
    made = model()
    wide = X.astype("float64")
    wide[3, 1] = 1e300
    with pytest.raises(ValueError, match=r"float32.*1e\+300 at \(3, 1\)"):
        made.fit(wide, Y, verbose=0)
    with pytest.raises(ValueError, match="float32"):
        made.fit(X, wide[:, 1:2], verbose=0)
    double = dlnative.Sequential([dlnative.Input((3,), dtype="float64"), layers.Dense(1, dtype="float64")])
    assert np.isfinite(double.predict(wide, verbose=0)).all()


def test_float64_layers_are_fed_float64() -> None:
    class Double(dlnative.Model):
        def call(self, x: Any) -> Any:
            return x * 3.0

    exact = np.array([[1.0 + 2.0**-40]])
    assert Double(dtype="float64").predict(exact, verbose=0)[0, 0] == 3.0 * exact[0, 0]


def test_a_model_that_begins_with_data_takes_batches_of_other_shapes() -> None:
    def batches() -> Any:
        for steps in (5, 9, 5, 3):
            yield np.full((2, steps), steps), np.ones((2, 1), "float32")

    model = dlnative.Sequential([layers.Embedding(20, 4), layers.LSTM(3), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(batches(), verbose=0)
    assert (model.input_shape, model.output_shape) == ((None, None), (None, 1))
    same = dlnative.Sequential([dlnative.Input((None,)), *model.layers])
    x = np.arange(14).reshape(2, 7)
    np.testing.assert_array_equal(model(x), same(x))
    flat = dlnative.Sequential([layers.Flatten()])
    assert flat.predict(iter([(np.ones((3, 5, 7)),), (np.ones((2, 7, 5)),)]), verbose=0).shape == (5, 35)
    for asked in (
        dlnative.Sequential([dlnative.Input((4, 3)), layers.Flatten()]),
        dlnative.Sequential([layers.Dense(2)]),
    ):
        asked(np.ones((1, 4, 3)))
        before = asked.input_shape
        for call in (asked, asked.predict_on_batch):
            with pytest.raises(ValueError, match=r"expected shape=\(None, 4, 3\), found shape=\(1, 4, 2\)"):
                call(np.ones((1, 4, 2)))
        assert asked.input_shape == before
        assert asked(np.ones((1, 4, 3))).shape == asked.compute_output_shape((1, 4, 3))
