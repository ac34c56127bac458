"""Metrics of confusion matrices, correlations and segmentation against Keras 3.15's numbers."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import metrics
from samples import BITS, GUESSES, LABELS, LIKELY, LOGITS, ONE_HOT, TARGETS

# How the metric is made, what it is given, and Keras's result after all samples, and after two more that weigh 1/2 and 2.
CASES: dict[str, tuple[Callable[[], Any], Any, Any, list[list[float]]]] = {
    "auc": (lambda: metrics.AUC(), BITS, GUESSES, [[0.7], [0.8472223]]),
    "auc_few": (
        lambda: metrics.AUC(num_thresholds=4, summation_method="minoring"),
        BITS,
        GUESSES,
        [[0.4], [0.6333333]],
    ),
    "auc_pr": (lambda: metrics.AUC(curve="PR"), BITS, GUESSES, [[0.7426488], [0.8767475]]),
    "auc_pr_majoring": (
        lambda: metrics.AUC(curve="PR", summation_method="majoring", thresholds=[0.3, 0.5, 0.55]),
        BITS,
        GUESSES,
        [[0.75], [0.8738191]],
    ),
    "auc_prgain": (lambda: metrics.AUC(curve="PRGAIN"), BITS, GUESSES, [[0.4348667], [0.7080584]]),
    "auc_labels": (
        lambda: metrics.AUC(multi_label=True, label_weights=[1.0, 2.0, 0.5]),
        BITS,
        GUESSES,
        [[0.7619048], [0.8779221]],
    ),
    "auc_labels_pr": (
        lambda: metrics.AUC(multi_label=True, num_labels=3, curve="PR"),
        BITS,
        GUESSES,
        [[0.8554062], [0.9257123]],
    ),
    "auc_columns": (
        lambda: metrics.AUC(label_weights=np.array([1.0, 2.0, 0.5], "float32")),
        BITS,
        GUESSES,
        [[0.7538462], [0.8907156]],
    ),
    "auc_logits": (lambda: metrics.AUC(from_logits=True), BITS, LOGITS, [[0.7], [0.8472223]]),
    "sensitivity": (lambda: metrics.SensitivityAtSpecificity(0.5), BITS, GUESSES, [[0.7142857], [0.9166667]]),
    "specificity": (
        lambda: metrics.SpecificityAtSensitivity(0.6, num_thresholds=7),
        BITS,
        GUESSES,
        [[0.4], [0.8666667]],
    ),
    "precision_at": (lambda: metrics.PrecisionAtRecall(0.4, class_id=2), BITS, GUESSES, [[0.75], [1.0]]),
    "recall_at": (lambda: metrics.RecallAtPrecision(0.7), BITS, GUESSES, [[0.7142857], [1.0]]),
    "one_threshold": (
        lambda: metrics.RecallAtPrecision(0.7, num_thresholds=1),
        BITS,
        GUESSES,
        [[0.5714286], [0.7083333]],
    ),
    "fbeta": (
        lambda: metrics.FBetaScore(beta=2.0),
        ONE_HOT,
        LIKELY,
        [[0.0, 0.8333332, 0.5], [0.0, 0.8823529, 0.4166666]],
    ),
    "fbeta_micro": (lambda: metrics.FBetaScore("micro", 0.5, 0.4), BITS, GUESSES, [[0.8064515], [0.8928571]]),
    "f1_macro": (lambda: metrics.F1Score("macro", 0.5), BITS, GUESSES, [[0.6888888], [0.7938597]]),
    "f1_weighted": (lambda: metrics.F1Score("weighted"), ONE_HOT, LIKELY, [[0.4166666], [0.275641]]),
    "r2": (lambda: metrics.R2Score(), TARGETS, GUESSES, [[-0.9587809], [-1.173039]]),
    "r2_each": (
        lambda: metrics.R2Score(None),
        TARGETS,
        GUESSES,
        [[0.6903225, 0.5333333, -4.099998], [0.7561449, 0.4430946, -4.718357]],
    ),
    "r2_variance": (
        lambda: metrics.R2Score("variance_weighted_average", num_regressors=2),
        TARGETS,
        GUESSES,
        [[-0.09511125], [-0.01060522]],
    ),
    "pearson": (lambda: metrics.PearsonCorrelation(), TARGETS, GUESSES, [[0.3509235], [0.5307773]]),
    "pearson_rows": (lambda: metrics.PearsonCorrelation(axis=0), TARGETS, GUESSES, [[0.4368942]]),
    "concordance": (lambda: metrics.ConcordanceCorrelation(), TARGETS, GUESSES, [[0.3946882], [0.516185]]),
    "iou": (
        lambda: metrics.IoU(3, [0, 2], dtype="float32"),
        np.array([0, 2, 1, 2]),
        np.array([0, 2, 2, 2]),
        [[0.8333333], [0.9]],
    ),
    "iou_ignored": (
        lambda: metrics.IoU(3, [0, 1], ignore_class=2, sparse_y_pred=False, dtype="float32"),
        LABELS,
        LIKELY,
        [[0.4999999], [0.5]],
    ),
    "binary_iou": (lambda: metrics.BinaryIoU(threshold=0.6, dtype="float32"), BITS, GUESSES, [[0.5], [0.6223776]]),
    "mean_iou": (
        lambda: metrics.MeanIoU(3, dtype="float32"),
        np.array([0, 1, -1, 2]),
        np.array([0, 5, 1, 2]),
        [[0.9999999], [0.9999999]],
    ),
    "one_hot_iou": (lambda: metrics.OneHotIoU(3, [1], dtype="float32"), ONE_HOT, LIKELY, [[0.9999998], [0.9999998]]),
    "one_hot_mean_iou": (
        lambda: metrics.OneHotMeanIoU(3, sparse_y_pred=True, dtype="float32"),
        ONE_HOT,
        np.array([1, 0, 0, 2]),
        [[0.6666666], [0.75]],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_same_as_keras(name: str, backend: str) -> None:
    make, y_true, y_pred, expected = CASES[name]
    metric = make()
    metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(np.ravel(metric.result()), expected[0], rtol=2e-6, atol=2e-7)
    if len(expected) == 2:
        metric.update_state(y_true[:2], y_pred[:2], sample_weight=np.array([0.5, 2.0], "float32"))
        np.testing.assert_allclose(np.ravel(metric.result()), expected[1], rtol=2e-5, atol=2e-7)
    variables = metric.variables
    values = np.ravel(metric.result())
    metric.reset_state()
    assert variables
    assert not any(np.any(variable.numpy()) for variable in variables)
    metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(np.ravel(metric.result()), expected[0], rtol=2e-6, atol=2e-7)
    assert metric.variables == variables
    assert values.shape == np.ravel(metric.result()).shape


@pytest.mark.parametrize("name", CASES)
def test_a_config_makes_the_same_metric(name: str) -> None:
    metric = CASES[name][0]()
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert pickle.loads(pickle.dumps(metric)).get_config() == metric.get_config()
    assert type(metric).__name__ in metrics.__all__


@pytest.mark.parametrize("name", ["auc", "auc_labels", "fbeta", "r2_each", "pearson", "recall_at", "binary_iou"])
def test_a_compiled_model_gathers_what_a_metric_alone_does(name: str) -> None:
    make, y_true, y_pred, _ = CASES[name]
    inputs = dlnative.Input((3,))
    model = dlnative.Model(inputs, dlnative.layers.Activation("linear")(inputs))
    metric, alone = make(), make()
    model.compile("sgd", "mse", metrics=[metric])
    model.evaluate(y_pred, np.asarray(y_true, "float32"), batch_size=3, verbose=0)
    for rows in (slice(0, 3), slice(3, 4)):
        alone.update_state(y_true[rows], y_pred[rows])
    np.testing.assert_allclose(metric.result(), alone.result(), rtol=1e-6)
    assert metric._direction == "up"


def test_counts_of_pixels_are_exact(backend: str) -> None:
    """Beyond what float32 can count one by one; in integers, as long as nobody asks for another type."""
    iou = metrics.MeanIoU(2)
    assert iou.dtype == "int64"
    iou.total_cm.assign([[2**24 + 1, 0], [0, 2**33 + 1]])
    iou.update_state(np.array([[0, 1], [1, 1]]), np.array([[0, 0], [1, 1]]), sample_weight=np.array([1, 2]))
    assert iou.total_cm.value.tolist() == [[2**24 + 2, 0], [1, 2**33 + 5]]
    with pytest.warns(UserWarning, match="expected a float dtype for weights that are float, got int64"):
        iou.update_state([0], [0], sample_weight=np.array([0.5]))


def test_r2_of_targets_far_from_zero() -> None:
    random = np.random.default_rng(0)
    years = (2000 + random.integers(0, 20, (300, 1))).astype("float32")
    guesses = years + random.normal(0, 3, years.shape).astype("float32")
    score = metrics.R2Score()
    for part in range(0, 300, 100):
        score.update_state(years[part : part + 100], guesses[part : part + 100])
    wide = years.astype("float64")
    expected = 1 - np.sum((wide - guesses) ** 2) / np.sum((wide - wide.mean()) ** 2)
    np.testing.assert_allclose(score.result(), expected, rtol=1e-6)
    assert score.result().dtype == np.float32


def test_r2_where_nothing_varies(backend: str) -> None:
    """As in Keras: 0 where the predictions are wrong, NaN where they are right."""
    score = metrics.R2Score(None)
    score.update_state([[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [1.0, 2.0]])
    np.testing.assert_array_equal(score.result(), [np.nan, 0.0])


def test_r2_is_not_adjusted_for_too_few_samples() -> None:
    score = metrics.R2Score(num_regressors=2)
    score.update_state([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    with pytest.warns(UserWarning, match="expected more than 3 samples for 2 regressors, got 3"):
        assert float(score.result()) == 0.5


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: metrics.AUC(curve="Invalid"), 'Invalid AUC curve value: "Invalid"'),
        (lambda: metrics.AUC(summation_method="Invalid"), 'Invalid AUC summation method value: "Invalid"'),
        (lambda: metrics.AUC(num_thresholds=1), "auc.*: Argument `num_thresholds` must be an integer > 1, got 1"),
        (lambda: metrics.AUC(thresholds=[float("nan")]), r"Threshold values must be in \[0, 1\]. Received: \[nan\]"),
        (lambda: metrics.AUC(num_labels=2), "expected num_labels only beside multi_label=True"),
        (lambda: metrics.AUC(multi_label=True)([0, 1], [0.1, 0.2]), "expected predictions of rank 2 with multi_label"),
        (
            lambda: metrics.RecallAtPrecision(1.5),
            r"recall_at_precision.*: `precision` must be in the range \[0, 1\], got 1.5",
        ),
        (lambda: metrics.PrecisionAtRecall(float("nan")), r"`recall` must be in the range \[0, 1\], got nan"),
        (
            lambda: metrics.SensitivityAtSpecificity(0.5, num_thresholds=0),
            "`num_thresholds` must be an integer > 0, got 0",
        ),
        (lambda: metrics.FBetaScore(beta=0.0), "expected beta to be a finite number above 0, got 0.0"),
        (lambda: metrics.F1Score(threshold=2.0), r"expected threshold in \(0, 1\], got 2.0"),
        (lambda: metrics.F1Score("mean"), "expected average None, 'micro', 'macro' or 'weighted', got 'mean'"),
        (lambda: metrics.F1Score()([0, 1], [0.1, 0.2]), r"FBetaScore expects 2D inputs .* got \(2,\)"),
        (lambda: metrics.R2Score(num_regressors=-1), "expected num_regressors to be an integer of 0 or more, got -1"),
        (lambda: metrics.R2Score()([1.0], [1.0]), r"R2Score expects 2D inputs .* got \(1,\)"),
        (lambda: metrics.IoU(2, [2]), r"expected a Target class id to be an integer in \[0, 1\], got 2"),
        (lambda: metrics.MeanIoU(0), "expected num_classes to be an integer of 1 or more, got 0"),
        (lambda: metrics.MeanIoU(2)([0, 1], [0, 1, 1]), "expected a prediction for each of 2 targets, got 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        make()
    assert "\n" not in str(caught.value)
