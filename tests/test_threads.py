"""Training on several threads: the same rows and the same bits, whoever does which part, and whatever else is running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

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


@pytest.mark.parametrize("shape", [(400, 16, 16), (100, 40, 24), (64, 100, 80)])
def test_each_thread_has_room_for_the_products_of_a_batch(shape: tuple[int, ...]) -> None:
    """A transposed operand is packed, and how much a product packs depends on its size."""
    random = np.random.RandomState(5)
    a = random.uniform(-1, 1, shape).astype("float32")
    b = random.uniform(-1, 1, (*shape[:-1], shape[-1])).astype("float32").swapaxes(-1, -2)
    results = []
    for count in (1, 2, 4):
        dlnative.set_num_threads(count)
        results.append([dlnative.ops.matmul(a, b) for _ in range(8)])
    np.testing.assert_allclose(results[0][0], a @ b, rtol=1e-4, atol=1e-5)
    for result in [result for made in results for result in made]:
        assert np.array_equal(result, results[0][0])


SEQUENCES = [
    lambda: dlnative.layers.LSTM(96),
    lambda: dlnative.layers.GRU(96),
    lambda: dlnative.layers.GRU(96, reset_after=False),
    lambda: dlnative.layers.SimpleRNN(200),
]
IMAGES = [
    lambda: dlnative.layers.Conv2D(32, 3, padding="same"),
    lambda: dlnative.layers.Conv2D(48, 5, strides=2),
    lambda: dlnative.layers.Conv2D(32, 3, dilation_rate=2, groups=2),
    lambda: dlnative.layers.Conv2DTranspose(24, 3, strides=2, padding="same"),
]


@pytest.mark.parametrize(
    ("make", "shape"), [(make, (40, 24)) for make in SEQUENCES] + [(make, (37, 29, 16)) for make in IMAGES]
)
@pytest.mark.parametrize("samples", [1, 3])
def test_a_few_samples_are_shared_by_threads_with_the_same_bits(
    make: Any, shape: tuple[int, ...], samples: int
) -> None:
    """Lines of an image, and columns of a step's product, are dealt out where there are too few samples."""
    random = np.random.default_rng(5)
    x, y = random.standard_normal((samples, *shape), "float32"), random.standard_normal((samples, 1), "float32")
    inputs = dlnative.Input(shape)
    model = dlnative.Model(inputs, dlnative.layers.Dense(1)(dlnative.layers.Flatten()(make()(inputs))))
    model.compile(dlnative.optimizers.SGD(1e-3), "mse")
    before = model.get_weights()
    results = []
    for count in (1, 2, 3, 5, 8):
        dlnative.set_num_threads(count)
        model.set_weights(before)
        outputs = [model.predict(x, verbose=0) for _ in range(3)]
        model.fit(x, y, batch_size=samples, epochs=3, shuffle=False, verbose=0)
        results.append(np.concatenate([value.ravel() for value in [*outputs, *model.get_weights()]]))
    for result in results[1:]:
        assert np.array_equal(result, results[0])
