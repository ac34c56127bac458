"""Arrays in NumPy's archives."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.saving.archive import Archive
from dlnative.saving.stores import FlatReader

_MOST_HEADER = 10_000  # characters that say type and shape


def reader(data: Any, label: str) -> FlatReader:
    """Returns the arrays of an archive.

    Args:
        data: its bytes.
        label: what messages call it.

    Raises:
        ValueError: for a damaged archive, or one with objects, which only pickle could read.
    """
    archive = Archive(data, label)
    return FlatReader({name.removesuffix(".npy"): _part(archive, name, label) for name in archive.names()})


def _part(archive: Archive, name: str, label: str) -> Any:
    member = archive.read(name)
    shape, dtype, start, fortran = _header(member, f'{label}: "{name}"')

    def read() -> Any:
        array = np.frombuffer(member[start:], dtypes.NUMPY["bfloat16"] if dtype == "V2" else dtype)
        return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)

    return shape, read


def _header(member: memoryview, label: str) -> tuple[tuple[int, ...], np.dtype[Any], int, bool]:
    from numpy.lib import format as npy

    stream = io.BytesIO(bytes(member[: _MOST_HEADER + 12]))
    try:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(stream, max_header_size=_MOST_HEADER)
    except Exception as error:  # what the text of a header can lead to is up to Python's parser
        raise ValueError(f"{label}: expected an array of NumPy's, got a damaged one: {error}") from error
    start = stream.tell()
    if dtype.hasobject:
        raise ValueError(f"{label}: expected numbers, got objects")
    if math.prod(shape) * dtype.itemsize != len(member) - start or any(extent < 0 for extent in shape):
        raise ValueError(f"{label}: expected the bytes of an array of shape {shape}, got {len(member) - start}")
    return shape, dtype, start, fortran
