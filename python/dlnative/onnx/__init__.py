"""ONNX: networks for ONNX Runtime and others, and from PyTorch, scikit-learn and others.

`Model.export("m.onnx")` writes a model, `dlnative.onnx.load("m.onnx")` reads one. Both need the package `onnx`, which
`pip install "dlnative[onnx]"` installs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlnative.onnx.reading.model import load as load


def __getattr__(name: str) -> Any:
    if name == "load":
        from dlnative.onnx.reading.model import load

        return load
    raise AttributeError(f"module 'dlnative.onnx' has no attribute {name!r}")


__all__ = ["load"]
