"""Attention: what queries find among keys, as a mean of their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.op import OPS, Arg, Op, Sample, Shape, Spec, register
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.composite import gradient_of
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, operation, scalar
from dlnative.ops.product import matmul
from dlnative.ops.reduction import reduce
from dlnative.utils.checks import number

_UNSEEN = {"float32": -2.3e38, "float64": -1.2e308}
_ATTRIBUTES = (("causal", "bool"), ("masked", "bool"), ("scale", "float"))


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    q, _, v = inputs[:3]
    return [((*q.shape[:3], v.shape[3]), q.dtype), ((q.shape[0], q.shape[2], q.shape[1]), q.dtype)]


def _infer_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(x.shape, x.dtype) for x in inputs[1:4]]


def _gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    q, k, v, *mask = node.inputs
    y, logarithms = node.outputs
    if grads[1] is not None:
        return _composite_gradient(node, grads)
    made = invoke(OPS["attention_gradient"], (grads[0], q, k, v, y, logarithms, *mask), node.attributes)
    return (*made, *[None for _ in mask])


def _heads_first(x: Any) -> Any:
    return call("transpose", x, attributes=((0, 2, 1, 3),))


def _before(queries: int, keys: int) -> Any:
    return np.tril(np.ones((queries, keys), bool))


def _scores(q: Any, k: Any, mask: Any, causal: bool, scale: float) -> tuple[Any, Any]:
    """Returns scores (B, N, T, S), and what of them is seen, or `None` for all."""
    q, k = _heads_first(q), _heads_first(k)
    scores = matmul(q, call("transpose", k, attributes=((0, 1, 3, 2),))) * scalar(scale, q)
    seen = mask
    if causal:
        before = _before(scores.shape[-2], scores.shape[-1])
        seen = before if mask is None else call("logical_and", as_tensor(mask), before)
    return scores, seen


def _attention(q: Any, k: Any, v: Any, *rest: Any) -> tuple[Any, Any]:
    """What the op gives, of other ops."""
    *masks, causal, masked, scale = rest
    scores, seen = _scores(q, k, masks[0] if masked else None, causal, scale)
    if seen is not None:
        scores = call("where", seen, scores, scalar(_UNSEEN[dtype_of(q)], scores))
    largest = reduce("max", scores, -1, True)
    weights = call("exp", scores - largest)
    total = reduce("sum", weights, -1, True)
    y = _heads_first(matmul(weights / total, _heads_first(v)))
    return y, call("reshape", largest + call("log", total), attributes=(tuple(scores.shape[:-1]),))


_composite_gradient = gradient_of(_attention)


def _attention_gradient(dy: Any, q: Any, k: Any, v: Any, y: Any, logarithms: Any, *rest: Any) -> tuple[Any, Any, Any]:
    *masks, causal, masked, scale = rest
    scores, seen = _scores(q, k, masks[0] if masked else None, causal, scale)
    apart = scores - call("reshape", logarithms, attributes=((*logarithms.shape, 1),))
    if seen is not None:
        apart = call("where", seen, apart, scalar(0.0, apart))
    weights = call("exp", apart)
    if seen is not None:
        weights = call("where", seen, weights, scalar(0.0, weights))
    d = _heads_first(reduce("sum", dy * y, -1, True))
    arriving = matmul(_heads_first(dy), call("transpose", v, attributes=((0, 2, 3, 1),)))
    ds = weights * (arriving - d) * scalar(scale, dy)
    back = (0, 1, 3, 2)
    return (
        _heads_first(matmul(ds, _heads_first(k))),
        _heads_first(matmul(call("transpose", ds, attributes=(back,)), _heads_first(q))),
        _heads_first(matmul(call("transpose", weights, attributes=(back,)), _heads_first(dy))),
    )


def _flops(q: Shape, k: Shape, v: Shape) -> int:
    return int(math.prod(q[:3]) * k[1] * (2 * q[3] + 2 * v[3] + 20))


# Samples, queries, heads, the length of keys, keys, the length of values.
_CASES = ((1, 1, 1, 1, 1, 1), (2, 3, 2, 4, 5, 3), (1, 7, 3, 8, 7, 8), (2, 33, 1, 5, 70, 6), (1, 150, 2, 32, 150, 32))


def _samples(gradient: bool) -> list[Sample]:
    samples = []
    for number_of_case, (batch, queries, heads, length, keys, values) in enumerate(_CASES):
        q, k, v = (batch, queries, heads, length), (batch, keys, heads, length), (batch, keys, heads, values)
        y = Arg((batch, queries, heads, values))
        for causal in (False, True):
            masks: list[Shape] = [(), (batch, 1, 1, keys), (1, heads, queries, keys), (batch, heads, queries, keys)]
            mask = masks[(number_of_case + causal) % 4]
            for shape in {(), mask}:
                inputs: list[Any] = [Arg(q), Arg(k), Arg(v)]
                if gradient:
                    sums = Arg((batch, heads, queries), low=math.log(keys) + 1.0, high=math.log(keys) + 2.0)
                    inputs = [y, *inputs, y, sums]
                if shape:
                    inputs.append(Arg(shape, "mask", dtype="bool"))
                samples.append(Sample(*inputs, causal=causal, masked=bool(shape), scale=length**-0.5))
    return samples


register(
    Op(
        "attention",
        "attention",
        _infer,
        attributes=_ATTRIBUTES,
        gradient=_gradient,
        operands={3: ("bool",)},
        flops=lambda ins, outs: _flops(ins[0], ins[1], ins[2]),
        samples=lambda: _samples(gradient=False),
        tolerance=32.0,
        size="unit",
    )
)
register(
    Op(
        "attention_gradient",
        "attention",
        _infer_gradient,
        attributes=_ATTRIBUTES,
        gradient=gradient_of(_attention_gradient),
        operands={6: ("bool",)},
        flops=lambda ins, outs: 5 * _flops(ins[1], ins[2], ins[3]) // 2,
        samples=lambda: _samples(gradient=True),
        tolerance=64.0,
        size="largest",
    )
)


def _mask_shape(mask: Any, scores: tuple[Any, ...]) -> Any:
    """Returns a mask of rank 4 whose extents are those of the scores or 1, all keys there."""
    shape = (1,) * (4 - len(mask.shape)) + tuple(mask.shape)
    wrong = [a not in (1, b) and None not in (a, b) for a, b in zip(shape, scores, strict=True)]
    if any(wrong):
        raise ValueError(
            f"dot_product_attention: expected a mask that broadcasts to {scores}, got shape {tuple(mask.shape)}"
        )
    mask = cast(mask, "bool")
    mask = mask if shape == tuple(mask.shape) else call("reshape", mask, attributes=(shape,))
    if shape[3] == scores[3]:
        return mask
    return call("broadcast_to", mask, attributes=((*shape[:3], scores[3]),))


@operation
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """Returns `softmax(scale * query key^T + bias) value` for each head.

    Its memory is linear in the numbers of queries and keys, and so is that of its gradient, without a bias and a cap.

    Args:
        query: of shape `(batch, queries, heads, length)`.
        key: of shape `(batch, keys, key heads, length)`, whose heads divide those of the query: each serves as many as follow
            one another.
        value: of shape `(batch, keys, key heads, value length)`.
        bias: what is added to the scores, of a shape that broadcasts to `(batch, heads, queries, keys)`.
        mask: which keys a query sees, booleans of a shape that broadcasts in the same way. A query that sees none gets the mean
            of all.
        scale: what the scores are multiplied by, by default `length ** -0.5`.
        is_causal: whether query i sees the keys up to i only.
        flash_attention: accepted for Keras's sake: there is one way, and it is of that kind.
        attn_logits_soft_cap: a cap c of the scores s: `s / (1 + |s| / c)`.

    Returns:
        A tensor of shape `(batch, queries, heads, value length)`.

    Raises:
        ValueError: for other shapes.

    Source:
        Vaswani et al., "Attention is all you need", NeurIPS 2017; Dao et al., "FlashAttention", NeurIPS 2022.

    Example:
        >>> import numpy as np
        >>> q = np.zeros((1, 2, 1, 4))
        >>> v = np.array([1.0, 3.0]).reshape(1, 2, 1, 1)
        >>> dot_product_attention(q, q, v, is_causal=True).ravel().tolist()
        [1.0, 2.0]
    """
    q, k = promote(query, key)
    q, v = promote(q, value)
    k, v = promote(k, v)
    q, k, v = to_float(q), to_float(k), to_float(v)
    if not len(q.shape) == len(k.shape) == len(v.shape) == 4:
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs, got query, key and value of shapes "
            f"{tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}"
        )
    fits = k.shape[:3] == v.shape[:3] and k.shape[0] == q.shape[0] and k.shape[3] == q.shape[3]
    unknown = None in (*q.shape[2:], *k.shape[2:], v.shape[3])
    if not fits or unknown or k.shape[2] == 0 or q.shape[2] % k.shape[2]:
        raise ValueError(
            "dot_product_attention: expected a query (batch, T, N, H), a key (batch, S, K, H) and a value (batch, S, K, V), K "
            f"a divisor of N, got shapes {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}"
        )
    if k.shape[1] == 0:
        raise ValueError(f"dot_product_attention: expected at least one key, got shape {tuple(k.shape)}")
    if scale is None:
        scale = q.shape[3] ** -0.5 if q.shape[3] else 1.0  # of no width: all weights are equal
    scale = number("dot_product_attention", "scale", scale)
    if k.shape[2] != q.shape[2]:
        from dlnative.ops.joining import repeat

        k, v = repeat(k, q.shape[2] // k.shape[2], axis=2), repeat(v, q.shape[2] // v.shape[2], axis=2)
    scores_shape = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    seen = None if mask is None else _mask_shape(as_tensor(mask), scores_shape)
    if bias is not None or attn_logits_soft_cap is not None:
        return _biased(q, k, v, bias, seen, scale, is_causal, attn_logits_soft_cap)
    given = dtype_of(q)
    if given not in _UNSEEN:
        q, k, v = (cast(x, "float32") for x in (q, k, v))
    operands = (q, k, v) if seen is None else (q, k, v, seen)
    y = invoke(OPS["attention"], operands, (bool(is_causal), seen is not None, scale))[0]
    return y if given in _UNSEEN else cast(y, given)


def _biased(q: Any, k: Any, v: Any, bias: Any, mask: Any, scale: float, causal: bool, cap: float | None) -> Any:
    if None in (q.shape[1], k.shape[1]) and causal:
        raise ValueError("dot_product_attention: expected known numbers of queries and keys with is_causal and a bias")
    scores, seen = _scores(q, k, mask, causal, scale)
    if bias is not None:
        scores = call("add", scores, cast(as_tensor(bias), dtype_of(scores)))
    if cap is not None:
        cap = number("dot_product_attention", "attn_logits_soft_cap", cap, 0, open_low=True)
        scores = scores / (scalar(1.0, scores) + call("absolute", scores) * scalar(1.0 / cap, scores))
    if seen is not None:
        lowest = _UNSEEN.get(dtype_of(scores), -3e4)
        scores = call("where", seen, scores, scalar(lowest, scores))
    return _heads_first(matmul(call("softmax", scores), _heads_first(v)))
