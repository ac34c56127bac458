"""The package `onnx`, which reads and writes the format."""

from __future__ import annotations

from typing import Any


def onnx_package(call: str) -> Any:
    """Returns the module.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(
            f'{call}: expected the package onnx, which is not installed: pip install "dlnative[onnx]"'
        ) from None
    return onnx
