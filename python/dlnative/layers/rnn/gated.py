"""What SimpleRNN, LSTM and GRU have in common: the weights of their cells, and the way of the layers to the fused ops."""

from __future__ import annotations

from typing import Any, ClassVar

from dlnative import activations, constraints, initializers, ops, regularizers
from dlnative.graph.tree import is_nested
from dlnative.layers.arguments import checked_count
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer
from dlnative.layers.rnn.dropout_rnn_cell import DropoutRNNCell
from dlnative.layers.rnn.rnn import RNN
from dlnative.random.seed_generator import SeedGenerator


class WeightedCell(Layer, DropoutRNNCell):
    """A cell with a kernel for its inputs, one for its states, and a bias, for one or several gates side by side."""

    _gates: ClassVar[int] = 1
    _states: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: Any,
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        try:
            units = checked_count(type(self).__name__, "units", units)
        except ValueError:
            raise ValueError(
                f"{type(self).__name__}: Received an invalid value for argument `units`, expected a positive integer, got "
                f"{units!r}"
            ) from None
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = min(1.0, max(0.0, float(dropout)))
        self.recurrent_dropout = min(1.0, max(0.0, float(recurrent_dropout)))
        gates = self._gates
        self.implementation = 1 if self.recurrent_dropout > 0 and gates > 1 else implementation
        if self.implementation == 1 and gates > 1:
            self.dropout_mask_count = gates
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size = [units] * self._states if self._states > 1 else units
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        self._add_weights((input_shape[-1],), (self.units,))

    def _add_weights(self, kernel: tuple[int, ...], recurrent: tuple[int, ...]) -> None:
        """Makes the weights, of shapes that end in all gates' columns."""
        columns = self._gates * self.units
        self.kernel = self.add_weight(
            shape=(*kernel, columns),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(*recurrent, columns),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self._bias_shape(),
                name="bias",
                initializer=self._first_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._gates * self.units,)

    def _first_bias(self) -> Any:
        return self.bias_initializer

    def _by_gates(self, x: Any, mask: Any) -> list[Any]:
        """Returns for each gate the inputs or states that it sees; each has a mask of its own where masks are a list."""
        if mask is None:
            return [x] * self._gates
        return [x * part for part in (mask if isinstance(mask, list) else [mask] * self._gates)]

    def drops(self, rate: float) -> bool:
        """Whether something is dropped at a rate; at 1, as in Keras, nothing."""
        return 0.0 < rate < 1.0

    def _seen(self, inputs: Any, h: Any, training: Any) -> tuple[list[Any], list[Any]]:
        """Returns the inputs and states that each gate sees, while training with dropout."""
        masks = [
            mask(x) if training and self.drops(rate) else None
            for mask, x, rate in (
                (self.get_dropout_mask, inputs, self.dropout),
                (self.get_recurrent_dropout_mask, h, self.recurrent_dropout),
            )
        ]
        return self._by_gates(inputs, masks[0]), self._by_gates(h, masks[1])

    # Products, of which there may be others, with the gates side by side along an axis.

    @property
    def _axis(self) -> int:
        return -1

    def _input_product(self, x: Any, kernel: Any) -> Any:
        return ops.matmul(x, kernel)

    def _state_product(self, h: Any, kernel: Any) -> Any:
        return ops.matmul(h, kernel)

    def _with_bias(self, z: Any, bias: Any) -> Any:
        return z + bias

    def _gates_of(self, product: Any, xs: list[Any], kernel: Any, bias: Any) -> list[Any]:
        """Returns the products of a gate's inputs with its part of a kernel: one product where all see the same."""
        count = len(xs)
        if all(x is xs[0] for x in xs):
            z = product(xs[0], kernel)
            return list(ops.split(z if bias is None else self._with_bias(z, bias), count, axis=self._axis))
        biases = [None] * count if bias is None else ops.split(bias, count, axis=-1)
        made = [product(x, part) for x, part in zip(xs, ops.split(kernel, count, axis=-1), strict=True)]
        return [z if part is None else self._with_bias(z, part) for z, part in zip(made, biases, strict=True)]

    def get_initial_state(self, batch_size: int | None = None) -> Any:
        """Returns zeros.

        Args:
            batch_size: the number of sequences.
        """
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in range(self._states)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
            **({"implementation": self.implementation} if self._gates > 1 else {}),
        }


class WeightedRNN(RNN):
    """A layer that makes its cell itself, and runs one op over all steps where there is one for what the cell does."""

    cell: Any

    def __init__(
        self,
        cell: WeightedCell,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        unroll: bool,
        use_cudnn: Any = None,
        **kwargs: Any,
    ) -> None:
        if use_cudnn not in (None, "auto", True, False):
            raise ValueError(
                f"{type(self).__name__}: Invalid valid received for argument `use_cudnn`. Expected one of {{'auto', True, "
                f"False}}. Received: use_cudnn={use_cudnn!r}"
            )
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)
        if use_cudnn is not None:
            self.use_cudnn = use_cudnn
        self.input_spec = InputSpec(ndim=3)

    def is_fused(self, mask: Any, training: Any) -> bool:
        """Whether one op does what the cell does: tanh and sigmoid, and no dropout of states."""
        cell = self.cell
        drops = training and cell.drops(cell.recurrent_dropout)
        drops_by_gates = training and cell.drops(cell.dropout) and hasattr(cell, "dropout_mask_count")
        fits = cell.activation is ops.tanh
        fits = fits and getattr(cell, "recurrent_activation", ops.sigmoid) is ops.sigmoid
        # Unrolled, a masked step before all others gives zeros, whatever the first state.
        return fits and not drops and not drops_by_gates and not (self.unroll and mask is not None)

    def fused(self, sequences: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        """Returns h of all steps, in the order of the inputs, and the last states."""
        raise NotImplementedError

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> tuple[Any, Any, Any]:
        if not self.is_fused(mask, training):
            if getattr(self, "use_cudnn", None) is True:
                raise ValueError(
                    f"{self._label}: use_cudnn=True was specified, but cuDNN is not supported for this layer configuration: "
                    "expected tanh, sigmoid and no dropout of states, or use_cudnn='auto'"
                )
            return super().inner_loop(sequences, initial_state, mask, training)
        states = list(initial_state) if is_nested(initial_state) else [initial_state]
        cell = self.cell
        if training and cell.drops(cell.dropout):
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0]), 1)
        outputs, after = self.fused(sequences, states, mask)
        last = after[0]
        if mask is not None and self.zero_output_for_mask:
            kept = ops.expand_dims(ops.cast(mask, "bool"), -1)
            outputs = ops.where(kept, outputs, ops.zeros_like(outputs))
            last = ops.where(kept[:, 0 if self.go_backwards else -1], last, ops.zeros_like(last))
        return last, ops.flip(outputs, axis=1) if self.go_backwards else outputs, after

    def get_config(self) -> dict[str, Any]:
        cell = self.cell.get_config()
        config = {
            **super().get_config(),
            **{name: cell[name] for name in cell if name not in ("name", "trainable", "dtype")},
        }
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        del config["cell"]
        return config


def of_cell(name: str) -> Any:
    return property(lambda layer: getattr(layer.cell, name), doc=f"The cell's `{name}`.")


for _name in (
    "units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
    "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint", "recurrent_constraint",
    "bias_constraint", "dropout", "recurrent_dropout", "implementation",
):  # fmt: skip
    setattr(WeightedRNN, _name, of_cell(_name))
