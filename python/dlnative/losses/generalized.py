"""The generalized crossentropy, which wrong labels harm less."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.losses import functions
from dlnative.losses.loss import LossFunctionWrapper
from dlnative.ops.conversion import to_float
from dlnative.ops.core import dtype_of
from dlnative.utils.checks import number
from dlnative.utils.registry import publish


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """Returns `(1 - p**q) / q`, where p is the probability of the target class.

    Args:
        y_true: class numbers.
        y_pred: probabilities.
        q: between 0 (the crossentropy) and 1 (the mean absolute error).

    Example:
        >>> from dlnative import losses
        >>> losses.categorical_generalized_cross_entropy([0], [[0.25, 0.75]], 0.5).tolist()
        [1.0]

    Source:
        Zhang and Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels", NeurIPS 2018.
    """
    y_true, y_pred = functions.label_rows(y_true, to_float(y_pred))
    chosen = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=dtype_of(y_pred))
    return (1.0 - ops.power(ops.sum(y_pred * chosen, axis=-1), q)) / q


publish((categorical_generalized_cross_entropy,))
functions.OF_LABELS.add(categorical_generalized_cross_entropy)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """The loss of `categorical_generalized_cross_entropy`.

    Args:
        q: of the function, between 0 and 1.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, q: float = 0.5, reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        q = number(name, "q", q, 0, 1, open_low=True, open_high=True)
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
