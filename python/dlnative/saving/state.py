"""The state of a model: its parts with what each has of its own, and the paths that they have in files.

Keras's paths: an attribute's name, for what stands in a list or a dict the name of its class with a number. Layers of
functional and sequential models come first, private attributes last.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from dlnative.layers.layer import Layer
from dlnative.layers.lora import LowRankLayer
from dlnative.layers.tracking import INTERNAL
from dlnative.optimizers.state import State
from dlnative.random.seed_generator import SeedGenerator
from dlnative.saving.stores import Found, Reader, Writer
from dlnative.utils.naming import to_snake_case

_CONTAINERS = (list, tuple, dict)
_KERAS_NAMES = {"GroupQueryAttention": "GroupedQueryAttention"}  # classes that Keras exports under another name


@functools.cache
def _plain_names() -> frozenset[str]:
    """The attributes that every layer has, where no parts are looked for."""
    return frozenset(dir(Layer(name="plain"))) | INTERNAL | {"_functional", "_layers"}


@functools.cache
def _optimizer_names() -> frozenset[str]:
    from dlnative.optimizers import Optimizer

    return frozenset(dir(Optimizer(1.0, name="plain")))


def is_part(item: Any) -> bool:
    """Tells whether an object has state of its own, or parts that have."""
    return isinstance(item, (Layer, State, SeedGenerator))


def _attributes(owner: Any) -> Iterator[tuple[str, Any]]:
    from dlnative.models import Functional, Sequential

    if isinstance(owner, SeedGenerator):
        return
    known = _optimizer_names() if isinstance(owner, State) else _plain_names()
    if isinstance(owner, (Functional, Sequential)):
        yield "layers", owner.layers
    for name in sorted(dir(owner), key=lambda name: f"~{name}" if name.startswith("_") else name):
        if name.startswith("__") or name in known:
            continue
        try:
            value = getattr(owner, name)
        except Exception:  # one that is not there yet
            continue
        if is_part(value) or isinstance(value, _CONTAINERS):
            yield name, value


def _parts(owner: Any) -> Iterator[tuple[str, Any]]:
    """Yields the parts of an owner and their paths below it."""
    for name, value in _attributes(owner):
        if is_part(value):
            yield name, value
        else:
            yield from _listed(name, value, set())


def _listed(path: str, container: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(container) in seen:
        return
    seen.add(id(container))
    counts: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        if is_part(item) or isinstance(item, _CONTAINERS):
            name = type(item).__name__
            base = to_snake_case(_KERAS_NAMES.get(name, name)) if is_part(item) else "container"
            count = counts[base] = counts.get(base, -1) + 1
            inner = f"{path}/{base}_{count}" if count else f"{path}/{base}"
            if is_part(item):
                yield inner, item
            else:
                yield from _listed(inner, item, seen)


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


# Saving.


def save_state(model: Any, writer: Writer | None, assets: Any = None, skipped: Iterable[Any] = ()) -> None:
    """Gives what a model and its parts have to a writer, and lets parts with files of their own write them.

    Args:
        model: the model.
        writer: takes the arrays.
        assets: makes the folder for a path.
        skipped: parts that are left out.
    """
    done = set(map(id, skipped))

    def save(part: Any, path: str) -> None:
        if id(part) in done:
            return
        done.add(id(part))
        if writer is not None and hasattr(part, "save_own_variables"):
            name = getattr(part, "name", None)
            part.save_own_variables(writer.make(path, name if isinstance(name, str) else None))
        if assets is not None and hasattr(part, "save_assets"):
            part.save_assets(assets(path))
        for name, inner in _parts(part):
            save(inner, _below(path, name))

    save(model, "")


# Loading.


def load_state(
    model: Any, reader: Reader, assets: Any = None, skip_mismatch: bool = False, skipped: Iterable[Any] = ()
) -> None:
    """Gives a model and its parts what a file has for them.

    Numbers and shapes of all arrays are compared before anything is changed.

    Args:
        model: the model.
        reader: the arrays.
        assets: returns the folder for a path, or `None`.
        skip_mismatch: whether parts for which the file has other arrays are left as they are, with a warning.
        skipped: parts that are left as they are.

    Raises:
        ValueError: if the file has not what a part needs.
    """
    search = _Search(reader, skipped)
    search.look(model, "")
    failed = dict(search.failed)
    if failed and not skip_mismatch:
        raise _failure(failed)
    for part, path in search.found.values():
        try:
            _load(part, reader.get(path))
            if assets is not None and hasattr(part, "load_assets"):
                part.load_assets(assets(path))
        except Exception as error:
            failed[id(part)] = part, error
    if failed and not skip_mismatch:
        raise _failure(failed)
    if failed:
        warnings.warn(str(_failure(failed)), stacklevel=4)


class _Search:
    """Looks for the place of each part in a file.

    A part that several paths lead to is where the first of them is that has what it needs.
    """

    def __init__(self, reader: Reader, skipped: Iterable[Any]) -> None:
        self._reader = reader
        self._done = set(map(id, skipped))
        self._inside: set[int] = set()
        self.found: dict[int, tuple[Any, str]] = {}
        self.failed: dict[int, tuple[Any, Exception]] = {}

    def look(self, part: Any, path: str) -> bool:
        """Looks for a part and the parts in it; tells whether all was found."""
        if id(part) in self._done:
            return True
        if id(part) in self._inside:
            return id(part) not in self.failed
        self._inside.add(id(part))
        if id(part) not in self.found:
            error = _mismatch(part, self._reader.get(path))
            if error is None:
                self.found[id(part)] = part, path
                self.failed.pop(id(part), None)
            else:
                self.failed.setdefault(id(part), (part, error))
        whole = id(part) in self.found
        for name, inner in _parts(part):
            whole = self.look(inner, _below(path, name)) and whole
        self._inside.discard(id(part))
        if whole:
            self._done.add(id(part))
        return whole


def _mismatch(part: Any, found: Found) -> Exception | None:
    """Returns the error of arrays that do not fit a part whose class loads as all do; `None` if they fit."""
    if isinstance(part, Layer) and type(part).load_own_variables in (
        Layer.load_own_variables,
        LowRankLayer.load_own_variables,
    ):
        try:
            part._check_load_own_variables(found)  # type: ignore[arg-type]
            for place, variable in enumerate(part._stored_variables()):
                if found.shape(str(place)) != variable.shape:
                    raise ValueError(
                        f'{part._label}: shapes must match: expected shape {variable.shape} for "{variable.path}", got '
                        f"{found.shape(str(place))}"
                    )
        except KeyError as error:
            return ValueError(f"{part._label}: expected a variable {error} in the file, got none")
        except Exception as error:
            return error
    return None


def _load(part: Any, found: Found) -> None:
    if isinstance(part, SeedGenerator):
        if "0" in found and found.shape("0") == part.state.shape:  # Keras's files have none
            part.state.assign(found.view("0"))
    elif hasattr(part, "load_own_variables"):
        part.load_own_variables(found)


def _failure(failed: dict[int, tuple[Any, Exception]]) -> ValueError:
    part, error = next(iter(failed.values()))
    names = [getattr(part, "name", type(part).__name__) for part, _ in failed.values()]
    shown = f"{names[:10]}" if len(names) <= 10 else f"{names[:10]} and {len(names) - 10} more"
    return ValueError(
        f"A total of {len(failed)} objects could not be loaded: {shown}; for example {getattr(part, '_label', part)}: {error}"
    )
