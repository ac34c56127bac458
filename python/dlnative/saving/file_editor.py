"""Looks into files of weights, and changes them: for a model whose layers are no longer those of the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlnative.saving import arrays, files, keras_file
from dlnative.saving.archive import Archive
from dlnative.saving.hdf5_reader import Dataset, Group, Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree
from dlnative.saving.state import save_state
from dlnative.saving.stores import Writer
from dlnative.utils.terminal import show

Weights = dict[str, Any]  # arrays by key, and dicts of what lies below by name


class KerasFileEditor:
    """Shows, compares, changes and saves the weights in a file.

    Objects have the paths of the file, such as `layers/dense_2`; where it is unique, the last name is enough. Nothing is
    changed on the disk before `save`.

    Args:
        filepath: a `.keras` or `.weights.h5` file.

    Raises:
        ValueError: for another file, or a damaged one.

    Example:
        >>> import os, tempfile
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(os.path.join(folder, "m.weights.h5"))
        ...     editor = KerasFileEditor(os.path.join(folder, "m.weights.h5"))
        >>> editor.rename_object("dense", "first")
        >>> editor.summary()
        layers/first/0: shape (4, 2), dtype float32
        layers/first/1: shape (2,), dtype float32
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = os.fspath(filepath)
        self.config: Any = None
        self.metadata: Any = None
        label = f'"{self.filepath}"'
        data = files.mapped(self.filepath)
        if self.filepath.endswith(".keras"):
            archive = Archive(data, label)
            self.config = keras_file.parsed(archive.read("config.json", 1 << 26), label)
            self.metadata = keras_file.parsed(archive.read("metadata.json", 1 << 20), label)
            data = archive.read("model.weights.h5")
        elif not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                f"Invalid filename: expected a `.keras` or `.weights.h5` extension. Received: {self.filepath}"
            )
        self.object_metadata: dict[str, str] = {}  # the names of objects by their paths
        self.weights_dict = self._taken(Hdf5File(data, label).root, "")

    def _taken(self, group: Group, path: str) -> Weights:
        found: Weights = {}
        for name in group:
            part = group.get(name)
            inner = f"{path}/{name}" if path else name
            if isinstance(part, Dataset):
                found[name] = np.array(part.read())
            elif isinstance(part, Group) and name == "vars":
                if "name" in part.attrs:
                    self.object_metadata[path] = str(part.attrs["name"])
                found.update(self._taken(part, path))
            elif isinstance(part, Group):
                below = self._taken(part, inner)
                if below:
                    found[name] = below
        return found

    def summary(self) -> None:
        """Prints the weights with their paths, shapes and types."""
        for path, array in _flat(self.weights_dict, ""):
            show(f"{path}: shape {array.shape}, dtype {array.dtype}")

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Compares the weights with those of a model, and prints what differs.

        Args:
            reference_model: the model.

        Returns:
            `status`, `"success"` or `"error"`; `error_count`, of objects and weights that one has alone, and of shapes that
            differ; and, if all is well, `match_count`.
        """
        writer = Writer()
        save_state(reference_model, writer)
        expected = _nested(writer.tree)
        errors, matches = _compared(self.weights_dict, expected, "")
        if errors:
            return {"status": "error", "error_count": errors}
        show("Comparison successful.")
        return {"status": "success", "error_count": 0, "match_count": matches}

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives an object another name.

        Args:
            object_name: its path, or the end of it.
            new_name: the new name, or path.
        """
        holder, name = self._found(object_name)
        new = new_name.rpartition("/")[2]
        if new in holder:
            raise ValueError(f'KerasFileEditor: expected a new name, got "{new}", which there is already')
        holder[new] = holder.pop(name)

    def delete_object(self, object_name: str) -> None:
        """Removes an object with its weights.

        Args:
            object_name: its path, or the end of it.
        """
        holder, name = self._found(object_name)
        del holder[name]

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Adds an object.

        Args:
            object_path: its path.
            weights: its weights by key, `"0"`, `"1"`, and so on.
        """
        holder, parts = self.weights_dict, object_path.split("/")
        for part in parts[:-1]:
            holder = holder.setdefault(part, {})
        if parts[-1] in holder:
            raise ValueError(f'KerasFileEditor: expected a new path, got "{object_path}", which there is already')
        holder[parts[-1]] = _checked(weights)

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Adds weights to an object, or replaces some.

        Args:
            object_name: its path, or the end of it.
            weights: weights by key.
        """
        holder, name = self._found(object_name)
        holder[name].update(_checked(weights))

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Removes a weight of an object.

        Args:
            object_name: its path, or the end of it.
            weight_name: its key.
        """
        holder, name = self._found(object_name)
        if weight_name not in holder[name]:
            raise ValueError(
                f"KerasFileEditor: Weight {weight_name} not found in object {object_name}: expected one of {list(holder[name])}"
            )
        del holder[name][weight_name]

    def save(self, filepath: Any) -> None:
        """Saves the weights.

        Args:
            filepath: where, with the ending `.weights.h5`.

        Raises:
            ValueError: for another ending.
        """
        path = os.fspath(filepath)
        if not path.endswith(".weights.h5"):
            raise ValueError(f"Invalid `filepath` argument: expected a `.weights.h5` extension. Received: {path}")
        writer = Writer()
        self._put(self.weights_dict, "", writer)
        with files.replacing(path) as file:
            arrays.write(writer, "h5", file)

    resave_weights = save

    def _put(self, weights: Weights, path: str, writer: Writer) -> None:
        own = {key: value for key, value in weights.items() if not isinstance(value, dict)}
        if own or path in self.object_metadata:
            made = writer.make(path, self.object_metadata.get(path))
            for key, value in own.items():
                made[key] = value
        for name, inner in weights.items():
            if isinstance(inner, dict):
                self._put(inner, f"{path}/{name}" if path else name, writer)

    def _found(self, object_name: str) -> tuple[Weights, str]:
        """Returns what holds an object, and its name there."""
        matches: list[tuple[Weights, str]] = []
        for path, holder, name in _objects(self.weights_dict, ""):
            if path == object_name or ("/" not in object_name and name == object_name):
                matches.append((holder, name))
        if len(matches) != 1:
            count = "several objects" if matches else "none"
            raise ValueError(f'KerasFileEditor: expected one object of the path or name "{object_name}", found {count}')
        return matches[0]


def _objects(weights: Weights, path: str) -> Iterator[tuple[str, Weights, str]]:
    """Yields the path of each object, what holds it, and its name there."""
    for name, inner in weights.items():
        if isinstance(inner, dict):
            own = f"{path}/{name}" if path else name
            yield own, weights, name
            yield from _objects(inner, own)


def _checked(weights: dict[str, Any]) -> Weights:
    if not isinstance(weights, dict):
        raise ValueError(f"KerasFileEditor: expected weights in a dict by key, got {weights!r}")
    return {str(key): np.asarray(value) for key, value in weights.items()}


def _flat(weights: Weights, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in weights.items():
        own = f"{path}/{name}" if path else name
        if isinstance(inner, dict):
            yield from _flat(inner, own)
        else:
            yield own, inner


def _nested(tree: Tree) -> Weights:
    found: Weights = {}
    for name, part in tree.parts.items():
        if isinstance(part, Array):
            found[name] = part.value
        elif name == "vars":
            found.update(_nested(part))
        else:
            below = _nested(part)
            if below:
                found[name] = below
    return found


def _compared(found: Weights, expected: Weights, path: str) -> tuple[int, int]:
    errors = matches = 0
    for name in {**expected, **found}:
        own = f"{path}/{name}" if path else name
        there, wanted = found.get(name), expected.get(name)
        if there is None or wanted is None or isinstance(there, dict) != isinstance(wanted, dict):
            errors += 1
            show(f"{own}: only in the {'model' if there is None else 'file'}")
        elif isinstance(there, dict) and isinstance(wanted, dict):
            more, right = _compared(there, wanted, own)
            errors, matches = errors + more, matches + right
        elif there.shape != wanted.shape:
            errors += 1
            show(f"{own}: shape {there.shape} in the file, {wanted.shape} in the model")
        else:
            matches += 1
    return errors, matches
