"""FeatureSpace: features of many kinds as one vector."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.data import Dataset
from dlnative.utils import FeatureSpace

NUMBERS = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
DATA: dict[str, Any] = {
    "plain": NUMBERS, "normal": NUMBERS, "bins": NUMBERS, "kind": [7, 7, 7, 8, 8, 9], "hash": [0, 1, 2, 3, 4, 5],
    "word": list("aabbcc"), "text": list("ABCDEA"),
}  # fmt: skip
LABELS = np.arange(6.0)


def space(**arguments: Any) -> FeatureSpace:
    given: dict[str, Any] = {
        "features": {
            "plain": FeatureSpace.float_rescaled(2.0, 1.0), "normal": "float_normalized",
            "bins": FeatureSpace.float_discretized(num_bins=3), "kind": "integer_categorical",
            "hash": FeatureSpace.integer_hashed(3), "word": "string_categorical", "text": FeatureSpace.string_hashed(3),
        },
        "crosses": [("word", "hash")],
        "crossing_dim": 5,
    }  # fmt: skip
    made = FeatureSpace(**(given | arguments))
    made.adapt(DATA)
    return made


def expected() -> dict[str, Any]:
    """Each feature by the layer that Keras's documentation names for it."""
    word = np.array([3, 3, 2, 2, 1, 1])  # equally frequent: from high to low
    hashed = np.array([1, 0, 1, 0, 2, 1])  # 0 to 4 as in test_lookups
    hashed[5] = layers.Hashing(3)([5])[0]
    bins = layers.Discretization(num_bins=3)
    bins.adapt(np.array(NUMBERS))
    numbers = np.array(NUMBERS)
    return {
        "plain": (2 * numbers + 1)[:, None],
        "normal": ((numbers - numbers.mean()) / numbers.std())[:, None],
        "bins": np.eye(3)[bins(numbers)],
        "kind": np.eye(4)[[1, 1, 1, 2, 2, 3]],
        "hash": np.eye(3)[hashed],
        "word": np.eye(4)[word],
        "text": np.eye(3)[[1, 0, 1, 1, 2, 1]],
        "word_X_hash": np.eye(5)[layers.HashedCrossing(5)([word, hashed])],
    }


def test_encoded_features() -> None:
    found = space(output_mode="dict")(DATA)
    assert found.keys() == expected().keys()
    for name, value in expected().items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    names = [*sorted(name for name in expected() if "_X_" not in name), "word_X_hash"]
    whole = space()
    np.testing.assert_allclose(whole(DATA), np.concatenate([found[name] for name in names], -1), rtol=1e-6)
    one = whole({name: values[2] for name, values in DATA.items()})
    np.testing.assert_allclose(one, whole(DATA)[2], rtol=1e-6)


@pytest.mark.parametrize("batched", [True, False])
def test_adapting_to_data_sets(batched: bool) -> None:
    made = space()
    dataset = Dataset.from_tensor_slices((DATA, LABELS))
    made.adapt(dataset.batch(4) if batched else dataset)
    np.testing.assert_allclose(made(DATA), space()(DATA), rtol=1e-6)


def test_models_of_raw_and_of_encoded_features(tmp_path: pathlib.Path) -> None:
    made = space()
    outputs = layers.Dense(1)(made.get_encoded_features())
    training = dlnative.Model(made.get_encoded_features(), outputs)
    inference = dlnative.Model(made.get_inputs(), outputs)
    training.compile("adam", "mse")
    training.fit(Dataset.from_tensor_slices((DATA, LABELS)).batch(2).map(lambda x, y: (made(x), y)), verbose=0)
    y = inference.predict(DATA, verbose=0)
    np.testing.assert_allclose(training.predict(made(DATA), verbose=0), y, rtol=1e-5, atol=1e-6)
    inference.save(tmp_path / "model.keras")
    again = dlnative.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(DATA, verbose=0), y, rtol=1e-6)
    made.save(tmp_path / "space.keras")
    loaded = dlnative.saving.load_model(tmp_path / "space.keras")
    np.testing.assert_array_equal(loaded(DATA), made(DATA))


def test_layers_of_ones_own() -> None:
    vectorize = layers.TextVectorization(vocabulary=["red", "blue"], output_mode="multi_hot")
    made = FeatureSpace({"text": FeatureSpace.feature("string", vectorize, "float")})
    assert made({"text": ["red red", "green"]}).tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FeatureSpace({}), "features"),
        (lambda: FeatureSpace({"a": "number"}), "Invalid feature type"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "output_mode"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), "present in the `features`"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "a")], crossing_dim=0), "crossing_dim"),
        (lambda: FeatureSpace({"a": "float_normalized"})({"a": [1.0]}), "adapt"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), "with a dict"),
        (lambda: FeatureSpace({"a": "float"})({"b": [1.0]}), "feature 'a'"),
        (lambda: space().adapt([1.0]), "Dataset or a dict"),
        (lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, "int")})({"a": [1]}), "Cannot concatenate"),
        (lambda: FeatureSpace.cross(("a", "b"), 3, "float"), "output_mode"),
    ],
)
def test_refusals(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
