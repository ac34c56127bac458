"""Connectionist temporal classification: labels of a sequence without saying where they are (Graves and others, "Connectionist
temporal classification: labelling unsegmented sequence data with recurrent neural networks", ICML 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.function import Function
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register, zero_gradient
from dlnative.graph.roles import HOST
from dlnative.graph.tensor import Tensor
from dlnative.ops.control import at_once, scan
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, operation, scalar, shown, unknown
from dlnative.ops.elementwise import add, equal, less, logical_and, negative, not_equal, where
from dlnative.ops.indexing import get_item, take_along_axis
from dlnative.ops.joining import concatenate, stack
from dlnative.ops.numeric import logaddexp
from dlnative.ops.reduction import argmax
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.shape import expand_dims, reshape, transpose
from dlnative.ops.softmax import log_softmax
from dlnative.ops.sorting import argsort

# What stands for the logarithm of 0, as in Keras: what no path leads to has a finite loss and a gradient.
_NEVER = -1e5


def _blank(name: str, mask_index: Any, classes: int) -> int:
    blank = classes - 1 if mask_index is None else integer(mask_index, f"{name}: mask_index")
    if not -classes <= blank < classes:
        raise ValueError(f"{name}: expected a mask_index within {classes} classes, got {blank}")
    return blank % classes


def _check(name: str, output: Any, **others: Any) -> None:
    if len(output.shape) != 3:
        raise ValueError(f"{name}: expected outputs (batch, steps, classes), got shape {tuple(output.shape)}")
    for what, (x, rank) in others.items():
        if len(x.shape) != rank:
            raise ValueError(f"{name}: expected {what} of rank {rank}, got shape {tuple(x.shape)}")
        if None not in (x.shape[0], output.shape[0]) and x.shape[0] != output.shape[0]:
            raise ValueError(
                f"{name}: {what} and outputs must have the same first dimension, got shapes {tuple(x.shape)} and "
                f"{tuple(output.shape)}"
            )


def _at_least_float32(x: Any) -> Any:
    return cast(x, dtypes.result_type(dtype_of(x), "float32"))


@operation
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """Returns -log p(labels | outputs) of each sequence: of all paths that give its labels, a label or a blank for each step.

    A path gives what is left of it when steps of one class in a row become one, and then blanks are dropped. With labels
    and blanks in turn, l' = (blank, l_1, blank, ..., l_L, blank), and p_t the softmax of step t,
    alpha_t(s) = (alpha_t-1(s) + alpha_t-1(s - 1) + [alpha_t-1(s - 2)]) p_t(l'_s), the last term where l'_s is not
    l'_s-2, as blanks are; p is the sum of the last two (Graves and others, 2006, equations 6 to 8), in logarithms.

    Args:
        target: classes of shape `(batch, labels)`.
        output: logits of shape `(batch, steps, classes)`.
        target_length: how many labels each sequence has, of shape `(batch,)`.
        output_length: how many steps each sequence has, of shape `(batch,)`.
        mask_index: the class of the blank.

    Returns:
        A tensor or array of shape `(batch,)`. Labels that do not fit into the steps have a loss of about 1e5.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> probabilities = np.array([[[0.6, 0.4], [0.6, 0.4]]], "float32")
        >>> loss = ctc_loss([[1]], np.log(probabilities), [1], [2])
        >>> round(float(np.exp(-loss[0])), 4)
        0.64
    """
    target, output = as_tensor(target), as_tensor(output)
    target_length, output_length = as_tensor(target_length), as_tensor(output_length)
    _check(
        "ctc_loss",
        output,
        labels=(target, 2),
        target_length=(target_length, 1),
        output_length=(output_length, 1),
    )
    output = _at_least_float32(output)
    if None in output.shape or None in target.shape:
        return unknown((output.shape[0],), output)
    blank = _blank("ctc_loss", mask_index, output.shape[-1])
    target, counts, lengths = (cast(x, "int32") for x in (target, target_length, output_length))
    if at_once(target, output, counts, lengths):
        return _loss_of_arrays(target, output, counts, lengths, blank=blank)
    return _loss(target, output, counts, lengths, blank)


def _loss(target: Any, output: Any, counts: Any, lengths: Any, blank: int) -> Any:
    batch, steps, _ = output.shape
    labels = target.shape[1]
    target = where(less(np.arange(labels, dtype="int32"), expand_dims(counts, 1)), target, blank)
    blanks = np.full((batch, labels), blank, "int32")
    states = concatenate([reshape(stack([blanks, target], axis=2), (batch, 2 * labels)), blanks[:, :1]], axis=1)
    never = scalar(_NEVER, output)
    emitted = take_along_axis(log_softmax(output), expand_dims(states, 1), 2)
    # What leads past a blank, from a label to another one; the states of blanks are all alike.
    leaps = where(not_equal(states, _behind(states, 2, blank)), 0.0, never)
    start = np.full(2 * labels + 1, _NEVER, dtype_of(output))
    start[0] = 0.0
    # Before the first step: a path begins with the blank, or with the first label.
    alpha = call("broadcast_to", start, attributes=((batch, 2 * labels + 1),))

    def step(alpha: Any, row: Any) -> Any:
        log_p, number = row
        reached = logaddexp(alpha, _behind(alpha, 1, never))
        reached = add(logaddexp(reached, add(_behind(alpha, 2, never), leaps)), log_p)
        return where(expand_dims(less(number, lengths), 1), reached, alpha), None

    rows = (transpose(emitted, (1, 0, 2)), np.arange(steps, dtype="int32"))
    alpha, _ = scan(step, alpha, rows)
    last = expand_dims(counts * 2, 1)
    ends = [take_along_axis(alpha, last, 1), take_along_axis(alpha, where(equal(last, 0), last, last - 1), 1)]
    in_label = where(equal(last, 0), never, ends[1])
    return negative(reshape(logaddexp(ends[0], in_label), (batch,)))


_loss_of_arrays = Function(_loss)


def _behind(x: Any, count: int, first: Any) -> Any:
    """Returns rows moved on by some places, which are filled up."""
    shape = (x.shape[0], min(count, x.shape[1]))
    filling = call(
        "broadcast_to", as_tensor(scalar(first, x) if isinstance(first, int) else first), attributes=(shape,)
    )
    return concatenate([filling, get_item(x, (slice(None), slice(0, max(x.shape[1] - count, 0))))], axis=1)


def _infer_search(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x, _), (_, top_paths, _) = inputs, attributes
    return [((top_paths, *x.shape[:2]), "int32"), ((x.shape[0], top_paths), x.dtype)]


register(
    Op(
        "ctc_beam_search",
        "decoding",
        _infer_search,
        attributes=(("beam_width", "int"), ("top_paths", "int"), ("blank", "int")),
        gradient=zero_gradient,
        operands={1: ("int32",)},
        results=("float32", "float64", "int32"),
        samples=lambda: [
            Sample(Arg((3, 4, 5)), Arg((3,), "integer", 0, 5, "int32"), beam_width=width, top_paths=paths, blank=blank)
            for width, paths, blank in ((4, 2, 0), (100, 1, 4), (1, 3, 2))
        ],
        roles=HOST,
        size="largest",
    )
)


@operation
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Any, Any]:
    """Returns the labels that a model trained with `ctc_loss` finds in sequences.

    Args:
        inputs: logits of shape `(batch, steps, classes)`.
        sequence_lengths: how many steps each sequence has, of shape `(batch,)`.
        strategy: `"greedy"` takes the largest logit of each step; `"beam_search"` adds up the paths that give the same
            labels (Graves, "Sequence transduction with recurrent neural networks", 2012).
        beam_width: how many beginnings the search keeps at each step.
        top_paths: how many results the search returns, the most likely first.
        merge_repeated: whether steps of one class in a row are one label, of `"greedy"`.
        mask_index: the class of the blank; `None` for the last.

    Returns:
        Labels (int32) of shape `(paths, batch, steps)`, with -1 behind the last of each sequence, and scores of shape
        `(batch, paths)`: of `"greedy"` the negative sum of the logits, of `"beam_search"` the logarithm of the probability.

    Raises:
        ValueError: if the shapes do not fit, or for another strategy.

    Example:
        >>> import numpy as np
        >>> logits = np.eye(3, dtype="float32")[[[1, 1, 0, 1, 2]]]
        >>> labels, scores = ctc_decode(logits, [5])
        >>> labels.tolist()
        [[[1, 1, 2, -1, -1]]]
    """
    if strategy not in ("greedy", "beam_search"):
        raise ValueError(
            f"ctc_decode: Invalid strategy {shown(strategy)}. Supported values are 'greedy' and 'beam_search'."
        )
    inputs, lengths = as_tensor(inputs), cast(sequence_lengths, "int32")
    _check("ctc_decode", inputs, sequence_lengths=(lengths, 1))
    inputs = _at_least_float32(inputs)
    if inputs.shape[-1] is None:
        raise ValueError(f"ctc_decode: expected a known number of classes, got shape {tuple(inputs.shape)}")
    blank = _blank("ctc_decode", mask_index, inputs.shape[-1])
    if strategy == "beam_search":
        widths = integer(beam_width, "ctc_decode: beam_width"), integer(top_paths, "ctc_decode: top_paths")
        if min(widths) < 1:
            raise ValueError(f"ctc_decode: expected a beam_width and top_paths of 1 or more, got {widths}")
        return invoke(OPS["ctc_beam_search"], (log_softmax(inputs), lengths), (*widths, blank))
    batch, steps, _ = inputs.shape
    if None in inputs.shape:
        return unknown((1, batch, steps), inputs, "int32"), unknown((batch, 1), inputs)
    inside = less(np.arange(steps, dtype="int32"), expand_dims(lengths, 1))
    found = where(inside, argmax(inputs, -1), blank)
    scores = negative(sum_of(where(inside, max_of(inputs, -1), 0.0), 1, True))
    kept = not_equal(found, blank)
    if merge_repeated:
        kept = logical_and(kept, not_equal(found, _behind(found, 1, blank)))
    order = argsort(where(kept, np.arange(steps, dtype="int32"), steps), -1)
    labels = take_along_axis(where(kept, found, -1), order, -1)
    return expand_dims(labels, 0), scores


__all__ = ["ctc_decode", "ctc_loss"]
