"""Recurrent ops and layers: against formulas written step by step, finite differences, and one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad

Array = np.ndarray[Any, Any]


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    return scale * np.random.default_rng(seed).standard_normal(shape)


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def lstm_step(z: Array, states: list[Array], r: Array) -> list[Array]:
    h, c = states
    i, f, g, o = np.split(z + h @ r, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def simple_step(z: Array, states: list[Array], r: Array) -> list[Array]:
    return [np.tanh(z + states[0] @ r)]


def gru_step(x: Array, states: list[Array], w: Array, b: Array) -> list[Array]:
    h = states[0]
    h_z, h_r, h_n = np.split(h @ w + b, 3, axis=1)
    x_z, x_r, x_n = np.split(x, 3, axis=1)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return [z * h + (1 - z) * np.tanh(x_n + r * h_n)]


def gru_before_step(x: Array, states: list[Array], w: Array) -> list[Array]:
    h, units = states[0], w.shape[0]
    x_z, x_r, x_n = np.split(x, 3, axis=1)
    z, r = sigmoid(x_z + h @ w[:, :units]), sigmoid(x_r + h @ w[:, units : 2 * units])
    return [z * h + (1 - z) * np.tanh(x_n + (r * h) @ w[:, 2 * units :])]


def by_steps(
    step: Any, x: Array, w: Array, r: Array, b: Array, states: list[Array], mask: Array, *others: Array
) -> Any:
    """Returns the first state of all steps, and the last states."""
    made = []
    for t in range(x.shape[1]):
        after = step(x[:, t] @ w + b, states, r, *others)
        states = [np.where(mask[:, t, None], new, old) for new, old in zip(after, states, strict=True)]
        made.append(states[0])
    return np.stack(made, axis=1), states


MASKS = {"whole": np.ones((3, 5), bool), "masked": np.random.default_rng(1).random((3, 5)) < 0.6}
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3, "gru_before": 3}


def arguments_of(name: str) -> list[Array]:
    """Inputs, weights, bias and first states, and for a `gru` the recurrent bias."""
    columns = 4 * GATES[name]
    shapes = [(3, 5, 2), (2, columns), (4, columns), (columns,), *[(3, 4)] * (1 + (name == "lstm"))]
    shapes += [(columns,)] if name == "gru" else []
    return [random(*shape, seed=index) for index, shape in enumerate(shapes)]


def run(name: str, arguments: list[Any], mask: Any, backwards: bool) -> tuple[Any, list[Any]]:
    """Returns what the op gives: the first state of all steps, and the last states."""
    x, w, r, b, *states = arguments
    if name == "lstm":
        h, *last = ops.lstm(x, w, r, b, states, mask, backwards)
    elif name == "simple_rnn":
        h, *last = ops.simple_rnn(x, w, r, b, states[0], mask, backwards)
    elif name == "gru":
        h, *last = ops.gru(x, w, r, b, states[1], states[0], mask, backwards)
    else:
        h, *last = ops.gru(x, w, r, b, None, states[0], mask, backwards, reset_after=False)
    return h, last


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("name", GATES)
def test_recurrence_is_its_formula(name: str, masks: str, backwards: bool, backend: str) -> None:
    x, w, r, b, *states = arguments = arguments_of(name)
    turn = slice(None, None, -1 if backwards else 1)
    mask = MASKS[masks]
    step = {"lstm": lstm_step, "simple_rnn": simple_step, "gru": gru_step, "gru_before": gru_before_step}[name]
    others = [states.pop()] if name == "gru" else []
    wanted, last = by_steps(step, x[:, turn], w, r, b, states, mask[:, turn], *others)
    h, found = run(name, arguments, mask, backwards)
    np.testing.assert_allclose(h, wanted[:, turn], rtol=1e-11)
    for state, expected in zip(found, last, strict=True):
        np.testing.assert_allclose(state, expected, rtol=1e-11)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masks", [None, "masked"])
@pytest.mark.parametrize("arriving", ["all", "last"])
@pytest.mark.parametrize("name", GATES)
def test_recurrent_gradients_are_difference_quotients(
    name: str, arriving: str, masks: str | None, backwards: bool, backend: str
) -> None:
    mask = None if masks is None else MASKS[masks]

    def loss(*arguments: Any) -> Any:
        h, last = run(name, list(arguments), mask, backwards)
        total = ops.sum(ops.sin(last[-1]))
        return total + ops.sum(ops.sin(h)) if arriving == "all" else total

    check_gradients(loss, arguments_of(name))


def check_gradients(loss: Any, arguments: list[Array]) -> None:
    """Compares gradients with difference quotients along a random direction for each argument."""
    found = value_and_grad(loss, tuple(range(len(arguments))))(*arguments)[1]
    step = 1e-6
    for place, argument in enumerate(arguments):
        direction = random(*argument.shape, seed=7 + place)
        above, below = (
            float(loss(*arguments[:place], argument + sign * step * direction, *arguments[place + 1 :]))
            for sign in (1, -1)
        )
        np.testing.assert_allclose((found[place] * direction).sum(), (above - below) / (2 * step), rtol=1e-6, atol=1e-8)


def test_recurrence_is_the_same_for_any_number_of_threads() -> None:
    x, w, r = (random(*shape, seed=index) for index, shape in enumerate([(67, 9, 20), (20, 256), (64, 256)]))
    run = value_and_grad(lambda x, w, r: ops.sum(ops.square(ops.lstm(x, 0.1 * w, 0.1 * r)[0])), (0, 1, 2))
    arguments = [array.astype("float32") for array in (x, w, r)]
    before = dlnative.num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            dlnative.set_num_threads(count)
            results.append([run(*arguments) for _ in range(4)][-1])
    finally:
        dlnative.set_num_threads(before)
    for other in results[1:]:
        for found, expected in zip(other[1], results[0][1], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_recurrence_refuses_shapes_that_do_not_fit() -> None:
    x, w, r, b, h, c = arguments_of("lstm")
    with pytest.raises(ValueError, match=r"lstm: expected inputs of shape \(batch, steps, features\)"):
        ops.lstm(x[0], w, r, b)
    with pytest.raises(ValueError, match=r"lstm: expected inputs of shape .* and recurrent weights"):
        ops.lstm(x, w, r[:3], b)
    with pytest.raises(ValueError, match=r"lstm: expected states of shape \(3, 4\)"):
        ops.lstm(x, w, r, b, (h[:2], c))
    with pytest.raises(ValueError, match=r"lstm: expected a mask of shape \(3, 5\)"):
        ops.lstm(x, w, r, b, (h, c), np.ones((3, 4), bool))
    with pytest.raises(ValueError, match="lstm: expected two initial states"):
        ops.lstm(x, w, r, b, (h,))
    with pytest.raises(ValueError, match="lstm: expected at least one step"):
        ops.lstm(x[:, :0], w, r, b)
    with pytest.raises(ValueError, match="gru: expected a recurrent bias with reset_after"):
        ops.gru(x, w[:, :12], r[:, :12], b[:12], b[:12], reset_after=False)


def test_an_lstm_learns_and_does_what_its_cell_does_step_by_step() -> None:
    dlnative.utils.set_random_seed(0)
    x = random(40, 6, 3).astype("float32")
    y = (x[:, :, 0].sum(axis=1) > 0).astype("int32")
    model = dlnative.Sequential([layers.LSTM(8), layers.Dense(2, activation="softmax")])
    model.compile(dlnative.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert model.fit(x, y, epochs=40, batch_size=8, verbose=0).history["accuracy"][-1] > 0.95
    whole = model.layers[0]
    steps = layers.RNN(layers.LSTMCell.from_config({**whole.cell.get_config(), "name": "steps"}))
    steps.build(x.shape)
    steps.set_weights(whole.get_weights())
    np.testing.assert_allclose(whole(x), steps(x), rtol=1e-5, atol=1e-6)
