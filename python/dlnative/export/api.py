"""`Model.export`: which format a file has, and who writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from dlnative.utils.terminal import show


def _onnx(model: Any, path: str, input_signature: Any, **options: Any) -> None:
    from dlnative.onnx.writing.model import write_onnx

    write_onnx(model, path, input_signature, **options)


def _plan(model: Any, path: str, input_signature: Any, **options: Any) -> None:
    from dlnative.export.plan_file import write_plan

    write_plan(model, path, input_signature, **options)


# The formats, which are also the endings of files: who writes them, and their options.
_FORMATS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "onnx": (_onnx, ("opset_version",)),
    "dlplan": (_plan, ("batch_size",)),
}


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
    chosen = os.path.splitext(path)[1].lower().removeprefix(".") if format is None else format
    if chosen not in _FORMATS:
        known = " or ".join(f'"{name}"' for name in _FORMATS)
        given = f'the file "{path}"' if format is None else f'the format "{format}"'
        raise ValueError(
            f"export: Unrecognized format={chosen}: expected the format {known}, or a file that ends so, got {given}"
        )
    write, accepted = _FORMATS[chosen]
    for name in options:
        if name not in accepted:
            raise TypeError(
                f'export: expected no option but {", ".join(accepted)} for the format "{chosen}", got {name}'
            )
    write(model, path, input_signature, **options)
    if verbose is None or verbose:
        show(f'Saved artifact at "{path}".')
