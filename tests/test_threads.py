"""Training on several threads: the same rows and the same bits, whoever does which part, and whatever else is running."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

import dlnative

SAMPLES, FEATURES, BATCH = 1000, 96, 128  # large enough for several threads, and no multiple of what they share


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = dlnative.num_threads()
    yield
    dlnative.set_num_threads(before)


def weights_after(dtype: str, seed: int = 3, shuffle: bool = True) -> np.ndarray:
    """Returns the weights of a network after three epochs of weighted rows."""
    random = np.random.RandomState(seed)
    x = random.uniform(0, 4, (SAMPLES, FEATURES)).astype(dtype)
    y = random.randint(0, 5, SAMPLES)
    weight = random.uniform(0.5, 1.5, SAMPLES)
    model = dlnative.Sequential(
        [
            dlnative.Input((FEATURES,)),
            dlnative.layers.Dense(256, activation="relu", kernel_initializer=dlnative.initializers.GlorotUniform(seed)),
            dlnative.layers.Dense(256, activation="tanh", kernel_initializer=dlnative.initializers.GlorotUniform(seed)),
            dlnative.layers.Dense(
                5, activation="softmax", kernel_initializer=dlnative.initializers.GlorotUniform(seed)
            ),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    if shuffle:
        dlnative.utils.set_random_seed(seed)
    model.fit(x, y, sample_weight=weight, batch_size=BATCH, epochs=3, shuffle=shuffle, verbose=0)
    return np.concatenate([value.ravel() for value in model.get_weights()])


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_same_bits_for_any_number_of_threads(dtype: str) -> None:
    results = []
    for count in (1, 2, 3, 4, 7, 2):
        dlnative.set_num_threads(count)
        results.append(weights_after(dtype))
    assert np.isfinite(results[0]).all()
    for result in results[1:]:
        assert np.array_equal(result, results[0])


def test_same_bits_for_two_trainings_at_once() -> None:
    """One of them has the pool, the other does its own work; each gets what it gets alone."""
    dlnative.set_num_threads(4)
    alone = {seed: weights_after("float32", seed, shuffle=False) for seed in (1, 2)}
    together: dict[int, np.ndarray] = {}

    def train(seed: int) -> None:
        together[seed] = weights_after("float32", seed, shuffle=False)

    trainings = [threading.Thread(target=train, args=(seed,)) for seed in alone]
    for training in trainings:
        training.start()
    for training in trainings:
        training.join(timeout=120)
    assert not np.array_equal(alone[1], alone[2])
    for seed, weights in alone.items():
        assert np.array_equal(together[seed], weights)
