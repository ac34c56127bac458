"""Saves and loads whole models and weights, in the format that a file's name says."""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

from dlnative.saving import arrays, files, keras_file
from dlnative.saving.hdf5_reader import Hdf5File
from dlnative.saving.state import load_state, save_state
from dlnative.saving.stores import Writer
from dlnative.utils.terminal import show

_WEIGHTS = (".weights.h5", ".weights.npz", ".safetensors")
_OLD = (".h5", ".hdf5")


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Saves a model: its configuration, its weights, and, if it is compiled, the state of its optimizer.

    The file is there as a whole or not at all, even if the program is killed while it writes.

    Args:
        model: the model.
        filepath: where: `name.keras`, or `name.h5` in the format of Keras 2; or an open file, for the first.
        overwrite: whether a file of that name is replaced without a question.
        zipped: whether it is one file; otherwise a folder with the same contents.
        **kwargs: `include_optimizer`, for an `.h5` file: whether the state of the optimizer is saved.

    Raises:
        ValueError: for another ending of the name.

    Example:
        >>> import os, tempfile
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(model, os.path.join(folder, "model.keras"))
        ...     load_model(os.path.join(folder, "model.keras")).count_params()
        10
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    path = filepath if isinstance(filepath, io.IOBase) else os.fspath(filepath)
    if kwargs.pop("save_format", None) and not str(path).endswith((".keras", *_OLD)):
        raise ValueError(
            "The `save_format` argument is deprecated in Keras 3: expected a file path with either `.keras` or `.h5` extension, "
            f"got {path}"
        )
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
    if isinstance(path, io.IOBase):
        keras_file.write(model, path)  # type: ignore[arg-type]
        return
    if zipped is False and path.endswith(".keras"):
        raise ValueError(f"When using `zipped=False`, the `filepath` argument should not end in `.keras`: got {path}")
    if zipped is not False and not path.endswith((".keras", *_OLD)):
        raise ValueError(
            "Invalid filepath extension for saving. Please add either a `.keras` extension for the native Keras format "
            f"(recommended) or a `.h5` extension. Received: filepath={filepath}"
        )
    if not model.built:
        warnings.warn(
            f"{model._label}: You are saving a model that has not yet been built: it may have no weights yet",
            stacklevel=3,
        )
    if not may_write(path, overwrite):
        return
    if zipped is False:
        keras_file.write_folder(model, path)
        return
    with files.replacing(path) as file:
        if path.endswith(".keras"):
            keras_file.write(model, file)
        else:
            from dlnative.saving import legacy_h5

            legacy_h5.write(model, file, include_optimizer)


def may_write(path: str, overwrite: bool) -> bool:
    """Tells whether a file may be written, after a question if there is one that would be replaced."""
    if overwrite or not os.path.exists(path):
        return True
    answer = input(f"[WARNING] {path} already exists - overwrite? [y/n]").strip().lower()
    while answer not in ("y", "n"):
        answer = input("Enter y (overwrite) or n (cancel).").strip().lower()
    if answer == "y":
        show("[TIP] Next time specify overwrite=True!")
    return answer == "y"


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Loads a model that `Model.save`, or Keras, has saved.

    Args:
        filepath: the file.
        custom_objects: the user's classes and functions that it names, by name; those that are registered need not be given.
        compile: whether the model is compiled as it was, with the state of its optimizer.
        safe_mode: whether lambdas, whose code could do anything, are refused, and constants that take far more memory than
            the file.

    Returns:
        The model.

    Raises:
        ValueError: if the file is damaged, or of another format.
        TypeError: if it names a class that is not known.
    """
    if isinstance(filepath, io.IOBase):
        data = filepath.read()
        return keras_file.read(data, "load_model", custom_objects, compile, safe_mode)
    path = os.fspath(filepath)
    if os.path.isdir(path) and os.path.exists(os.path.join(path, "config.json")):
        return keras_file.read_folder(path, custom_objects, compile, safe_mode)
    if not path.endswith((".keras", *_OLD)):
        raise ValueError(
            f"File format not supported: filepath={path}. Keras 3 only supports V3 `.keras` files, and legacy H5 format files "
            "(`.h5` extension)"
        )
    if not os.path.isfile(path):
        raise ValueError(f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file.")
    if path.endswith(".keras"):
        return keras_file.read(files.mapped(path), f'"{path}"', custom_objects, compile, safe_mode)
    from dlnative.saving import legacy_h5

    return legacy_h5.read(files.mapped(path), f'"{path}"', custom_objects, compile, safe_mode)


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, objects_to_skip: Any = None
) -> None:
    """Saves the weights of a model, and the state of its optimizer.

    Args:
        model: the model.
        filepath: where: `name.weights.h5`, as Keras, `name.weights.npz` or `name.safetensors`; `name.weights.json` with
            `max_shard_size`.
        overwrite: whether a file of that name is replaced without a question.
        max_shard_size: how many GB (2**30 bytes) a file may have; the weights are then in several, which the one of that
            name lists.
        objects_to_skip: layers whose weights are left out.

    Raises:
        ValueError: for another ending of the name, or a model that is not built.
    """
    path = os.fspath(filepath)
    if max_shard_size is not None:
        if not path.endswith((".weights.json", ".weights.h5")):
            raise ValueError(
                f"The filename must end in `.weights.json` when `max_shard_size` is specified: got filepath={path}"
            )
        path = path.removesuffix(".h5").removesuffix(".json") + ".json"
    elif path.endswith(_OLD) and not path.endswith(_WEIGHTS):
        _save_old_weights(model, path, overwrite)
        return
    elif not path.endswith(_WEIGHTS):
        raise ValueError(
            f"The filename must end in `.weights.h5`. Received: filepath={path}; expected {', '.join(_WEIGHTS)}"
        )
    check_built(model, "saving")
    if not may_write(path, overwrite):
        return
    writer = Writer()
    save_state(model, writer, skipped=objects_to_skip or ())
    if max_shard_size is not None:
        from dlnative.saving import shards

        shards.write(writer, path, max_shard_size)
        return
    with files.replacing(path) as file:
        arrays.write(writer, path.rpartition(".")[2], file)


def _save_old_weights(model: Any, path: str, overwrite: bool) -> None:
    """Writes the weights alone, in the file of Keras 2 that its programs name."""
    from dlnative.legacy.warning import renamed
    from dlnative.saving import legacy_h5

    renamed('save_weights("....h5")', 'a path that ends in ".weights.h5"')
    check_built(model, "saving")
    if may_write(path, overwrite):
        with files.replacing(path) as file:
            legacy_h5.write_weights(model, file)


def check_built(model: Any, doing: str) -> None:
    """Refuses a model that has no weights yet."""
    if not model.built:
        raise ValueError(
            f"You are {doing} the weights of a model that has not yet been built: expected {model._label} to be built, by "
            "calling it on some data or by `build()`"
        )


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Loads weights that `save_weights`, or Keras, has saved, or those of a whole model.

    Args:
        model: the model, which must be built.
        filepath: a file of one of the formats of `save_weights`, or a `.keras` or `.h5` file.
        skip_mismatch: whether layers for which the file has other shapes are left as they are, with a warning.
        **kwargs: `objects_to_skip`: layers that are left as they are; `by_name`, for an `.h5` file of Keras 2: whether
            layers get the weights of those with their names, instead of in their order.

    Raises:
        ValueError: if the file is damaged, or does not fit the model, which is then unchanged.
    """
    skipped, by_name = kwargs.pop("objects_to_skip", None), kwargs.pop("by_name", None)
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    path = os.fspath(filepath)
    label = f'"{path}"'
    if not path.endswith((".keras", ".weights.json", *_WEIGHTS, *_OLD)):
        raise ValueError(
            f"File format not supported: filepath={path}. Keras 3 only supports V3 `.keras` files, `.weights.h5` files, legacy "
            f"H5 format files (`.h5` extension): expected one of {', '.join(_WEIGHTS)}, .weights.json, .keras, .h5"
        )
    old = path.endswith(_OLD) and not path.endswith(_WEIGHTS)
    if by_name is not None and not old:
        raise ValueError(f"`by_name` only supports loading legacy '.h5' or '.hdf5' files: got {path}")
    if skipped is not None and (old or path.endswith(".keras")):
        raise ValueError(f"`objects_to_skip` only supports loading '.weights.h5' files: got {path}")
    check_built(model, "loading")
    if old:
        from dlnative.saving import legacy_h5

        legacy_h5.load_weights(Hdf5File(files.mapped(path), label).root, model, label, bool(by_name), skip_mismatch)
        return
    if path.endswith(".json"):
        from dlnative.saving.shards import ShardReader

        reader: Any = ShardReader(path)
    elif path.endswith(".keras"):
        from dlnative.saving.archive import Archive

        archive = Archive(files.mapped(path), label)
        name = keras_file.weights_member(archive.names(), label)
        reader = arrays.reader(archive.read(name), name, label)
    else:
        reader = arrays.reader(files.mapped(path), path, label)
    load_state(model, reader, skip_mismatch=skip_mismatch, skipped=skipped or ())
