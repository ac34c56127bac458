"""EinsumDense: a product with weights along axes named by letters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from dlnative import ops
from dlnative.layers.dense import KernelLayer
from dlnative.layers.input_spec import InputSpec
from dlnative.ops.core import as_tensor


class EinsumDense(KernelLayer):
    """A product with weights along axes named by letters: `activation(einsum(equation, x, kernel) + bias)`.

    Args:
        equation: as for `ops.einsum`, with two operands, `"ab,bc->ac"`; `...` may stand before or behind the letters of
            the input and the output.
        output_shape: the shape of the output without the batch (and without what `...` stands for); an int for one axis.
        activation: a function or its name; linear by default.
        bias_axes: the letters of the output along which the bias has weights; no bias by default.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        lora_rank, lora_alpha: see `enable_lora`, which is called when the layer is built.

    Raises:
        ValueError: for another equation, or shapes that it does not describe.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.EinsumDense("...x,xy->...y", output_shape=64, bias_axes="y")(np.zeros((2, 7, 32), "float32")).shape
        (2, 7, 64)
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activation, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint,
            bias_constraint, lora_rank, lora_alpha, **kwargs,
        )  # fmt: skip
        self.equation = equation
        self.partial_output_shape = (
            tuple(output_shape) if isinstance(output_shape, (list, tuple)) else (int(output_shape),)  # type: ignore[arg-type]
        )
        self.bias_axes = bias_axes

    def _shapes(self, input_shape: Any) -> _Shapes:
        return _shapes_of(self._label, self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape)

    def build(self, input_shape: Any) -> None:
        shapes = self._shapes(input_shape)
        initializer = self.kernel_initializer
        with_axes = getattr(initializer, "with_axes", None)
        if with_axes is not None:
            initializer = with_axes(shapes.input_axes, shapes.output_axes)
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._add_weights(shapes.kernel, shapes.bias, initializer)

    def call(self, inputs: Any, training: Any = None) -> Any:
        del training
        inner = _inner_axes(self.equation, self.bias_axes)
        if not inner:
            return self._finish(ops.einsum(self.equation, inputs, self.kernel))
        # A product of matrices, to which the bias is added before it gets its axes.
        kernel, shape = as_tensor(self.kernel), tuple(inputs.shape)
        rows, columns = shape[:-inner], tuple(kernel.shape[inner:])
        count = math.prod(kernel.shape[:inner])
        x = inputs if inner == 1 else ops.reshape(inputs, (*_one_unknown(rows), count))
        y = ops.matmul(x, ops.reshape(kernel, (count, -1)))
        if self.bias is not None:
            y = ops.add(y, ops.reshape(self.bias, (-1,)))
        if len(columns) > 1:
            y = ops.reshape(y, (*_one_unknown(rows), *columns))
        return y if self.activation is None else self.activation(y)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._shapes(input_shape).output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
            "bias_axes": self.bias_axes,
        }


class _Shapes(NamedTuple):
    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None
    output: tuple[int | None, ...]
    input_axes: tuple[int, ...]
    output_axes: tuple[int, ...]


def _inner_axes(equation: str, bias_axes: str | None) -> int:
    """Returns how many axes are summed over, where an equation is a product of matrices as they lie in memory, or 0.

    The axes behind in the input are those in front in the kernel, the rest of the kernel is behind in the output, and a bias
    has all of that.
    """
    operands, output = equation.replace(" ", "").split("->")
    inputs, kernel = operands.split(",")
    inner = next((count for count in range(len(kernel), 0, -1) if inputs.endswith(kernel[:count])), 0)
    fits = inner and inputs[:-inner] + kernel[inner:] == output and len(kernel) > inner
    return inner if fits and bias_axes in (None, kernel[inner:]) and not inputs.endswith("...") else 0


def _one_unknown(extents: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns extents as a reshape takes them; one may be unknown."""
    return tuple([-1 if extent is None else extent for extent in extents])


def _shapes_of(
    label: str, equation: str, bias_axes: str | None, input_shape: tuple[Any, ...], partial: tuple[Any, ...]
) -> _Shapes:
    """Returns the shapes that an equation gives to the kernel, the bias and the output."""
    letters = r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?"
    found = re.fullmatch(rf"{letters},([a-zA-Z]+)->{letters}", equation.replace(" ", ""))
    if found is None or found[1] != found[5] or found[3] != found[7] or (found[1] and found[3]):
        raise ValueError(
            f'{label}: Invalid einsum equation {equation!r}: expected "ab,bc->ac", "...b,bc->...c" or "ab...,bc->ac..."'
        )
    _, inputs, behind, kernel, before, outputs, _ = found.groups()
    elided = len(input_shape) - len(inputs)
    if elided < 0 or (elided and not (before or behind)):
        raise ValueError(f"{label}: expected an input of rank {len(inputs)} for {equation!r}, got shape {input_shape}")
    kept = input_shape[:elided] if before else input_shape[len(inputs) :]
    extents = dict(zip(inputs, input_shape[elided:] if before else input_shape, strict=False))
    # The batch is among what `...` stands for on the left, and the first letter of the output otherwise.
    given = list(partial) if before and elided else [input_shape[0], *partial]
    if len(given) != len(outputs):
        raise ValueError(
            f"{label}: expected an output_shape that goes with {equation!r} and an input of shape {input_shape}, got {partial}"
        )
    named: dict[str, Any] = {
        letter: extents.get(letter) if e is None else e for letter, e in zip(outputs, given, strict=True)
    }
    output = (*kept, *named.values()) if before else (*named.values(), *kept)
    for letter, extent in extents.items():
        wanted = named.get(letter)
        if None not in (wanted, extent) and wanted != extent:
            raise ValueError(
                f"{label}: expected extent {wanted} for '{letter}', which the input and the output share, got input "
                f"of shape {input_shape}"
            )
    for letter in outputs:
        if letter not in inputs and letter not in kernel:
            raise ValueError(
                f"{label}: expected each letter of the output in the input or the kernel, got '{letter}' of "
                f"'{outputs}', which neither '{inputs}' nor '{kernel}' has"
            )
    for letter in kernel:
        if letter not in inputs and letter not in outputs:
            raise ValueError(
                f"{label}: expected each letter of the kernel in the input or the output, got '{letter}' of "
                f"'{kernel}', which neither '{inputs}' nor '{outputs}' has"
            )
    for letter in bias_axes or "":
        if letter not in outputs:
            raise ValueError(f"{label}: expected bias_axes among the letters of the output '{outputs}', got '{letter}'")
    bias = None
    if bias_axes is not None:
        first = min(outputs.index(letter) for letter in bias_axes)
        bias = tuple([named[letter] if letter in bias_axes else 1 for letter in outputs[first:]])
        bias = (*bias, *((1,) * elided if not before else ()))
    return _Shapes(
        tuple([named[letter] if letter in named else extents[letter] for letter in kernel]),
        bias,
        output,
        tuple([axis for axis, letter in enumerate(kernel) if letter not in named]),
        tuple([axis for axis, letter in enumerate(kernel) if letter in named]),
    )
