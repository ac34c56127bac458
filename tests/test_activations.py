"""Activations, regularizers and constraints against Keras 3.15's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import activations, constraints, ops, regularizers, value_and_grad
from dlnative.gradient import grad
from dlnative.ops import sum as total
from dlnative.ops.activation import ACTIVATIONS

X = np.array([[-3.0, -1.0, -0.4, 0.0, 0.3], [0.9, 1.7, 4.0, 7.5, -20.0]], "float32")
KERAS: dict[str, list[float]] = {
    "linear": [-3.0, -1.0, -0.4, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -20.0],
    "relu": [0.0, 0.0, 0.0, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, 0.0],
    "leaky_relu": [-0.6, -0.2, -0.08000001, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -4.0],
    "relu6": [0.0, 0.0, 0.0, 0.0, 0.3, 0.9, 1.7, 4.0, 6.0, 0.0],
    "sigmoid": [
        0.04742587,
        0.2689414,
        0.4013124,
        0.5,
        0.5744425,
        0.7109495,
        0.8455348,
        0.9820138,
        0.9994472,
        2.061154e-09,
    ],
    "tanh": [-0.9950547, -0.7615942, -0.379949, 0.0, 0.2913126, 0.7162979, 0.9354091, 0.9993292, 0.9999994, -1.0],
    "softmax": [
        0.01448206,
        0.1070087,
        0.1949826,
        0.2908799,
        0.3926468,
        0.001314892,
        0.002926345,
        0.02918791,
        0.9665708,
        1.101883e-12,
    ],
    "log_softmax": [
        -4.234845,
        -2.234845,
        -1.634845,
        -1.234845,
        -0.9348449,
        -6.634001,
        -5.834001,
        -3.534001,
        -0.03400072,
        -27.534,
    ],
    "softplus": [
        0.04858735,
        0.3132617,
        0.5130153,
        0.6931472,
        0.8543553,
        1.241154,
        1.867786,
        4.01815,
        7.500553,
        2.061154e-09,
    ],
    "softsign": [-0.75, -0.5, -0.2857143, 0.0, 0.2307692, 0.4736842, 0.6296296, 0.8, 0.8823529, -0.952381],
    "exponential": [
        0.04978707,
        0.3678795,
        0.67032,
        1.0,
        1.349859,
        2.459603,
        5.473948,
        54.59815,
        1808.042,
        2.061154e-09,
    ],
    "elu": [-0.950213, -0.6321205, -0.3296799, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -1.0],
    "selu": [-1.670569, -1.111331, -0.57961, 0.0, 0.3152103, 0.9456309, 1.786192, 4.202804, 7.880258, -1.758099],
    "celu": [-0.950213, -0.6321205, -0.3296799, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -1.0],
    "silu": [
        -0.1422776,
        -0.2689414,
        -0.1605249,
        0.0,
        0.1723328,
        0.6398545,
        1.437409,
        3.928055,
        7.495854,
        -4.122307e-08,
    ],
    "gelu": [-0.004049696, -0.1586553, -0.1378313, 0.0, 0.1853734, 0.7343459, 1.624239, 3.999873, 7.5, -0.0],
    "mish": [
        -0.1456475,
        -0.3034014,
        -0.1889165,
        0.0,
        0.2080014,
        0.7612059,
        1.620768,
        3.997413,
        7.499995,
        -4.122307e-08,
    ],
    "hard_sigmoid": [0.0, 0.3333333, 0.4333333, 0.5, 0.55, 0.65, 0.7833333, 1.0, 1.0, 0.0],
    "hard_silu": [-0.0, -0.3333333, -0.1733333, 0.0, 0.165, 0.585, 1.331667, 4.0, 7.5, -0.0],
    "hard_tanh": [-1.0, -1.0, -0.4, 0.0, 0.3, 0.9, 1.0, 1.0, 1.0, -1.0],
    "log_sigmoid": [
        -3.048587,
        -1.313262,
        -0.9130152,
        -0.6931472,
        -0.5543553,
        -0.3411539,
        -0.167786,
        -0.01814993,
        -0.0005529315,
        -20.0,
    ],
    "hard_shrink": [-3.0, -1.0, 0.0, 0.0, 0.0, 0.9, 1.7, 4.0, 7.5, -20.0],
    "soft_shrink": [-2.5, -0.5, 0.0, 0.0, 0.0, 0.4, 1.2, 3.5, 7.0, -19.5],
    "tanh_shrink": [-2.004945, -0.2384058, -0.020051, 0.0, 0.008687407, 0.1837021, 0.764591, 3.000671, 6.5, -19.0],
    "squareplus": [0.3027756, 0.618034, 0.8198039, 1.0, 1.161187, 1.546586, 2.162441, 4.236068, 7.631043, 0.04987526],
    "sparse_sigmoid": [0.0, 0.0, 0.3, 0.5, 0.65, 0.95, 1.0, 1.0, 1.0, 0.0],
    "sparse_plus": [0.0, 0.0, 0.09, 0.25, 0.4225, 0.9025, 1.7, 4.0, 7.5, 0.0],
}
KERAS_FURTHER: dict[str, list[float]] = {
    "relu_all": [-0.4, -0.2, -0.14, -0.1, -0.07, -0.01, 1.7, 3.0, 3.0, -2.1],
    "gelu_tanh": [-0.003637344, -0.158808, -0.1378388, 0.0, 0.1853709, 0.7342285, 1.624106, 3.99993, 7.5, -0.0],
    "elu_half": [-0.4751065, -0.3160603, -0.1648399, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -0.5],
    "glu": [-1.203937, -0.5, 0.8838124, 1.69906],
    "threshold": [-2.0, -2.0, -2.0, -2.0, -2.0, 0.9, 1.7, 4.0, 7.5, -2.0],
    "leaky_relu_small": [-0.15, -0.05, -0.02, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -1.0],
    "leaky_relu_falling": [1.5, 0.5, 0.2, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, 10.0],
    "elu_falling": [0.4751065, 0.3160603, 0.1648399, -0.0, 0.3, 0.9, 1.7, 4.0, 7.5, 0.5],
    "celu_two": [-1.55374, -0.7869387, -0.3625385, 0.0, 0.3, 0.9, 1.7, 4.0, 7.5, -1.999909],
    "hard_shrink_one": [-3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.7, 4.0, 7.5, -20.0],
    "soft_shrink_one": [-2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 3.0, 6.5, -19.0],
    "squareplus_one": [
        0.08113885,
        0.2071068,
        0.3385165,
        0.5,
        0.6720153,
        1.122681,
        1.836154,
        4.061553,
        7.533186,
        0.01249218,
    ],
}
FURTHER: dict[str, Any] = {
    "relu_all": lambda x: activations.relu(x, negative_slope=0.1, max_value=3.0, threshold=1.0),
    "gelu_tanh": lambda x: activations.gelu(x, approximate=True),
    "elu_half": lambda x: activations.elu(x, 0.5),
    "glu": lambda x: activations.glu(x[:, :4]),
    "threshold": lambda x: activations.threshold(x, 0.5, -2.0),
    "leaky_relu_small": lambda x: activations.relu(x, negative_slope=0.05),
    "leaky_relu_falling": lambda x: activations.leaky_relu(x, -0.5),
    "elu_falling": lambda x: activations.elu(x, -0.5),
    "celu_two": lambda x: activations.celu(x, 2.0),
    "hard_shrink_one": lambda x: activations.hard_shrink(x, 1.0),
    "soft_shrink_one": lambda x: activations.soft_shrink(x, 1.0),
    "squareplus_one": lambda x: activations.squareplus(x, 1.0),
}
FUNCTIONS = {name: getattr(activations, name) for name in KERAS} | FURTHER
KERAS_CONSTRAINTS: dict[str, list[float]] = {
    "NonNeg": [0.0, 0.0, 0.0, 0.9, 1.7, 4.0],
    "MaxNorm": [-1.436739, -0.7605302, -0.1492556, 0.4310218, 1.292901, 1.492556],
    "UnitNorm": [-0.9411837, -0.3137279, -0.1254912, 0.2027726, 0.383015, 0.9012117],
    "MinMaxNorm": [-2.936739, -1.00702, -0.3492556, 0.8810218, 1.711934, 3.492556],
}
CONSTRAINTS = {
    "NonNeg": constraints.NonNeg(),
    "MaxNorm": constraints.MaxNorm(1.5),
    "UnitNorm": constraints.UnitNorm(axis=1),
    "MinMaxNorm": constraints.MinMaxNorm(2.0, 3.0, 0.5),
}
KERAS_REGULARIZERS: dict[str, float] = {
    "L1": 1.1,
    "L2": 2.986,
    "L1L2": 7.072,
    "OrthogonalRegularizer": 0.0424103,
}
REGULARIZERS = {
    "L1": regularizers.L1(0.1),
    "L2": regularizers.L2(0.1),
    "L1L2": regularizers.L1L2(0.1, 0.2),
    "OrthogonalRegularizer": regularizers.OrthogonalRegularizer(0.1),
}


@pytest.mark.parametrize("name", KERAS)
def test_same_as_keras(name: str, backend: str) -> None:
    result = getattr(activations, name)(X)
    assert result.dtype == np.float32
    np.testing.assert_allclose(np.ravel(result), KERAS[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", KERAS_FURTHER)
def test_arguments_mean_what_they_mean_in_keras(name: str, backend: str) -> None:
    np.testing.assert_allclose(np.ravel(FURTHER[name](X)), KERAS_FURTHER[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_difference_quotients(name: str, backend: str) -> None:
    function = FUNCTIONS[name]
    x = X.astype("float64") + 0.01
    shape = function(x).shape
    slopes = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
    _, gradient = value_and_grad(lambda x: total(function(x) * slopes))(x)
    quotients = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        quotients[place] = np.sum((function(x + step) - function(x - step)) * slopes) / 2e-6
    np.testing.assert_allclose(gradient, quotients, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_gradients(name: str) -> None:
    x = np.linspace(-3, 3, 30).reshape(5, 6) + 0.0321
    function = FUNCTIONS[name]
    shape = function(x).shape
    weights = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
    first = grad(lambda a: total(function(a) * weights))
    second = grad(lambda a: total(ops.sin(grad(lambda b: total(function(b) * weights))(a))))(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        difference = np.sum(np.sin(first(x + step))) - np.sum(np.sin(first(x - step)))
        np.testing.assert_allclose(2e-6 * second[place], difference, rtol=1e-6, atol=1e-12)


STABLE = [name for name in ACTIVATIONS[1:] if name != "gelu_tanh"]


@pytest.mark.parametrize("name", STABLE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_are_stable(name: str, dtype: str, backend: str) -> None:
    x = np.array([-1e30, -1e15, -300.0, 300.0, 1e15, 1e30], dtype)
    plain = activations.get(name)
    functions = [plain, lambda a: activations.gelu(a, approximate=True)] if name == "gelu" else [plain]
    with dlnative.backend.use_backend(backend), np.errstate(all="ignore"):
        for function in functions:
            y, slope = function(x), value_and_grad(lambda a, f=function: total(f(a)))(x)[1]
            assert np.all(np.isfinite(y))
            assert np.all(np.isfinite(slope))
            np.testing.assert_array_equal(function(np.array([np.nan], dtype)), [np.nan])


WITH_A_PARAMETER = {
    "leaky_relu": 0.25,
    "elu": 2.0,
    "celu": 0.5,
    "hard_shrink": 0.5,
    "soft_shrink": 0.5,
    "squareplus": 3.0,
}


@pytest.mark.parametrize("name", WITH_A_PARAMETER)
def test_a_parameter_may_be_any_number_or_tensor(name: str, backend: str) -> None:
    function, value = getattr(ops, name), WITH_A_PARAMETER[name]
    expected = function(X, value)
    for number in (np.float32(value), np.float64(value), np.array(value, "float32"), np.full(5, value, "float32")):
        result = function(X, number)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(function(X, 1), function(X, np.int64(1)))
    x, slopes = X.astype("float64") + 0.01, np.cos(np.arange(10.0)).reshape(X.shape)
    gradient = grad(lambda p: total(function(x, p) * slopes))(np.array(value))
    difference = np.sum((function(x, value + 1e-6) - function(x, value - 1e-6)) * slopes)
    np.testing.assert_allclose(2e-6 * gradient, difference, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", WITH_A_PARAMETER)
def test_a_variable_as_parameter_is_read_each_time(name: str) -> None:
    class Layer(dlnative.layers.Layer):
        def build(self, shape: Any) -> None:
            self.p = self.add_weight(shape=(), initializer="ones", name="p")

        def call(self, x: Any) -> Any:
            return getattr(activations, name)(x, self.p)

    model = dlnative.Sequential([dlnative.Input((5,)), Layer()])
    for value in (1.0, 0.25):
        model.set_weights([np.array(value, "float32")])
        np.testing.assert_allclose(model.predict(X, verbose=0), getattr(ops, name)(X, value), rtol=1e-6, atol=1e-6)


def test_a_negative_parameter_has_the_gradient_of_its_formula(backend: str) -> None:
    x = np.array([-3.0, -0.5, 0.7, 2.0])
    for function in (ops.leaky_relu, ops.elu, ops.celu, ops.soft_shrink, ops.hard_shrink):
        gradient = grad(lambda a, f=function: total(f(a, -1.25)))(x)
        difference = (function(x + 1e-6, -1.25) - function(x - 1e-6, -1.25)) / 2e-6
        np.testing.assert_allclose(gradient, difference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", KERAS)
def test_a_layer_takes_it_by_name(name: str, backend: str) -> None:
    layer = dlnative.layers.Dense(5, activation=name, kernel_initializer="identity")
    np.testing.assert_allclose(np.ravel(layer(X)), KERAS[name], rtol=2e-5, atol=1e-6)
    assert activations.get(name) is getattr(activations, name)
    assert activations.deserialize(activations.serialize(activations.get(name))) is activations.get(name)


def test_names() -> None:
    assert activations.get("swish") is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.get(None) is activations.linear
    with pytest.raises(ValueError, match=r"activation: expected a known name, such as sigmoid, .*, got 'sigmoyd'"):
        activations.get("sigmoyd")
    with pytest.raises(ValueError, match="activation: expected a name or a function, got 3"):
        activations.get(3)
    with pytest.raises(ValueError, match=r"glu: expected an even extent of axis 1, got input of shape \(2, 5\)"):
        activations.glu(X)
    with pytest.raises(ValueError, match=r"glu: axis 2 is out of bounds: expected an axis in \[-2, 2\)"):
        activations.glu(X, 2)


@pytest.mark.parametrize("name", KERAS_CONSTRAINTS)
def test_constraints_are_keras_s(name: str, backend: str) -> None:
    constraint = CONSTRAINTS[name]
    np.testing.assert_allclose(np.ravel(constraint(X[:, :3])), KERAS_CONSTRAINTS[name], rtol=1e-6, atol=1e-6)
    again = constraints.deserialize(constraints.serialize(constraint))
    assert again.get_config() == constraint.get_config()


@pytest.mark.parametrize("name", KERAS_REGULARIZERS)
def test_regularizers_are_keras_s(name: str, backend: str) -> None:
    regularizer = REGULARIZERS[name]
    np.testing.assert_allclose(regularizer(X[:, :3]), KERAS_REGULARIZERS[name], rtol=2e-6)
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert again.get_config() == regularizer.get_config()


def test_regularizers_and_constraints_by_name() -> None:
    assert regularizers.get("l2").get_config() == {"l2": 0.01}
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    assert regularizers.get(None) is None
    assert isinstance(constraints.get("max_norm"), constraints.MaxNorm)
    with pytest.raises(ValueError, match="constraint: expected a known name, such as max_norm"):
        constraints.get("maxnorm")
    for wrong in (-1.0, float("nan"), float("inf"), "a lot"):
        with pytest.raises(ValueError, match="regularizer: expected l2"):
            regularizers.L2(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="OrthogonalRegularizer must have rank 2"):
        regularizers.OrthogonalRegularizer()(np.ones(3, "float32"))


def test_a_model_pays_for_its_weights(backend: str) -> None:
    layer = dlnative.layers.Dense(2, use_bias=False, kernel_regularizer=regularizers.L1L2(0.1, 0.01))
    model = dlnative.Sequential([dlnative.Input((3,)), layer])
    model.compile("sgd", "mse")
    kernel = layer.kernel.numpy().copy()
    x = np.zeros((4, 3), "float32")
    expected = 0.1 * np.abs(kernel).sum() + 0.01 * np.square(kernel).sum()
    np.testing.assert_allclose(model.evaluate(x, np.zeros((4, 2)), verbose=0), expected, rtol=1e-6)


def test_a_constraint_holds_after_every_step(backend: str) -> None:
    layer = dlnative.layers.Dense(2, use_bias=False, kernel_constraint=constraints.UnitNorm())
    model = dlnative.Sequential([dlnative.Input((3,)), layer])
    model.compile(dlnative.optimizers.SGD(0.5), "mse")
    random = np.random.RandomState(0)
    model.fit(random.rand(20, 3), random.rand(20, 2), batch_size=5, epochs=2, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(layer.kernel.numpy(), axis=0), 1.0, rtol=1e-5)


def test_a_threshold_below_0_shifts_as_the_formula_says(backend: str) -> None:
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0, np.nan], "float32")
    expected = [-3.0, 0.5, 1.0, 1.5, 3.0, np.nan]
    np.testing.assert_array_equal(ops.soft_shrink(x, -1), expected)
    np.testing.assert_array_equal(ops.soft_shrink(x, np.full(6, -1.0, "float32")), expected)
