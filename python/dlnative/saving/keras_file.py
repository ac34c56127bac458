"""Keras's files: a zip archive of a configuration, the arrays, and files that layers write themselves.

metadata.json       the versions of the libraries, and the time
config.json         the model as a dict; see `serialization`
model.weights.h5    the arrays; see `stores`
assets/             files of layers, in folders by their paths
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from dlnative.saving import arrays, limits, serialization
from dlnative.saving.archive import Archive
from dlnative.saving.state import load_state, save_state
from dlnative.saving.stores import Reader, Writer

KERAS_VERSION = "3.15.0"  # whose format this is
_CONFIG, _METADATA, _ASSETS = "config.json", "metadata.json", "assets"
_MOST_CONFIG = 1 << 26  # bytes of a configuration
_MOST_ITEMS = 1_000_000  # and of dicts, lists and values in it
_MOST_MESSAGE = 2000  # characters of what is said about it


def config_text(model: Any) -> str:
    """Returns the configuration of a model as a file has it."""
    with serialization.sharing():
        return json.dumps(serialization.serialize_keras_object(model))


def write(model: Any, file: BinaryIO, weights_format: str = "h5") -> None:
    """Writes a model.

    Args:
        model: the model.
        file: an open file.
        weights_format: `"h5"`, `"npz"` or `"safetensors"`, how the arrays are written; Keras reads the first.
    """
    config = config_text(model)
    writer = Writer()
    with tempfile.TemporaryDirectory() as folder:
        save_state(model, writer, lambda path: _made(Path(folder, path)))
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_METADATA, json.dumps(_metadata()))
            archive.writestr(_CONFIG, config)
            with archive.open(f"model.weights.{weights_format}", "w", force_zip64=True) as member:
                arrays.write(writer, weights_format, member)  # type: ignore[arg-type]
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    archive.write(path, f"{_ASSETS}/{path.relative_to(folder).as_posix()}")


def _metadata() -> dict[str, str]:
    date = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    return {"keras_version": KERAS_VERSION, "date_saved": date, "saved_by": "dlnative"}


def _made(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def read(data: Any, label: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Makes a model of the bytes of a file.

    Args:
        data: the bytes.
        label: what messages call the file.
        custom_objects: the user's classes and functions, by name.
        compile: whether it is compiled as it was.
        safe_mode: whether lambdas are refused.

    Raises:
        ValueError: if the file is damaged, or holds what is not known.
    """
    archive = Archive(data, label)
    config = parsed(archive.read(_CONFIG, _MOST_CONFIG), f'{label}: "{_CONFIG}"')
    name = weights_member(archive.names(), label)
    weights = archive.read(name)
    with ExitStack() as stack:
        assets = stack.enter_context(_unpacked(archive, label))
        reader = arrays.reader(weights, name, label)
        return model_of(config, reader, len(weights), label, custom_objects, compile, safe_mode, assets)


def model_of(
    config: Any, reader: Reader, size: int, label: str, custom_objects: Any, compile: bool, safe_mode: bool,
    assets: Any = None,
) -> Any:  # fmt: skip
    """Makes the model of a configuration, with the arrays of a file.

    Args:
        config: the configuration.
        reader: the arrays.
        size: how many bytes they have; a model whose variables need much more is refused before they get memory.
        label: what messages call the file.
        custom_objects, compile, safe_mode: see `read`.
        assets: returns the folder of a path.
    """
    if isinstance(config, dict) and not compile:
        config = {**config, "compile_config": None}
    with limits.memory_for(size, label, safe_mode):
        model = made(config, label, custom_objects, safe_mode)
    load_state(model, reader, assets)
    return model


def made(config: Any, label: str, custom_objects: Any, safe_mode: bool) -> Any:
    """Makes the model of a configuration that nobody vouches for.

    Raises:
        ValueError, TypeError: in one line, whatever the configuration is.
    """
    with guarded(label), serialization.sharing():
        model = serialization.deserialize_keras_object(config, custom_objects, safe_mode)
    if not hasattr(model, "load_own_variables"):
        raise ValueError(f"{label}: expected the configuration of a model, got that of {type(model).__name__}")
    return model


@contextmanager
def guarded(label: str) -> Iterator[None]:
    """Lets the block, which makes objects of a configuration, end in a `ValueError` or `TypeError` of one line, or none."""
    try:
        yield
    except (OSError, ImportError, MemoryError):
        raise
    except (ValueError, TypeError) as error:
        if len(str(error)) <= _MOST_MESSAGE:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{str(error)[:_MOST_MESSAGE]}...") from error
    except Exception as error:  # it may lead anywhere in the code of layers
        raise ValueError(
            f"{label}: expected the configuration of a model, got one that is damaged: {type(error).__name__}: "
            f"{str(error)[:_MOST_MESSAGE]}"
        ) from error


def write_folder(model: Any, path: str) -> None:
    """Writes a model as a folder, with the same contents as a file has.

    Args:
        model: the model.
        path: the folder.
    """
    from dlnative.saving import files

    config, writer = config_text(model), Writer()
    os.makedirs(path, exist_ok=True)
    save_state(model, writer, lambda inner: _made(Path(path, _ASSETS, inner)))
    for name, text in ((_METADATA, json.dumps(_metadata())), (_CONFIG, config)):
        with files.replacing(os.path.join(path, name)) as file:
            file.write(text.encode("utf-8"))
    with files.replacing(os.path.join(path, "model.weights.h5")) as file:
        writer.write_hdf5(file)


def read_folder(path: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Makes a model of a folder; see `read`."""
    from dlnative.saving import files

    label = f'"{path}"'
    config = parsed(files.mapped(os.path.join(path, _CONFIG)), label)
    name = weights_member(os.listdir(path), label)
    weights = files.mapped(os.path.join(path, name))
    assets = os.path.join(path, _ASSETS)
    reader = arrays.reader(weights, name, label)
    found = (lambda inner: folder_of(assets, inner)) if os.path.isdir(assets) else None
    return model_of(config, reader, len(weights), label, custom_objects, compile, safe_mode, found)


def weights_member(names: list[str], label: str) -> str:
    """Returns the name of the member, or the file, with the arrays."""
    for ending in arrays.FORMATS:
        if f"model.weights.{ending}" in names:
            return f"model.weights.{ending}"
    raise ValueError(f"{label}: Expected a model.weights.h5 file in it, got {', '.join(names[:8]) or 'none'}")


def parsed(data: Any, label: str) -> Any:
    """Returns what JSON says.

    Raises:
        ValueError: if it is damaged, or larger or deeper than the configuration of any model.
    """
    text = bytes(data)
    items = sum(map(text.count, (b",", b"[", b"{", b":")))
    if items > _MOST_ITEMS:
        raise ValueError(f"{label}: expected at most {_MOST_ITEMS} items, got {items}")
    try:
        config = json.loads(text)
        serialization.check_depth(config)
    except RecursionError as error:
        raise ValueError(f"{label}: expected at most {serialization.MOST_LEVELS} levels, got more") from error
    except ValueError as error:
        raise ValueError(f"{label}: expected JSON, got a damaged text: {error}") from error
    return config


@contextmanager
def _unpacked(archive: Archive, label: str) -> Iterator[Any]:
    """Unpacks the files of layers into a folder that is there as long as the block; gives what finds that of a path."""
    members = [name for name in archive.names() if name.startswith(f"{_ASSETS}/") and not name.endswith("/")]
    if not members:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in members:
            relative = name[len(_ASSETS) + 1 :]
            if not is_inside(relative):
                raise ValueError(f'{label}: expected files of layers in their folder, got "{name}": Not allowed')
            target = Path(folder, relative)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))
        yield lambda path: folder_of(folder, path)


def folder_of(folder: str, path: str) -> str | None:
    """Returns the folder with the files of the layer at a path; `None` if it has none."""
    found = os.path.join(folder, path)
    return found if os.path.isdir(found) else None


def is_inside(relative: str) -> bool:
    """Tells whether a path, from a file that nobody vouches for, stays in the folder that it begins in."""
    parts = relative.split("/")
    return not (
        "\\" in relative or ":" in relative or "\0" in relative or any(part in ("", ".", "..") for part in parts)
    )
