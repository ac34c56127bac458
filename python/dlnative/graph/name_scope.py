"""Names that stand before the paths of variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_scope: ContextVar[str] = ContextVar("name_scope", default="")
prefix = _scope.get  # what stands before the path of a variable that is made now


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Puts a name and a slash before the paths of variables that are made in a `with` block.

    Args:
        name: the name, which has no slash in it.

    Raises:
        ValueError: for anything else.

    Example:
        >>> import dlnative
        >>> with name_scope("encoder"):
        ...     dlnative.Variable(1.0, name="scale").path
        'encoder/scale'
    """
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"name_scope: expected a name without slashes, got {name!r}")
    token = _scope.set(f"{_scope.get()}{name}/")
    try:
        yield
    finally:
        _scope.reset(token)
