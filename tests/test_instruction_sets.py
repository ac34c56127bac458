"""Every instruction set that this build and this CPU share: can be forced, says so, and trains to the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import dlnative

pytestmark = pytest.mark.process

PROGRAM = """
import numpy as np
import dlnative

random = np.random.RandomState(0)
x = random.uniform(-1, 1, (120, 37)).astype("float32")
y = random.randint(0, 5, 120)
dlnative.utils.set_random_seed(1)
layers = [dlnative.layers.Dense(67, activation="tanh"), dlnative.layers.Dropout(0.3), dlnative.layers.Dense(5)]
model = dlnative.Sequential([dlnative.Input((37,)), *layers])
model.compile("adam", dlnative.losses.SparseCategoricalCrossentropy(from_logits=True))
losses = model.fit(x, y, batch_size=17, epochs=4, verbose=0).history["loss"]
print(dlnative.build_config()["instruction set"], *losses, *model.predict(x[:2], verbose=0).ravel())
"""


def run(python: Any, isa: str) -> np.ndarray:
    name, *numbers = python(PROGRAM, DLNATIVE_ISA=isa).split()
    assert name == isa
    return np.array(numbers, float)


def test_all_agree(python: Any) -> None:
    available = dlnative.build_config()["available"]
    if len(available) == 1:
        pytest.skip("built for one instruction set alone")
    assert available[-1] == "portable"
    expected = run(python, "portable")
    assert np.isfinite(expected).all()
    for isa in available[:-1]:
        np.testing.assert_allclose(run(python, isa), expected, rtol=1e-4, atol=1e-5, err_msg=isa)


def test_an_unknown_one_is_refused_in_one_line() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | {"DLNATIVE_ISA": "avx9"}
    )
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert "avx9" in line
    assert dlnative.build_config()["available"][-1] in line


PRODUCTS = """
import hashlib
import numpy as np
from dlnative import ops

random = np.random.RandomState(0)
digest = hashlib.sha256()
for shape in ((130, 1024, 512), (300, 256, 700), (40, 90, 1200), (20, 600, 600)):
    M, N, K = shape
    for dtype in ("float32", "float64"):
        a, b = (random.standard_normal(size).astype(dtype) for size in ((M, K), (K, N)))
        digest.update(np.asarray(ops.matmul(a, b)).tobytes())
        digest.update(np.asarray(ops.matmul(a, np.ascontiguousarray(b.T).T)).tobytes())
print(digest.hexdigest())
"""


def test_caches_change_no_bit_of_a_product(python: Any) -> None:
    caches = ("32K/8,512K/8,32M/16/8,near", "48K/12,2M/16,480M/20/120", "4K/1")
    assert len({python(PRODUCTS, DLNATIVE_CACHES=text) for text in caches}) == 1


def test_caches_that_are_none_are_refused_in_one_line() -> None:
    environment = os.environ | {"DLNATIVE_CACHES": "large"}
    result = subprocess.run([sys.executable, "-c", PRODUCTS], capture_output=True, text=True, env=environment)
    assert result.returncode == 1
    assert "DLNATIVE_CACHES=large: expected" in result.stderr.strip().splitlines()[-1]
