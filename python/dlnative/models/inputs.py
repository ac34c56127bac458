"""What a model is given: nested arrays of the form and the shapes that it takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.data.arrays import ArrayBatches, OrderedBatches, class_weights, same_length
from dlnative.data.batches import Data, unpack_x_y_sample_weight
from dlnative.data.conversion import floats_of, in_dtype, leaves_of, to_arrays
from dlnative.data.iterables import IterableBatches, PyDatasetBatches, is_iterable_of_batches
from dlnative.data.py_dataset import PyDataset
from dlnative.graph.tree import flatten, map_structure, pack
from dlnative.models.entry import as_arrays

Array = np.ndarray[Any, Any]


def model_floats(model: Any) -> str:
    """Returns the type that floats are fed in: float64 where a model, or one of its symbolic inputs, is float64."""
    graph = model._fed_graph
    if graph is not None:
        for tensor in graph.inputs:
            if tensor.dtype == "float64":
                return "float64"
    return floats_of(model.dtype)


def input_arrays(model: Any, call: str, x: Any, *, finite: bool = True, floats: str | None = None) -> Any:
    """Returns the inputs as checked arrays, nested as they were given; a `Sequential` that has seen no data yet is built.

    Args:
        model: the model.
        call: who was given them, for messages.
        x: the inputs.
        finite: whether NaN and infinity are refused.
        floats: what `model_floats` returned, for who knows it.

    Raises:
        ValueError, TypeError: if they do not fit the model.
    """
    if x is None:
        raise ValueError(f"{call}: expected inputs x, got None")
    if not model.built and model._builds_from_shapes and model._begins_outside:
        x = as_arrays(x)
        model.build(map_structure(lambda leaf: (None, *np.shape(leaf)[1:]), x))
    if model._entry is not None:
        return model._entry(call, x)
    arrays = to_arrays(f"{call}: x", x, floats or model_floats(model), finite=finite)
    if not model.built and model._builds_from_shapes:
        same_length(Data(arrays, call=call))
        model.build(map_structure(lambda leaf: (None, *leaf.shape[1:]), arrays))
    graph = model._graph
    if graph is None:
        return arrays
    try:
        given = graph.leaves(arrays)
        fitted = graph.fitted(given, lambda array: array[..., 0], lambda array: array[..., None])
    except ValueError as error:
        if model._builds_from_shapes and isinstance(arrays, np.ndarray) and model.widen(arrays.shape):
            return arrays
        raise ValueError(f"{call}: {error}") from None
    if arrays.__class__ is np.ndarray:  # most often
        return fitted[0]
    if isinstance(graph.input_structure, dict) is not isinstance(arrays, dict) and not isinstance(arrays, dict):
        return pack(graph.input_structure, fitted)
    known = {id(old): new for old, new in zip(given, fitted, strict=True) if old is not None}
    if isinstance(arrays, dict):  # a model takes what it has a name for
        arrays = {key: item for key, item in arrays.items() if item is None or _knows(item, known)}
    return map_structure(lambda leaf: known.get(id(leaf), leaf), arrays)


def _knows(item: Any, known: dict[int, Any]) -> bool:
    return any(leaf is not None and id(leaf) in known for leaf in flatten(item))


def input_dtypes(model: Any, x: Any) -> list[str | None]:
    """Returns the types that the inputs are fed in, one for each array; `None`: that of the data."""
    graph = model._fed_graph
    if graph is None:
        return [None] * len(leaves_of(x))
    if x.__class__ is np.ndarray:  # most often
        return [graph.inputs[0].dtype]
    known = {id(leaf): tensor.dtype for leaf, tensor in zip(graph.leaves(x), graph.inputs, strict=True)}
    return [known.get(id(leaf)) for leaf in leaves_of(x)]


def samples(
    model: Any, call: str, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, *,
    finite: bool = True,
) -> Data:  # fmt: skip
    """Returns checked data.

    Args:
        model: the model.
        call: who was given them, for messages.
        x, y, sample_weight, class_weight: see `Model.fit`.
        finite: whether NaN and infinity in inputs and targets are refused.
    """
    floats = model_floats(model)
    arrays = input_arrays(model, call, x, finite=finite, floats=floats)
    targets = None if y is None else to_arrays(f"{call}: y", y, floats, finite=finite)
    weights = None
    if sample_weight is not None:
        if class_weight is not None:
            raise ValueError(f"{call}: expected either class_weight or sample_weight, got both")
        weights = in_dtype(to_arrays(f"{call}: sample_weight", sample_weight, floats), floats)
    data = Data(arrays, targets, weights, call)
    same_length(data)
    return data if class_weight is None else with_class_weights(data, class_weight)


def with_class_weights(data: Data, class_weight: Any) -> Data:
    """Returns data whose samples have the weights of their classes."""
    return Data(data.x, data.y, class_weights(data.call, data.y, class_weight), data.call)


def batches(
    model: Any,
    call: str,
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None,
    class_weight: Any = None,
    *,
    finite: bool = True,
) -> ArrayBatches | IterableBatches:
    """Returns where the batches of a call come from.

    Args:
        model: the model.
        call: who was given them, for messages.
        x, y, sample_weight, batch_size, class_weight: see `Model.fit`; `x` may be `Data` that is checked already.
        finite: whether NaN and infinity in inputs and targets are refused.
    """
    if not isinstance(x, Data) and is_iterable_of_batches(x):
        kind = "a PyDataset" if isinstance(x, PyDataset) else "an iterable of batches"
        for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
            if value is not None:
                raise ValueError(f"{call}: expected no {name} beside {kind}, which gives it itself, got {name}")

        def convert(x: Any, y: Any, sample_weight: Any) -> Data:
            if call == "predict":
                return Data(input_arrays(model, call, x, finite=False), call=call)
            weighed = None if sample_weight is not None else class_weight
            return samples(model, call, x, y, sample_weight, weighed, finite=finite)

        if isinstance(x, PyDataset):
            return PyDatasetBatches(x, convert)
        if getattr(x, "of_single_rows", False):
            raise ValueError(f"{call}: expected a Dataset of batches, got one of single elements: call batch(32) on it")
        source = getattr(x, "source", None)
        if source is not None and source.num_batches:
            data = convert(*unpack_x_y_sample_weight(source.arrays))
            return OrderedBatches(data, source.batch_size, source.order, source.num_batches)
        return IterableBatches(x, convert)
    data = x if isinstance(x, Data) else samples(model, call, x, y, sample_weight, class_weight, finite=finite)
    return ArrayBatches(data, batch_size or 32)
