"""RNN: a cell over the steps of sequences."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.tree import flatten_structure, is_nested, map_structure, refill
from dlnative.graph.variable import Variable
from dlnative.layers.layer import Layer
from dlnative.layers.rnn.dropout_rnn_cell import DropoutRNNCell
from dlnative.layers.rnn.stacked_rnn_cells import StackedRNNCells, first_states, output_size, step
from dlnative.ops.core import UnknownExtentError, unknown


class _States:
    """The variables of a stateful layer: no weights of it."""

    def __init__(self, variables: Any) -> None:
        self.variables = variables


class RNN(Layer):
    """Applies a cell to the steps of sequences, one after the other, and hands its states on.

    The cell is traced once, whatever the number of steps (see `ops.scan`).

    Args:
        cell: a cell, or several, which are stacked: an object with a method `call(inputs, states)` that returns an output
            and the next states, and attributes `state_size` (an integer, or a list of them, one for each state) and,
            where it is not the first of these, `output_size`. It may have a method `get_initial_state(batch_size)`.
        return_sequences: whether to return the outputs of all steps, not of the last alone.
        return_state: whether to return the last states after the output.
        go_backwards: whether to begin with the last step; outputs come in the order in which they are computed.
        stateful: whether the last states are the first ones of the next call.
        unroll: whether each step has instructions of its own: faster at best where steps are few and small.
        zero_output_for_mask: whether the outputs of masked steps are zero; otherwise they are those of the step before.

    Call arguments:
        sequences: `(batch, steps, ...)`.
        initial_state: the first states, nested as the cell's; zeros by default.
        mask: `(batch, steps)`: where it is false, a step changes no state.
        training: handed to the cell, if it takes it.

    Raises:
        ValueError: for a cell without these, or a batch of another size than that of the states that are kept.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers, ops
        >>> class Sum(layers.Layer):
        ...     state_size = 2
        ...     def call(self, inputs, states):
        ...         total = states[0] + inputs
        ...         return total, [total]
        >>> layers.RNN(Sum(), return_sequences=True)(np.ones((1, 3, 2), "float32")).tolist()
        [[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]]
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        cls = type(self).__name__
        if "call" not in dir(cell):
            raise ValueError(f"{cls}: Argument `cell` should have a `call` method. Received: cell={cell!r}")
        if "state_size" not in dir(cell):
            raise ValueError(
                f"{cls}: The RNN cell should have a `state_size` attribute (single integer or list of integers, one integer "
                f"per RNN state). Received: cell={cell!r}"
            )
        size = cell.state_size
        if size is None:
            raise ValueError(f"{cls}: state_size must be specified as property on the RNN cell, got {cell!r}")
        if not isinstance(size, (list, tuple, int)):
            raise ValueError(
                f"{cls}: state_size must be an integer, or a list/tuple of integers (one for each state tensor), got {size!r}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.single_state = isinstance(size, int)
        self.state_size = [size] if isinstance(size, int) else list(size)
        self._kept_states: _States | None = None

    # States.

    @property
    def states(self) -> Any:
        """The variables in which a stateful layer keeps its states; `None` before it is built."""
        kept = self._kept_states
        return None if kept is None else kept.variables

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Returns the states that the cell begins with.

        Args:
            batch_size: the number of sequences.
        """
        found = first_states(self.cell, batch_size, getattr(self.cell, "compute_dtype", self.compute_dtype))
        return list(found) if is_nested(found) else [found]

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero."""
        for variable in flatten_structure(self.states):
            variable.assign(ops.zeros_like(variable))

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        shape = tuple(sequences_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((shape[0], *shape[2:]))
        if not self.stateful:
            return
        if self._kept_states is not None:
            self.reset_state()
            return
        if shape[0] is None:
            raise ValueError(
                f"{self._label}: When using `stateful=True` in a RNN, the batch size must be static. Found dynamic batch "
                f"size: sequence.shape={shape}"
            )
        self._kept_states = _States(
            map_structure(
                lambda value: Variable(
                    ops.convert_to_numpy(value), dtype=self.variable_dtype, trainable=False, name="rnn_state"
                ),
                self.get_initial_state(shape[0]),
            )
        )

    def _first_states(self, sequences: Any, given: Any) -> list[Any]:
        """Returns the states to begin with, in the type that the cell computes in."""
        batch = sequences.shape[0]
        if self.stateful:
            kept = self._kept_states
            expected = None if kept is None else flatten_structure(kept.variables)[0].shape[0]
            if expected is not None and batch is not None and batch != expected:
                raise ValueError(
                    f"{self._label}: If an RNN is stateful, the batch size of the input sequences must be the same as the "
                    f"batch size of the initial state. Expected batch size: {expected}. Received batch size: {batch}"
                )
        if given is None and self.stateful:
            given = self.states
        elif given is None and batch is None:  # only shapes are asked for
            one = self.get_initial_state(1)
            given = map_structure(lambda state: unknown((None, *state.shape[1:]), state), one)
        elif given is None:
            given = self.get_initial_state(batch)
        given = list(given) if is_nested(given) else [given]
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return [map_structure(lambda state: ops.cast(ops.convert_to_tensor(state), dtype), state) for state in given]

    # The steps.

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> tuple[Any, Any, Any]:
        """Runs the cell over all steps.

        Args:
            sequences, mask, training: as for a call.
            initial_state: the first states, nested as the cell's.

        Returns:
            The last output, the outputs of all steps in the order in which they were computed, and the last states.
        """
        states = list(initial_state) if is_nested(initial_state) else [initial_state]
        rank = len(sequences.shape)
        rows = [ops.transpose(sequences, (1, 0, *range(2, rank)))]
        if mask is not None:
            rows.append(ops.transpose(ops.cast(mask, "bool"), (1, 0)))

        def turn(carry: Any, row: Any) -> tuple[Any, Any]:
            states, before = carry
            output, after = step(self.cell, row[0], states, training)
            after = list(after) if is_nested(after) else [after]
            if mask is not None:
                after = refill(
                    states,
                    [
                        _where(row[1], new, old)
                        for new, old in zip(flatten_structure(after), flatten_structure(states), strict=True)
                    ],
                )
                output = _where(row[1], output, self._masked_output(output, states, before))
            else:
                after = refill(states, flatten_structure(after))
            return (after, output if before is not None else None), output

        # An unrolled step takes the output before for a masked one; in a loop it is the first state, as in Keras.
        before = None
        if self.unroll and mask is not None:
            before = ops.zeros_like(states[-1][0] if is_nested(states[0]) else states[0])
        (last, _), outputs = ops.scan(
            turn, (states, before), rows, reverse=self.go_backwards, unroll=True if self.unroll else 1
        )
        if self.go_backwards:
            outputs = ops.flip(outputs, axis=0)
        rank = len(outputs.shape)
        return outputs[-1], ops.transpose(outputs, (1, 0, *range(2, rank))), last

    def _masked_output(self, output: Any, states: Any, before: Any) -> Any:
        if before is not None:
            return before
        if self.zero_output_for_mask:
            return ops.zeros_like(output)
        return states[-1][0] if is_nested(states[0]) else states[0]

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False) -> Any:
        if self.unroll and sequences.shape[1] is None:
            raise UnknownExtentError(
                f"{self._label}: Cannot unroll a RNN if the time dimension is undefined: give it in `Input(shape=...)`, got "
                f"sequences of shape {tuple(sequences.shape)}"
            )
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        states = self._first_states(sequences, initial_state)
        cells = _dropping(self.cell)
        try:
            for cell in cells:
                cell._keep_masks(True)
            if cells and training:
                self._draw_masks(self.cell, sequences[:, 0], states)
            last, outputs, states = self.inner_loop(sequences, states, mask, training)
        finally:
            for cell in cells:
                cell._keep_masks(False)
        dtype = self.compute_dtype
        states = map_structure(lambda state: ops.cast(state, dtype), states)
        if self.stateful:
            for variable, state in zip(flatten_structure(self.states), flatten_structure(states), strict=True):
                variable.assign(state)
        output = ops.cast(outputs if self.return_sequences else last, dtype)
        return (output, *states) if self.return_state else output

    def _draw_masks(self, cell: Any, inputs: Any, states: Any) -> None:
        """Draws the dropout masks before the steps, which share them."""
        if isinstance(cell, DropoutRNNCell):
            cell.get_dropout_mask(inputs)
            cell.get_recurrent_dropout_mask(states[0] if is_nested(states) else states)
        elif isinstance(cell, StackedRNNCells):
            for inner, own in zip(cell.cells, states, strict=True):
                self._draw_masks(inner, inputs, own)
                like = ops.zeros_like(flatten_structure(own)[0][..., :1])
                inputs = ops.broadcast_to(like, (*like.shape[:-1], output_size(inner)))

    # Shapes, masks, configuration.

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[:2]
        states = [map_structure(lambda size: (batch, size), size) for size in self.state_size]
        size = output_size(self.cell)
        if not isinstance(size, int):
            raise ValueError(f"{self._label}: output_size must be an integer, got {size!r}")
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        return (output, *states) if self.return_state else output

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        found = mask if self.return_sequences else None
        return [found, *[None for _ in self.state_size]] if self.return_state else found

    def get_config(self) -> dict[str, Any]:
        from dlnative.layers import serialize

        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialize(self.cell),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned.

        Args:
            config: the config.
            custom_objects: classes by name.
        """
        from dlnative.layers import deserialize

        if "cell" in config:
            config = {**config, "cell": deserialize(config["cell"], custom_objects)}
        return super().from_config(config)


def _dropping(cell: Any) -> list[Any]:
    """Returns the cells with dropout in a cell."""
    if isinstance(cell, StackedRNNCells):
        return [found for inner in cell.cells for found in _dropping(inner)]
    return [cell] if isinstance(cell, DropoutRNNCell) else []


def _where(kept: Any, new: Any, old: Any) -> Any:
    """Returns new rows where a step counts and old ones elsewhere."""
    return ops.where(ops.reshape(kept, (-1, *[1] * (len(new.shape) - 1))), new, old)
