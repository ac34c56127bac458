"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.utils.checks import integer

Array = np.ndarray[Any, Any]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Returns sequences of different lengths as one array.

    Args:
        sequences: lists or arrays, of numbers or of rows of one shape.
        maxlen: the length of all; by default that of the longest.
        dtype: the type of the result; `object` for text.
        padding: whether shorter ones are filled up in front, `"pre"`, or behind, `"post"`.
        truncating: whether longer ones are cut in front, `"pre"`, or behind, `"post"`.
        value: what they are filled up with.

    Returns:
        An array of shape `(sequences, maxlen, ...)`.

    Raises:
        ValueError: for other arguments, and rows of different shapes.

    Example:
        >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
        [[0, 1], [3, 4]]
    """
    for name, choice, word in (("padding", padding, "Padding"), ("truncating", truncating, "Truncating")):
        if choice not in ("pre", "post"):
            raise ValueError(f'pad_sequences: {word} type "{choice}" not understood: expected {name} "pre" or "post"')
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            f"pad_sequences: `sequences` must be iterable, expected a list, got {type(sequences).__name__}"
        )
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(
                f"pad_sequences: `sequences` must be a list of iterables. Found non-iterable: {sequence!r}"
            )
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUST":
        raise ValueError(
            f"pad_sequences: `dtype` {dtype} is not compatible with `value`'s type: expected a number, got {value!r} "
            "(dtype=object takes text)"
        )
    lengths = [len(sequence) for sequence in sequences]
    length = max(lengths, default=0) if maxlen is None else integer("pad_sequences", "maxlen", maxlen, 0)
    rows = next((np.asarray(sequence).shape[1:] for sequence in sequences if len(sequence)), ())
    padded = np.full((len(lengths), length, *rows), value, dtype)
    for place, sequence in enumerate(sequences):
        over = len(sequence) - length
        kept = sequence if over <= 0 else sequence[over:] if truncating == "pre" else sequence[:length]
        if not len(kept):
            continue
        array = np.asarray(kept, dtype)
        if array.shape[1:] != rows:
            raise ValueError(
                f"pad_sequences: Shape of sample {array.shape[1:]} of sequence at position {place} is different from expected "
                f"shape {rows}"
            )
        if padding == "post":
            padded[place, : len(array)] = array
        else:
            padded[place, length - len(array) :] = array
    return padded
