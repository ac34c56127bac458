"""Files that Keras has saved: dlnative predicts what Keras did, and goes on training as Keras did, to 1e-5."""

from __future__ import annotations

import zipfile
from pathlib import Path

import exchange
import numpy as np
import pytest

import dlnative
from dlnative.saving.hdf5_reader import Dataset, Group, Hdf5File

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", exchange.MODELS)
def test_a_model_that_keras_saved(name: str) -> None:
    assert exchange.read(dlnative, name, FILES / f"{name}.keras") < 1e-5


def test_a_file_of_the_older_kind_that_keras_saved() -> None:
    assert exchange.read(dlnative, "mlp", FILES / "mlp.h5") < 1e-5


def test_weights_that_keras_saved() -> None:
    model = exchange.mlp(dlnative)
    model.load_weights(FILES / "mlp.weights.h5")
    with np.load(FILES / "mlp.npz") as expected:
        np.testing.assert_allclose(model.predict(exchange.data("mlp")[0], verbose=0), expected["now"], atol=1e-5)


def arrays(root: Group, path: str = "") -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name in root:
        part = root.get(name)
        if isinstance(part, Dataset):
            found[f"{path}{name}"] = part.shape
        elif isinstance(part, Group):
            found |= arrays(part, f"{path}{name}/")
    return found


@pytest.mark.parametrize("name", exchange.MODELS)
def test_dlnative_saves_the_same_arrays_at_the_same_places(tmp_path: Path, name: str) -> None:
    exchange.write(dlnative, name, tmp_path)
    places = []
    for folder in (FILES, tmp_path):
        with zipfile.ZipFile(folder / f"{name}.keras") as archive:
            found = arrays(Hdf5File(archive.read("model.weights.h5"), name).root)
        places.append({path: shape for path, shape in found.items() if "seed_generator" not in path})
    assert places[0] == places[1]
