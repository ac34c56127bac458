"""What layers that prepare features share: lists as inputs, batches to adapt to, and text."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from dlnative.data.py_dataset import PyDataset
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.layers.layer import Layer
from dlnative.symbolic import has_keras_tensor

Array = np.ndarray[Any, Any]

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count")


class DataLayer(Layer):
    """A layer of numbers that also takes lists, frames and single numbers."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if inputs.__class__ is not np.ndarray and not isinstance(inputs, (Tensor, Variable)):
            inputs = as_array(inputs)
        return super().__call__(inputs, *args, **kwargs)


class EntryLayer(Layer):
    """A layer that computes outside of the graph: on arrays, before a model or at its entry.

    A functional or `Sequential` model calls such layers on what it is given, and the compiled part begins behind them.
    A subclass writes `compute_output_spec` and `call`, which takes what is given and returns NumPy arrays.
    """

    @property
    def computes_outside(self) -> bool:
        return True

    @property
    def input_dtype(self) -> str:
        """The type of the input where nobody says: text."""
        return "string"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._says_output = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.autocast = False
        self._build_at_init()

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.computes_outside:
            return super().__call__(inputs if isinstance(inputs, Tensor) else as_array(inputs), *args, **kwargs)
        if has_keras_tensor([inputs]):
            return super().__call__(inputs, *args, **kwargs)
        if current_trace() is not None:
            raise ValueError(
                f"{self._label}: expected arrays, got symbolic tensors: it computes outside of the graph, so it stands before "
                "a model or at the entry of a functional or Sequential model"
            )
        return self.call(inputs, *args, **kwargs)

    def _refuse_by_position(self, args: tuple[Any, ...]) -> None:
        """Any input may be passed by position."""


def as_array(value: Any) -> Any:
    """Returns lists of numbers, numbers and frames as arrays; what holds symbolic tensors stays as it is."""
    if isinstance(value, Tensor) or (isinstance(value, (list, tuple)) and has_keras_tensor([value])):
        return value
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    if isinstance(value, (list, tuple, bool, int, float, np.generic)) and not _holds_tensors(value):
        return np.asarray(value)
    return np.asarray(value) if hasattr(value, "__array__") and not hasattr(value, "__dlpack_device__") else value


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) or _holds_tensors(item) for item in value)


def features_of(batch: Any) -> Any:
    """Returns the features of a batch that may be `(x, y)` or `(x, y, sample_weight)`."""
    if isinstance(batch, list) and batch and len(getattr(batch[0], "shape", ())):  # as PyTorch's loaders give them
        return batch[0]
    return batch[0] if isinstance(batch, tuple) else batch


def batches_to_adapt_to(data: Any, steps: int | None, *, is_batch: Callable[[Any], bool]) -> Iterator[Any]:
    """Yields the features of the batches in data: all of an array at once, or what an iterable gives.

    Args:
        data: an array, a frame, a list, a `PyDataset`, or an iterable of batches.
        steps: how many batches to take of an iterable; `None`: all.
        is_batch: tells a list that is one batch from a list of batches.
    """
    if isinstance(data, PyDataset):
        count = data.num_batches
        numbers: Iterable[int] = itertools.count() if count is None else range(count)
        found: Iterator[Any] = (data[number] for number in numbers)
    elif hasattr(data, "shape") or hasattr(data, "to_numpy") or is_batch(data) or not hasattr(data, "__iter__"):
        yield data.to_numpy() if hasattr(data, "to_numpy") else data
        return
    else:
        found = iter(data)
    yield from map(features_of, found if steps is None else itertools.islice(found, steps))


def is_list_of_values(data: Any) -> bool:
    """Tells lists of numbers or text, nested or not, from lists of arrays."""
    if not isinstance(data, (list, tuple)) or not data:
        return isinstance(data, (str, bytes))
    first = data[0]
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return not hasattr(first, "shape") or isinstance(first, np.generic)


def to_text(label: str, value: Any, encoding: str = "utf-8") -> Array:
    """Returns text as an array of objects, each a `str`.

    Args:
        label: who asks, for messages.
        value: text, lists of it, an array of text or bytes, a series.
        encoding: of bytes.

    Raises:
        ValueError: if it holds anything else.
    """
    if hasattr(value, "to_numpy") and not isinstance(value, np.ndarray):
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{label}: expected text in rows of one length, got rows of different lengths") from None
    kind = array.dtype.kind
    if kind not in "USTO" and array.size:
        raise ValueError(f"{label}: expected text, got an array of {array.dtype}")
    made = np.empty(array.size, object)
    made[:] = [_decoded(label, item, encoding) for item in array.ravel().tolist()]
    return made.reshape(array.shape)


def _decoded(label: str, item: Any, encoding: str) -> str:
    if isinstance(item, bytes):
        return item.decode(encoding)
    if not isinstance(item, str):
        raise ValueError(f"{label}: expected text, got {item!r}")
    return item


def checked_mode(label: str, mode: Any, modes: tuple[str, ...] = OUTPUT_MODES) -> str:
    """Returns an output mode by its name of today.

    Raises:
        ValueError: if there is no such mode.
    """
    found = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode) if isinstance(mode, str) else mode
    if found not in modes:
        raise ValueError(
            f"{label}: Invalid value for argument `output_mode`. Expected one of {modes}, got {mode!r}: "
            f"Unknown arg for output_mode: {mode}"
        )
    return str(found)


def refuse_sparse(label: str, sparse: Any, mode: str) -> None:
    """Refuses results that are not dense.

    Raises:
        ValueError: if they are asked for.
    """
    if sparse and mode == "int":
        raise ValueError(
            f"{label}: `sparse` may only be true if `output_mode` is not 'int': `sparse=True` may only be used if it is "
            "'one_hot', 'multi_hot' or 'count'; expected sparse=False, as there are no sparse tensors"
        )
    if sparse:
        raise ValueError(f"{label}: expected sparse=False, got {sparse!r}: there are no sparse tensors")


def refuse_paths(name: str, config: dict[str, Any]) -> None:
    """Refuses configs whose vocabulary is a path: who loads a model would read whatever file its author named.

    Raises:
        ValueError: for such a config; those made here hold none.
    """
    if isinstance(config.get("vocabulary"), (str, os.PathLike)):
        raise ValueError(
            f"{name}: expected a vocabulary in the config or in the model's file, got the path {config['vocabulary']!r} of another"
        )
