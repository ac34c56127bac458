"""Metrics against Keras 3.15's numbers, and how they gather batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import metrics, ops
from samples import BITS, GUESSES, LABELS, LIKELY, ONE_HOT, PAIRS, TARGETS, WEIGHTS

# By class: the result after all samples, and after two more that weigh 1/2 and 2.
KERAS: dict[str, list[float]] = {
    "Accuracy": [0.75, 0.8461539],
    "BinaryAccuracy": [0.6666667, 0.7692308],
    "CategoricalAccuracy": [0.5, 0.3846154],
    "SparseCategoricalAccuracy": [0.5, 0.3846154],
    "MeanSquaredError": [0.06999999, 0.0602564],
    "RootMeanSquaredError": [0.2645751, 0.2454718],
    "MeanAbsoluteError": [0.2333333, 0.2179487],
    "MeanAbsolutePercentageError": [16666720.0, 10256460.0],
    "MeanSquaredLogarithmicError": [0.03097762, 0.02636289],
    "LogCoshError": [0.03422179, 0.02954999],
    "Hinge": [0.85, 0.6820513],
    "SquaredHinge": [0.9366667, 0.6676923],
    "CategoricalHinge": [1.05, 1.138461],
    "KLDivergence": [0.1741551, 0.1477651],
    "Poisson": [0.8040124, 0.8320915],
    "CosineSimilarity": [0.02580229, 0.1681557],
    "BinaryCrossentropy": [0.6624866, 0.5024712],
    "CategoricalCrossentropy": [0.9132308, 0.8944806],
    "SparseCategoricalCrossentropy": [0.9132308, 0.8944806],
    "Precision": [0.8, 0.8947368],
    "Recall": [0.5714286, 0.7083333],
}
KERAS_FURTHER: dict[str, list[float]] = {
    "scalar_weight": [0.05583332],
    "sum": [4.8],
    "mean_rows": [0.4787879],
    "mean_2d": [0.5350428],
    "precision_thresholds": [0.5, 0.75, 0.0],
    "recall_class": [0.5],
    "topk": [0.5, 0.75, 1.0],
    "sparse_topk": [0.4285714, 0.4285714, 1.0],
    "binary_threshold": [0.5833333],
}


def gathered(metric: Any, *batches: tuple[Any, ...]) -> Any:
    for batch in batches:
        metric.update_state(*batch)
    return metric.result()


FURTHER: dict[str, Any] = {
    "scalar_weight": lambda: gathered(metrics.MeanSquaredError(), (TARGETS, GUESSES, 2.0), (TARGETS[:2], GUESSES[:2])),
    "sum": lambda: gathered(metrics.Sum(), (TARGETS, WEIGHTS)),
    "mean_rows": lambda: gathered(metrics.Mean(), (TARGETS, WEIGHTS), (TARGETS[:2],)),
    "mean_2d": lambda: gathered(metrics.Mean(), (TARGETS, GUESSES), (TARGETS[:2],)),
    "precision_thresholds": lambda: gathered(metrics.Precision([0.2, 0.5, 0.7]), (BITS, GUESSES, WEIGHTS)),
    "recall_class": lambda: gathered(metrics.Recall(class_id=1), (BITS, GUESSES)),
    "topk": lambda: [gathered(metrics.TopKCategoricalAccuracy(k), (ONE_HOT, LIKELY)) for k in (1, 2, 3)],
    "sparse_topk": lambda: [
        gathered(metrics.SparseTopKCategoricalAccuracy(k), (LABELS, LIKELY, WEIGHTS)) for k in (1, 2, 3)
    ],
    "binary_threshold": lambda: gathered(metrics.BinaryAccuracy(threshold=0.3), (BITS, GUESSES)),
}


@pytest.mark.parametrize("name", KERAS)
def test_same_as_keras(name: str, backend: str) -> None:
    y_true, y_pred = PAIRS[name]
    metric = getattr(metrics, name)()
    assert float(metric.result()) == 0.0
    first = float(gathered(metric, (y_true, y_pred)))
    second = float(gathered(metric, (y_true[:2], y_pred[:2], [0.5, 2.0])))
    np.testing.assert_allclose([first, second], KERAS[name], rtol=2e-6, atol=1e-6)
    metric.reset_state()
    assert all(not np.any(variable.numpy()) for variable in metric.variables)
    np.testing.assert_allclose(metric(y_true, y_pred), first, rtol=1e-6)


@pytest.mark.parametrize("name", KERAS_FURTHER)
def test_arguments_mean_what_they_mean_in_keras(name: str, backend: str) -> None:
    np.testing.assert_allclose(np.ravel(FURTHER[name]()), KERAS_FURTHER[name], rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", KERAS)
def test_a_compiled_model_gathers_what_a_metric_alone_does(name: str, backend: str) -> None:
    """Batches of two sizes, in one native run."""
    y_true, y_pred = (np.asarray(y) for y in PAIRS[name])
    if y_pred.ndim == 1:
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    y_pred = y_pred.astype("float32")
    inputs = dlnative.Input(y_pred.shape[1:])
    model = dlnative.Model(inputs, dlnative.layers.Activation("linear")(inputs))
    metric = getattr(metrics, name)()
    model.compile("sgd", "mse" if y_true.shape == y_pred.shape else "sparse_categorical_crossentropy", metrics=[metric])
    found = model.evaluate(y_pred, y_true, batch_size=3, verbose=0, return_dict=True)[metric.name]
    alone = getattr(metrics, name)()
    np.testing.assert_allclose(found, gathered(alone, (y_true[:3], y_pred[:3]), (y_true[3:], y_pred[3:])), rtol=1e-6)


def test_names_and_variables() -> None:
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("RootMeanSquaredError"), metrics.RootMeanSquaredError)
    assert metrics.get("binary_accuracy").name == "binary_accuracy"
    assert metrics.get(None) is None
    assert [variable.name for variable in metrics.Mean().variables] == ["total", "count"]
    assert [variable.name for variable in metrics.Recall().variables] == ["true_positives", "false_negatives"]
    assert metrics.LogCoshError().name == "logcosh"


@pytest.mark.parametrize("name", KERAS)
def test_a_config_makes_the_same_metric(name: str) -> None:
    metric = getattr(metrics, name)(name="mine")
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("true_shape", "pred_shape", "expected"),
    [
        ((8, 1), (8, 1), metrics.BinaryAccuracy),
        ((8,), (8, 1), metrics.BinaryAccuracy),
        ((8,), (8, 3), metrics.SparseCategoricalAccuracy),
        ((8, 1), (8, 3), metrics.SparseCategoricalAccuracy),
        ((8, 3), (8, 3), metrics.CategoricalAccuracy),
        ((8, 5), (8, 5, 3), metrics.SparseCategoricalAccuracy),
    ],
)
def test_accuracy_is_chosen_by_the_shapes(true_shape: Any, pred_shape: Any, expected: Any) -> None:
    assert metrics.resolve_accuracy(true_shape, pred_shape) is expected


def test_a_function_and_a_metric_of_ones_own(backend: str) -> None:
    wrapped = metrics.MeanMetricWrapper(lambda a, b: ops.absolute(a - b), name="distance")
    np.testing.assert_allclose(wrapped(TARGETS, GUESSES), np.abs(TARGETS - GUESSES).mean(), rtol=1e-6)

    class Largest(metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="largest")
            self.value = self.add_weight((), "zeros", name="value")

        def update_state(self, values: Any) -> None:
            self.value.assign(ops.maximum(self.value, ops.max(values)))

        def result(self) -> Any:
            return self.value

    largest = Largest()
    largest.update_state(np.array([1.0, 5.0], "float32"))
    largest.update_state(np.array([2.0], "float32"))
    assert float(largest.result()) == 5.0


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: metrics.get("acuracy"), "metric: expected a known name, such as accuracy"),
        (lambda: metrics.get(3), "metric: expected a name, a Metric or a function, got 3"),
        (lambda: metrics.BinaryAccuracy(threshold=2.0), "threshold"),
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), r"precision.*: expected thresholds in \[0, 1\], got 1.5"),
        (lambda: metrics.Recall(top_k=3), "top_k"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
