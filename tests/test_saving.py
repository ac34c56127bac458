"""Models in files: what is saved is what is loaded."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.saving.hdf5_reader import Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5

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


@pytest.mark.parametrize("name", ["m.weights.h5", "m.weights.npz", "m.safetensors"])
def test_weights_of_16_bits(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ml_dtypes")
    model = dlnative.Sequential(
        [dlnative.Input((4,)), layers.Dense(3, dtype="bfloat16"), layers.Dense(2, dtype="float16")]
    )
    weights = model.get_weights()
    model.save_weights(tmp_path / name)
    model.set_weights([np.zeros_like(weight) for weight in weights])
    model.load_weights(tmp_path / name)
    for weight, found in zip(weights, model.get_weights(), strict=True):
        assert weight.tobytes() == found.tobytes()


def test_weights_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    mlp().save_weights(tmp_path / "m.weights.h5")
    model = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(5), layers.Dense(3)])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r'expected shape \(5, 3\) for ".*dense.*/kernel", got \(5, 2\)'):
        model.load_weights(tmp_path / "m.weights.h5")
    for value, found in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, found)


def functional() -> Any:
    inputs = dlnative.Input((4,), name="in")
    x = layers.Dense(3, "tanh", name="a")(inputs)
    outputs = layers.Dense(2, name="b")(layers.Concatenate()([x, inputs]))
    model = dlnative.Model(inputs, outputs)
    model.compile(dlnative.optimizers.RMSprop(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    return model


@pytest.mark.parametrize("make", [mlp, functional])
def test_files_of_keras_2(tmp_path: Path, make: Any) -> None:
    model = make()
    model.save(tmp_path / "m.h5")
    again = dlnative.saving.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    for variable, found in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), found.numpy())
    assert not dlnative.saving.load_model(tmp_path / "m.h5", compile=False).compiled
    other = make()
    other.load_weights(tmp_path / "m.h5")
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_what_keras_2_wrote(tmp_path: Path) -> None:
    """A file with the names and the arguments of that time."""
    glorot = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
    shared = {"trainable": True, "dtype": "float32"}
    first = {
        **shared, "name": "dense", "batch_input_shape": [None, 4], "units": 3, "activation": "relu", "use_bias": True,
        "kernel_initializer": glorot, "bias_initializer": {"class_name": "Zeros", "config": {}}, "kernel_constraint": None,
    }  # fmt: skip
    last = {**shared, "name": "out", "units": 2, "activation": "linear", "use_bias": False}
    config = {
        "class_name": "Sequential",
        "config": {
            "name": "old",
            "layers": [{"class_name": "Dense", "config": first}, {"class_name": "Dense", "config": last}],
        },
    }
    adam = {
        "name": "Adam",
        "lr": 0.25,
        "decay": 0.0,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-07,
        "amsgrad": False,
    }
    training = {"loss": "mse", "metrics": ["mae"], "optimizer_config": {"class_name": "Adam", "config": adam}}
    root = Tree({"model_config": json.dumps(config), "training_config": json.dumps(training), "keras_version": "2.4.0"})
    kernel, bias, out = np.ones((4, 3), "f4"), np.full(3, 2, "f4"), np.full((3, 2), 3, "f4")
    weights = root.group("model_weights")
    weights.attrs["layer_names"] = ["dense", "out"]
    names = {"dense": {"dense/kernel:0": kernel, "dense/bias:0": bias}, "out": {"out/kernel:0": out}}
    for layer, arrays in names.items():
        weights.group(layer).attrs["weight_names"] = list(arrays)
        for name, array in arrays.items():
            weights.group(f"{layer}/{layer}").parts[name.split("/")[1]] = Array(array)
    with open(tmp_path / "m.h5", "wb") as file:
        write_hdf5(root, file)
    model = dlnative.saving.load_model(tmp_path / "m.h5")
    np.testing.assert_allclose(model(X), np.maximum(X @ kernel + bias, 0) @ out, rtol=1e-6)
    assert float(model.optimizer.learning_rate.value) == 0.25
    model.set_weights([0 * kernel, bias, out])
    model.layers[1].name = "another"
    model.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


def test_weights_in_several_files(tmp_path: Path) -> None:
    model, other = mlp(), mlp()
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=100 / 2**30)
    assert len(os.listdir(tmp_path)) > 3
    other.load_weights(tmp_path / "m.weights.json")
    same_state(model, other)
    with pytest.raises(ValueError, match="maximum shard size"):
        model.save_weights(tmp_path / "n.weights.json", max_shard_size=10 / 2**30)


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    model = mlp()
    dlnative.saving.save_model(model, tmp_path / "m", zipped=False)
    assert sorted(os.listdir(tmp_path / "m")) == ["config.json", "metadata.json", "model.weights.h5"]
    same_state(model, dlnative.saving.load_model(tmp_path / "m"))


def double(x: Any) -> Any:
    return 2.0 * x


def test_lambdas_are_loaded_only_by_who_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = dlnative.Sequential([dlnative.Input((4,)), layers.Lambda(lambda x: x * 3.0), layers.Lambda(double)])
    model.save(tmp_path / "m.keras")
    given = {"double": double}
    with pytest.raises(ValueError, match="arbitrary code"):
        dlnative.saving.load_model(tmp_path / "m.keras", custom_objects=given)
    loaded = dlnative.saving.load_model(tmp_path / "m.keras", custom_objects=given, safe_mode=False)
    np.testing.assert_allclose(loaded(X), 6 * X)
    np.testing.assert_allclose(dlnative.models.clone_model(model)(X), 6 * X)
    with pytest.raises(TypeError, match="Could not locate function 'double'"):
        dlnative.saving.load_model(tmp_path / "m.keras", safe_mode=False)


@dlnative.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """Holds layers and weights in every way."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units, "relu")
        self.listed = [layers.Dense(units), [layers.Dense(units)]]
        self.named = {"b": layers.Dense(units)}
        self._last = layers.Dense(units)

    def build(self, input_shape: Any) -> None:
        self.first.build(input_shape)
        for layer in (self.listed[0], self.listed[1][0], self.named["b"], self._last):
            layer.build((None, self.units))
        self.scale = self.add_weight(shape=(self.units,), initializer="ones")
        self.count = self.add_weight(shape=(2,), trainable=False, initializer="ones")

    def call(self, x: Any) -> Any:
        return self._last(self.named["b"](self.listed[1][0](self.listed[0](self.first(x))))) * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@dlnative.saving.register_keras_serializable("tests")
class Own(dlnative.Model):
    def __init__(self, width: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.block = Block(width)
        self._head = layers.Dense(2)
        self.drop = layers.Dropout(0.3)

    def call(self, x: Any, training: bool = False) -> Any:
        return self._head(self.drop(self.block(x), training=training))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}


def test_a_model_of_the_users(tmp_path: Path) -> None:
    model = Own()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.keras")
    again = dlnative.saving.load_model(tmp_path / "m.keras")
    assert type(again) is Own
    same_state(model, again)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    keys = Hdf5File(zipfile.ZipFile(tmp_path / "m.keras").read("model.weights.h5"), "file").root
    for path in (
        "block/first",
        "block/listed/dense",
        "block/listed/container/dense",
        "block/named/dense",
        "block/_last",
        "layers/dense",
    ):
        assert keys.get(f"{path}/vars/0") is not None, path


class Words(layers.Layer):
    """Has a file of its own."""

    def __init__(self, words: Any = ("none",), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = list(words)

    def call(self, x: Any) -> Any:
        return x

    def get_config(self) -> dict[str, Any]:
        return layers.Layer.get_config(self)

    def save_assets(self, folder: str) -> None:
        Path(folder, "words.txt").write_text("\n".join(self.words))

    def load_assets(self, folder: str) -> None:
        self.words = Path(folder, "words.txt").read_text().split("\n")


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_layers(tmp_path: Path, zipped: bool) -> None:
    model = dlnative.Sequential([dlnative.Input((4,)), Words(["one", "two"])])
    path = tmp_path / ("m.keras" if zipped else "m")
    dlnative.saving.save_model(model, path, zipped=zipped)
    assert dlnative.saving.load_model(path, custom_objects={"Words": Words}).layers[0].words == ["one", "two"]


def test_a_save_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    class Failing(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

        def save_own_variables(self, store: Any) -> None:
            raise RuntimeError("no")

    mlp().save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    with pytest.raises(RuntimeError, match="no"):
        dlnative.Sequential([dlnative.Input((4,)), Failing()]).save(tmp_path / "m.keras")
    assert (tmp_path / "m.keras").read_bytes() == before
    assert os.listdir(tmp_path) == ["m.keras"]


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append(("fsync", (tmp_path / "m.keras").exists())))
    (tmp_path / f".m.keras.{10**6}.partial").write_bytes(b"what a writer that was killed has left")
    mlp().save(tmp_path / "m.keras")
    assert seen == [("fsync", False), ("fsync", True)]  # the file, then the folder
    assert os.listdir(tmp_path) == ["m.keras"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda model, path: model.save(path / "m.txt"), "extension"),
        (lambda model, path: model.save_weights(path / "m.hdf"), "weights.h5"),
        (lambda model, path: model.load_weights(path / "m.pkl"), "not supported"),
        (lambda model, path: dlnative.saving.load_model(path / "m.pkl"), "not supported"),
        (lambda model, path: dlnative.saving.load_model(path / "m.keras"), "not found"),
        (lambda model, path: model.save(path / "m.keras", verbose=1), "not supported"),
        (lambda model, path: dlnative.Sequential([layers.Dense(2)]).save_weights(path / "m.weights.h5"), "built"),
    ],
)
def test_refusals(tmp_path: Path, call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(mlp(), tmp_path)


def test_the_editor_of_files(tmp_path: Path) -> None:
    model = mlp()
    model.save_weights(tmp_path / "m.weights.h5")
    editor = dlnative.saving.KerasFileEditor(tmp_path / "m.weights.h5")
    assert editor.compare(model)["status"] == "success"
    editor.delete_object("dropout")
    editor.rename_object("layers/dense_1", "dense_7")
    editor.delete_weight("dense_7", "1")
    assert editor.compare(model) == {"status": "error", "error_count": 3}
    editor.add_weights("dense_7", {"1": np.ones(2)})
    editor.rename_object("dense_7", "dense_1")
    editor.save(tmp_path / "n.weights.h5")
    model.load_weights(tmp_path / "n.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[-1], np.ones(2))
    with pytest.raises(ValueError, match="found none"):
        editor.delete_object("dense_9")
