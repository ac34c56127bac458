"""Recurrent layers over their options: outputs, five steps of training, states and masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from programs.common import Program, fill, fit, regression_data, uniform

PROGRAMS: dict[str, Program] = {}

LAYERS: dict[str, Callable[[Any], Any]] = {
    "simple": lambda layers: layers.SimpleRNN(5),
    "simple_relu": lambda layers: layers.SimpleRNN(5, activation="relu", return_sequences=True),
    "simple_options": lambda layers: layers.SimpleRNN(
        5,
        use_bias=False,
        go_backwards=True,
        return_sequences=True,
        kernel_regularizer="l2",
        recurrent_constraint="unit_norm",
    ),
    "lstm": lambda layers: layers.LSTM(5),
    "lstm_options": lambda layers: layers.LSTM(
        5, unit_forget_bias=False, go_backwards=True, return_sequences=True, recurrent_regularizer="l2"
    ),
    "lstm_activations": lambda layers: layers.LSTM(5, activation="relu", recurrent_activation="hard_sigmoid"),
    "lstm_unrolled": lambda layers: layers.LSTM(5, unroll=True, use_bias=False, implementation=1),
    "gru": lambda layers: layers.GRU(5),
    "gru_before": lambda layers: layers.GRU(5, reset_after=False, return_sequences=True),
    "gru_options": lambda layers: layers.GRU(5, go_backwards=True, return_sequences=True, use_bias=False),
    "gru_activations": lambda layers: layers.GRU(5, activation="softsign", reset_after=False, go_backwards=True),
    "stacked": lambda layers: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3), layers.SimpleRNNCell(2)]),
    "bidirectional": lambda layers: layers.Bidirectional(layers.LSTM(3)),
    "bidirectional_sum": lambda layers: layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum"),
    "bidirectional_mul": lambda layers: layers.Bidirectional(
        layers.SimpleRNN(3, return_sequences=True), merge_mode="mul"
    ),
    "bidirectional_ave": lambda layers: layers.Bidirectional(
        layers.LSTM(3), merge_mode="ave", backward_layer=layers.GRU(3, go_backwards=True)
    ),
    "time_distributed": lambda layers: layers.TimeDistributed(layers.Dense(3, activation="tanh")),
    "time_distributed_statistics": lambda layers: layers.TimeDistributed(layers.BatchNormalization(momentum=0.5)),
}


def _program(make: Callable[[Any], Any]) -> Program:
    def program(keras: Any) -> dict[str, Any]:
        x, y = regression_data(features=12)
        x = x.reshape(-1, 4, 3)
        layer = make(keras.layers)
        model = keras.Sequential([keras.Input((4, 3)), layer, keras.layers.Flatten(), keras.layers.Dense(1)])
        fill(model)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        return {
            "inference": model.predict(x[:4], verbose=0),
            "history": fit(model, x, y, epochs=1).history,
            "trained": model.predict(x[:4], verbose=0),
            "names": [weight.path.split("/")[-1] for weight in layer.weights],
        }

    return program


PROGRAMS.update({name: _program(make) for name, make in LAYERS.items()})


def _filled(layer: Any, shape: tuple[int, ...]) -> Any:
    layer.build(shape)
    fill(layer)
    return layer


def states(keras: Any) -> dict[str, Any]:
    """First states that are given, last ones that are returned, and those that a stateful layer keeps."""
    layers, x = keras.layers, uniform(4, 3, 4, 2)
    h, c = uniform(5, 3, 3), uniform(6, 3, 3)
    found: dict[str, Any] = {}
    for name, make, first in (("simple", layers.SimpleRNN, h), ("gru", layers.GRU, h), ("lstm", layers.LSTM, [h, c])):
        layer = _filled(make(3, return_sequences=True, return_state=True), x.shape)
        found[name] = [np.asarray(y) for y in layer(x, initial_state=first)]
        kept = _filled(make(3, stateful=True), x.shape)
        turns = [np.asarray(kept(x)), np.asarray(kept(x))]
        kept.reset_state()
        found[f"{name}_stateful"] = [*turns, np.asarray(kept(x))]
    both = _filled(layers.Bidirectional(layers.LSTM(3, return_state=True), merge_mode=None), x.shape)
    found["bidirectional"] = [np.asarray(y) for y in both(x, initial_state=[h, c, c, h])]
    return found


def masks(keras: Any) -> dict[str, Any]:
    """Masked steps at the beginning, in the middle and at the end; what comes out for them."""
    layers, x = keras.layers, uniform(4, 3, 5, 2)
    mask = np.array([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [1, 1, 0, 0, 0]], bool)
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "sequences": {"return_sequences": True},
        "zero": {"return_sequences": True, "zero_output_for_mask": True},
        "last_zero": {"zero_output_for_mask": True},
        "backwards": {"return_sequences": True, "go_backwards": True},
        "unrolled": {"return_sequences": True, "unroll": True},
    }
    found: dict[str, Any] = {}
    for name, make in (("simple", layers.SimpleRNN), ("gru", layers.GRU), ("lstm", layers.LSTM)):
        for option, arguments in options.items():
            layer = _filled(make(2, **arguments), x.shape)
            found[f"{name}_{option}"] = np.asarray(layer(x, mask=mask))
    cell = _filled(layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True), x.shape)
    found["stacked"] = np.asarray(cell(x, mask=mask))
    model = keras.Sequential(
        [
            layers.Masking(0.0),
            layers.LSTM(3, return_sequences=True),
            layers.Bidirectional(layers.GRU(2)),
            layers.Dense(1),
        ]
    )
    zeros = x * mask[:, :, None]
    model.build(zeros.shape)
    fill(model)
    model.compile("sgd", "mse")
    found["masking"] = model.predict(zeros, verbose=0)
    found["masking_losses"] = [float(model.train_on_batch(zeros, np.ones((3, 1)))) for _ in range(5)]
    embedded = keras.Sequential([layers.Embedding(6, 3, mask_zero=True), layers.GRU(4), layers.Dense(1)])
    indices = np.array([[1, 2, 3, 0, 0], [5, 0, 0, 0, 0], [4, 4, 1, 2, 5]])
    embedded.build(indices.shape)
    fill(embedded)
    embedded.compile("sgd", "mse")
    found["mask_zero"] = embedded.predict(indices, verbose=0)
    found["mask_zero_losses"] = [float(embedded.train_on_batch(indices, np.ones((3, 1)))) for _ in range(5)]
    return found


class _Decay:
    """What is not a layer may be a cell."""

    state_size = 2
    output_size = 2
    compute_dtype = "float32"

    def __init__(self, keras: Any) -> None:
        self.ops = keras.ops

    def call(self, inputs: Any, states: Any) -> Any:
        state = 0.5 * states[0] + inputs
        return self.ops.tanh(state), [state]

    __call__ = call


def cells(keras: Any) -> dict[str, Any]:
    """Single steps of cells, and a cell that a user wrote."""
    layers, x = keras.layers, uniform(4, 3, 2)
    h, c = uniform(5, 3, 4), uniform(6, 3, 4)
    found: dict[str, Any] = {}
    for name, cell, first in (
        ("simple", layers.SimpleRNNCell(4), h),
        ("gru", layers.GRUCell(4), h),
        ("gru_before", layers.GRUCell(4, reset_after=False), [h]),
        ("lstm", layers.LSTMCell(4), [h, c]),
    ):
        output, after = _filled(cell, x.shape)(x, first)
        found[name] = [
            np.asarray(output),
            *[np.asarray(state) for state in (after if isinstance(after, list) else [after])],
        ]
    sequences = uniform(7, 3, 5, 2)
    found["user"] = np.asarray(layers.RNN(_Decay(keras), return_sequences=True)(sequences))
    return found


def conv_lstm(keras: Any) -> dict[str, Any]:
    """ConvLSTM in one, two and three dimensions."""
    layers, found = keras.layers, {}
    x = uniform(4, 2, 3, 6, 5, 1)
    for name, layer, inputs in (
        ("one", layers.ConvLSTM1D(2, 3, return_sequences=True), x[:, :, :, 0]),
        ("two", layers.ConvLSTM2D(2, (3, 2), padding="same", strides=2, use_bias=False), x),
        ("two_options", layers.ConvLSTM2D(2, 2, dilation_rate=2, go_backwards=True, return_state=True), x),
        ("three", layers.ConvLSTM3D(2, 2, padding="same"), x[:, :, :3, :3, :, None]),
    ):
        made = _filled(layer, inputs.shape)(inputs)
        found[name] = [np.asarray(y) for y in made] if isinstance(made, (list, tuple)) else np.asarray(made)
    return found


PROGRAMS.update(states=states, masks=masks, cells=cells, conv_lstm=conv_lstm)
