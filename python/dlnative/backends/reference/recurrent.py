"""Recurrent networks over whole sequences: (batch, steps, ...), one step after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _sigmoid(x: Array) -> Array:
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def _steps(x: Array, reverse: bool) -> list[int]:
    return list(range(x.shape[1]))[:: -1 if reverse else 1]


def _backward(x: Array, reverse: bool) -> Iterator[tuple[int, int | None]]:
    """Yields the steps from the last to the first, each with the one before it (of the first: `None`)."""
    order = _steps(x, reverse)
    return zip(order[::-1], [*order[-2::-1], None], strict=True)


def _kept(mask: Sequence[Array], t: int) -> Array:
    """Where a step counts, as a column."""
    return mask[0][:, t, None] != 0 if mask else np.array(True)


def _optional(operands: Sequence[Array], given: Sequence[bool]) -> list[Array | None]:
    """Returns an operand, or `None`, for each that may be there."""
    found = iter(operands)
    return [next(found) if there else None for there in given]


def lstm(
    z: Array, h0: Array, c0: Array, r: Array, *mask: Array, reverse: bool
) -> tuple[Array, Array, Array, Array, Array]:
    batch, steps, _ = z.shape
    hs, cs = np.empty((batch, steps, r.shape[0]), z.dtype), np.empty((batch, steps, r.shape[0]), z.dtype)
    gates = np.empty_like(z)
    h, c = h0, c0
    for t in _steps(z, reverse):
        i, f, g, o = np.split(z[:, t] + h @ r, 4, axis=-1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        kept = _kept(mask, t)
        c = np.where(kept, f * c + i * g, c)
        h = np.where(kept, o * np.tanh(c), h)
        hs[:, t], cs[:, t], gates[:, t] = h, c, np.where(kept, np.concatenate([i, f, g, o], axis=-1), 0)
    return hs, h, c, cs, gates


def lstm_gradient(
    gates: Array, cs: Array, hs: Array, h0: Array, c0: Array, r: Array, *operands: Array, reverse: bool, masked: bool,
    arrives: bool, arrives_h: bool, arrives_c: bool,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    mask, dhs, dh_last, dc_last = _optional(operands, (masked, arrives, arrives_h, arrives_c))
    dh = np.zeros_like(h0) if dh_last is None else dh_last
    dc = np.zeros_like(c0) if dc_last is None else dc_last
    dz, dr = np.empty_like(gates), np.zeros_like(r)
    for t, before in _backward(gates, reverse):
        h, c = (h0, c0) if before is None else (hs[:, before], cs[:, before])
        i, f, g, o = np.split(gates[:, t], 4, axis=-1)
        if dhs is not None:
            dh = dh + dhs[:, t]
        y = np.tanh(cs[:, t])
        cell = dc + dh * o * (1 - y**2)
        slopes = [cell * g * i * (1 - i), cell * c * f * (1 - f), cell * i * (1 - g**2), dh * y * o * (1 - o)]
        kept = _kept([] if mask is None else [mask], t)
        dz[:, t] = np.where(kept, np.concatenate(slopes, axis=-1), 0)
        dh, dc = np.where(kept, dz[:, t] @ r.T, dh), np.where(kept, cell * f, dc)
        dr = dr + h.T @ dz[:, t]
    return dz, dh, dc, dr


def gru(
    x: Array, h0: Array, w: Array, *operands: Array, reverse: bool, reset_after: bool, masked: bool
) -> tuple[Array, Array, Array, Array]:
    b, mask = _optional(operands, (reset_after, masked))
    units = w.shape[0]
    hs, inners = np.empty((*x.shape[:2], units), x.dtype), np.empty((*x.shape[:2], units), x.dtype)
    gates = np.empty_like(x)
    w_zr, w_n = w[:, : 2 * units], w[:, 2 * units :]
    h = h0
    for t in _steps(x, reverse):
        x_z, x_r, x_n = np.split(x[:, t], 3, axis=-1)
        p_z, p_r = np.split(h @ w_zr + (0 if b is None else b[: 2 * units]), 2, axis=-1)
        z, r = _sigmoid(x_z + p_z), _sigmoid(x_r + p_r)
        inner = r * h if b is None else h @ w_n + b[2 * units :]
        n = np.tanh(x_n + (inner @ w_n if b is None else r * inner))
        kept = _kept([] if mask is None else [mask], t)
        h = np.where(kept, z * h + (1 - z) * n, h)
        hs[:, t], inners[:, t] = h, np.where(kept, inner, 0)
        gates[:, t] = np.where(kept, np.concatenate([z, r, n], axis=-1), 0)
    return hs, h, gates, inners


def gru_gradient(
    gates: Array, inners: Array, hs: Array, h0: Array, w: Array, *operands: Array, reverse: bool, reset_after: bool,
    masked: bool, arrives: bool, arrives_h: bool,
) -> tuple[Array, ...]:  # fmt: skip
    mask, dhs, dh_last = _optional(operands, (masked, arrives, arrives_h))
    units = w.shape[0]
    w_zr, w_n = w[:, : 2 * units], w[:, 2 * units :]
    dh = np.zeros_like(h0) if dh_last is None else dh_last
    dx, dw, db = np.empty_like(gates), np.zeros_like(w), np.zeros_like(w[0])
    for t, before in _backward(gates, reverse):
        h = h0 if before is None else hs[:, before]
        z, r, n = np.split(gates[:, t], 3, axis=-1)
        kept = _kept([] if mask is None else [mask], t)
        if dhs is not None:
            dh = dh + dhs[:, t]
        d = np.where(kept, dh, 0)
        dn, dz = d * (1 - z) * (1 - n**2), d * (h - n) * z * (1 - z)
        dinner = dn * r if reset_after else dn @ w_n.T
        dr = (dn * inners[:, t] if reset_after else dinner * h) * r * (1 - r)
        dzr = np.concatenate([dz, dr], axis=-1)
        on = d * z + dzr @ w_zr.T + (dinner @ w_n.T if reset_after else dinner * r)
        dx[:, t] = np.concatenate([dzr, dn], axis=-1)
        dw = dw + np.concatenate([h.T @ dzr, h.T @ dinner if reset_after else inners[:, t].T @ dn], axis=-1)
        db = db + np.concatenate([dzr, dinner], axis=-1).sum(axis=0)
        dh = np.where(kept, on, dh)
    return (dx, dh, dw, db) if reset_after else (dx, dh, dw)


def simple_rnn(z: Array, h0: Array, r: Array, *mask: Array, reverse: bool) -> tuple[Array, Array]:
    hs, h = np.empty_like(z), h0
    for t in _steps(z, reverse):
        h = np.where(_kept(mask, t), np.tanh(z[:, t] + h @ r), h)
        hs[:, t] = h
    return hs, h


def simple_rnn_gradient(
    hs: Array, h0: Array, r: Array, *operands: Array, reverse: bool, masked: bool, arrives: bool, arrives_h: bool
) -> tuple[Array, Array, Array]:
    mask, dhs, dh_last = _optional(operands, (masked, arrives, arrives_h))
    dh = np.zeros_like(h0) if dh_last is None else dh_last
    dz, dr = np.empty_like(hs), np.zeros_like(r)
    for t, before in _backward(hs, reverse):
        if dhs is not None:
            dh = dh + dhs[:, t]
        kept = _kept([] if mask is None else [mask], t)
        dz[:, t] = np.where(kept, dh * (1 - hs[:, t] ** 2), 0)
        dr = dr + (h0 if before is None else hs[:, before]).T @ dz[:, t]
        dh = np.where(kept, dz[:, t] @ r.T, dh)
    return dz, dh, dr
