"""Weights in several files, none of which is larger than some size, and a file of JSON that says which has what."""

from __future__ import annotations

import json
import os
from typing import Any

from dlnative.saving import files, keras_file
from dlnative.saving.hdf5_reader import Dataset, Group
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5
from dlnative.saving.stores import Found, Hdf5Reader, Reader, Writer

_ENDING = ".weights.json"


def write(writer: Writer, path: str, gigabytes: float) -> None:
    """Writes arrays.

    Args:
        writer: what has taken them.
        path: of the file of JSON, `name.weights.json`.
        gigabytes: how large a file may be.

    Raises:
        ValueError: if that is no number above 0, or one array is larger.
    """
    if isinstance(gigabytes, bool) or not isinstance(gigabytes, (int, float)) or gigabytes <= 0:
        raise ValueError(f"save_weights: expected max_shard_size as a number of GB above 0, got {gigabytes!r}")
    most = gigabytes * 2**30
    shards: list[Tree] = [Tree()]
    sizes = [0]
    places: dict[str, Any] = {}
    for owner, attrs, arrays in _owners(writer.tree, ""):
        shards[-1].group(owner).attrs.update(attrs)
        for key, array in arrays.items():
            size = array.value.nbytes
            if size > most:
                raise ValueError(
                    f'The size of "{owner}/{key}" is {size} bytes, which exceeds the maximum shard size: expected at most '
                    f"{most:.0f}"
                )
            if sizes[-1] and sizes[-1] + size > most:
                shards.append(Tree())
                sizes.append(0)
            shards[-1].group(owner).parts[key] = array
            sizes[-1] += size
            places.setdefault(f"/{owner}", []).append(len(shards) - 1)
    base = os.path.basename(path).removesuffix(_ENDING)
    names = [f"{base}_{number:05d}.weights.h5" for number in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        with files.replacing(os.path.join(os.path.dirname(path), name)) as file:
            write_hdf5(shard, file)
    found = {owner: list(dict.fromkeys(names[number] for number in numbers)) for owner, numbers in places.items()}
    mapped = {owner: items[0] if len(items) == 1 else items for owner, items in found.items()}
    with files.replacing(path) as file:
        text = json.dumps({"metadata": {"total_size": sum(sizes)}, "weight_map": mapped}, indent=4)
        file.write(text.encode("utf-8"))


def _owners(tree: Tree, path: str) -> Any:
    """Yields the groups of arrays, with their paths and attributes."""
    arrays = {key: part for key, part in tree.parts.items() if isinstance(part, Array)}
    if arrays or tree.attrs:
        yield path, tree.attrs, arrays
    for key, part in tree.parts.items():
        if isinstance(part, Tree):
            yield from _owners(part, f"{path}/{key}" if path else key)


class ShardReader(Reader):
    """Arrays in several files.

    Args:
        path: the file of JSON.

    Raises:
        ValueError: if it is damaged, or names files outside of its folder.
    """

    def __init__(self, path: str) -> None:
        label = f'"{path}"'
        config = keras_file.parsed(files.mapped(path), label)
        mapped = config.get("weight_map") if isinstance(config, dict) else None
        if not isinstance(mapped, dict):
            raise ValueError(f"{label}: expected a weight_map in it, got none")
        names: dict[str, None] = {}
        for found in mapped.values():
            for name in found if isinstance(found, list) else [found]:
                if not isinstance(name, str) or not keras_file.is_inside(name) or "/" in name:
                    raise ValueError(f"{label}: expected names of files in its folder, got {name!r}: Not allowed")
                names[name] = None
        folder = os.path.dirname(path)
        paths = [os.path.join(folder, name) for name in names]
        self._readers = [Hdf5Reader(files.mapped(part), f'"{part}"') for part in paths]

    def __contains__(self, path: str) -> bool:
        return any(path in reader for reader in self._readers)

    def get(self, path: str) -> Found:
        parts: dict[str, Any] = {}
        for reader in self._readers:
            group = reader.root.get(f"{path}/vars" if path else "vars")
            if isinstance(group, Group):
                for key in group:
                    part = group.get(key)
                    if isinstance(part, Dataset):
                        parts[key] = part.shape, part.read
        return Found(parts)
