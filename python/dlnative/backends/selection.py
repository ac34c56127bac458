"""Which backend runs new plans, and how a program is handed to it."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dlnative.backends.program import Array, Executor, Program

BACKENDS = ("cpu", "reference")

# A number that is another one whenever something has changed that plans depend on: the backend, the memory of a variable,
# what is trainable. It is read often, and on the shortest ways.
changes = [0]
_numbers = itertools.count(1)


def note_change() -> None:
    """Makes `changes` another number: one that was never there before, whatever other threads do."""
    changes[0] = next(_numbers)


def note_written(array: Array) -> None:
    """Tells native plans that an array that they may read has been written: they keep weights in forms of their own."""
    native = sys.modules.get("dlnative._native")  # not loaded, there are no native plans
    if native is not None:
        native.note_written(array)


_current: str | None = None


def backend() -> str:
    """Returns the name of the backend in use: `"cpu"` or `"reference"`.

    The environment variable `DLNATIVE_BACKEND` chooses the first one; without it, it is `"cpu"`.
    """
    global _current
    if _current is None:
        _current = _checked(os.environ.get("DLNATIVE_BACKEND") or "cpu")
    return _current


def set_backend(name: str) -> None:
    """Chooses the backend for everything that runs from now on.

    Args:
        name: `"cpu"` (native kernels) or `"reference"` (NumPy).

    Raises:
        ValueError: for another name; the backend is then unchanged.
    """
    global _current
    _current = _checked(name)
    note_change()


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Chooses the backend for the statements of a `with` block."""
    previous = backend()
    set_backend(name)
    try:
        yield
    finally:
        set_backend(previous)


def _checked(name: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"backend: expected one of {', '.join(BACKENDS)}, got {name!r}")
    return name


def build(program: Program, name: str) -> Executor:
    """Returns an executor of a program on a backend."""
    if name == "reference":
        from dlnative.backends.reference.executor import ReferenceExecutor

        return ReferenceExecutor(program)
    from dlnative.backends.cpu import build_plan

    return build_plan(program)
