"""`losses.Reduction`, whose members were what the argument `reduction` of a loss is today."""

from __future__ import annotations


class Reduction:
    """Names of reductions.

    Example:
        >>> from dlnative import losses
        >>> losses.MeanSquaredError(reduction=Reduction.SUM).reduction
        'sum'
    """

    AUTO = "sum_over_batch_size"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
