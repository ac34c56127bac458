"""Models in files: what is saved is what is loaded."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")


def mlp() -> Any:
    model = dlnative.Sequential(
        [
            dlnative.Input((4,)),
            layers.Dense(5, "relu"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )
    model.compile(dlnative.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    return model


def same_state(model: Any, other: Any) -> None:
    variables = [*model.variables, *model.optimizer.variables]
    others = [*other.variables, *other.optimizer.variables]
    assert len(variables) == len(others)
    for variable, found in zip(variables, others, strict=True):
        np.testing.assert_array_equal(variable.numpy(), found.numpy(), err_msg=variable.path)


def test_a_model_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    model = mlp()
    model.save(tmp_path / "m.keras")
    again = dlnative.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    same_state(model, again)
    for one in (model, again):
        one.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    same_state(model, again)


def test_the_members_of_a_file(tmp_path: Path) -> None:
    mlp().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
    assert os.listdir(tmp_path) == ["m.keras"]


@pytest.mark.parametrize("name", ["m.weights.h5", "m.weights.npz", "m.safetensors", "m.keras"])
def test_weights_in_each_format(tmp_path: Path, name: str) -> None:
    model, other = mlp(), mlp()
    (model.save if name.endswith(".keras") else model.save_weights)(tmp_path / name)
    other.load_weights(tmp_path / name)
    same_state(model, other)


def test_weights_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    mlp().save_weights(tmp_path / "m.weights.h5")
    model = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(5), layers.Dense(3)])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r'expected shape \(5, 3\) for ".*dense.*/kernel", got \(5, 2\)'):
        model.load_weights(tmp_path / "m.weights.h5")
    for value, found in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, found)
