"""The circle loss of embeddings: those of one class near, the others far."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.losses.functions import COUNTED, OF_LABELS
from dlnative.losses.loss import LossFunctionWrapper
from dlnative.ops.conversion import to_float
from dlnative.utils.checks import flag, number
from dlnative.utils.registry import publish


def circle(
    y_true: Any, y_pred: Any, ref_labels: Any = None, ref_embeddings: Any = None, remove_diagonal: bool = True,
    gamma: float = 80, margin: float = 0.4,
) -> Any:  # fmt: skip
    """Returns `softplus(lse(-gamma * (m + d) * (m - d)) + lse(gamma * (1 + m - d) * (1 - m - d)))` for each embedding.

    d is the cosine distance to another embedding, not below 0, m the margin, and lse the logarithm of the sum of
    exponentials: the first over the embeddings of the same class, the second over the others.

    Args:
        y_true: class numbers.
        y_pred: embeddings of length 1, in rows.
        ref_labels, ref_embeddings: those that are compared with; by default the same.
        remove_diagonal: whether the embedding of the same row is left out.
        gamma: the scale.
        margin: m.

    Source:
        Sun et al., "Circle loss: a unified perspective of pair similarity optimization", CVPR 2020.
    """
    y_pred = to_float(y_pred)
    others = y_pred if ref_embeddings is None else ops.cast(ref_embeddings, y_pred.dtype)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    compared = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(others)), 0.0)
    same = ops.equal(labels, ops.transpose(compared))
    different = ops.logical_not(same)
    if remove_diagonal:
        same = ops.logical_and(same, ops.logical_not(ops.eye(labels.shape[0], compared.shape[0], dtype="bool")))
    near = -gamma * ops.maximum(margin + distance, 0.0) * (margin - distance)
    far = gamma * ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    return ops.softplus(_log_sum_exp(near, same) + _log_sum_exp(far, different))


def _log_sum_exp(x: Any, mask: Any) -> Any:
    """Returns `ln(sum(exp(x)))` over the elements of a row that a mask has, minus infinity if it has none."""
    lowest = ops.max(ops.where(mask, x, -1e30), axis=1, keepdims=True)
    total = ops.sum(ops.where(mask, ops.exp(ops.minimum(x - lowest, 0.0)), 0.0), axis=1)
    none = ops.equal(total, 0.0)
    return ops.where(none, -float("inf"), ops.log(ops.where(none, 1.0, total)) + ops.squeeze(lowest, 1))


def _counted(y_true: Any, y_pred: Any, values: Any, **arguments: Any) -> Any:
    """Returns which embeddings have a loss at all."""
    del y_true, y_pred, arguments
    return ops.greater(values, 0.0)


publish((circle,))
OF_LABELS.add(circle)
COUNTED[circle] = _counted


class Circle(LossFunctionWrapper):
    """The loss of `circle`; a mean is one over the embeddings that have a loss at all.

    Args:
        gamma, margin, remove_diagonal: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size", name: str = "circle", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {
            "gamma": number(name, "gamma", gamma), "margin": number(name, "margin", margin),
            "remove_diagonal": flag(name, "remove_diagonal", remove_diagonal),
        }  # fmt: skip
        super().__init__(circle, reduction, name, dtype, **arguments)
