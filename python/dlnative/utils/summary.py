"""Prints a model's layers in a table that looks as Keras's does."""

from __future__ import annotations

from typing import Any

from dlnative.dtypes import ITEM_SIZES
from dlnative.utils.terminal import show


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Any = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: list[str] | None = None,
) -> None:
    """Prints a table of a model's layers; see `Model.summary`."""
    rows = _layer_rows(model, expand_nested, layer_range)
    connected = any(row[3] for row in rows) and any(len(row[3]) != 1 for row in rows)
    header = ["Layer (type)", "Output Shape", "Param #"] + (["Connected to"] if connected else [])
    shares = list(positions or ([0.3, 0.56, 0.74, 1.0] if connected else [0.45, 0.80, 1.0]))
    length = line_length or 76  # what Keras makes of a terminal of 80 columns
    if show_trainable:
        header.append("Trainable")
        length += 12
        shares = [share * (length - 12) / length for share in shares] + [1.0]
    widths = [
        max(int(end * length) - int(begin * length) - 3, 5) for begin, end in zip([0.0, *shares], shares, strict=False)
    ]
    widths[-2] -= 1  # there is one more bar than there are columns
    lines = [f'Model: "{model.name}"', _rule("┏━┳┓", widths), _line("┃", header, widths), _rule("┡━╇┩", widths)]
    for number, (name, shape, params, sources, layer) in enumerate(rows):
        if number:
            lines.append(_rule("├─┼┤", widths))
        cells = [name, shape, params] + ([", ".join(sources) or "-"] if connected else [])
        if show_trainable:
            cells.append(("Y" if layer.trainable else "N") if layer.weights else "-")
        lines += _wrapped("│", cells, widths)
    lines.append(_rule("└─┴┘", widths))
    lines += _totals(model)
    write = print_fn or show
    for line in lines:
        write(line)


def _layer_rows(model: Any, expand: bool, layer_range: list[str] | None, indent: str = "") -> list[Any]:
    rows: list[Any] = []
    listed = model._summary_rows()
    if layer_range is not None:
        names = [layer.name for layer, *_ in listed]
        for name in layer_range:
            if name not in names:
                raise ValueError(f'summary: expected layer_range among {names}, got "{name}"')
        listed = listed[names.index(layer_range[0]) : names.index(layer_range[-1]) + 1]
    for layer, shape, params, sources in listed:
        count = f"{params:,}" if layer.built else "0 (unbuilt)"
        name = f"{indent}{layer.name} ({type(layer).__name__})"
        rows.append((name, "?" if shape is None else _shapes(shape), count, sources, layer))
        if expand and hasattr(layer, "_summary_rows"):
            rows += _layer_rows(layer, expand, None, f"{indent.replace('└', ' ')}   └ ")
    return rows


def _shapes(shape: Any) -> str:
    if isinstance(shape, (list, dict)):
        items = shape.values() if isinstance(shape, dict) else shape
        return ", ".join(map(str, items))
    return str(shape)


def _totals(model: Any) -> list[str]:
    trainable = model.trainable_weights
    frozen = model.non_trainable_weights
    sizes = [("Trainable params", trainable), ("Non-trainable params", frozen)]
    everything = [*trainable, *frozen]
    optimizer = getattr(model, "optimizer", None)
    if getattr(model, "compiled", False) and optimizer is not None and optimizer.built:
        sizes.append(("Optimizer params", optimizer.variables))
        everything += optimizer.variables
    return [f" {title}: {_amount(group)}" for title, group in [("Total params", everything), *sizes]]


def _amount(variables: list[Any]) -> str:
    count = sum(variable.size for variable in variables)
    nbytes = float(sum(variable.size * ITEM_SIZES[variable.dtype] for variable in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if nbytes < 1024 or unit == "GB":
            break
        nbytes /= 1024
    return f"{count:,} ({nbytes:.2f} {unit})"


def _rule(marks: str, widths: list[int]) -> str:
    left, bar, middle, right = list(marks)
    return left + middle.join(bar * (width + 2) for width in widths) + right


def _line(bar: str, cells: list[str], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if index == 2 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"{bar} " + f" {bar} ".join(padded) + f" {bar}"


def _wrapped(bar: str, cells: list[str], widths: list[int]) -> list[str]:
    """Returns the lines of a row, with cells that are too long continued in the next line."""
    pieces = [_pieces(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, pieces))
    return [_line(bar, [piece[row] if row < len(piece) else "" for piece in pieces], widths) for row in range(height)]


def _pieces(cell: str, width: int) -> list[str]:
    """Cuts a cell into lines, at spaces where there are any; an indentation stays."""
    text = cell.lstrip(" ")
    lines = [cell[: len(cell) - len(text)]]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if len(joined) <= width:
            lines[-1] = joined
            continue
        lines += [word[at : at + width] for at in range(0, len(word), width)]
    return lines[1:] if len(lines) > 1 and not lines[0].strip() else lines
