"""Where arrays of a model are kept in a file: by the path of their owner in the model and a key.

    layers/dense/vars/0        the first variable of what `model.layers` has under the name "dense"

Files of several formats hold the same paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, BinaryIO

import numpy as np

from dlnative.saving.hdf5_reader import Dataset, Group, Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5

Arrays = np.ndarray[Any, Any]


class Found(MutableMapping[str, Any]):
    """What a file has for one owner: arrays by key, each read when it is asked for.

    Args:
        parts: for each key the shape and what reads the array.
    """

    def __init__(self, parts: dict[str, tuple[tuple[int, ...], Callable[[], Any]]]) -> None:
        self._parts = parts

    def shape(self, key: str) -> tuple[int, ...]:
        """Returns the shape of an array, which is not read for that."""
        return self._parts[key][0]

    def view(self, key: str) -> Any:
        """Returns an array, perhaps as a view of the file."""
        return self._parts[key][1]()

    def __getitem__(self, key: str) -> Any:
        found = self.view(key)
        return np.array(found) if isinstance(found, np.ndarray) else found

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError("load_own_variables: expected no change of what is loaded")

    def __delitem__(self, key: str) -> None:
        raise TypeError("load_own_variables: expected no change of what is loaded")


class Reader:
    """The arrays of a file. A path that is not there has no arrays."""

    def __contains__(self, path: str) -> bool:
        raise NotImplementedError

    def get(self, path: str) -> Found:
        """Returns what there is for the owner at a path."""
        raise NotImplementedError


class Hdf5Reader(Reader):
    """The arrays of an HDF5 file.

    Args:
        data: its bytes.
        label: what messages call it.
    """

    def __init__(self, data: Any, label: str) -> None:
        self.root = Hdf5File(data, label).root

    def __contains__(self, path: str) -> bool:
        return isinstance(self.root.get(path), Group) if path else True

    def get(self, path: str) -> Found:
        group = self.root.get(f"{path}/vars" if path else "vars")
        if not isinstance(group, Group):
            return Found({})
        parts = {key: group.get(key) for key in group}
        return Found({key: (part.shape, part.read) for key, part in parts.items() if isinstance(part, Dataset)})


class FlatReader(Reader):
    """Arrays by their whole names: a path, `vars` and a key.

    Args:
        arrays: the shape of each, and what reads it.
    """

    def __init__(self, arrays: dict[str, tuple[tuple[int, ...], Callable[[], Any]]]) -> None:
        self._owners: dict[str, dict[str, Any]] = {}
        self._paths: set[str] = set()
        for name, part in arrays.items():
            owner, _, key = name.rpartition("/")
            path = owner.removesuffix("vars").rstrip("/")
            self._owners.setdefault(path, {})[key] = part
            while path:
                self._paths.add(path)
                path = path.rpartition("/")[0]

    def __contains__(self, path: str) -> bool:
        return not path or path in self._paths

    def get(self, path: str) -> Found:
        return Found(self._owners.get(path, {}))


class Writer:
    """Takes the arrays of a model, and writes them into a file of one of the formats."""

    def __init__(self) -> None:
        self.tree = Tree()

    def make(self, path: str, name: str | None) -> MutableMapping[str, Any]:
        """Returns a dict for the arrays of an owner.

        Args:
            path: where it is in the model.
            name: what it is called, if it has a name.
        """
        return _Made(self.tree, f"{path}/vars" if path else "vars", name)

    def write_hdf5(self, file: BinaryIO) -> None:
        """Writes an HDF5 file."""
        write_hdf5(self.tree, file)

    def arrays(self) -> dict[str, Arrays]:
        """Returns the arrays by their whole names."""
        found: dict[str, Arrays] = {}

        def collect(tree: Tree, path: str) -> None:
            for key, part in tree.parts.items():
                if isinstance(part, Tree):
                    collect(part, f"{path}{key}/")
                else:
                    found[f"{path}{key}"] = part.value

        collect(self.tree, "")
        return found


class _Made(MutableMapping[str, Any]):
    """The arrays of an owner that are to be written. One without a name and arrays leaves no trace."""

    def __init__(self, tree: Tree, path: str, name: str | None) -> None:
        self._tree, self._path = tree, path
        if name is not None:
            self._opened().attrs["name"] = name

    def _opened(self) -> Tree:
        return self._tree.group(self._path)

    def __setitem__(self, key: str, value: Any) -> None:
        self._opened().parts[str(key)] = Array(np.asarray(value))

    def __getitem__(self, key: str) -> Any:
        part = self._opened().parts[key]
        assert isinstance(part, Array)
        return part.value

    def __delitem__(self, key: str) -> None:
        del self._opened().parts[key]

    def __len__(self) -> int:
        return len(self._opened().parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened().parts)
