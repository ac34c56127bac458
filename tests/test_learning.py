"""Whole training runs: XOR is learned, the backends agree, and a seed gives one result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers

XOR_X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR_Y = np.array([[0], [1], [1], [0]], "float32")


def test_xor_is_learned_by_two_hidden_units(backend: str) -> None:
    """2-2-1, as Rumelhart, Hinton and Williams (1986) had it; tanh units and a start from which the way is downhill."""
    dlnative.utils.set_random_seed(1)
    model = dlnative.Sequential(
        [dlnative.Input((2,)), layers.Dense(2, activation="tanh"), layers.Dense(1, activation="sigmoid")]
    )
    model.set_weights(
        [
            np.array([[0.8, -0.6], [0.7, -0.9]], "float32"),
            np.array([-0.2, 0.7], "float32"),
            np.array([[0.6], [0.5]], "float32"),
            np.zeros(1, "float32"),
        ]
    )
    model.compile(dlnative.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(XOR_X, XOR_Y, batch_size=4, epochs=500, verbose=0).history
    assert history["accuracy"][-1] == 1.0
    assert history["loss"][-1] < 0.05
    np.testing.assert_array_equal(model.predict(XOR_X, verbose=0) > 0.5, XOR_Y > 0.5)


def run(backend: str, optimizer: str, dtype: str = "float32") -> dict[str, Any]:
    """A run with all that draws random numbers: initial weights, shuffling, dropout."""
    random = np.random.RandomState(3)
    x = random.uniform(-1, 1, (150, 12)).astype(dtype)
    y = np.argmax(x[:, :4], axis=1)
    with dlnative.backend.use_backend(backend):
        dlnative.utils.set_random_seed(11)
        model = dlnative.Sequential(
            [
                dlnative.Input((12,)),
                layers.Dense(16, activation="relu", kernel_regularizer="l2"),
                layers.Dropout(0.25),
                layers.Dense(8, activation="tanh"),
                layers.Dense(4),
            ]
        )
        start = model.get_weights()
        loss = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=["accuracy"])
        history = model.fit(x, y, batch_size=16, epochs=6, validation_split=0.2, verbose=0)
        return {
            "start": start,
            "history": history.history,
            "predictions": model.predict(x, verbose=0),
            "weights": model.get_weights(),
        }


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_backends_agree_on_a_training_run(optimizer: str) -> None:
    """Same seed: the same initial weights, order of samples and dropout masks on both, so the same history."""
    reference, cpu = run("reference", optimizer), run("cpu", optimizer)
    for left, right in zip(reference["start"], cpu["start"], strict=True):
        np.testing.assert_array_equal(left, right)
    assert list(reference["history"]) == list(cpu["history"])
    for name, values in reference["history"].items():
        np.testing.assert_allclose(cpu["history"][name], values, rtol=1e-4, err_msg=name)
    scale = np.abs(reference["predictions"]).max()
    np.testing.assert_allclose(cpu["predictions"], reference["predictions"], rtol=0, atol=2e-4 * scale)


def test_wide_layers_share_memory_with_their_gradients(random: np.random.RandomState) -> None:
    """Products longer than a block of k, whose results take the place of the activations they are multiplied with."""
    x, y = random.uniform(-1, 1, (40, 30)).astype("float32"), random.randint(0, 4, 40)

    def weights(name: str) -> list[np.ndarray]:
        with dlnative.backend.use_backend(name):
            dlnative.utils.set_random_seed(5)
            hidden = [layers.Dense(units, "relu") for units in (70, 900, 64, 1300)]
            model = dlnative.Sequential([dlnative.Input((30,)), *hidden, layers.Dense(4, "softmax")])
            model.compile(dlnative.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
            model.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0)
            return model.get_weights()

    for left, right in zip(weights("cpu"), weights("reference"), strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-5)


def test_a_seed_gives_the_same_bits(backend: str) -> None:
    first, second = run(backend, "adam"), run(backend, "adam")
    assert first["history"] == second["history"]
    for name in ("start", "weights"):
        for left, right in zip(first[name], second[name], strict=True):
            np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(first["predictions"], second["predictions"])


def test_shuffling_shuffles_and_every_sample_is_seen(backend: str) -> None:
    """With a learning rate of zero an epoch's loss does not depend on the order; with one of 0.1 it does."""
    random = np.random.RandomState(4)
    x = random.uniform(-1, 1, (50, 3)).astype("float32")
    y = x[:, :1] ** 2

    def losses(rate: float, shuffle: bool) -> list[float]:
        dlnative.utils.set_random_seed(2)
        model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1)])
        model.compile(dlnative.optimizers.SGD(rate), "mse")
        return model.fit(x, y, batch_size=8, epochs=3, shuffle=shuffle, verbose=0).history["loss"]

    np.testing.assert_allclose(losses(0.0, True), losses(0.0, False), rtol=1e-5)
    assert not np.allclose(losses(0.1, True), losses(0.1, False), rtol=1e-5)


@pytest.mark.parametrize("width", [1, 3, 100, 256, 300, 784])
@pytest.mark.parametrize("batch_size", [1, 8, 13])
def test_rows_are_gathered_whole(width: int, batch_size: int, random: np.random.RandomState) -> None:
    """Rows of the model's own type are copied, of another converted one by one: the same numbers, so the same bits."""
    x = random.uniform(-1, 1, (40, width)).astype("float32")
    weights = []
    for rows in (x, x.astype("float64")):
        dlnative.utils.set_random_seed(3)
        model = dlnative.Sequential([dlnative.Input((width,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(rows, x[:, :1], batch_size=batch_size, epochs=2, verbose=0)
        weights.append(model.get_weights()[0])
    np.testing.assert_array_equal(*weights)
