"""The rows of recurrent networks over whole sequences.

What is computed of the inputs alone is one product for all steps, made outside of these ops. They do the steps: the
product with the recurrent weights and the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.composite import gradient_of
from dlnative.ops.core import invoke
from dlnative.ops.recurrent_steps import (
    gru_by_steps,
    gru_gradient_by_steps,
    lstm_by_steps,
    lstm_gradient_by_steps,
    simple_gradient_by_steps,
)


def _check(name: str, gates: int, z: Tensor, r: Tensor, states: Sequence[Tensor], mask: Sequence[Tensor]) -> None:
    units = r.shape[0]
    if len(z.shape) != 3 or len(r.shape) != 2 or r.shape[1] != gates * units or z.shape[2] != gates * units:
        raise ValueError(
            f"{name}: expected inputs of shape (batch, steps, {gates} units) and recurrent weights of shape (units, "
            f"{gates} units), got {tuple(z.shape)} and {tuple(r.shape)}"
        )
    if z.shape[1] == 0:
        raise ValueError(f"{name}: expected at least one step, got inputs of shape {tuple(z.shape)}")
    for state in states:
        if tuple(state.shape) != (z.shape[0], units):
            raise ValueError(
                f"{name}: expected states of shape {(z.shape[0], units)} for inputs of shape {tuple(z.shape)}, got "
                f"{tuple(state.shape)}"
            )
    for given in mask:
        if tuple(given.shape) != tuple(z.shape[:2]):
            raise ValueError(
                f"{name}: expected a mask of shape {tuple(z.shape[:2])} for inputs of shape {tuple(z.shape)}, got "
                f"{tuple(given.shape)}"
            )


_GIVEN = ("masked", "arrives", "arrives_h", "arrives_c")


def _arriving(mask: Sequence[Tensor], grads: Sequence[Any]) -> tuple[list[Any], tuple[bool, ...]]:
    """Returns the operands of a gradient that may be there, and which are."""
    found: list[Any] = [mask[0] if mask else None, *grads]
    return [x for x in found if x is not None], tuple([x is not None for x in found])


def _infer_lstm(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    z, h0, c0, r, *mask = inputs
    _check("lstm", 4, z, r, (h0, c0), mask)
    sequence = (*z.shape[:2], r.shape[0])
    return [(shape, z.dtype) for shape in (sequence, h0.shape, h0.shape, sequence, z.shape)]


def _lstm_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    _, h0, c0, r, *mask = node.inputs
    hs, _, _, cs, gates = node.outputs
    if grads[3] is not None or grads[4] is not None:
        return _lstm_steps_gradient(node, grads)
    operands, given = _arriving(mask, grads[:3])
    found = invoke(OPS["lstm_gradient"], (gates, cs, hs, h0, c0, r, *operands), (*node.attributes, *given))
    return (*found, *[None for _ in mask])


_lstm_steps_gradient = gradient_of(lstm_by_steps)


def _infer_lstm_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    gates, _, _, h0, c0, r = inputs[:6]
    return [(x.shape, x.dtype) for x in (gates, h0, c0, r)]


_SHAPES = ((1, 1, 1), (2, 5, 3), (3, 4, 16), (5, 3, 9), (17, 3, 33), (30, 2, 8))


def _mask(batch: int, steps: int) -> Arg:
    return Arg((batch, steps), kind="integer", low=0, high=2)


def _lstm_samples() -> list[Sample]:
    samples = []
    for number, (batch, steps, units) in enumerate(_SHAPES):
        for masked in (False, True):
            state = (batch, units)
            mask = [_mask(batch, steps)] if masked else []
            scale = Arg((units, 4 * units), low=-0.5, high=0.5)
            samples.append(
                Sample((batch, steps, 4 * units), state, state, scale, *mask, reverse=(number + masked) % 2 == 1)
            )
    return samples


def _lstm_gradient_samples() -> list[Sample]:
    samples = []
    for number, (batch, steps, units) in enumerate(_SHAPES):
        for given in ((False, True, False, False), (True, True, True, True), (False, False, True, False)):
            state, sequence = (batch, units), (batch, steps, units)
            operands: list[Any] = [_mask(batch, steps), sequence, state, state]
            samples.append(
                Sample(
                    Arg((batch, steps, 4 * units), low=-0.5, high=1.0),
                    sequence,
                    sequence,
                    state,
                    state,
                    Arg((units, 4 * units), low=-0.5, high=0.5),
                    *[operand for operand, there in zip(operands, given, strict=True) if there],
                    reverse=number % 2 == 1,
                    **dict(zip(_GIVEN, given, strict=True)),
                )
            )
    return samples


register(
    Op(
        "lstm",
        "recurrent",
        _infer_lstm,
        attributes=(("reverse", "bool"),),
        gradient=_lstm_gradient,
        inplace=lambda attributes, output: (0,) if output == 4 else (),
        flops=lambda ins, outs: outs[0][0] * outs[0][1] * outs[0][2] * (8 * outs[0][2] + 60),
        samples=_lstm_samples,
        tolerance=64.0,
        size="unit",
    )
)
register(
    Op(
        "lstm_gradient",
        "recurrent",
        _infer_lstm_gradient,
        gradient=gradient_of(lstm_gradient_by_steps),
        attributes=(("reverse", "bool"), *[(name, "bool") for name in _GIVEN]),
        inplace=lambda attributes, output: (0,) if output == 0 else (),
        flops=lambda ins, outs: outs[0][0] * outs[0][1] * outs[3][0] * (16 * outs[3][0] + 60),
        samples=_lstm_gradient_samples,
        tolerance=512.0,
        size="unit",
    )
)


def _infer_gru(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    x, h0, w, *others = inputs
    _, reset_after, masked = attributes
    _check("gru", 3, x, w, (h0,), others[reset_after:] if masked else ())
    if reset_after and tuple(others[0].shape) != (w.shape[1],):
        raise ValueError(
            f"gru: expected a recurrent bias of shape {(w.shape[1],)} for recurrent weights of shape {tuple(w.shape)}, got "
            f"{tuple(others[0].shape)}"
        )
    sequence = (*x.shape[:2], w.shape[0])
    return [(shape, x.dtype) for shape in (sequence, h0.shape, x.shape, sequence)]


def _gru_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    _, h0, w, *others = node.inputs
    hs, _, gates, inners = node.outputs
    reverse, reset_after, _ = node.attributes
    if grads[2] is not None or grads[3] is not None:
        return _gru_steps_gradient(node, grads)
    operands, given = _arriving(others[reset_after:], grads[:2])
    found = invoke(OPS["gru_gradient"], (gates, inners, hs, h0, w, *operands), (reverse, reset_after, *given))
    return (*found, *[None for _ in others[reset_after:]])


_gru_steps_gradient = gradient_of(gru_by_steps)


def _infer_gru_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    gates, _, _, h0, w = inputs[:5]
    specs = [(x.shape, x.dtype) for x in (gates, h0, w)]
    return [*specs, (w.shape[1:], w.dtype)] if attributes[1] else specs


def _infer_simple(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    z, h0, r, *mask = inputs
    _check("simple_rnn", 1, z, r, (h0,), mask)
    return [(z.shape, z.dtype), (h0.shape, z.dtype)]


def _simple_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    _, h0, r, *mask = node.inputs
    operands, given = _arriving(mask, grads)
    found = invoke(OPS["simple_rnn_gradient"], (node.outputs[0], h0, r, *operands), (*node.attributes, *given))
    return (*found, *[None for _ in mask])


def _gru_samples() -> list[Sample]:
    samples = []
    for number, (batch, steps, units) in enumerate(_SHAPES):
        for masked in (False, True):
            for reset_after in (False, True):
                operands: list[Any] = [(3 * units,)] if reset_after else []
                samples.append(
                    Sample(
                        (batch, steps, 3 * units),
                        (batch, units),
                        Arg((units, 3 * units), low=-0.5, high=0.5),
                        *operands,
                        *[_mask(batch, steps)] * masked,
                        reverse=(number + masked) % 2 == 1,
                        reset_after=reset_after,
                        masked=masked,
                    )
                )
    return samples


def _gradient_samples(gates: int, saved: int, others: Callable[[int], dict[str, Any]]) -> list[Sample]:
    """Returns samples for saved sequences of several gates, others of one, the state, the weights and what is given."""
    samples = []
    for number, (batch, steps, units) in enumerate(_SHAPES):
        for given in ((False, True, False), (True, True, True), (False, False, True)):
            sequence = (batch, steps, units)
            operands: list[Any] = [_mask(batch, steps), sequence, (batch, units)]
            samples.append(
                Sample(
                    Arg((batch, steps, gates * units), low=-0.5, high=1.0),
                    *[sequence] * saved,
                    (batch, units),
                    Arg((units, gates * units), low=-0.5, high=0.5),
                    *[operand for operand, there in zip(operands, given, strict=True) if there],
                    reverse=number % 2 == 1,
                    **others(number),
                    **dict(zip(_GIVEN, given, strict=False)),
                )
            )
    return samples


_REVERSE = ("reverse", "bool")
register(
    Op(
        "gru",
        "recurrent",
        _infer_gru,
        attributes=(_REVERSE, ("reset_after", "bool"), ("masked", "bool")),
        gradient=_gru_gradient,
        inplace=lambda attributes, output: (0,) if output == 2 else (),
        flops=lambda ins, outs: outs[0][0] * outs[0][1] * outs[0][2] * (6 * outs[0][2] + 50),
        samples=_gru_samples,
        tolerance=64.0,
        size="unit",
    )
)
register(
    Op(
        "gru_gradient",
        "recurrent",
        _infer_gru_gradient,
        gradient=gradient_of(gru_gradient_by_steps),
        attributes=(_REVERSE, ("reset_after", "bool"), *[(name, "bool") for name in _GIVEN[:3]]),
        inplace=lambda attributes, output: (0,) if output == 0 else (),
        flops=lambda ins, outs: outs[0][0] * outs[0][1] * outs[2][0] * (12 * outs[2][0] + 50),
        samples=lambda: _gradient_samples(3, 2, lambda number: {"reset_after": number % 3 != 1}),
        tolerance=512.0,
        size="unit",
    )
)
register(
    Op(
        "simple_rnn",
        "recurrent",
        _infer_simple,
        attributes=(_REVERSE,),
        gradient=_simple_gradient,
        inplace=lambda attributes, output: (0,) if output == 0 else (),
        flops=lambda ins, outs: outs[0][0] * outs[0][1] * outs[0][2] * (2 * outs[0][2] + 15),
        samples=lambda: [
            Sample(
                (batch, steps, units),
                (batch, units),
                Arg((units, units), low=-0.5, high=0.5),
                *[_mask(batch, steps)] * masked,
                reverse=number % 2 == 1,
            )
            for number, (batch, steps, units) in enumerate(_SHAPES)
            for masked in (False, True)
        ],
        tolerance=64.0,
        size="unit",
    )
)
register(
    Op(
        "simple_rnn_gradient",
        "recurrent",
        lambda inputs, attributes: [(x.shape, x.dtype) for x in inputs[:3]],
        gradient=gradient_of(simple_gradient_by_steps),
        attributes=(_REVERSE, *[(name, "bool") for name in _GIVEN[:3]]),
        inplace=lambda attributes, output: (3 + attributes[1],) if output == 0 and attributes[2] else (),
        flops=lambda ins, outs: outs[0][0] * outs[0][1] * outs[2][0] * (4 * outs[2][0] + 10),
        samples=lambda: _gradient_samples(1, 0, lambda number: {}),
        tolerance=512.0,
        size="unit",
    )
)
