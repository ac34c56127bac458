"""Focal, overlap, circle and generalized losses against Keras 3.15's numbers and against difference quotients."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlnative import losses, value_and_grad
from samples import BITS, GUESSES, LABELS, LIKELY, LOGITS, ONE_HOT

UNIT = GUESSES / np.linalg.norm(GUESSES, axis=1, keepdims=True)
# How the loss is made, what it is given, and Keras's values, and their reduction.
CASES: dict[str, tuple[Callable[..., Any], Any, Any, list[float], float]] = {
    "binary_focal": (
        lambda **kw: losses.BinaryFocalCrossentropy(**kw),
        BITS,
        GUESSES,
        [0.08798154, 0.01140265, 0.251137, 0.7139376],
        0.2661147,
    ),
    "binary_focal_all": (
        lambda **kw: losses.BinaryFocalCrossentropy(True, 0.3, 1.5, True, 0.1, 0, **kw),
        BITS,
        LOGITS,
        [0.02285306, 0.1752593, 0.446734],
        0.2149488,
    ),
    "categorical_focal": (
        lambda **kw: losses.CategoricalFocalCrossentropy(**kw),
        ONE_HOT,
        LIKELY,
        [0.05604482, 0.07675632, 0.171806, 0.0433217],
        0.08698221,
    ),
    "categorical_focal_all": (
        lambda **kw: losses.CategoricalFocalCrossentropy([0.1, 0.5, 2.0], 3.0, True, 0.2, **kw),
        ONE_HOT,
        LOGITS,
        [0.08269044, 0.307912, 1.607751, 0.1716216],
        0.5424939,
    ),
    "dice": (lambda **kw: losses.Dice(**kw), BITS, GUESSES, [0.4015749], 0.4015749),
    "dice_rows": (
        lambda **kw: losses.Dice(axis=1, **kw),
        BITS,
        GUESSES,
        [0.3333333, 0.1351352, 0.7142857, 0.5555555],
        0.4345775,
    ),
    "tversky": (lambda **kw: losses.Tversky(0.3, 0.9, **kw), BITS, GUESSES, [0.4126739], 0.4126739),
    "tversky_rows": (
        lambda **kw: losses.Tversky(0.3, 0.9, axis=-1, **kw),
        BITS,
        GUESSES,
        [0.2903226, 0.1160222, 0.7560976, 0.5744681],
        0.4342276,
    ),
    "circle": (lambda **kw: losses.Circle(**kw), LABELS, UNIT, [0.0, 0.0, 42.33392, 55.03597], 48.68494),
    "circle_all": (
        lambda **kw: losses.Circle(10.0, 0.25, False, **kw),
        LABELS,
        UNIT,
        [7.17375, 8.666906, 7.990825, 9.448195],
        8.31992,
    ),
    "generalized": (
        lambda **kw: losses.CategoricalGeneralizedCrossEntropy(0.7, **kw),
        LABELS,
        LIKELY,
        [0.5970997, 0.6609337, 0.8532482, 0.5491826],
        0.665116,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_same_as_keras(name: str, backend: str) -> None:
    make, y_true, y_pred, values, reduced = CASES[name]
    np.testing.assert_allclose(np.ravel(make(reduction=None)(y_true, y_pred)), values, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(make()(y_true, y_pred), reduced, rtol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_difference_quotients(name: str, backend: str) -> None:
    make, y_true, y_pred, _, _ = CASES[name]
    loss, y_pred = make(dtype="float64"), np.asarray(y_pred, "float64")
    _, gradient = value_and_grad(lambda pred: loss(y_true, pred))(y_pred)
    quotients = np.zeros_like(y_pred)
    for place in np.ndindex(*y_pred.shape):
        step = np.zeros_like(y_pred)
        step[place] = 1e-6
        quotients[place] = (loss(y_true, y_pred + step) - loss(y_true, y_pred - step)) / 2e-6
    np.testing.assert_allclose(gradient, quotients, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_a_config_makes_the_same_loss(name: str) -> None:
    loss = CASES[name][0]()
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert pickle.loads(pickle.dumps(loss)).get_config() == loss.get_config()
    assert type(loss).__name__ in losses.__all__
    assert losses.get(loss.fn.__name__) is loss.fn
    assert losses.LossFunctionWrapper.from_config({"fn": loss.fn.__name__}).fn is loss.fn


def test_weights_in_a_column_go_with_losses_that_count_some_samples(backend: str) -> None:
    scores, weights = np.random.default_rng(0).random((4, 5), "float32"), np.array([1.0, 2.0, 3.0, 4.0], "float32")
    labels = np.array([0, 1, 0, 1])
    for loss in (losses.Circle(), losses.SparseCategoricalCrossentropy(ignore_class=1)):
        column = loss(labels, scores, sample_weight=weights[:, None])
        np.testing.assert_allclose(column, loss(labels, scores, sample_weight=weights), rtol=1e-6)


def test_circle_against_other_embeddings(backend: str) -> None:
    """Keras's numbers, of its own test; of an embedding without others the loss is 0."""
    y_pred = np.array(
        [
            [0.70014004, -0.42008403, 0.14002801, 0.56011203], [0.17609018, 0.70436073, -0.52827054, 0.44022545],
            [-0.34050261, 0.25537696, -0.68100522, 0.59587957], [0.32163376, -0.75047877, 0.53605627, -0.21442251],
            [0.51261459, -0.34174306, 0.17087153, 0.76892189],
        ]
    )  # fmt: skip
    others = np.array(
        [
            [0.40824829, -0.54433105, 0.27216553, 0.68041382], [0.76376261, 0.10910895, -0.54554473, 0.32732684],
            [-0.74420841, 0.24806947, 0.49613894, -0.3721042], [0.52981294, -0.13245324, 0.79471941, -0.26490647],
            [0.54554473, -0.32732684, 0.10910895, 0.76376261], [-0.27216553, 0.68041382, 0.40824829, -0.54433105],
        ]
    )  # fmt: skip
    found = losses.circle(
        [1, 1, 2, 2, 3], y_pred, ref_labels=[1, 1, 2, 2, 3, 4], ref_embeddings=others, gamma=80.0, remove_diagonal=False
    )
    np.testing.assert_allclose(found, [61.5844, 94.3465, 276.9344, 90.9873, 48.8963], rtol=1e-5)
    assert losses.circle([1], y_pred[:1]).tolist() == [0.0]


def test_two_empty_sets_overlap_finitely() -> None:
    nothing = np.zeros((2, 3), "float32")
    assert losses.dice(nothing, nothing, axis=1).tolist() == losses.tversky(nothing, nothing, axis=1).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: losses.CategoricalGeneralizedCrossEntropy(1.0), r"expected q in \(0, 1\), got 1.0"),
        (
            lambda: losses.BinaryFocalCrossentropy(gamma=-1.0),
            "expected gamma to be a finite number of at least 0, got -1.0",
        ),
        (
            lambda: losses.CategoricalFocalCrossentropy([0.1, float("nan")]),
            "expected alpha to be a finite number, got nan",
        ),
        (lambda: losses.Circle(margin="wide"), "expected margin to be a finite number, got 'wide'"),
        (lambda: losses.Tversky(alpha=float("inf")), "expected alpha to be a finite number, got inf"),
        (
            lambda: losses.dice(BITS, GUESSES[:, :2]),
            r"dice: y_true and y_pred must have the same shape, got .* and \(4, 2\)",
        ),
        (lambda: losses.Huber(float("nan")), "expected delta to be a finite number, got nan"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        make()
    assert "\n" not in str(caught.value)
