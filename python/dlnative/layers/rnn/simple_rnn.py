"""SimpleRNNCell and SimpleRNN."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.tree import is_nested
from dlnative.layers.rnn.gated import WeightedCell, WeightedRNN


class SimpleRNNCell(WeightedCell):
    """One step of a simple recurrent network: `h' = activation(x kernel + h recurrent_kernel + bias)`.

    Args:
        units: the number of outputs.
        activation: a function or its name.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout: how much of the inputs is dropped while training.
        recurrent_dropout: how much of the states is dropped in the products while training.
        seed: an int that determines what is dropped.

    Call arguments:
        inputs: `(batch, features)`.
        states: h, `(batch, units)`, in a list or not.
        training: whether to drop.

    Raises:
        ValueError: if `units` is not a positive integer.

    Source:
        Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, seed, **kwargs,
        )  # fmt: skip

    def drops(self, rate: float) -> bool:
        return rate > 0.0  # at 1, everything

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h = states[0] if is_nested(states) else states
        if training and self.drops(self.dropout):
            inputs = inputs * self.get_dropout_mask(inputs)
        if training and self.drops(self.recurrent_dropout):
            h = h * self.get_recurrent_dropout_mask(h)
        z = ops.matmul(inputs, self.kernel)
        z = z if self.bias is None else z + self.bias
        h = z + ops.matmul(h, self.recurrent_kernel)
        h = h if self.activation is None else self.activation(h)
        return h, [h] if is_nested(states) else h


class SimpleRNN(WeightedRNN):
    """A simple recurrent network over sequences; see `SimpleRNNCell`.

    With tanh, and without dropout of states, it is one op (`ops.simple_rnn`); otherwise the cell is scanned.

    Args:
        units: the number of outputs.
        activation: a function or its name.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout, recurrent_dropout, seed: as for `SimpleRNNCell`.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`. Unrolling gains nothing.

    Call arguments:
        sequences: `(batch, steps, features)`.
        initial_state: h before the first step; zeros by default.
        mask: `(batch, steps)`: where it is false, a step changes no state.
        training: whether to drop.

    Shapes:
        output `(batch, units)`, or `(batch, steps, units)` with `return_sequences`; kernel `(features, units)`, recurrent
        kernel `(units, units)`, bias `(units,)`.

    Raises:
        ValueError: if `units` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.SimpleRNN(4, go_backwards=True)(np.zeros((2, 5, 3), "float32")).shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, seed, dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
            name="simple_rnn_cell",
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    def fused(self, sequences: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        cell = self.cell
        h, last = ops.simple_rnn(
            sequences, cell.kernel, cell.recurrent_kernel, cell.bias, states[0], mask, self.go_backwards
        )
        return h, [last]
