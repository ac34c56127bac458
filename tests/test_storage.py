"""Memory for variables: zeroed, on cache lines, used again."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

import dlnative
from dlnative.graph import storage


@pytest.mark.parametrize("nbytes", [1, 64, 65, 65535, 65536, 100_000, 3 << 20, (5 << 20) + 1])
def test_zeroed_bytes_on_cache_lines(nbytes: int) -> None:
    for _ in range(3):
        block = storage.zeroed(nbytes)
        assert block.nbytes == nbytes
        assert block.__array_interface__["data"][0] % storage.ALIGNMENT == 0
        assert not block.any()
        block[...] = 255
        del block


@pytest.mark.skipif(sys.platform != "linux", reason="memory is kept on Linux only")
def test_dropped_memory_is_used_again() -> None:
    block = storage.zeroed(1 << 20)
    address = block.__array_interface__["data"][0]
    view = block[5:50]
    del block
    other = storage.zeroed(1 << 20)
    assert other.__array_interface__["data"][0] != address, "a view keeps its memory"
    del view
    again = storage.zeroed((1 << 20) - 4096)
    assert again.__array_interface__["data"][0] == address


@pytest.mark.skipif(sys.platform != "linux", reason="memory is kept on Linux only")
def test_what_is_kept_is_bounded() -> None:
    blocks = [storage.zeroed(8 << 20) for _ in range(12)]
    del blocks
    assert 0 < storage.kept_bytes() <= storage._MOST_KEPT


def test_models_do_not_share_memory() -> None:
    def trained(seed: int) -> list[np.ndarray]:
        dlnative.utils.set_random_seed(seed)
        model = dlnative.Sequential([dlnative.Input((64,)), dlnative.layers.Dense(400), dlnative.layers.Dense(300)])
        model.compile("adam", "mse")
        x = np.random.RandomState(0).uniform(size=(32, 64)).astype("float32")
        model.fit(x, np.ones((32, 300), "float32"), epochs=2, verbose=0)
        return model.get_weights()

    first = trained(1)
    gc.collect()
    trained(2)
    gc.collect()
    for before, after in zip(first, trained(1), strict=True):
        np.testing.assert_array_equal(before, after)
