"""Files that nobody vouches for: one clear error, and nothing of them is run, written or believed."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import _native, layers
from dlnative.saving.hdf5_reader import Hdf5File
from dlnative.saving.hdf5_writer import write_hdf5
from fuzz import files as fuzz
from fuzz import mutations

try:
    import h5py
except ImportError:
    h5py = None


def model() -> Any:
    return dlnative.Sequential([dlnative.Input((4,)), layers.Dense(2, name="only")], name="model")


def members(path: Path) -> dict[str, bytes]:
    model().save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("start", range(0, 40, 20))
def test_mutated_files(start: int) -> None:
    found = {number: fuzz.check(number) for number in range(start, start + 20) if not fuzz.left_out(number)}
    assert not {number: line for number, line in found.items() if line}


def test_the_judge_of_mutated_files_sees_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str) -> None:
        raise KeyError("unexpected")

    numbers = [number for number in range(30) if fuzz.kind(number) == "m.keras"]
    monkeypatch.setattr(dlnative.saving, "load_model", broken)
    assert all("KeyError" in str(fuzz.check(number)) for number in numbers[:3])
    monkeypatch.setattr(dlnative.saving, "load_model", lambda path: Path(path).with_name("more").write_text("x"))
    assert fuzz.check(numbers[0]) == "something was written"


def layer_config(**config: Any) -> bytes:
    return json.dumps({"module": "keras.layers", "class_name": "Dense", "config": {"units": 2, **config}}).encode()


HOSTILE = {
    "no zip": (lambda parts: b"PK" + bytes(100), "zip archive"),
    "nothing": (lambda parts: b"", "zip archive"),
    "a class of another module": (
        lambda parts: {
            **parts,
            "config.json": b'{"module": "subprocess", "class_name": "Popen", "config": {"args": "true"}}',
        },
        "Could not locate class 'Popen'",
    ),
    "a function of another module": (
        lambda parts: {
            **parts,
            "config.json": layer_config(activation={"class_name": "function", "module": "os", "config": "system"}),
        },
        "Could not locate function 'system'",
    ),
    "a lambda": (
        lambda parts: {
            **parts,
            "config.json": layer_config(activation={"class_name": "__lambda__", "config": {"value": ["", None, None]}}),
        },
        "lambda",
    ),
    "a function that is no activation": (
        lambda parts: {**parts, "config.json": layer_config(activation="load_model")},
        "load_model",
    ),
    "deep JSON": (lambda parts: {**parts, "config.json": b"[" * 100_000}, "levels|JSON"),
    "JSON deeper than any model": (lambda parts: {**parts, "config.json": b"[" * 300 + b"]" * 300}, "at most 200 levels"),
    "many items": (lambda parts: {**parts, "config.json": b"[" + b"[]," * 10**6 + b"0]"}, "at most 1000000 items"),
    "more weights than the file has": (
        lambda parts: {**parts, "config.json": parts["config.json"].replace(b'"units": 2', b'"units": 1000000000')},
        "go with the size of the file",
    ),
    "a path outside": (lambda parts: {**parts, "assets/../../x": b"", "assets/y": b""}, "Not allowed"),
    "a functional model without its calls": (
        lambda parts: {
            **parts,
            "config.json": b'{"module": "keras.src.models.functional", "class_name": "Functional", "config": {"name": "m"}}',
        },
        "Functional: expected a configuration with layers",
    ),
    "no weights": (lambda parts: {"config.json": parts["config.json"]}, "model.weights.h5"),
    "no config": (lambda parts: {"model.weights.h5": parts["model.weights.h5"]}, "config.json"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models(tmp_path: Path, name: str) -> None:
    make, says = HOSTILE[name]
    made = make(members(tmp_path / "m.keras"))  # type: ignore[no-untyped-call]
    if isinstance(made, bytes):
        (tmp_path / "m.keras").write_bytes(made)
    else:
        written(tmp_path / "m.keras", made)
    with pytest.raises((ValueError, TypeError), match=says):
        dlnative.saving.load_model(tmp_path / "m.keras")
    assert os.listdir(tmp_path) == ["m.keras"]


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_bombs(tmp_path: Path, member: str) -> None:
    parts = {**members(tmp_path / "m.keras"), member: bytes(5 * 10**7)}
    written(tmp_path / "m.keras", parts, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"at most|decompression bomb"):
        dlnative.saving.load_model(tmp_path / "m.keras")


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    written(tmp_path / "m.keras", members(tmp_path / "m.keras"), zipfile.ZIP_DEFLATED)
    assert dlnative.saving.load_model(tmp_path / "m.keras").count_params() == 10


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    model().save(tmp_path / "m.keras")
    data = bytearray((tmp_path / "m.keras").read_bytes())
    data[data.index(b"model.weights.h5") + 2000] ^= 1
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        dlnative.saving.load_model(tmp_path / "m.keras")


def test_many_small_variables_count(tmp_path: Path) -> None:
    given = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 1]}}
    scales = [
        {"module": "keras.layers", "class_name": "BatchNormalization", "config": {"name": f"{number}"}}
        for number in range(1500)
    ]
    network = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [given, *scales]}}
    written(tmp_path / "m.keras", {**members(tmp_path / "m.keras"), "config.json": json.dumps(network).encode()})
    with pytest.raises(ValueError, match="variables that go with the size of the file"):
        dlnative.saving.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("CategoryEncoding", {"num_tokens": 10**10}),
        ("CategoryEncoding", {"num_tokens": 10**9, "output_mode": "one_hot"}),
        ("MelSpectrogram", {"num_mel_bins": 10**10}),
        ("SinePositionEncoding", {}),
    ],
)
def test_constants_go_with_the_file(tmp_path: Path, name: str, config: dict[str, Any]) -> None:
    layer = {"module": "keras.layers", "class_name": name, "config": config}
    shape = [None, 10**9, 64] if name == "SinePositionEncoding" else [None, 4096]
    given = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": shape}}
    network = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [given, layer]}}
    if name == "SinePositionEncoding":
        layer["module"] = "dlnative.layers"
    written(tmp_path / "m.keras", {**members(tmp_path / "m.keras"), "config.json": json.dumps(network).encode()})
    with pytest.raises(ValueError, match="constants go with the size of the file"):
        dlnative.saving.load_model(tmp_path / "m.keras")


def test_memory_of_arrays_has_a_limit() -> None:
    limited = _native.limit_arrays(1 << 20)
    try:
        kept = np.zeros(1 << 19, np.uint8)
        for _ in range(4):  # what is dropped is there again
            np.zeros(1 << 18, np.uint8)
        for size in (1 << 20, 1 << 40, 1 << 62):
            with pytest.raises(MemoryError):
                np.zeros(size, np.uint8)
            with pytest.raises(MemoryError):
                np.empty(size, np.uint8)
    finally:
        _native.restore_arrays(limited)
    kept.resize(1 << 21, refcheck=False)
    assert not kept.any()
    assert np.zeros(1 << 22, np.uint8).nbytes == 1 << 22


def external(file: Any) -> None:
    file["layers/dense"] = h5py.ExternalLink("/etc/passwd", "x")


def soft(file: Any) -> None:
    file["layers/dense"] = h5py.SoftLink("/layers")


def external_data(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", (4, 2), "f4", external=[("/etc/passwd", 0, 32)])


def compressed(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", (4, 2), "f4", chunks=(4, 2), compression="gzip")


def huge(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", (2**20, 2**20), "f4", chunks=(1024, 1024))


def unwritten(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", (2**20, 2**10), "f4")


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4, 2))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


@pytest.mark.skipif(h5py is None, reason="needs h5py to write such files")
@pytest.mark.parametrize("write", [external, soft, external_data, compressed, huge, unwritten, virtual])
def test_hdf5_that_reaches_elsewhere_or_is_not_there(tmp_path: Path, write: Callable[[Any], None]) -> None:
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        write(file)
    with pytest.raises(ValueError, match=r"Not allowed|symbol tables|an array of shape|without filters|in one piece"):
        model().load_weights(tmp_path / "m.weights.h5")


def test_arrays_of_objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.weights.npz", **{"layers/dense/vars/0": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="objects"):
        model().load_weights(tmp_path / "m.weights.npz")


def test_arrays_that_say_they_are_larger(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 2), "float32"))
    header = stream.getvalue().replace(b"(4, 2)", b"(4000000000, 2)".ljust(6))
    written(tmp_path / "m.weights.npz", {"layers/only/vars/0.npy": header})
    with pytest.raises(ValueError, match="expected"):
        model().load_weights(tmp_path / "m.weights.npz")
    text = json.dumps({"layers/dense/vars/0": {"dtype": "F32", "shape": [2**40, 2], "data_offsets": [0, 32]}}).encode()
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(32))
    with pytest.raises(ValueError, match="of shape"):
        model().load_weights(tmp_path / "m.safetensors")


@pytest.mark.parametrize("attribute", ["model_config", "training_config"])
def test_damaged_configurations_of_keras_2(tmp_path: Path, attribute: str) -> None:
    network = model()
    network.compile("adam", "mse")
    network.save(tmp_path / "m.h5")
    tree = mutations.copied(Hdf5File((tmp_path / "m.h5").read_bytes(), "file").root)
    for bad in ("[3]", "{}", '{"class_name": "Sequential", "config": {"layers": [[]]}}', '{"optimizer_config": 3}'):
        tree.attrs[attribute] = bad
        with open(tmp_path / "m.h5", "wb") as file:
            write_hdf5(tree, file)
        with pytest.raises((ValueError, TypeError)) as caught:
            dlnative.saving.load_model(tmp_path / "m.h5")
        assert "\n" not in str(caught.value)
