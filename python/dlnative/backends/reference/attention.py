"""Attention of each head, and its gradients, with all scores at once."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _scores(q: Array, k: Array, mask: Array | None, causal: bool, scale: float) -> tuple[Array, Array]:
    """Scores of shape (B, N, T, S), as low as can be where nothing is seen, and what is seen."""
    scores = np.einsum("btnh,bsnh->bnts", q, k) * np.asarray(scale, q.dtype)
    seen = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    scores = np.where(seen, scores, np.asarray(-2.3e38 if q.dtype == np.float32 else -1.2e308, q.dtype))
    if causal:
        before = np.tril(np.ones(scores.shape[-2:], bool))
        scores, seen = np.where(before, scores, -np.inf), seen & before
    return scores, seen


def attention(
    q: Array, k: Array, v: Array, mask: Array | None = None, *, causal: bool, masked: bool, scale: float
) -> tuple[Array, Array]:
    scores, _ = _scores(q, k, mask, causal, scale)
    largest = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - largest)
    total = weights.sum(axis=-1, keepdims=True)
    y = np.einsum("bnts,bsnv->btnv", weights / total, v)
    return y, (largest + np.log(total))[..., 0]


def attention_gradient(
    dy: Array, q: Array, k: Array, v: Array, y: Array, logarithms: Array, mask: Array | None = None, *, causal: bool,
    masked: bool, scale: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    scores, seen = _scores(q, k, mask, causal, scale)
    weights = np.where(seen, np.exp(np.where(seen, scores - logarithms[..., None], 0)), 0)
    dv = np.einsum("bnts,btnv->bsnv", weights, dy)
    d = (dy * y).sum(axis=-1).transpose(0, 2, 1)[..., None]
    ds = weights * (np.einsum("btnv,bsnv->bnts", dy, v) - d) * np.asarray(scale, q.dtype)
    return np.einsum("bnts,bsnh->btnh", ds, k), np.einsum("bnts,btnh->bsnh", ds, q), dv
