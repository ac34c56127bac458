"""A small classifier and its samples, for the tests of the CUDA backend."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlnative


def classifier() -> Any:
    dlnative.utils.set_random_seed(1)
    model = dlnative.Sequential(
        [
            dlnative.Input((5,)),
            dlnative.layers.Dense(7, "relu"),
            dlnative.layers.Dense(3, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def samples(count: int = 100) -> tuple[Any, Any]:
    random = np.random.RandomState(0)
    x = random.rand(count, 5).astype("float32")
    return x, (x.sum(axis=1) * 0.6).astype("int64")
