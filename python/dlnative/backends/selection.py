"""Which backend runs new plans."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from dlnative import version_counter as version
from dlnative.backends.backend import Backend
from dlnative.backends.program import Array


def _cpu() -> Backend:
    from dlnative.backends.cpu import CpuBackend

    return CpuBackend()


def _reference() -> Backend:
    from dlnative.backends.reference.executor import ReferenceBackend

    return ReferenceBackend()


def _cuda() -> Backend:
    from dlnative.backends.cuda import CudaBackend

    return CudaBackend()


_makers: dict[str, Callable[[], Backend]] = {"cpu": _cpu, "reference": _reference}
if find_spec("dlnative._cuda_host" if os.environ.get("DLNATIVE_CUDA_HOST") == "1" else "dlnative._cuda") is not None:
    _makers["cuda"] = _cuda
_made: dict[str, Backend] = {}
_current: Backend | None = None
# What a backend wants to do before somebody reads a variable's memory. Empty unless one has memory of its own.
readers: list[Callable[[Array], None]] = []
# What each backend in use wants to hear of an array that plans may read and somebody has written.
invalidators: list[Callable[[Array], None]] = []


def register(name: str, make: Callable[[], Backend]) -> None:
    """Makes a backend known by a name, or replaces the one of that name.

    Args:
        name: what `set_backend` takes.
        make: returns the backend when it is first needed.
    """
    _makers[name] = make
    former = _made.pop(name, None)
    if former is not None:
        invalidators.remove(former.invalidate)


def known() -> list[str]:
    """Returns the names of the backends that there are."""
    return list(_makers)


def get(name: str) -> Backend:
    """Returns the backend of a name.

    Raises:
        ValueError: if there is none.
    """
    found = _made.get(name)
    if found is None:
        if name not in _makers:
            raise ValueError(f"backend: expected one of {', '.join(_makers)}, got {name!r}")
        found = _made[name] = _makers[name]()
        invalidators.append(found.invalidate)
    return found


def current() -> Backend:
    """Returns the backend in use."""
    global _current
    if _current is None:
        _current = get(os.environ.get("DLNATIVE_BACKEND") or "cpu")
    return _current


def invalidate(array: Array) -> None:
    """Tells all backends that an array that plans may read has been written."""
    for each in invalidators:
        each(array)


def read(array: Array) -> None:
    """Tells all backends that somebody is about to read an array that plans may have written."""
    for reader in readers:
        reader(array)


def backend() -> str:
    """Returns the name of the backend in use: `"cpu"`, `"reference"` or `"cuda"`.

    The environment variable `DLNATIVE_BACKEND` chooses the first one; without it, it is `"cpu"`.
    """
    return current().name


def set_backend(name: str) -> None:
    """Chooses the backend for everything that runs from now on.

    Args:
        name: `"cpu"` (native kernels), `"reference"` (NumPy) or `"cuda"` (a GPU, where it was built).

    Raises:
        ValueError: for another name; the backend is then unchanged.
        RuntimeError: if there is no GPU that `"cuda"` could run on.
    """
    global _current
    chosen = get(name)
    if _current is not None and _current is not chosen:
        _current.leave()
    _current = chosen
    version.bump()


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Chooses the backend for the statements of a `with` block."""
    previous = backend()
    set_backend(name)
    try:
        yield
    finally:
        set_backend(previous)
