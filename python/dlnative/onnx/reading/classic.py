"""What scikit-learn's exporters write beside networks (`ai.onnx.ml`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.onnx.reading.operators import Node, reads


def _row(node: Node, name: str) -> Any:
    return np.asarray(node.get(name, [0.0]), np.float32)


@reads("Scaler")
def _scaler(node: Node, x: Any) -> Any:
    return (ops.cast(x, "float32") - _row(node, "offset")) * _row(node, "scale")


@reads("Normalizer")
def _normalizer(node: Node, x: Any) -> Any:
    kind = node.get("norm", b"MAX")
    y = ops.cast(x, "float32")
    size = {
        b"MAX": lambda: ops.max(ops.abs(y), axis=-1, keepdims=True), b"L1": lambda: ops.sum(ops.abs(y), axis=-1, keepdims=True),
        b"L2": lambda: ops.sqrt(ops.sum(ops.square(y), axis=-1, keepdims=True)),
    }[kind]()  # fmt: skip
    return y / ops.where(ops.equal(size, 0), ops.ones_like(size), size)


@reads("Binarizer")
def _binarizer(node: Node, x: Any) -> Any:
    return ops.cast(x > node.get("threshold", 0.0), str(x.dtype))


def _linear(node: Node, x: Any, count: int) -> Any:
    weights = _row(node, "coefficients").reshape(count, -1)
    return ops.matmul(ops.cast(x, "float32"), np.ascontiguousarray(weights.T)) + _row(node, "intercepts")


def _transformed(node: Node, scores: Any) -> Any:
    kind = node.get("post_transform", b"NONE")
    if kind not in (b"NONE", b"SOFTMAX", b"LOGISTIC"):
        raise node.refuse(f"the transform NONE, SOFTMAX or LOGISTIC, got {kind.decode()}")
    return {b"NONE": lambda y: y, b"SOFTMAX": ops.softmax, b"LOGISTIC": ops.sigmoid}[kind](scores)


@reads("LinearRegressor")
def _linear_regressor(node: Node, x: Any) -> Any:
    return _transformed(node, _linear(node, x, node.get("targets", 1)))


@reads("LinearClassifier")
def _linear_classifier(node: Node, x: Any) -> Any:
    labels = node.get("classlabels_ints")
    if not labels:
        raise node.refuse("classes that are numbers, got text")
    count = len(np.asarray(node.get("intercepts", [0.0])))
    scores = _linear(node, x, count)
    if count == 1 and len(labels) == 2:
        both = node.get("post_transform", b"NONE") == b"LOGISTIC"
        scores = _transformed(node, scores)
        scores = ops.concatenate([1.0 - scores if both else -scores, scores], axis=-1)
        chosen = ops.argmax(scores, axis=-1)
        return ops.take(np.asarray(labels, np.int64), chosen), scores
    return ops.take(np.asarray(labels, np.int64), ops.argmax(scores, axis=-1)), _transformed(node, scores)


@reads("ZipMap")
def _zip_map(node: Node, x: Any) -> Any:
    """A dict for each row elsewhere; the array of all here."""
    return x
