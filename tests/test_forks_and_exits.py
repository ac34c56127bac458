"""Processes that fork, or end, while other threads are in native code."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.process

PROGRAM = """
import os, signal, threading, time, warnings
warnings.simplefilter("ignore")  # of a fork with threads
import numpy as np
import dlnative
from dlnative import layers, ops

model = dlnative.Sequential([dlnative.Input((64,)), layers.Dense(64, "relu"), layers.Dense(10)])
model.compile("adam", "mse")
x = np.random.RandomState(0).rand(200, 64).astype("float32")
y = np.random.RandomState(1).rand(200, 10).astype("float32")
model.fit(x, y, verbose=0)

def work():
    for turn in range(10**6):
        model.fit(x, y, batch_size=16 + turn % 7, verbose=0)
        model.predict(x[: 20 + turn % 5], verbose=0)
        ops.matmul(x, x.T)

for _ in range({threads}):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
"""


def test_a_child_works_whatever_other_threads_were_doing(python: Any) -> None:
    program = """
for turn in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        model.fit(x, y, batch_size=16 + turn % 7, verbose=0)
        model.fit(x[:100], y[:100], batch_size=50 + turn, verbose=0)
        model.predict(x[:100], verbose=0)
        np.testing.assert_allclose(ops.matmul(x, x.T), x @ x.T, 1e-4)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, turn
print("all")
"""
    assert python(PROGRAM.format(threads=1) + program).strip() == "all"


@pytest.mark.parametrize("threads", [1, 4])
def test_python_ends_quietly_while_daemon_threads_train(python: Any, threads: int) -> None:
    python(PROGRAM.format(threads=threads))


def test_a_wrong_number_of_threads_is_refused(python: Any) -> None:
    program = """
import dlnative
try:
    dlnative.ops.exp(1.0)
except ValueError as error:
    print(error)
"""
    for wrong in ("many", "0", "-1", "2.5"):
        expected = f"DLNATIVE_NUM_THREADS: expected an integer of 1 or more, got {wrong}"
        assert python(program, DLNATIVE_NUM_THREADS=wrong).strip() == expected


def test_an_exception_of_a_signal_handler_leaves_everything_usable(python: Any) -> None:
    """Whenever it comes: while tracing, compiling, cutting memory or running."""
    program = """
import gc, random, signal, threading, time
import numpy as np
import dlnative
from dlnative import layers, ops
from dlnative.graph.trace import current_trace

class Alarm(Exception):
    pass

def ring(*_):
    raise Alarm

def work():
    hidden = [layers.Dense(300, "relu"), layers.Dropout(0.5), layers.Dense(10)]
    model = dlnative.Sequential([dlnative.Input((200,)), *hidden])
    model.compile("adam", "mse")
    x = np.zeros((32, 200), "float32")
    model.fit(x, np.zeros((32, 10)), verbose=0)
    return model.predict(x, verbose=0), model(x)

work()
longest = 0.01
signal.signal(signal.SIGALRM, ring)
random.seed(1)
rang = 0
for _ in range(1000):
    if rang == 30:
        break
    start = time.perf_counter()
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, longest))
            work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        longest = time.perf_counter() - start  # as the machine is now
    except Alarm:
        rang += 1
    assert current_trace() is None
    assert gc.isenabled()
    np.testing.assert_array_equal(ops.add(np.ones(3, "float32"), 1), 2)
assert rang == 30
other = threading.Thread(target=work)
other.start()
other.join(20)
assert not other.is_alive()
print("usable")
"""
    assert python(program).strip() == "usable"
