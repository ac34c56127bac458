"""The fuzz driver's arguments are what functions are made for: a table that is refused would find nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fuzz import calls
from fuzz.draw import Draw
from fuzz.tables import ARGUMENTS


@pytest.mark.parametrize("name", ARGUMENTS)
def test_most_arguments_are_taken(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draws = [Draw(np.random.Generator(np.random.Philox(seed))) for seed in range(40)]
        results = [calls.run(name, *ARGUMENTS[name](draw), "cpu") for draw in draws]
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) < 28, refused[0]
