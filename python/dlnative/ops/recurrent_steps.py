"""What the recurrent ops and their gradients compute, step by step with other ops: their gradients are found by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative.ops.activation import sigmoid, tanh
from dlnative.ops.creation import zeros_like
from dlnative.ops.elementwise import not_equal, where
from dlnative.ops.joining import concatenate, split
from dlnative.ops.product import matmul
from dlnative.ops.reduction import sum as total
from dlnative.ops.shape import reshape, transpose

_Step = Callable[..., tuple[tuple[Any, ...], Any]]


def _by_steps(name: str, z: Any, mask: Sequence[Any], init: Any, step: Any, reverse: bool) -> tuple[Any, Any]:
    """Returns the last states and what a step gives of each step, of a function of the states and the inputs of a step.

    Where there is a mask, the function's states count only where it is set.
    """
    from dlnative.ops.control import scan_rows

    def turn(states: Any, rows: Any) -> tuple[Any, Any]:
        after, made = step(states, rows[0])
        if mask:
            kept = not_equal(reshape(rows[1], (-1, 1)), 0)
            after = tuple(where(kept, new, old) for new, old in zip(after, states, strict=True))
            made = where(kept, made, zeros_like(made))
        return after, (*after, made)

    rows = [transpose(z, (1, 0, 2)), *[transpose(given) for given in mask]]
    last, stacks = scan_rows(name, turn, init, rows, z.shape[1], reverse)
    return last, [transpose(y, (1, 0, 2)) for y in stacks]


def lstm_by_steps(z: Any, h0: Any, c0: Any, r: Any, *others: Any) -> tuple[Any, ...]:
    *mask, reverse = others

    def step(states: Any, z: Any) -> Any:
        h, c = states
        i, f, g, o = split(z + matmul(h, r), 4, axis=-1)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * c + i * g
        return (o * tanh(c), c), concatenate([i, f, g, o], axis=-1)

    (h, c), (hs, cs, gates) = _by_steps("lstm", z, mask, (h0, c0), step, reverse)
    return hs, h, c, cs, gates


def gru_by_steps(x: Any, h0: Any, w: Any, *others: Any) -> tuple[Any, ...]:
    *operands, reverse, reset_after, _ = others
    units = w.shape[0]
    w_n = w[:, 2 * units :]
    b = operands[0] if reset_after else None

    def step(states: Any, x: Any) -> Any:
        (h,) = states
        x_z, x_r, x_n = split(x, 3, axis=-1)
        p = matmul(h, w[:, : 2 * units])
        p_z, p_r = split(p if b is None else p + b[: 2 * units], 2, axis=-1)
        z, r = sigmoid(x_z + p_z), sigmoid(x_r + p_r)
        inner = r * h if b is None else matmul(h, w_n) + b[2 * units :]
        n = tanh(x_n + (matmul(inner, w_n) if b is None else r * inner))
        return (z * h + (1.0 - z) * n,), concatenate([z, r, n, inner], axis=-1)

    (h,), (hs, saved) = _by_steps("gru", x, operands[reset_after:], (h0,), step, reverse)
    return hs, h, saved[..., : 3 * units], saved[..., 3 * units :]


def _optional(operands: Sequence[Any], given: Sequence[bool]) -> list[Any]:
    """Returns an operand, or `None`, for each that may be there."""
    found = iter(operands)
    return [next(found) if there else None for there in given]


def _before(states: Any, first: Any, reverse: bool) -> Any:
    """Returns the state before each step, of the states after each and the first one."""
    start = reshape(first, (-1, 1, first.shape[1]))
    return concatenate([states[:, 1:], start] if reverse else [start, states[:, :-1]], axis=1)


def _product(x: Any, d: Any) -> Any:
    """Returns the sum of x^T d over all rows and steps."""
    return matmul(transpose(reshape(x, (-1, x.shape[-1]))), reshape(d, (-1, d.shape[-1])))


def _back(
    name: str, saved: list[Any], mask: Any, dhs: Any, init: tuple[Any, ...], step: _Step, reverse: bool
) -> tuple[tuple[Any, ...], Any]:
    """Returns what arrives at the first states, and what a step gives of each step: from the last step to the first.

    Args:
        name: the op.
        saved: sequences of what the step reads.
        mask: where a step counts, or `None`.
        dhs: what arrives at the first state of each step, or `None`.
        init: what arrives at the last states.
        step: from what arrives at the states after a step, and what is saved of it, to what arrives at those before.
        reverse: whether the steps went backwards.
    """
    from dlnative.ops.control import scan_rows

    def turn(arriving: Any, rows: Any) -> tuple[Any, Any]:
        if dhs is not None:
            arriving = (arriving[0] + rows[-1], *arriving[1:])
        on, made = step(arriving, *rows[: len(saved)])
        if mask is not None:
            kept = not_equal(reshape(rows[len(saved)], (-1, 1)), 0)
            on = tuple(where(kept, new, old) for new, old in zip(on, arriving, strict=True))
            made = where(kept, made, zeros_like(made))
        return on, made

    rows = [transpose(x, (1, 0, 2)) for x in saved]
    rows += [] if mask is None else [transpose(mask)]
    rows += [] if dhs is None else [transpose(dhs, (1, 0, 2))]
    first, made = scan_rows(name, turn, init, rows, saved[0].shape[1], not reverse)
    return first, transpose(made, (1, 0, 2))


def lstm_gradient_by_steps(
    gates: Any, cs: Any, hs: Any, h0: Any, c0: Any, r: Any, *others: Any
) -> tuple[Any, Any, Any, Any]:
    *operands, reverse, masked, arrives, arrives_h, arrives_c = others
    mask, dhs, dh, dc = _optional(operands, (masked, arrives, arrives_h, arrives_c))

    def step(arriving: Any, gates: Any, c: Any, c_before: Any) -> Any:
        dh, dc = arriving
        i, f, g, o = split(gates, 4, axis=-1)
        y = tanh(c)
        cell = dc + dh * o * (1.0 - y * y)
        slopes = [
            cell * g * i * (1.0 - i),
            cell * c_before * f * (1.0 - f),
            cell * i * (1.0 - g * g),
            dh * y * o * (1.0 - o),
        ]
        dz = concatenate(slopes, axis=-1)
        return (matmul(dz, transpose(r)), cell * f), dz

    init = (zeros_like(h0) if dh is None else dh, zeros_like(c0) if dc is None else dc)
    saved = [gates, cs, _before(cs, c0, reverse)]
    (dh0, dc0), dz = _back("lstm_gradient", saved, mask, dhs, init, step, reverse)
    return dz, dh0, dc0, _product(_before(hs, h0, reverse), dz)


def gru_gradient_by_steps(gates: Any, inners: Any, hs: Any, h0: Any, w: Any, *others: Any) -> tuple[Any, ...]:
    *operands, reverse, reset_after, masked, arrives, arrives_h = others
    mask, dhs, dh = _optional(operands, (masked, arrives, arrives_h))
    units = w.shape[0]
    w_zr, w_n = transpose(w[:, : 2 * units]), transpose(w[:, 2 * units :])

    def step(arriving: Any, gates: Any, inner: Any, before: Any) -> Any:
        (dh,) = arriving
        z, r, n = split(gates, 3, axis=-1)
        dn, dz = dh * (1.0 - z) * (1.0 - n * n), dh * (before - n) * z * (1.0 - z)
        dinner = dn * r if reset_after else matmul(dn, w_n)
        dr = (dn * inner if reset_after else dinner * before) * r * (1.0 - r)
        dzr = concatenate([dz, dr], axis=-1)
        on = dh * z + matmul(dzr, w_zr) + (matmul(dinner, w_n) if reset_after else dinner * r)
        return (on,), concatenate([dzr, dn, dinner], axis=-1)

    before = _before(hs, h0, reverse)
    init = (zeros_like(h0) if dh is None else dh,)
    (dh0,), made = _back("gru_gradient", [gates, inners, before], mask, dhs, init, step, reverse)
    dx, dzr, dinner = made[..., : 3 * units], made[..., : 2 * units], made[..., 3 * units :]
    of_n = _product(before, dinner) if reset_after else _product(inners, dx[..., 2 * units :])
    dw = concatenate([_product(before, dzr), of_n], axis=-1)
    if not reset_after:
        return dx, dh0, dw
    return dx, dh0, dw, total(concatenate([dzr, dinner], axis=-1), axis=(0, 1))


def simple_gradient_by_steps(hs: Any, h0: Any, r: Any, *others: Any) -> tuple[Any, Any, Any]:
    *operands, reverse, masked, arrives, arrives_h = others
    mask, dhs, dh = _optional(operands, (masked, arrives, arrives_h))

    def step(arriving: Any, h: Any) -> Any:
        dz = arriving[0] * (1.0 - h * h)
        return (matmul(dz, transpose(r)),), dz

    init = (zeros_like(h0) if dh is None else dh,)
    (dh0,), dz = _back("simple_rnn_gradient", [hs], mask, dhs, init, step, reverse)
    return dz, dh0, _product(_before(hs, h0, reverse), dz)
