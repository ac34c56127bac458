"""Losses against Keras 3.15's numbers, against difference quotients, and what they refuse."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import dlnative
from dlnative import grad, losses, ops, value_and_grad
from samples import BITS, GUESSES, LABELS, LIKELY, LOGITS, ONE_HOT, PAIRS, TARGETS, WEIGHTS

# By class: a value for each sample; then, with WEIGHTS, the mean, the sum, and the sum over the sum of the weights.
KERAS: dict[str, tuple[list[float], list[float]]] = {
    "MeanSquaredError": ([0.03666666, 0.04666666, 0.06999999, 0.1266667], [0.05999999, 0.24, 0.06857143]),
    "MeanAbsoluteError": ([0.1666667, 0.2, 0.2333333, 0.3333333], [0.2, 0.8, 0.2285714]),
    "MeanAbsolutePercentageError": ([52.77778, 43.05555, 59.04762, 66666740.0], [8333384.0, 33333540.0, 9523868.0]),
    "MeanSquaredLogarithmicError": (
        [0.0139545, 0.02023554, 0.03349601, 0.05622445],
        [0.02726468, 0.1090587, 0.03115964],
    ),
    "LogCosh": ([0.01810809, 0.02306686, 0.0342711, 0.0614411], [0.02934271, 0.1173709, 0.03353453]),
    "Huber": ([1.04, 1.2, 1.06, 0.8666667], [0.8983334, 3.593333, 1.026667]),
    "Hinge": ([0.7333333, 0.3333333, 1.0, 1.333333], [0.85, 3.4, 0.9714286]),
    "SquaredHinge": ([0.6, 0.1466667, 1.08, 1.92], [0.9300001, 3.72, 1.062857]),
    "CategoricalHinge": ([0.8, 1.4, 1.4, 0.6], [0.975, 3.9, 1.114286]),
    "KLDivergence": ([0.07328233, 0.1136058, 0.16316, 0.3465721], [0.1432221, 0.5728883, 0.1636824]),
    "Poisson": ([0.7326486, 0.9131105, 0.8613948, 0.7088954], [0.7024714, 2.809886, 0.8028245]),
    "CosineSimilarity": ([-0.191663, -0.4469856, 0.9707252, -0.4352858], [0.3830361, 1.532145, 0.4377556]),
    "BinaryCrossentropy": ([0.4757054, 0.189132, 0.7418747, 1.243234], [0.645268, 2.581072, 0.7374491]),
    "CategoricalCrossentropy": ([0.7731898, 0.8873031, 1.299283, 0.6931472], [0.9295823, 3.718329, 1.06238]),
    "SparseCategoricalCrossentropy": ([0.7731898, 0.8873031, 1.299283, 0.6931472], [0.9295823, 3.718329, 1.06238]),
}
KERAS_FURTHER: dict[str, list[float]] = {
    "binary_logits": [0.3836946, 0.08793582, 0.842034, 1.781591],
    "binary_smoothing": [0.5354308, 0.3638569, 0.7406625, 1.16433],
    "binary_axis": [0.4003674, 0.6841124, 0.9029796],
    "categorical_logits": [0.3988372, 1.785282, 1.695814, 0.1907247],
    "categorical_smoothing": [0.8158877, 0.9437897, 1.280104, 0.7489464],
    "sparse_logits": [0.3988372, 1.785282, 1.695814, 0.1907247],
    "sparse_ignored": [0.7731898, 0.8873031, 0.0, 0.0],
    "sparse_ignored_mean": [0.8302464],
    "sparse_ignored_weighted": [1.71755],
    "sparse_ignored_mwsw": [0.8587748],
    "sparse_ignored_all": [0.0],
    "huber_delta": [0.6066667, 0.725, 0.6266667, 0.4916667],
}
IGNORED_WEIGHTS = np.array([1.0, 3.0, 2.0, 0.5])
FURTHER: dict[str, Any] = {
    "binary_logits": lambda: losses.BinaryCrossentropy(from_logits=True, reduction=None)(BITS, LOGITS),
    "binary_smoothing": lambda: losses.BinaryCrossentropy(label_smoothing=0.2, reduction=None)(BITS, GUESSES),
    "binary_axis": lambda: losses.BinaryCrossentropy(axis=0, reduction=None)(BITS, GUESSES),
    "categorical_logits": lambda: losses.CategoricalCrossentropy(from_logits=True, reduction=None)(ONE_HOT, LOGITS),
    "categorical_smoothing": lambda: losses.CategoricalCrossentropy(label_smoothing=0.1, reduction=None)(
        ONE_HOT, LIKELY
    ),
    "sparse_logits": lambda: losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)(LABELS, LOGITS),
    "sparse_ignored": lambda: losses.SparseCategoricalCrossentropy(ignore_class=2, reduction=None)(LABELS, LIKELY),
    "sparse_ignored_mean": lambda: losses.SparseCategoricalCrossentropy(ignore_class=2)(LABELS, LIKELY),
    "sparse_ignored_weighted": lambda: losses.SparseCategoricalCrossentropy(ignore_class=2)(
        LABELS, LIKELY, sample_weight=IGNORED_WEIGHTS
    ),
    "sparse_ignored_mwsw": lambda: losses.SparseCategoricalCrossentropy(
        ignore_class=2, reduction="mean_with_sample_weight"
    )(LABELS, LIKELY, sample_weight=IGNORED_WEIGHTS),
    "sparse_ignored_all": lambda: losses.SparseCategoricalCrossentropy(ignore_class=2)(np.full(4, 2), LIKELY),
    "huber_delta": lambda: losses.Huber(0.5, reduction=None)(4 * TARGETS, GUESSES),
}
# Targets of 0 divide by 1e-7, and the rounding of the difference shows.
CLOSE = {"rtol": 2e-6, "atol": 1e-6}


@pytest.mark.parametrize("name", KERAS)
def test_same_as_keras(name: str, backend: str) -> None:
    y_true, y_pred = PAIRS[name]
    samples, reduced = KERAS[name]
    make = getattr(losses, name)
    np.testing.assert_allclose(make(reduction="none")(y_true, y_pred), samples, **CLOSE)
    np.testing.assert_allclose(make()(y_true, y_pred), np.mean(samples), **CLOSE)
    for reduction, expected in zip(("mean", "sum", "mean_with_sample_weight"), reduced, strict=True):
        value = make(reduction=reduction)(y_true, y_pred, sample_weight=WEIGHTS)
        np.testing.assert_allclose(value, expected, **CLOSE)


@pytest.mark.parametrize("name", KERAS_FURTHER)
def test_arguments_mean_what_they_mean_in_keras(name: str, backend: str) -> None:
    np.testing.assert_allclose(np.ravel(FURTHER[name]()), KERAS_FURTHER[name], **CLOSE)


@pytest.mark.parametrize("name", KERAS)
def test_gradients_are_difference_quotients(name: str, backend: str) -> None:
    y_true, y_pred = (np.asarray(y) for y in PAIRS[name])
    y_pred = y_pred.astype("float64")
    if y_true.dtype.kind != "i":
        y_true = y_true.astype("float64") + 0.01  # off zero, where a percentage is not defined
    loss = getattr(losses, name)(dtype="float64")
    _, gradient = value_and_grad(lambda pred: loss(y_true, pred))(y_pred)
    step = 1e-6
    quotients = np.zeros_like(y_pred)
    for place in np.ndindex(*y_pred.shape):
        moved = [y_pred.copy(), y_pred.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        quotients[place] = (loss(y_true, moved[0]) - loss(y_true, moved[1])) / (2 * step)
    np.testing.assert_allclose(gradient, quotients, rtol=1e-5, atol=1e-6)


def test_crossentropy_of_certain_answers_is_finite(backend: str) -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0]], "float32")
    wrong = certain[::-1].copy()
    for loss, y_true in [
        (losses.CategoricalCrossentropy(), wrong),
        (losses.BinaryCrossentropy(), wrong),
        (losses.SparseCategoricalCrossentropy(), np.array([1, 0])),
    ]:
        assert 15 < float(loss(y_true, certain)) < 17  # -ln(1e-7)
    for scale in (100.0, 1e30):
        assert np.isfinite(losses.CategoricalCrossentropy(from_logits=True)(wrong, scale * certain))


def test_names_give_functions_and_classes() -> None:
    assert losses.get("mse") is losses.get("mean_squared_error") is losses.mean_squared_error
    assert losses.get("KLD") is losses.kl_divergence
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert losses.get(None) is None
    loss = losses.Huber(0.3)
    assert losses.get(loss) is loss
    assert isinstance(losses.get(losses.Huber), losses.Huber)


@pytest.mark.parametrize("name", KERAS)
def test_a_config_makes_the_same_loss(name: str) -> None:
    loss = getattr(losses, name)(reduction="sum", name="mine")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again.name == "mine"


def test_a_vector_stands_for_a_column() -> None:
    column = np.array([[1.0], [2.0], [4.0]], "float32")
    errors = [1.0, 4.0, 16.0]
    for y_true, y_pred in [(column[:, 0], 0 * column), (column, 0 * column[:, 0])]:
        np.testing.assert_allclose(losses.mean_squared_error(y_true, y_pred), errors)


@pytest.mark.parametrize("weights", [np.array([1.0, 2.0]), np.array([[1.0], [2.0]])], ids=["vector", "column"])
def test_a_weight_of_a_sample_holds_for_all_its_values(weights: Any) -> None:
    y_true = np.arange(12.0, dtype="float32").reshape(2, 3, 2)
    values = losses.MeanSquaredError(reduction=None)(y_true, 0 * y_true)
    weighted = losses.MeanSquaredError(reduction=None)(y_true, 0 * y_true, sample_weight=weights)
    np.testing.assert_allclose(weighted, values * [[1.0], [2.0]])


def test_a_loss_of_ones_own() -> None:
    class Cubed(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return abs(y_true - y_pred) ** 3

    assert Cubed().name == "cubed"
    assert float(Cubed(reduction="sum")(np.array([1.0, 2.0]), np.array([0.0, 0.0]))) == 9.0


def own(y_true: Any, y_pred: Any, power: int = 1) -> Any:
    return ops.absolute(y_true - y_pred) ** power


def test_a_loss_has_the_type_that_its_argument_says() -> None:
    """As in Keras, float32 whatever the arrays are; what the function gets is in that type too."""
    y_true, y_pred = np.array([1, 0, 3]), np.array([0.5, 0.25, 3.0])
    for make, expected in [
        (losses.MeanSquaredError, 0.3125 / 3),
        (lambda **kw: losses.LossFunctionWrapper(own, **kw), 0.25),
    ]:
        assert make().dtype == make()(y_true, y_pred).dtype == "float32"
        assert make(dtype="float64")(y_true, y_pred.astype("float32")).dtype == "float64"
        np.testing.assert_allclose(make(dtype="float64")(y_true, y_pred), expected, rtol=1e-12)
    with pytest.raises(AttributeError):
        losses.Huber().dtype = "float64"


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
def test_crossentropies_of_predictions_that_are_integers(dtype: str, backend: str) -> None:
    y_pred = np.array([[1, 0], [0, 1]]).astype(dtype)
    certain = -np.log(1e-7)  # or of 1 - (1 - 1e-7), which is 1.19e-7 in float32
    for function, y_true in [
        (losses.binary_crossentropy, np.array([[1, 0], [1, 0]])),
        (losses.categorical_crossentropy, np.array([[1, 0], [1, 0]])),
        (losses.sparse_categorical_crossentropy, np.array([0, 0], "uint8")),
    ]:
        value = function(y_true, y_pred)
        assert value.dtype == "float32"
        np.testing.assert_allclose(value, [0.0, certain], rtol=0.02, atol=1e-6)


def test_a_function_gets_targets_and_predictions_of_one_rank(backend: str) -> None:
    """Otherwise (N,) and (N, 1) would make a table of N times N differences."""
    vector, column = np.array([1.0, 2.0, 4.0], "float32"), np.zeros((3, 1), "float32")
    for make in (losses.LossFunctionWrapper, lambda fn: losses.LossFunctionWrapper(lambda a, b: fn(a, b))):
        assert float(make(own)(vector, column)) == float(make(own)(column, vector)) == pytest.approx(7 / 3)
    nested = losses.LossFunctionWrapper(lambda a, b: own(a["x"], b["x"]) + own(a["y"][0], b["y"][0]))
    value = nested(
        {"x": vector, "y": [column]}, {"x": column, "y": [vector]}, sample_weight=np.array([[1.0], [0.0], [0.0]])
    )
    assert float(value) == pytest.approx(2 / 3)


def test_a_loss_that_is_a_number_takes_weights() -> None:
    loss = losses.LossFunctionWrapper(lambda a, b: ops.sum(own(a, b)), reduction="sum_over_batch_size")
    assert float(loss(np.ones((4, 1)), np.zeros((4, 1)), sample_weight=np.array([1.0, 0.0, 2.0, 0.0]))) == 3.0


def test_what_a_mask_leaves_out_does_not_count(backend: str) -> None:
    """Not even where it is NaN; a mean is one over what counts."""
    y_true = np.array([[1.0, 2.0, np.nan], [4.0, np.nan, np.nan]], "float32")
    mask = np.array([[True, True, False], [True, False, False]])
    values = losses.reduce_weighted
    assert float(values(y_true, None, "sum_over_batch_size", mask)) == pytest.approx(7 / 3)
    assert float(values(y_true, None, "sum", mask)) == 7.0
    assert values(y_true, None, None, mask).tolist() == [[1, 2, 0], [4, 0, 0]]
    assert float(values(y_true, np.array([2.0, 0.5]), "mean", mask)) == pytest.approx(8 / 3)
    assert float(values(y_true, np.array([2.0, 0.5]), "mean_with_sample_weight", mask)) == pytest.approx(8 / 4.5)
    assert float(values(y_true, None, "mean", np.zeros((2, 3), bool))) == 0.0


def test_a_model_s_mask_leaves_values_out_of_losses_and_metrics(backend: str) -> None:
    """What `Embedding(mask_zero=True)` masks counts neither in the loss nor in a metric."""
    inputs = dlnative.Input((4,), dtype="int32")
    outputs = dlnative.layers.Dense(1)(dlnative.layers.Embedding(9, 3, mask_zero=True)(inputs))
    model = dlnative.Model(inputs, outputs)
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    ids, y = np.array([[1, 2, 0, 0], [3, 4, 5, 0]]), np.ones((2, 4, 1), "float32")
    counted = (ids != 0)[..., None]
    error = np.abs(model.predict(ids, verbose=0) - y)[counted]
    found = model.evaluate(ids, y, verbose=0, return_dict=True)
    np.testing.assert_allclose([found["loss"], found["mse"]], (error**2).mean(), rtol=1e-5)
    np.testing.assert_allclose(found["mae"], error.mean(), rtol=1e-5)


def test_names_in_any_case_mean_what_they_mean_in_lower_case() -> None:
    for name in ("MSE", "Mse", "Mean_Squared_Error"):
        assert losses.get(name) is losses.mean_squared_error
    assert losses.get("HINGE") is losses.hinge
    assert isinstance(losses.get("Hinge"), losses.Hinge)


def test_a_wrapped_function_comes_back_from_a_config() -> None:
    for function in (losses.huber, own):
        loss = losses.LossFunctionWrapper(
            function, reduction="sum", name="mine", **{"delta" if function is losses.huber else "power": 3}
        )
        again = losses.deserialize(losses.serialize(loss), custom_objects={"own": own})
        assert again.fn is function
        assert again.get_config() == loss.get_config()
    assert losses.LossFunctionWrapper(losses.huber).get_config()["fn"]["config"] == "huber"
    assert losses.deserialize({"class_name": "function", "config": "huber"}) is losses.huber

    class Mine(losses.Loss):
        pass

    made = losses.deserialize({"class_name": "Mine", "config": {"name": "m"}}, custom_objects={"Mine": Mine})
    assert isinstance(made, Mine)
    with pytest.raises(ValueError, match=r"loss: expected .* got .Mine."):
        losses.deserialize({"class_name": "Mine", "config": {}})


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: losses.get("mean_square_error"), "mean_squared_error"),
        (lambda: losses.get("zzz"), "loss: expected one of"),
        (lambda: losses.get(3), "loss: expected a name, a Loss or a function, got 3"),
        (lambda: losses.MeanSquaredError(reduction="average"), "got 'average'"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2.0), "label_smoothing"),
        (
            lambda: losses.mean_squared_error(TARGETS, GUESSES[:, :2]),
            r"must have the same shape, got \(4, 3\) and \(4, 2\)",
        ),
        (lambda: losses.MeanSquaredError()(TARGETS, GUESSES, sample_weight=np.ones(3)), r"sample_weight .* \(3,\)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def difference_quotients(function: Any, x: Any) -> Any:
    quotients = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-5
        quotients[place] = (function(x + step) - function(x - step)) / 2e-5
    return quotients


CROSSENTROPIES: dict[str, Any] = {
    "binary": lambda z, t: ops.binary_crossentropy(t, z, from_logits=True),
    "categorical": lambda z, t: ops.categorical_crossentropy(t, z, from_logits=True),
    "sparse": lambda z, t: ops.sparse_categorical_crossentropy(LABELS, z, from_logits=True),
}


@pytest.mark.parametrize("name", CROSSENTROPIES)
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_gradients_of_gradients_of_crossentropies(name: str, scale: float, random: np.random.RandomState) -> None:
    logits, target = random.uniform(-2, 2, (4, 3)), random.uniform(0, 1, (4, 3))
    weights = np.cos(np.arange(12.0)).reshape(4, 3)

    def loss(z: Any, t: Any) -> Any:
        return ops.sum(CROSSENTROPIES[name](z, t)) * scale

    def slope(z: Any, t: Any) -> Any:
        return ops.sum(grad(loss)(z, t) * weights) + loss(z, t)

    by_logits, by_target = grad(slope, (0, 1))(logits, target)
    quotients = difference_quotients(lambda z: slope(z, target), logits)
    np.testing.assert_allclose(by_logits, quotients, rtol=1e-7, atol=1e-9)
    quotients = difference_quotients(lambda t: slope(logits, t), target)
    np.testing.assert_allclose(by_target, quotients, rtol=1e-7, atol=1e-9)


class Outputs(NamedTuple):
    first: Any
    second: Any


def test_a_loss_takes_named_tuples() -> None:
    class Difference(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return ops.mean(y_true.first - y_pred.second, axis=-1)

    ones = np.ones((2, 3), "float32")
    assert float(Difference()(Outputs(3 * ones, ones), Outputs(ones, 2 * ones))) == 1.0


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("from_logits", [False, True])
def test_classes_along_any_axis(backend: str, axis: int, from_logits: bool) -> None:
    random = np.random.default_rng(1)
    logits = random.standard_normal((4, 3, 5)).astype("float32")
    p = np.exp(logits) / np.sum(np.exp(logits), axis, keepdims=True)
    numbers = random.integers(0, logits.shape[axis], np.delete(logits.shape, axis % 3))
    expected = -np.log(np.take_along_axis(p, np.expand_dims(numbers, axis), axis)).squeeze(axis)
    output = logits if from_logits else p
    found = ops.sparse_categorical_crossentropy(numbers, output, from_logits, axis)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    one_hot = ops.one_hot(numbers, logits.shape[axis], axis=axis)
    np.testing.assert_allclose(ops.categorical_crossentropy(one_hot, output, from_logits, axis), expected, rtol=1e-5)


def test_smoothing_counts_the_classes_of_its_axis() -> None:
    y_true, y_pred = np.moveaxis(np.array([ONE_HOT] * 2), -1, 1), np.moveaxis(np.array([LIKELY] * 2), -1, 1)
    for name in ("categorical_crossentropy", "categorical_focal_crossentropy"):
        function = getattr(losses, name)
        expected = function(ONE_HOT, LIKELY, label_smoothing=0.2)
        np.testing.assert_allclose(function(y_true, y_pred, label_smoothing=0.2, axis=1), [expected] * 2, rtol=1e-6)


def test_the_loss_of_nothing_is_0() -> None:
    assert losses.MeanSquaredError()(np.zeros((3, 0, 2)), np.zeros((3, 0, 2))) == 0
    assert losses.SparseCategoricalCrossentropy()(np.zeros((2, 0), "int32"), np.zeros((2, 0, 5))) == 0
    with pytest.raises(ValueError, match="at least one class"):
        losses.CategoricalCrossentropy(label_smoothing=0.2)(np.zeros((4, 0)), np.zeros((4, 0)))


def test_a_class_to_ignore_may_be_no_number_of_the_labels_type() -> None:
    labels = np.array([1, 0, 2, 2], "uint8")
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert loss(labels, LIKELY) == losses.SparseCategoricalCrossentropy()(labels, LIKELY)


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy", lambda a, b: ops.mean(ops.abs(a - b), axis=-1)])
def test_targets_of_steps_may_lack_the_axis_of_a_single_output(loss: Any, backend: str) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 6, (12, 4)).astype("int32")
    steps = dlnative.Input((4,), dtype="int32")
    hidden = dlnative.layers.SimpleRNN(4, return_sequences=True)(dlnative.layers.Embedding(6, 3, mask_zero=True)(steps))
    model = dlnative.Model(steps, dlnative.layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("sgd", loss, metrics=["mae", "accuracy"], weighted_metrics=["mae", "AUC"])
    y, weights = (random.random((12, 4)) > 0.5).astype("float32"), random.random((12, 4)).astype("float32")
    counted, p = x != 0, model.predict(x, verbose=0)[..., 0]
    for sample_weight in (None, weights, weights[:, 0]):
        found = model.evaluate(x, y, sample_weight=sample_weight, verbose=0)
        np.testing.assert_array_equal(found, model.evaluate(x, y[..., None], sample_weight=sample_weight, verbose=0))
        if loss == "mse":
            w = 1.0 if sample_weight is None else sample_weight.reshape(12, -1)
            assert found[0] == pytest.approx(np.sum(((p - y) ** 2 * w)[counted]) / counted.sum(), rel=1e-5)
            assert found[1] == pytest.approx(np.abs(p - y)[counted].mean(), rel=1e-5)
