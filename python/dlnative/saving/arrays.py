"""The formats of arrays in files: HDF5, as Keras has it, NumPy's archives, and safetensors."""

from __future__ import annotations

from typing import Any, BinaryIO

from dlnative.saving.stores import Hdf5Reader, Reader, Writer

FORMATS = ("h5", "npz", "safetensors")


def reader(data: Any, name: str, label: str) -> Reader:
    """Returns the arrays of a file.

    Args:
        data: its bytes.
        name: its name, whose ending says the format.
        label: what messages call it.

    Raises:
        ValueError: for another ending, or a damaged file.
    """
    if name.endswith((".h5", ".hdf5")):
        return Hdf5Reader(data, label)
    if name.endswith(".npz"):
        from dlnative.saving import npz

        return npz.reader(data, label)
    if name.endswith(".safetensors"):
        from dlnative.saving import safetensors

        return safetensors.reader(data, label)
    raise ValueError(f"{label}: expected a file of one of the formats {', '.join(FORMATS)}, got {name!r}")


def write(writer: Writer, form: str, file: BinaryIO) -> None:
    """Writes arrays.

    Args:
        writer: what has taken them.
        form: one of `FORMATS`.
        file: an open file.

    Raises:
        ValueError: for another format.
    """
    if form == "h5":
        writer.write_hdf5(file)
    elif form == "npz":
        import numpy as np

        named: dict[str, Any] = writer.arrays()
        np.savez(file, **named)
    elif form == "safetensors":
        from dlnative.saving import safetensors

        safetensors.write(writer.arrays(), file)
    else:
        raise ValueError(f"Unknown `weights_format`: expected one of {', '.join(FORMATS)}, got {form!r}")
