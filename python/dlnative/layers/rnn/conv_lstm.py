"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D: long short-term memories whose products are convolutions."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.layers.arguments import checked_count, checked_data_format, checked_window
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.rnn.gated import of_cell
from dlnative.layers.rnn.lstm import LSTMCell
from dlnative.layers.rnn.rnn import RNN
from dlnative.ops.windows import window_over


class ConvLSTMCell(LSTMCell):
    """One step of a long short-term memory over images: `LSTMCell` with convolutions for products.

    Args:
        rank: the number of spatial axes, 1 to 3.
        filters: the number of channels of the outputs.
        kernel_size: the extents of the window.
        strides, padding, data_format, dilation_rate: as for `Conv2D`, of the convolution of the inputs. That of the states
            has strides of 1 and keeps their extents.
        others: as for `LSTMCell`.

    Raises:
        ValueError: for an argument that is none of these, or unknown spatial extents.

    Source:
        Shi et al., "Convolutional LSTM network", NeurIPS 2015, without its connections from the cell to the gates.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        **others: Any,
    ) -> None:
        label = type(self).__name__
        super().__init__(checked_count(label, "filters", filters), implementation=1, **others)
        self.rank = rank
        self.kernel_size = checked_window(label, "kernel_size", kernel_size, rank)
        self.strides = checked_window(label, "strides", strides, rank)
        self.dilation_rate = checked_window(label, "dilation_rate", dilation_rate, rank)
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(
                f"{label}: The `padding` argument must be one of 'valid', 'same', got padding={padding!r}: expected one of "
                "these"
            )
        self.data_format = checked_data_format(label, data_format)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{label}: Specifying `strides > 1` is not compatible with `dilation_rate > 1`, got strides={self.strides} "
                f"and dilation_rate={self.dilation_rate}"
            )
        self._state_shape: tuple[int, ...] | None = None

    filters = property(lambda self: self.units, doc="The number of channels of the outputs.")

    @property
    def _axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Any) -> None:
        channels, spatial = input_shape[self._axis], self._spatial(input_shape)
        if None in spatial:
            raise ValueError(
                f"{self._label}: ConvLSTM layers only support static input shapes for the spatial dimension. Received "
                f"invalid input shape: input_shape={tuple(input_shape)}"
            )
        if channels is None:
            raise ValueError(
                f"{self._label}: The channel dimension of the inputs should be defined, got shape {tuple(input_shape)}"
            )
        self._add_weights((*self.kernel_size, channels), (*self.kernel_size, self.units))
        self._state_shape = self.compute_output_shape(input_shape)[0][1:]

    def _spatial(self, input_shape: Any) -> tuple[Any, ...]:
        return tuple(input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:])

    def _input_product(self, x: Any, kernel: Any) -> Any:
        return ops.conv(x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def _state_product(self, h: Any, kernel: Any) -> Any:
        return ops.conv(h, kernel, 1, "same", self.data_format)

    def _with_bias(self, z: Any, bias: Any) -> Any:
        if self.data_format == "channels_last":
            return z + bias
        return z + ops.reshape(bias, (-1, *[1] * self.rank))

    def get_initial_state(self, batch_size: int | None = None) -> Any:
        """Returns zeros.

        Args:
            batch_size: the number of sequences.

        Raises:
            ValueError: if the cell is not built yet, so that the extents of images are not known.
        """
        if self._state_shape is None:
            raise ValueError(
                f"{self._label}: expected a cell that is built, got one that has seen no shape of an image yet"
            )
        return [ops.zeros((batch_size, *self._state_shape), dtype=self.compute_dtype) for _ in range(2)]

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        window = window_over(
            self._label, self._spatial(input_shape), self.kernel_size, self.strides, self.padding, self.dilation_rate
        )
        last = self.data_format == "channels_last"
        shape = (input_shape[0], *window.out, self.units) if last else (input_shape[0], self.units, *window.out)
        return shape, [shape, shape]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("units", "implementation"):
            config.pop(name, None)
        return {
            **config,
            "rank": self.rank,
            "filters": self.units,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


class _ConvLSTM(RNN):
    rank: int
    cell: Any

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="conv_lstm_cell",
        )
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps, *others = sequences_shape
        state = self.cell.compute_output_shape((batch, *others))[0]
        output = (batch, steps, *state[1:]) if self.return_sequences else state
        return (output, state, state) if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        own = {name: value for name, value in super().get_config().items() if name != "cell"}
        hidden = ("name", "trainable", "dtype", "rank")
        return {**own, **{name: value for name, value in self.cell.get_config().items() if name not in hidden}}


for _name in (
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "recurrent_activation",
    "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer", "unit_forget_bias", "kernel_regularizer",
    "recurrent_regularizer", "bias_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout",
    "recurrent_dropout",
):  # fmt: skip
    setattr(_ConvLSTM, _name, of_cell(_name))


class ConvLSTM1D(_ConvLSTM):
    """A convolutional long short-term memory over sequences of rows; see `ConvLSTM2D`.

    Shapes:
        input `(batch, steps, length, channels)`, output `(batch, out length, filters)`, or with `return_sequences` one for
        each step.
    """

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """A convolutional long short-term memory over sequences of images.

    Args:
        filters: the number of channels of the outputs.
        kernel_size: the extents of the window.
        strides, padding, data_format, dilation_rate: as for `Conv2D`, of the convolution of the inputs.
        activation, recurrent_activation: functions or their names.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights begin.
        unit_forget_bias: whether the bias of the forget gate begins with 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after each step.
        dropout, recurrent_dropout, seed: as for `LSTM`; each gate drops inputs and states of its own.
        return_sequences, return_state, go_backwards, stateful: as for `RNN`.

    Shapes:
        input `(batch, steps, rows, columns, channels)`, output `(batch, out rows, out columns, filters)`, or with
        `return_sequences` one for each step.

    Raises:
        ValueError: for an argument that is none of these, or unknown spatial extents.

    Source:
        Shi et al., "Convolutional LSTM network", NeurIPS 2015, without its connections from the cell to the gates.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.ConvLSTM2D(4, 3, padding="same")(np.zeros((2, 5, 6, 6, 1), "float32")).shape
        (2, 6, 6, 4)
    """

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """A convolutional long short-term memory over sequences of volumes; see `ConvLSTM2D`."""

    rank = 3
