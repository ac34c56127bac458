"""Empty arrays, and sizes beyond all memory: NumPy's values, or one ValueError before anything runs."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from dlnative import ops
from dlnative.graph.op import OPS
from dlnative.graph.tensor import Node
from dlnative.graph.trace import Trace
from typed import FLOATING, UNARY, agree, values

EMPTY = [(0,), (0, 4), (3, 0), (2, 0, 4), (0, 0)]


@pytest.mark.parametrize("shape", EMPTY)
def test_empty_arrays_have_numpys_values_or_are_refused(shape: tuple[int, ...], backend: str) -> None:
    refused_types = {"negative": ["bool"], "sign": ["bool"], "bitwise_invert": ["float32"]}
    for (name, (oracle, result, _)), dtype in itertools.product(UNARY.items(), ("float32", "int32", "bool")):
        if name == "glu":
            continue
        x = values(dtype, shape)
        no_classes = name in ("softmax", "log_softmax") and shape[-1] == 0
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                wanted = oracle(x.astype("float64") if result is FLOATING else x)
            except (ValueError, TypeError):
                wanted = None
        if wanted is None or no_classes or dtype in refused_types.get(name, []):
            with pytest.raises((TypeError, ValueError)) as error:
                getattr(ops, name)(x)
            assert "\n" not in str(error.value)
        else:
            agree(getattr(ops, name)(x), wanted, result(dtype) if callable(result) else result)


@pytest.mark.parametrize("shape", EMPTY)
def test_empty_arrays_along_axes(shape: tuple[int, ...], backend: str) -> None:
    x = np.zeros(shape, "float32")
    for name, axis in itertools.product(("sum", "max", "min", "argmax", "argmin", "any", "all", "sort"), range(x.ndim)):
        try:
            wanted = getattr(np, name)(x, axis=axis)
        except ValueError:
            with pytest.raises(ValueError, match=f"{name}: expected at least one element"):
                getattr(ops, name)(x, axis=axis)
        else:
            np.testing.assert_array_equal(getattr(ops, name)(x, axis=axis), wanted)


@pytest.mark.parametrize("shape", EMPTY)
def test_medians_of_nothing_are_nan_as_in_numpy(shape: tuple[int, ...], backend: str) -> None:
    x = np.zeros(shape, "float32")
    for axis, keepdims in itertools.product((None, *range(x.ndim)), (False, True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = np.median(x, axis=axis, keepdims=keepdims)
        for found in (
            ops.median(x, axis=axis, keepdims=keepdims),
            ops.nanmedian(x, axis=axis, keepdims=keepdims),
            ops.nanquantile(x, 0.5, axis=axis, keepdims=keepdims),
            ops.nanpercentile(x, 50, axis=axis, keepdims=keepdims),
        ):
            np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match="quantile: expected at least one element"):
        ops.quantile(x, 0.5)


def test_crossentropies_of_no_classes_are_refused(backend: str) -> None:
    empty = np.zeros((3, 0), "float32")
    for from_logits in (False, True):
        with pytest.raises(ValueError, match="expected at least one class"):
            ops.categorical_crossentropy(empty, empty, from_logits=from_logits)
        with pytest.raises(ValueError, match="expected at least one class"):
            ops.sparse_categorical_crossentropy(np.zeros(3, "int32"), empty, from_logits=from_logits)
    none = np.zeros((0, 3), "float32")
    assert ops.categorical_crossentropy(none, none, from_logits=True).shape == (0,)
    with pytest.raises(ValueError, match="argmax: expected at least one element"):
        Node(OPS["argmax"], (Trace().feed((2, 0), "float32"),), (1, False))


def test_sizes_beyond_all_memory_are_refused_in_one_line(backend: str) -> None:
    one = np.ones(1, "float32")
    for call in (
        lambda: ops.broadcast_to(one, (2**40, 2**40)),
        lambda: ops.broadcast_to(one, (2**64,)),
        lambda: ops.one_hot(np.arange(4), 2**62),
        lambda: ops.random.random_uniform(np.array([1, 2]), (2**33, 2**33)),
    ):
        with pytest.raises(ValueError, match="too large for any memory"):
            call()
    with pytest.raises(ValueError, match="extents"):
        ops.random.random_uniform(np.array([1, 2]), (-3,))
