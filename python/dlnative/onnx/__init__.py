"""ONNX: networks for ONNX Runtime and others, and from PyTorch, scikit-learn and others.

`Model.export("m.onnx")` writes a model, `dlnative.onnx.load("m.onnx")` reads one. Both need the package `onnx`, which
`pip install "dlnative[onnx]"` installs.
"""

from __future__ import annotations
