"""Optimizers whose step is a formula in `dlnative.ops`, against Keras 3.15's numbers."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import optimizers


def several(default: Any, others: dict[str, Any], **arguments: Any) -> Any:
    return optimizers.MultiOptimizer(optimizers.OptimizerMap(default, others), **arguments)


# How the optimizer is made, and what Keras makes of a matrix and a vector in four steps.
CASES: dict[str, tuple[Callable[[], Any], list[float]]] = {
    "adagrad": (lambda: optimizers.Adagrad(0.5), [0.601087, -1.22405, -0.385455, 2.93302, 0.596692, -0.493847]),
    "adagrad_options": (
        lambda: optimizers.Adagrad(0.5, 0.2, 1e-3, weight_decay=0.1),
        [0.579574, -1.05363, -0.29654, 2.40832, 0.537176, -0.409723],
    ),
    "adadelta": (lambda: optimizers.Adadelta(1.0), [0.997149, -1.99715, 0.497148, 2.99715, 0.998601, -0.998601]),
    "adadelta_options": (
        lambda: optimizers.Adadelta(1.0, 0.8, 1e-3),
        [0.879492, -1.85944, 0.357299, 2.95674, 0.933668, -0.932907],
    ),
    "adamax": (lambda: optimizers.Adamax(0.5), [-0.264725, -0.735274, -0.764726, 1.73528, -0.194182, 0.194182]),
    "adamax_options": (
        lambda: optimizers.Adamax(0.5, 0.8, 0.9, 1e-2, clipnorm=0.5),
        [-0.485392, -0.401822, -1.12282, 1.95647, -0.25947, 0.325307],
    ),
    "nadam": (lambda: optimizers.Nadam(0.5), [-0.102615, -0.897384, -0.602616, 1.89739, 0.334878, -0.334878]),
    "nadam_options": (
        lambda: optimizers.Nadam(0.5, 0.8, 0.9, 1e-2),
        [-0.108515, -0.833335, -0.679054, 2.14579, 0.292392, -0.280045],
    ),
    "ftrl": (lambda: optimizers.Ftrl(0.5), [-0.352376, 0.226899, -0.652716, -0.0609957, -0.0234814, -0.273521]),
    "ftrl_options": (
        lambda: optimizers.Ftrl(0.5, -0.3, 0.2, 0.05, 0.1, 0.02, 0.3),
        [-0.0906383, 0.200975, -0.395058, -0.0493938, -0.0622152, 0.0336166],
    ),
    "lion": (lambda: optimizers.Lion(0.5), [0.0, -1.0, -0.5, 2.0, 0.0, 0.0]),
    "lion_options": (
        lambda: optimizers.Lion(0.5, 0.6, 0.7, weight_decay=0.1),
        [-0.0404313, -0.774075, -0.447684, 1.58858, -0.0404313, 0.0404313],
    ),
    "lamb": (lambda: optimizers.Lamb(0.5), [-1.53278, 0.532781, -2.03278, 0.467227, 0.0625001, -0.0624999]),
    "lamb_options": (
        lambda: optimizers.Lamb(0.5, 0.8, 0.9, 1e-2),
        [-1.83143, 0.951848, -2.47737, 0.710056, 0.0722246, -0.0524364],
    ),
    "adafactor": (lambda: optimizers.Adafactor(0.5), [0.509972, 0.493129, -1.04837, 2.89496, 0.485532, -0.485532]),
    "adafactor_options": (
        lambda: optimizers.Adafactor(0.5, -0.5, 1e-3, 0.1, 0.5),
        [0.707134, -0.517494, -0.429293, 2.93728, 0.703164, -0.703084],
    ),
    "muon": (lambda: optimizers.Muon(0.5), [0.950361, -1.77204, 0.248143, 2.94875, -0.479345, 0.479352]),
    "muon_options": (
        lambda: optimizers.Muon(
            0.5, 0.8, 0.9, 0.1, 1e-3, 0.2, muon_a=3.0, muon_b=-4.0, muon_c=1.5, adam_lr_ratio=0.5, momentum=0.8,
            ns_steps=3, nesterov=False, rms_rate=0.3,
        ),
        [0.624798, -0.599107, -0.10991, 1.82694, 0.183761, -0.180323],
    ),
    "muon_as_adamw": (
        lambda: optimizers.Muon(0.5, exclude_layers=["w"]),
        [-0.519317, -0.472689, -1.01535, 1.46484, -0.479345, 0.479352],
    ),
    "schedule_free": (
        lambda: optimizers.ScheduleFreeAdamW(0.5),
        [-0.134624, -0.865376, -0.634624, 1.86538, 0.387623, -0.387623],
    ),
    "schedule_free_options": (
        lambda: optimizers.ScheduleFreeAdamW(0.5, 0.8, 0.9, 1e-2, 3, weight_decay=0.1),
        [0.385283, -1.28678, -0.109927, 2.35693, 0.782908, -0.78158],
    ),
    "several": (
        lambda: several(optimizers.SGD(0.5), {"w": optimizers.Adam(0.1)}),
        [0.696556, -1.69655, 0.196551, 2.69658, 0.8, -0.3],
    ),
    "several_scaled": (
        lambda: several(optimizers.SGD(0.5, 0.9), {"w": optimizers.RMSprop(0.1)}, loss_scale_factor=4.0),
        [0.378054, -1.37778, -0.122242, 2.38526, 0.7853, -0.24855],
    ),
}  # fmt: skip


def trained(optimizer: Any, dtype: str = "float32") -> list[dlnative.Variable]:
    matrix, vector = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([1.0, -1.0])
    variables = [dlnative.Variable(value, dtype=dtype, name=name) for name, value in (("w", matrix), ("b", vector))]
    for step in range(4):
        slopes = np.array([[0.1, -0.3], [0.5, 0.02]]) * (1 + step) * (-1) ** (step // 3)
        optimizer.apply([slopes, np.array([0.2, -0.7]) * (2 - step)], variables)
    return variables


@pytest.mark.parametrize("name", CASES)
def test_same_as_keras(name: str, backend: str) -> None:
    make, expected = CASES[name]
    with dlnative.backend.use_backend(backend):
        variables = trained(make())
    found = np.concatenate([np.ravel(variable.value) for variable in variables])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6)  # Keras computes powers in float32


@pytest.mark.parametrize("name", CASES)
def test_configs_copies_and_stateless_steps(name: str) -> None:
    optimizer = CASES[name][0]()
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    variables = trained(optimizer)
    copied = pickle.loads(pickle.dumps(optimizer))
    for left, right in zip(copied.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(left.value, right.value)
    gradients = [np.ones((2, 2), "float32"), np.ones(2, "float32")]
    values, own = optimizer.stateless_apply(
        [variable.numpy() for variable in optimizer.variables], gradients, [variable.numpy() for variable in variables]
    )
    optimizer.apply(gradients)
    for variable, value in zip([*variables, *optimizer.variables], [*values, *own], strict=True):
        np.testing.assert_allclose(variable.value, value, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "name", ["adagrad", "adadelta", "adamax", "nadam", "ftrl", "lion", "lamb", "adafactor", "muon", "schedulefreeadamw"]
)
def test_models_train_with_them(name: str, random: np.random.RandomState) -> None:
    x = random.rand(64, 4).astype("float32")
    model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(1, kernel_initializer="zeros")])
    optimizer = optimizers.get(name)
    optimizer.learning_rate = 0.01
    model.compile(optimizer, "mse")
    history = model.fit(x, x.sum(axis=1, keepdims=True), epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert name in {key.lower() for key in optimizers.__all__}


def test_accumulated_steps_are_one_step_with_the_mean() -> None:
    """Also of what belongs to no variable, as Nadam's product."""
    for name in ("nadam", "adafactor", "ftrl"):
        first, second = (
            optimizers.get(name),
            optimizers.get({"class_name": name, "config": {"gradient_accumulation_steps": 2}}),
        )
        one, two = dlnative.Variable(np.ones(2)), dlnative.Variable(np.ones(2))
        for gradient in (np.array([0.1, 0.4]), np.array([-0.3, 0.2])):
            first.apply([gradient], [one])
            second.apply([gradient * 0.5], [two])
            second.apply([gradient * 1.5], [two])
        np.testing.assert_allclose(one.value, two.value, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), "Adagrad: expected initial_accumulator_value"),
        (lambda: optimizers.Adadelta(rho=1.5), r"Adadelta: expected rho in \[0, 1\], got 1.5"),
        (lambda: optimizers.Adamax(beta_1=1.0), r"Adamax: expected beta_1 in \[0, 1\), got 1.0"),
        (lambda: optimizers.Nadam(epsilon=float("nan")), "Nadam: expected epsilon to be a finite number"),
        (
            lambda: optimizers.Ftrl(learning_rate_power=0.1),
            "Ftrl: expected learning_rate_power to be a finite number of at most 0",
        ),
        (lambda: optimizers.Lion(beta_1=0.0), r"Lion: expected beta_1 in \(0, 1\], got 0.0"),
        (lambda: optimizers.Lamb(momentum=1.0), 'Lamb: unknown argument "momentum"'),
        (
            lambda: optimizers.Adafactor(clip_threshold=0.0),
            "Adafactor: expected clip_threshold to be a finite number above 0",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        make()


def scaled(**arguments: Any) -> tuple[Any, dlnative.Variable]:
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.5), **arguments)
    return optimizer, dlnative.Variable(np.array([1.0, 2.0]), name="w")


def test_the_scale_of_the_loss_follows_the_gradients(backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        optimizer, w = scaled(initial_scale=16.0, dynamic_growth_steps=2)
        plain, v = optimizers.Adam(0.5), dlnative.Variable(np.array([1.0, 2.0]), name="w")
        scales, counts = [], []
        for gradient in ([1.0, 2.0], [0.5, np.inf], [1.0, 2.0], [0.5, 1.0], [np.nan, 1.0], [3.0, 1.0]):
            scale = float(optimizer.scale_loss(1.0))
            optimizer.apply([np.array(gradient) * scale], [w])
            if np.isfinite(gradient).all():
                plain.apply([np.array(gradient)], [v])
            scales.append(float(optimizer.dynamic_scale))
            counts.append(int(optimizer.step_counter))
            np.testing.assert_array_equal(w.value, v.value)
        assert scales == [16.0, 8.0, 8.0, 16.0, 8.0, 8.0]
        assert counts == [1, 0, 1, 0, 0, 1]
        assert int(optimizer.iterations) == 4


def test_the_scale_in_configs_copies_and_stateless_steps() -> None:
    optimizer, w = scaled(initial_scale=16.0, dynamic_growth_steps=3, name="mine")
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert again.get_config() == optimizer.get_config()
    optimizer.build([w])
    for gradient in ([8.0, 16.0], [np.inf, 0.0]):
        before = [variable.numpy() for variable in optimizer.variables]
        values, own = optimizer.stateless_apply(before, [np.array(gradient, "float32")], [w.numpy()])
        optimizer.apply([np.array(gradient)])
        for variable, value in zip([w, *optimizer.variables], [*values, *own], strict=True):
            np.testing.assert_allclose(variable.value, value, rtol=1e-6)
    optimizer.learning_rate = 0.25
    assert float(optimizer.inner_optimizer.learning_rate) == 0.25


def test_a_model_in_float16_gets_such_an_optimizer() -> None:
    x = np.random.RandomState(0).uniform(-1, 1, (64, 5)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    hidden = [dlnative.layers.Dense(8, "relu", dtype="mixed_float16"), dlnative.layers.Dense(1, dtype="mixed_float16")]
    model = dlnative.Sequential([dlnative.Input((5,)), *hidden])
    model._dtype_policy = hidden[0].dtype_policy
    model.compile(optimizers.Adam(0.02, use_ema=True), "mse")
    assert type(model.optimizer) is optimizers.LossScaleOptimizer
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]
    assert float(model.optimizer.dynamic_scale) >= 1024
    assert model.optimizer.keeps_means
    model.compile("sgd", "mse", auto_scale_loss=False)
    assert type(model.optimizer) is optimizers.SGD


def test_each_variable_has_its_optimizer() -> None:
    made = optimizers.OptimizerMap(optimizers.SGD(1.0), {"a/.*": optimizers.SGD(0.5)})
    made["b/.*"] = optimizers.SGD(0.25)
    with dlnative.name_scope("a"):
        first = dlnative.Variable(np.ones(2), name="w")
    with dlnative.name_scope("b"), dlnative.name_scope("inner"):
        second = dlnative.Variable(np.ones(2), name="w")
    third = dlnative.Variable(np.ones(2), name="w")
    assert [v.path for v in (first, second, third)] == ["a/w", "b/inner/w", "w"]
    optimizer = optimizers.MultiOptimizer(made)
    optimizer.apply([np.ones(2)] * 3, [first, second, third])
    assert [float(v.value[0]) for v in (first, second, third)] == [0.5, 0.75, 0.0]
    assert int(optimizer.iterations) == 1
    with pytest.raises(AttributeError, match="learning_rate"):
        _ = optimizer.learning_rate
    assert len(made) == 2
    assert list(made) == ["a/.*", "b/.*"]
    made[".*w"] = optimizers.SGD()
    with pytest.raises(ValueError, match="expected one optimizer"):
        made(first)
    with pytest.raises(ValueError, match="already exists"):
        made["b/.*"] = optimizers.SGD()
    for wrong in (optimizers.LossScaleOptimizer(optimizers.SGD()), optimizer, "sgd"):
        with pytest.raises(ValueError, match="OptimizerMap"):
            made["c"] = wrong
    for holder in (optimizers.LossScaleOptimizer(optimizers.SGD()), optimizer):
        with pytest.raises(ValueError, match="OptimizerMap: optimizer cannot be"):
            optimizers.OptimizerMap(holder)
        with pytest.raises(ValueError, match="MultiOptimizer: optimizer cannot be"):
            optimizers.MultiOptimizer(lambda _, holder=holder: holder).build([third])


def test_callbacks_of_the_rate_know_each_optimizer() -> None:
    slow, fast = optimizers.SGD(0.01), optimizers.SGD(0.1)
    model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(2, name="one"), dlnative.layers.Dense(2)])
    model.compile(optimizers.MultiOptimizer(optimizers.OptimizerMap(slow, {".*one/.*": fast})), "mse")
    x = np.ones((8, 3), "float32")
    halving = dlnative.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    plateau = dlnative.callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=1e9, min_lr=0.004)
    model.fit(x, x[:, :2], epochs=2, verbose=0, callbacks=[halving])
    np.testing.assert_allclose([float(o.learning_rate) for o in (slow, fast)], [0.0025, 0.025], rtol=1e-6)
    slow.learning_rate, fast.learning_rate = 0.005, 0.1
    model.fit(x, x[:, :2], epochs=2, verbose=0, callbacks=[plateau])
    np.testing.assert_allclose([float(o.learning_rate) for o in (slow, fast)], [0.004, 0.05], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False), "dynamic=True"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0), "on the `inner_optimizer`"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), foo=1), "arguments: `foo`"),
        (lambda: optimizers.LossScaleOptimizer("sgd"), "expected an optimizer"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), 0.0), "initial_scale"),
        (lambda: optimizers.Muon(ns_steps=-1), "Muon: expected ns_steps"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0.0), "ScheduleFreeAdamW: expected beta_1"),
        (lambda: optimizers.MultiOptimizer(3), "MultiOptimizer: expected"),
        (lambda: dlnative.name_scope("a/b").__enter__(), "name_scope: expected"),
    ],
)
def test_what_the_wrapping_optimizers_refuse(make: Any, line: str) -> None:
    with pytest.raises((ValueError, TypeError), match=line):
        make()
