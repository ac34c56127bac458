"""`Model.export`: which format a file has, and who writes it."""

from __future__ import annotations

import os
from typing import Any

from dlnative.utils.terminal import show

_FORMATS = {".onnx": "onnx"}


def export_model(
    model: Any,
    filepath: Any,
    format: str | None = None,
    verbose: bool | None = None,
    input_signature: Any = None,
    **options: Any,
) -> None:
    """Writes the inference program of a model; see `Model.export`."""
    path = os.fspath(filepath)
    chosen = _FORMATS.get(os.path.splitext(path)[1].lower()) if format is None else format
    if chosen not in _FORMATS.values():
        given = f'the file "{path}"' if format is None else f'the format "{format}"'
        raise ValueError(f'export: expected format "onnx", or a file whose name ends in ".onnx", got {given}')
    known = {"opset_version"}
    for name in options:
        if name not in known:
            raise TypeError(
                f'export: expected no option but {", ".join(sorted(known))} for format "{chosen}", got {name}'
            )
    from dlnative.onnx.writing.model import write_onnx

    write_onnx(model, path, input_signature, **options)
    if verbose is None or verbose:
        show(f'Saved artifact at "{path}".')
