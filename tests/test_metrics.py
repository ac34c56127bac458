"""Metrics against Keras 3.15's numbers, and how they gather batches."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import metrics, ops
from dlnative.graph import function as compiled
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


def test_a_metric_reports_what_it_holds(backend: str) -> None:
    """Variables and metrics in lists, dicts and below; each once, and all of them are reset."""

    class Holder(metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="holder")
            self.own = self.add_weight((), name="own")
            self.listed = [dlnative.Variable(1.0), {"inner": (dlnative.Variable(2.0), self.own)}]
            self.parts = {"mean": metrics.Mean(), "more": [metrics.Sum()]}
            self.me = [self]

        def update_state(self, values: Any) -> None:
            self.own.assign_add(ops.sum(values))
            self.parts["mean"].update_state(values)

        def result(self) -> Any:
            return {"sum": self.own, "mean": self.parts["mean"].result()}

    holder = Holder()
    inner = holder.parts["mean"]
    expected = [
        holder.own,
        holder.listed[0],
        holder.listed[1]["inner"][0],
        *inner.variables,
        *holder.parts["more"][0].variables,
    ]
    assert holder.variables == expected
    assert {name: float(value) for name, value in holder(np.array([1.0, 3.0])).items()} == {"sum": 4.0, "mean": 2.0}
    holder.listed.append(metrics.Mean())
    assert len(holder.variables) == len(expected) + 2
    holder.reset_state()
    assert not any(np.any(variable.numpy()) for variable in holder.variables)

    class Forgetful(metrics.Metric):
        def __init__(self) -> None:
            self.own = self.add_weight(())

    with pytest.raises(RuntimeError, match=r"Forgetful: expected super\(\).__init__\(\)"):
        Forgetful()


def test_stateless_methods_leave_the_metric_alone(backend: str) -> None:
    metric = metrics.MeanSquaredError()
    metric.update_state([1.0], [3.0])
    values: list[Any] = [np.float32(10.0), np.float32(2.0)]
    after = metric.stateless_update_state(
        values, np.zeros((2, 1)), np.array([[1.0], [3.0]]), sample_weight=np.array([1.0, 0.0])
    )
    np.testing.assert_allclose(after, [11.0, 3.0])
    assert float(metric.stateless_result(after)) == pytest.approx(11 / 3)
    np.testing.assert_array_equal(metric.stateless_reset_state(), [0.0, 0.0])
    assert float(metric.result()) == 4.0

    def twice(x: Any) -> Any:
        first = metric.stateless_update_state(values, x * 0.0, x)
        return metric.stateless_result(metric.stateless_update_state(first, x * 0.0, x))

    assert float(compiled.Function(twice)(np.array([1.0, 3.0]))) == pytest.approx(30 / 6)
    assert float(metric.result()) == 4.0
    assert float(copy.deepcopy(metric).stateless_result([6.0, 3.0])) == 2.0


def test_the_largest_predictions_count_as_positive(backend: str) -> None:
    """Of samples with predictions (.1 .5 .4), (.6 .3 .1): with k = 2, four positives, three of which are right."""
    y_true, y_pred = [[0, 1, 1], [1, 0, 1]], [[0.1, 0.5, 0.4], [0.6, 0.3, 0.1]]
    assert float(metrics.Precision(top_k=2)(y_true, y_pred)) == 0.75
    assert float(metrics.Recall(top_k=2)(y_true, y_pred)) == 0.75
    assert float(metrics.Precision(top_k=2)(y_true, y_pred, sample_weight=[1.0, 3.0])) == pytest.approx(5 / 8)
    np.testing.assert_allclose(metrics.Precision([0.35, 0.55], top_k=1)(y_true, y_pred), [1.0, 1.0])
    np.testing.assert_allclose(metrics.Recall([0.35, 0.55], top_k=1)(y_true, y_pred), [0.5, 0.25])
    assert float(metrics.Precision(top_k=9)(y_true, y_pred)) == pytest.approx(4 / 6)
    assert float(metrics.Recall(top_k=1, class_id=-2)(y_true, y_pred)) == 1.0


def test_counts_of_a_confusion_matrix(backend: str) -> None:
    y_true, y_pred, weights = [0, 1, 1, 0, 1], [0.9, 0.2, 0.8, 0.1, 0.7], [1.0, 2.0, 3.0, 4.0, 5.0]
    expected = {
        "TruePositives": [8.0, 3.0],
        "FalsePositives": [1.0, 1.0],
        "TrueNegatives": [4.0, 4.0],
        "FalseNegatives": [2.0, 7.0],
    }
    for name, values in expected.items():
        count = getattr(metrics, name)
        np.testing.assert_allclose(count(np.array([0.5, 0.75]))(y_true, y_pred, weights), values)
        assert float(count()(y_true, y_pred, weights)) == values[0]
        assert count(np.array([0.5, 0.75])).get_config()["thresholds"] == [0.5, 0.75]


def test_top_k_counts_no_nan_as_right(backend: str) -> None:
    nan = float("nan")
    y_pred = np.array([[nan, 0.2, 0.1], [nan, nan, nan], [0.5, nan, 0.1], [0.5, 0.2, 0.1]], "float32")
    found = metrics.sparse_top_k_categorical_accuracy(np.array([0, 1, 0, 7]), y_pred, k=2)
    assert found.tolist() == [0.0, 0.0, 1.0, 0.0]
    assert metrics.top_k_categorical_accuracy(np.eye(3)[[0, 1, 0]], y_pred[:3], k=3).tolist() == [0.0, 0.0, 1.0]


def test_top_k_of_sorted_classes(backend: str) -> None:
    metric = metrics.SparseTopKCategoricalAccuracy(2, from_sorted_ids=True)
    assert float(metric([1, 0, 2], [[1, 0, 2], [2, 0, 1], [0, 1, 2]])) == pytest.approx(2 / 3)
    assert metric.get_config()["from_sorted_ids"] is True


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
def test_predictions_and_targets_of_any_type(dtype: str, backend: str) -> None:
    bits = np.array([[1, 0], [0, 1], [0, 1]]).astype(dtype)
    labels = np.array([0, 1, 0]).astype(dtype)
    assert metrics.binary_accuracy(bits, bits[::-1]).tolist() == [[0, 0], [1, 1], [0, 0]]
    assert metrics.categorical_accuracy(bits, bits[::-1]).tolist() == [0, 1, 0]
    assert metrics.sparse_categorical_accuracy(labels, bits).tolist() == [1, 1, 0]
    assert metrics.sparse_categorical_accuracy(labels + 0.5, bits).tolist() == [0, 0, 0]
    assert metrics.sparse_top_k_categorical_accuracy(labels, bits, k=1).tolist() == [1, 1, 0]
    assert float(metrics.Precision()(bits, bits[::-1])) == pytest.approx(1 / 3)
    assert float(metrics.RootMeanSquaredError()(bits, bits[::-1])) == pytest.approx((4 / 6) ** 0.5)
    assert np.isfinite(float(metrics.BinaryCrossentropy()(bits, bits[::-1])))


def test_an_ignored_class_has_no_loss_and_no_weight(backend: str) -> None:
    """As in Keras, it counts as a sample where there are no weights."""
    y_true, y_pred = np.array([0, 1, 2]), np.array([[0.8, 0.1, 0.1], [0.05, 0.95, 0.0], [0.1, 0.8, 0.1]])
    losses = -np.log([1.0, 0.95, 0.1])
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=0)
    np.testing.assert_allclose(metric(y_true, y_pred), losses.mean(), rtol=1e-5)
    metric.reset_state()
    weights = np.array([0.5, 1.5, 2.0])
    np.testing.assert_allclose(metric(y_true, y_pred, weights), (losses * weights).sum() / 3.5, rtol=1e-5)


def test_a_function_gets_targets_and_predictions_of_one_rank(backend: str) -> None:
    metric = metrics.MeanMetricWrapper(lambda a, b: ops.absolute(a - b), name="distance")
    assert float(metric(np.array([1.0, 2.0, 4.0]), np.zeros((3, 1)), sample_weight=np.array([1.0, 1.0, 0.0]))) == 1.5


def test_names_in_any_case_mean_what_they_mean_in_lower_case() -> None:
    for name in ("mse", "MSE", "Mse", "MEAN_SQUARED_ERROR"):
        assert isinstance(metrics.get(name), metrics.MeanSquaredError)
    assert isinstance(metrics.get("Accuracy"), metrics.Accuracy)


def test_which_way_a_metric_improves() -> None:
    """What callbacks in mode "auto" ask for; of a function of ones own nothing is known."""
    wrapped = metrics.MeanMetricWrapper
    assert wrapped(dlnative.losses.huber)._direction == wrapped(dlnative.losses.Huber())._direction == "down"
    assert wrapped(lambda a, b: a)._direction is metrics.Mean()._direction is None
    assert metrics.CosineSimilarity()._direction == metrics.Precision()._direction == "up"
    config = wrapped(dlnative.losses.huber, delta=2.0).get_config()
    assert wrapped.from_config(config).fn is dlnative.losses.huber


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: metrics.get("acuracy"), "metric: expected a known name, such as accuracy"),
        (lambda: metrics.get(3), "metric: expected a name, a Metric or a function, got 3"),
        (lambda: metrics.BinaryAccuracy(threshold=float("nan")), "expected threshold to be a finite number, got nan"),
        (
            lambda: metrics.Precision(thresholds=[0.5, 1.5]),
            r"precision.*: Threshold values must be in \[0, 1\]. Received: \[1.5\]",
        ),
        (lambda: metrics.Precision(thresholds=[]), r"expected thresholds in \[0, 1\], got none"),
        (
            lambda: metrics.Precision(thresholds=[float("nan")]),
            r"Threshold values must be in \[0, 1\]. Received: \[nan\]",
        ),
        (lambda: metrics.Recall(top_k=0), "expected top_k to be an integer of 1 or more, got 0"),
        (lambda: metrics.Precision(class_id=1.5), "expected class_id to be an integer, got 1.5"),
        (
            lambda: metrics.Precision(class_id=2)([0, 1, 1], [0.1, 0.2, 0.9]),
            r"a column 2 \(class_id\), got shape \(3,\)",
        ),
        (lambda: metrics.Precision(class_id=3)(BITS, GUESSES), r"a column 3 \(class_id\), got shape \(4, 3\)"),
        (lambda: metrics.TopKCategoricalAccuracy(k=0), "expected k to be an integer of 1 or more, got 0"),
        (lambda: metrics.Mean().stateless_result([1.0]), "expected a value for each of 2 variables, got 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
