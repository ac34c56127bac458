"""GRUCell and GRU."""

from __future__ import annotations

from typing import Any

from dlnative import activations, ops
from dlnative.graph.tree import is_nested
from dlnative.layers.rnn.gated import WeightedCell, WeightedRNN, of_cell


class GRUCell(WeightedCell):
    """One step of a gated recurrent unit.

    `z = s(x_z + h_z)`, `r = s(x_r + h_r)` and `h' = z h + (1 - z) n`, where x_z, x_r, x_n are the parts of `x kernel + bias`
    and h_z, h_r, h_n those of `h recurrent_kernel`, with a bias of their own if `reset_after`. Then
    `n = a(x_n + r h_n)`; otherwise `n = a(x_n + (r h) recurrent_kernel_n)`.

    Args:
        units: the number of outputs.
        activation, recurrent_activation: a and s, functions or their names.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout: how much of the inputs is dropped while training.
        recurrent_dropout: how much of the states is dropped in the products while training.
        reset_after: whether r is applied after the product.
        seed: an int that determines what is dropped.
        implementation: 1 if each gate drops inputs of its own, and always with `recurrent_dropout`; 2 otherwise.

    Call arguments:
        inputs: `(batch, features)`.
        states: h, `(batch, units)`, in a list or not.
        training: whether to drop.

    Raises:
        ValueError: if `units` is not a positive integer.

    Source:
        Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.
    """

    _gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: Any = None,
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, seed, implementation, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def biases(self) -> tuple[Any, Any]:
        """Returns the bias of the inputs' product and that of the states'; `None` where there is none."""
        if self.bias is None or not self.reset_after:
            return self.bias, None
        both = ops.convert_to_tensor(self.bias)
        return both[0], both[1]

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h = states[0] if is_nested(states) else states
        xs, hs = self._seen(inputs, h, training)
        bias, recurrent_bias = self.biases()
        gate = self.recurrent_activation
        x_z, x_r, x_n = self._gates_of(ops.matmul, xs, self.kernel, bias)
        if self.reset_after:
            h_z, h_r, h_n = self._gates_of(ops.matmul, hs, self.recurrent_kernel, recurrent_bias)
        else:
            kernel = ops.convert_to_tensor(self.recurrent_kernel)
            h_z, h_r = self._gates_of(ops.matmul, hs[:2], kernel[:, : 2 * self.units], None)
        z, r = gate(x_z + h_z), gate(x_r + h_r)
        n = self.activation(x_n + (r * h_n if self.reset_after else ops.matmul(r * hs[2], kernel[:, 2 * self.units :])))
        h = z * h + (1.0 - z) * n
        return h, [h] if is_nested(states) else h

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }


class GRU(WeightedRNN):
    """A gated recurrent unit over sequences; see `GRUCell`.

    With tanh and sigmoid, and without dropout of states, it is one op (`ops.gru`); otherwise the cell is scanned.

    Args:
        units: the number of outputs.
        activation, recurrent_activation: functions or their names.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout, recurrent_dropout, seed, reset_after, implementation: as for `GRUCell`.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`. Unrolling gains nothing.
        use_cudnn: whether one op is to do it all: if true, what it cannot do is refused.

    Call arguments:
        sequences: `(batch, steps, features)`.
        initial_state: h before the first step; zeros by default.
        mask: `(batch, steps)`: where it is false, a step changes no state.
        training: whether to drop.

    Shapes:
        output `(batch, units)`, or `(batch, steps, units)` with `return_sequences`; kernel `(features, 3 units)`, recurrent
        kernel `(units, 3 units)`, bias `(2, 3 units)`, or `(3 units,)` without `reset_after`.

    Raises:
        ValueError: if `units` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.GRU(4)(np.zeros((2, 5, 3), "float32")).shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, reset_after, seed, implementation,
            dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True), name="gru_cell",
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, use_cudnn,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    recurrent_activation = of_cell("recurrent_activation")
    reset_after = of_cell("reset_after")

    def fused(self, sequences: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        cell = self.cell
        bias, recurrent_bias = cell.biases()
        h, last = ops.gru(
            sequences, cell.kernel, cell.recurrent_kernel, bias, recurrent_bias, states[0], mask, self.go_backwards,
            cell.reset_after,
        )  # fmt: skip
        return h, [last]
