"""What surrounds training: forks, threads, interrupts, memory, and the same bits on any number of threads."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import dlnative

pytestmark = pytest.mark.process

# A network large enough that its plan uses several threads.
PROGRAM = """
import hashlib, os, sys
import numpy as np
import dlnative

def trained(seed=5, epochs=2, sizes=(64, 256, 128, 10)):
    dlnative.utils.set_random_seed(seed)
    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, (500, sizes[0])).astype("float32")
    y = random.randint(0, sizes[-1], 500)
    layers = []
    for units in sizes[1:-1]:
        layers += [dlnative.layers.Dense(units, activation="relu"), dlnative.layers.Dropout(0.2)]
    model = dlnative.Sequential([dlnative.Input((sizes[0],)), *layers, dlnative.layers.Dense(sizes[-1])])
    loss = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=128, epochs=epochs, validation_split=0.1, verbose=0).history
    bits = hashlib.sha256()
    for weight in model.get_weights():
        bits.update(weight.tobytes())
    bits.update(repr(history).encode())
    bits.update(model.predict(x, verbose=0).tobytes())
    return bits.hexdigest()
"""


def data(samples: int = 200, features: int = 20, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    return random.uniform(-1, 1, (samples, features)).astype("float32"), random.randint(0, classes, samples)


def network(features: int = 20, classes: int = 3, hidden: int = 32) -> Any:
    model = dlnative.Sequential(
        [
            dlnative.Input((features,)),
            dlnative.layers.Dense(hidden, activation="relu"),
            dlnative.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def digest(model: Any) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def test_fit_in_a_forked_child(python: Any) -> None:
    """fit in the parent, then in a child forked from it: the child gets what the parent would have got."""
    program = (
        PROGRAM
        + """
dlnative.set_num_threads(2)
first = trained()
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.write(writer, trained().encode())
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert os.read(reader, 1000).decode() == first == trained()
print("same")
"""
    )
    assert python("import warnings; warnings.simplefilter('ignore')\n" + program).strip() == "same"


def test_children_of_children_and_two_at_once(python: Any) -> None:
    program = (
        PROGRAM
        + """
dlnative.set_num_threads(2)
first = trained(epochs=1)
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        same = trained(epochs=1) == first
        if grandchild:
            same = same and os.waitpid(grandchild, 0)[1] == 0
        os._exit(0 if same else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
print("same")
"""
    )
    assert python("import warnings; warnings.simplefilter('ignore')\n" + program).strip() == "same"


def test_same_bits_on_one_thread_and_two(python: Any) -> None:
    """By the environment variable in two processes, and by set_num_threads in one."""
    program = PROGRAM + "print(trained())"
    results = [python(program, DLNATIVE_NUM_THREADS=count).strip() for count in ("1", "2", "1")]
    within = PROGRAM + "for count in (2, 1, 3): dlnative.set_num_threads(count); print(trained())"
    results += python(within).split()
    assert len(results) == 6
    assert len(set(results)) == 1


def test_another_seed_gives_other_bits(python: Any) -> None:
    assert len(set(python(PROGRAM + "for seed in (5, 6): print(trained(seed))").split())) == 2


def test_environment_sets_the_threads(python: Any) -> None:
    program = "import dlnative; print(dlnative.num_threads())"
    assert python(program, DLNATIVE_NUM_THREADS="1").strip() == "1"


def test_four_threads_train_four_models() -> None:
    """Each gets what it gets alone."""
    x, y = data()
    start = network().get_weights()

    def train(epochs: int, results: dict[int, str]) -> None:
        model = network()
        model.set_weights(start)
        model.fit(x, y, epochs=epochs, batch_size=16, shuffle=False, verbose=0)
        results[epochs] = digest(model)

    alone: dict[int, str] = {}
    for epochs in (20, 21, 22, 23):
        train(epochs, alone)
    together: dict[int, str] = {}
    threads = [threading.Thread(target=train, args=(epochs, together)) for epochs in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert together == alone
    assert len(set(alone.values())) == 4


def test_four_threads_predict_with_one_model() -> None:
    x, _ = data()
    model = network()
    expected = model.predict(x, verbose=0)
    results: list[bool] = []

    def predict() -> None:
        results.extend(
            np.array_equal(model.predict(x, verbose=0), expected) and np.array_equal(model(x), expected)
            for _ in range(20)
        )

    threads = [threading.Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert results == [True] * 80


def test_interrupt_stops_fit_and_leaves_a_usable_model() -> None:
    """SIGINT reaches a fit that would last for hours; the weights are whole, and training goes on."""
    x, y = data(2000)
    model = network(hidden=64)
    model.fit(x, y, epochs=1, verbose=0)
    before = model.get_weights()
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, epochs=10**7, batch_size=32, verbose=0)
        waited = time.monotonic() - sent[0]
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, handler)
    assert waited < 5  # a batch lasts microseconds: this is no matter of speed, but of stopping at all
    weights = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in weights)
    assert any((a != b).any() for a, b in zip(before, weights, strict=True))
    iterations = int(model.optimizer.iterations)
    history = model.fit(x, y, epochs=2, batch_size=32, verbose=0).history
    assert len(history["loss"]) == 2
    assert int(model.optimizer.iterations) == iterations + 2 * 63
    assert model.predict(x[:3], verbose=0).shape == (3, 3)


def test_an_exception_in_a_callback_leaves_a_usable_model() -> None:
    x, y = data()
    model = network()

    def fail(batch: int, logs: Any) -> None:
        if batch == 3:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        model.fit(x, y, verbose=0, callbacks=[dlnative.callbacks.LambdaCallback(on_train_batch_end=fail)])
    assert int(model.optimizer.iterations) == 4
    assert len(model.fit(x, y, verbose=0).history["loss"]) == 1


def test_memory_does_not_grow(python: Any) -> None:
    """A short form of benchmarks/memory_growth.py: after a warm-up nothing is kept from one cycle to the next."""
    program = """
import gc, os
import numpy as np
import dlnative

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def build():
    layers = [dlnative.layers.Dense(32, activation="relu"), dlnative.layers.Dense(3, activation="softmax")]
    model = dlnative.Sequential([dlnative.Input((20,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

random = np.random.RandomState(0)
x, y = random.uniform(-1, 1, (200, 20)).astype("float32"), random.randint(0, 3, 200)

def cycles(count):
    for _ in range(count):
        build().fit(x, y, epochs=2, validation_split=0.2, verbose=0)

def predictions(count):
    for _ in range(count):
        model(x[:1])
        model.predict(x[:1], verbose=0)

cycles(30)
before = resident()
cycles(60)
print(resident() - before)
model = build()
predictions(500)
before = resident()
predictions(10_000)
print(resident() - before)
"""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("resident memory is read from /proc")
    cycles, predictions = map(float, python(program, timeout=300).split())
    assert cycles < 2.0
    assert predictions < 2.0


def test_plans_share_the_memory_they_compute_in(python: Any) -> None:
    """Many batch sizes of one model, and many shapes of one op, take little more than the largest of them."""
    program = """
import os
import numpy as np
import dlnative

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

x, y = np.ones((2000, 400), "float32"), np.ones((2000, 10), "float32")
model = dlnative.Sequential([dlnative.Input((400,)), dlnative.layers.Dense(600), dlnative.layers.Dense(10)])
model.compile("sgd", "mse")
model.fit(x, y, batch_size=20, verbose=0)
before = resident()
for batch_size in range(40, 2001, 40):
    model.fit(x[:batch_size], y[:batch_size], batch_size=batch_size, verbose=0)
for rows in range(1000, 1040):
    dlnative.ops.softmax(x[:rows])
print(resident() - before)
"""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("resident memory is read from /proc")
    assert float(python(program)) < 60.0  # the plan for 2000 rows computes in 13 MB


def test_a_model_is_freed() -> None:
    """No cycle, cache or registry keeps a model that the user has let go."""
    import gc
    import weakref

    x, y = data()
    model = network()
    model.fit(x, y, verbose=0)
    model.predict(x, verbose=0)
    model(x)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_denormals_and_rounding_stay_the_callers() -> None:
    """The plan flushes denormals; NumPy's floating-point state afterwards is what it was."""
    x, y = data()
    tiny = np.array([1e-40], np.float32)
    model = network()
    model.fit(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert (tiny * np.float32(0.5))[0] > 0
