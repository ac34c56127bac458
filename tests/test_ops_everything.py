"""All public functions of `dlnative.ops` at once, on arguments of any shape, type and kind."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

from dlnative import backend, ops
from dlnative.symbolic import KerasTensor

FUNCTIONS = [name for name in ops.__all__ if callable(getattr(ops, name))]
SHAPES: list[tuple[int, ...]] = [(0,), (0, 3), (3, 0), (1,), (), (2, 3), (1, 1, 5), (2, 0, 3)]
TYPES = ["float32", "float64", "int32", "int64", "uint8", "bool", "int8", "uint64", "float16"]
MISTAKES = (AttributeError, NameError, KeyError, AssertionError, RecursionError)


def attempt(function: Any, arguments: tuple[Any, ...]) -> Any:
    """Returns the result, or the error, which is one that says in a line what was expected."""
    try:
        return function(*arguments)
    except MISTAKES:
        raise
    except Exception as error:
        made = error
    assert "\n" not in str(made), (function, arguments, made)
    assert "NoneType" not in str(made), (function, arguments, made)
    return made


def test_both_backends_give_the_same_or_refuse_in_a_line() -> None:
    generator, numbers = random.Random(0), np.random.RandomState(0)
    for _ in range(2500):
        name, dtype = generator.choice(FUNCTIONS), generator.choice(TYPES)
        x = np.asarray(numbers.uniform(-1, 3, generator.choice(SHAPES))).astype(dtype)
        arguments = generator.choice(
            [(x,), (x, x), (x, x, x), (x, 2), (x, (0, 1)), (x, -1), (x, "a"), (x, None), (x, 0.5)]
        )
        results = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for way in ("cpu", "reference"):
                with backend.use_backend(way):
                    results.append(attempt(getattr(ops, name), arguments))
        first, second = results
        assert isinstance(first, Exception) == isinstance(second, Exception), (name, arguments, first, second)
        if isinstance(first, Exception):
            continue
        listed = [item if isinstance(item, (tuple, list)) else [item] for item in results]
        for one, other in zip(*listed, strict=True):
            if isinstance(one, (np.ndarray, np.generic)):
                assert (np.shape(one), one.dtype) == (np.shape(other), other.dtype), (name, arguments)
                close = 2e-3 if dtype == "float16" else 1e-4
                wide = "complex128" if np.iscomplexobj(one) else "float64"
                np.testing.assert_allclose(one.astype(wide), other.astype(wide), close, close, err_msg=name)


@pytest.mark.parametrize("shape", [(None, 3), (None,), (None, None, 4)])
def test_unknown_extents_are_no_reason_to_fail_otherwise(shape: tuple[Any, ...]) -> None:
    x = KerasTensor(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in FUNCTIONS:
            for arguments in ((x,), (x, x), (x, 2), (x, -1)):
                attempt(getattr(ops, name), arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("tile", (1.5,), "tile: repeats: expected an integer, got 1.5"),
        ("round", ("a",), "round: decimals: expected an integer, got 'a'"),
        ("roll", (0.5, 0), "roll: shift: expected an integer"),
        ("tril", (1.5,), "tril: k: expected an integer"),
        ("top_k", (2.0,), "top_k: k: expected an integer"),
        ("split", (1.5,), "split: indices_or_sections: expected an integer"),
        ("sum", (np.ones((2, 2)),), "expected an integer for an axis, got a tensor of shape"),
        ("correlate", (np.ones(2), "half"), 'expected mode "valid", "same" or "full"'),
    ],
)
def test_arguments_of_a_wrong_kind_are_named(name: str, arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        getattr(ops, name)(np.ones((2, 2), "float32"), *arguments)
