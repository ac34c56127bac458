"""Recurrent layers beside what they compute: dropout, states, cells that a user wrote, configurations, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops

Array = np.ndarray[Any, Any]
MADE = [layers.SimpleRNN, layers.LSTM, layers.GRU]


def sequences(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


class Leaky(layers.Layer):
    """A cell with a weight, which counts how often it is traced."""

    state_size = 3
    traced = 0

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], 3), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        type(self).traced += 1
        state = 0.5 * states[0] + ops.matmul(inputs, self.kernel)
        return ops.tanh(state), [state]


def test_a_cell_is_traced_once_whatever_the_number_of_steps() -> None:
    counts = []
    for steps in (3, 30):
        Leaky.traced = 0
        layers.RNN(Leaky())(sequences(2, steps, 4))
        counts.append(Leaky.traced)
    assert counts[0] == counts[1]


def test_a_cell_that_a_user_wrote_is_trained() -> None:
    dlnative.utils.set_random_seed(0)
    x = sequences(64, 6, 4)
    y = np.tanh(x[:, -1].sum(axis=1, keepdims=True))
    model = dlnative.Sequential([layers.RNN(Leaky()), layers.Dense(1)])
    model.compile(dlnative.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, y, epochs=100, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    again = layers.RNN.from_config(model.layers[0].get_config(), custom_objects={"Leaky": Leaky})
    assert isinstance(again.cell, Leaky)


@pytest.mark.parametrize("make", [*MADE, layers.ConvLSTM1D])
def test_configs_make_the_same_layer_again(make: Any) -> None:
    options = {"kernel_size": 2} if make is layers.ConvLSTM1D else {"unroll": True}
    layer = make(
        3,
        dropout=0.1,
        recurrent_dropout=0.2,
        go_backwards=True,
        return_sequences=True,
        kernel_regularizer="l2",
        **options,
    )
    again = make.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert "cell" not in layer.get_config()


def test_configs_of_wrappers_make_the_same_layer_again() -> None:
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="ave")
    for layer in (both, layers.TimeDistributed(layers.Dense(2)), layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)])):
        x = sequences(2, 4, 3)
        wanted = layer(x)
        again = type(layer).from_config(layer.get_config())
        again.build(x.shape)
        again.set_weights(layer.get_weights())
        np.testing.assert_array_equal(again(x), wanted)


def test_dropout_drops_the_same_inputs_in_all_steps() -> None:
    layer = layers.SimpleRNN(6, dropout=0.5, seed=1, return_sequences=True)
    x = np.ones((5, 4, 6), "float32")
    layer.build(x.shape)
    layer.set_weights([np.eye(6), np.zeros((6, 6)), np.zeros(6)])  # h = tanh of what is left of the inputs
    first, second = layer(x, training=True), layer(x, training=True)
    for made in (first, second):
        np.testing.assert_allclose(np.unique(made), [0.0, np.tanh(2.0)], rtol=1e-6)
        np.testing.assert_array_equal(made, np.broadcast_to(made[:, :1], made.shape))
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(layer(x), np.full_like(x, np.tanh(1.0)), rtol=1e-6)


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("options", [{"recurrent_dropout": 0.5}, {"dropout": 0.5, "implementation": 1}])
def test_dropout_of_states_and_by_gates(make: Any, options: dict[str, Any]) -> None:
    if make is layers.SimpleRNN:
        options = {name: value for name, value in options.items() if name != "implementation"}
    x = sequences(6, 5, 3)
    layer = make(4, seed=3, **options)
    first, second = layer(x, training=True), layer(x, training=True)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(layer(x), layer(x, training=False))
    model = dlnative.Sequential([layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(x, np.ones((6, 1)), epochs=2, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("make", MADE)
def test_states_that_are_kept_go_on_while_training(make: Any) -> None:
    x = sequences(4, 6, 3)
    layer = make(3, stateful=True, return_sequences=True)
    whole = make(3, return_sequences=True)
    layer.build((4, 3, 3))
    whole.build(x.shape)
    whole.set_weights(layer.get_weights())
    parts = [layer(x[:, :3]), layer(x[:, 3:])]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole(x), rtol=1e-5, atol=1e-6)
    layer.reset_states()
    np.testing.assert_allclose(layer(x[:, :3]), parts[0], rtol=1e-6)
    assert layer.non_trainable_weights == []
    with pytest.raises(ValueError, match="batch size"):
        layer(x[:2, :3])


def test_unknown_batches_and_steps() -> None:
    inputs = dlnative.Input((None, 3))
    outputs = layers.TimeDistributed(layers.Dense(2))(
        layers.Bidirectional(layers.LSTM(4, return_sequences=True))(inputs)
    )
    assert outputs.shape == (None, None, 2)
    model = dlnative.Model(inputs, outputs)
    for steps in (2, 5):
        assert model.predict(sequences(3, steps, 3), verbose=0).shape == (3, steps, 2)


def test_a_network_in_float64_and_in_mixed_precision() -> None:
    x = sequences(2, 4, 3)
    assert layers.LSTM(3, dtype="float64")(x).dtype == np.float64
    layer = layers.GRU(3, dtype="mixed_bfloat16")
    assert ops.convert_to_numpy(ops.cast(layer(x), "float32")).shape == (2, 3)
    assert layer.cell.kernel.dtype == "float32"


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: layers.LSTM(0), "invalid value received for argument `units`|invalid value for argument `units`"),
        (lambda: layers.GRU(2, use_cudnn="yes"), "use_cudnn"),
        (lambda: layers.RNN(3), "should have a `call` method"),
        (lambda: layers.RNN(layers.Dense(3)), "should have a `state_size` attribute"),
        (lambda: layers.StackedRNNCells([layers.Dense(3)]), "must have a `state_size` attribute"),
        (lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="max"), "Invalid merge mode"),
        (lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)), "different `go_backwards`"),
        (
            lambda: layers.Bidirectional(
                layers.LSTM(2), backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True)
            ),
            "same value for attribute",
        ),
        (lambda: layers.TimeDistributed(3), "Layer. instance|`keras.layers.Layer` instance"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(sequences(2, 3)), "at least 3 dimensions"),
        (lambda: layers.LSTM(2)(sequences(2, 3)), "rank 3|ndim=3"),
        (lambda: layers.LSTM(2, stateful=True)(dlnative.Input((3, 2))), "batch size must be static"),
        (lambda: layers.GRU(2, unroll=True)(dlnative.Input((None, 2))), "Cannot unroll a RNN"),
        (lambda: layers.LSTM(2, activation="relu", use_cudnn=True)(sequences(1, 2, 3)), "use_cudnn=True"),
        (lambda: layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2), "strides > 1"),
        (lambda: layers.ConvLSTM2D(2, 3)(dlnative.Input((3, None, 5, 1))), "static input shapes"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(make: Any, line: str) -> None:
    with pytest.raises((ValueError, TypeError), match=line) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_outputs_that_go_backwards_are_turned_once_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    """A layer turns what it computed backwards, and `Bidirectional` turns it back: together they move nothing."""
    x = sequences(32, 5, 3)
    both = dlnative.Sequential([layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")])
    alone = dlnative.Sequential([layers.LSTM(4, return_sequences=True, go_backwards=True)])
    turns = []
    for model in (both, alone):
        model.predict(x, verbose=0)
        lines = str(model.profile(x)).splitlines()
        turns.append(len([line for line in lines if " take" in line or " slice" in line or " get_item" in line]))
    capsys.readouterr()
    assert turns == [0, 1]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_dropout_of_everything(activation: str) -> None:
    """A rate of 1 leaves a simple network nothing of its inputs; those with gates take it for none, as in Keras."""
    x = sequences(2, 4, 3)
    simple = layers.SimpleRNN(3, activation, dropout=1.0)
    np.testing.assert_array_equal(simple(x, training=True), np.zeros((2, 3), "float32"))
    gated = layers.LSTM(3, activation, dropout=1.0)
    np.testing.assert_array_equal(gated(x, training=True), gated(x))
