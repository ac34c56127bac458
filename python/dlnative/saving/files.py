"""Files that are there as a whole or not at all, and files that are read without being copied."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, BinaryIO


@contextlib.contextmanager
def replacing(path: Any, durable: bool = True) -> Iterator[BinaryIO]:
    """Opens a file for writing, which takes the place of the one at `path` when all of it is written.

    What is written goes into another file of the same folder, reaches the disk, and is then renamed: whoever looks, after a
    crash too, finds the old file or the new one. What earlier writers left there when they were killed is removed.

    Args:
        path: where the file is to be.
        durable: whether it must be on the disk when this returns, so that it outlasts a power cut.

    Raises:
        OSError: if the folder is not there, or cannot be written to.
    """
    path = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(path)
    if os.path.isdir(path):
        raise IsADirectoryError(f'save: expected the name of a file, got the folder "{path}"')
    _remove_leftovers(folder, name)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    with open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666), "w+b") as file:
        try:
            _lock(file)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    if durable:
        _sync_folder(folder)


def _lock(file: BinaryIO) -> bool:
    """Takes the lock that says that the file is being written; `False` if another process has it."""
    try:
        import fcntl
    except ImportError:  # not POSIX
        return False
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers(folder: str, name: str) -> None:
    start, end = f".{name}.", ".partial"
    for entry in os.listdir(folder or "."):
        if entry.startswith(start) and entry.endswith(end) and entry[len(start) : -len(end)].isdigit():
            left = os.path.join(folder, entry)
            with contextlib.suppress(OSError), open(left, "rb") as file:
                if _lock(file):
                    os.unlink(left)


def _sync_folder(folder: str) -> None:
    """Lets the new name of a file reach the disk, too."""
    with contextlib.suppress(OSError):  # of systems that cannot open a folder
        handle = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def mapped(path: Any) -> memoryview:
    """Returns the bytes of a file, which are read from the disk where they are looked at.

    Raises:
        OSError: if there is no such file.
    """
    import mmap

    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
