"""One check of a function of `dlnative.ops`: on arrays, in a traced function, and on `KerasTensor`s."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.graph.function import Function
from dlnative.ops.core import dtype_of, to_array
from dlnative.symbolic import KerasTensor


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


def check(function: Callable[..., Any], expected: Any, *arrays: Any, rtol: float = 1e-6, atol: float = 1e-6) -> None:
    """Compares what a function of arrays gives with NumPy's result, wherever it may run.

    Args:
        function: takes as many tensors as there are arrays.
        expected: the result, or a list of results.
        *arrays: what it is called with.
        rtol, atol: tolerances.
    """
    wanted = _listed(expected)
    for way in (function, Function(function)):
        found = _listed(way(*arrays))
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert np.shape(one) == np.shape(other), (np.shape(one), np.shape(other))
            np.testing.assert_allclose(np.asarray(one, "float64"), np.asarray(other, "float64"), rtol, atol)
    made = _listed(function(*[KerasTensor(x.shape, dtype_of(x)) for x in map(to_array, arrays)]))
    assert [tuple(item.shape) for item in made] == [np.shape(item) for item in found]
    assert [item.dtype for item in made] == [dtype_of(np.asarray(item)) for item in found]
