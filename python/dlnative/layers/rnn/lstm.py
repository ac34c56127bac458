"""LSTMCell and LSTM."""

from __future__ import annotations

from typing import Any

from dlnative import activations, initializers, ops
from dlnative.layers.rnn.gated import WeightedCell, WeightedRNN, of_cell


class LSTMCell(WeightedCell):
    """One step of a long short-term memory.

    `i, f, g, o = x kernel + h recurrent_kernel + bias`; `c' = s(f) c + s(i) a(g)` and `h' = s(o) a(c')`, with the activation
    a and the recurrent activation s.

    Args:
        units: the number of outputs.
        activation, recurrent_activation: a and s, functions or their names.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        unit_forget_bias: whether the bias of f begins with 1 (Jozefowicz et al. 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout: how much of the inputs is dropped while training.
        recurrent_dropout: how much of the states is dropped in the products while training.
        seed: an int that determines what is dropped.
        implementation: 1 if each gate drops inputs of its own, and always with `recurrent_dropout`; 2 otherwise.

    Call arguments:
        inputs: `(batch, features)`.
        states: h and c, `(batch, units)` each.
        training: whether to drop.

    Raises:
        ValueError: if `units` is not a positive integer.

    Source:
        Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
    """

    _gates = 4
    _states = 2

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
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
        self.unit_forget_bias = unit_forget_bias

    def _first_bias(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer
        units, own = self.units, self.bias_initializer

        def ones_for_f(shape: Any, dtype: Any = None) -> Any:
            ones = initializers.get("ones")((units,), dtype=dtype)
            return ops.concatenate([own((units,), dtype=dtype), ones, own((2 * units,), dtype=dtype)])

        return ones_for_f

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h, c = states[0], states[1]
        xs, hs = self._seen(inputs, h, training)
        of_inputs = self._gates_of(self._input_product, xs, self.kernel, self.bias)
        of_states = self._gates_of(self._state_product, hs, self.recurrent_kernel, None)
        i, f, g, o = (x + y for x, y in zip(of_inputs, of_states, strict=True))
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }


class LSTM(WeightedRNN):
    """A long short-term memory over sequences; see `LSTMCell`.

    With tanh and sigmoid, and without dropout of states, it is one op (`ops.lstm`); otherwise the cell is scanned.

    Args:
        units: the number of outputs.
        activation, recurrent_activation: functions or their names.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        unit_forget_bias: whether the bias of the forget gate begins with 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout, recurrent_dropout, seed, implementation: as for `LSTMCell`.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`. Unrolling gains nothing.
        use_cudnn: whether one op is to do it all: if true, what it cannot do is refused.

    Call arguments:
        sequences: `(batch, steps, features)`.
        initial_state: h and c before the first step; zeros by default.
        mask: `(batch, steps)`: where it is false, a step changes no state.
        training: whether to drop.

    Shapes:
        output `(batch, units)`, or `(batch, steps, units)` with `return_sequences`; kernel `(features, 4 units)`, recurrent
        kernel `(units, 4 units)`, bias `(4 units,)`.

    Raises:
        ValueError: if `units` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.LSTM(4, return_sequences=True)(np.zeros((2, 5, 3), "float32")).shape
        (2, 5, 4)
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
        unit_forget_bias: bool = True,
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
        use_cudnn: Any = "auto",
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, implementation,
            dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True), name="lstm_cell",
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, use_cudnn,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def fused(self, sequences: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        cell = self.cell
        h, *last = ops.lstm(sequences, cell.kernel, cell.recurrent_kernel, cell.bias, states, mask, self.go_backwards)
        return h, last
