"""The loss of labels whose places in a sequence are not known."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.losses.classes import _wrapper
from dlnative.ops.core import as_tensor
from dlnative.utils.registry import publish


def ctc(y_true: Any, y_pred: Any) -> Any:
    """Returns `ops.ctc_loss` of labels that are filled up with 0, which is the blank, and logits of all steps.

    Args:
        y_true: labels of shape `(batch, labels)`, 1 or more.
        y_pred: logits of shape `(batch, steps, classes)`.

    Example:
        >>> from dlnative import losses
        >>> round(float(losses.ctc([[1, 0]], [[[0.0, 0.0], [0.0, 0.0]]])[0]), 4)
        0.2877
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if len(y_true.shape) != 2:
        raise ValueError(
            "ctc: Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in integer format. "
            f"Received: y_true.shape={tuple(y_true.shape)}"
        )
    if len(y_pred.shape) != 3:
        raise ValueError(
            "ctc: Logits `y_pred` are expected to be a tensor of shape `(batch_size, max_length, num_classes)`. "
            f"Received: y_pred.shape={tuple(y_pred.shape)}"
        )
    given = ops.not_equal(y_true, 0)
    label_length = ops.sum(ops.cast(given, "int32"), axis=-1)
    steps = 0 if y_pred.shape[1] is None else int(y_pred.shape[1])
    output_length = ops.add(ops.multiply(label_length, 0), np.int32(steps))
    return ops.ctc_loss(y_true, y_pred, label_length, output_length)


CTC = _wrapper(ctc, "CTC")
publish((ctc,))
