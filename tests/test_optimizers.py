"""Optimizers beyond single steps; that every optimizer does what Keras's does is in tests/keras."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import optimizers


@pytest.fixture(params=["cpu", "reference"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_accumulated_steps_are_one_step_with_the_mean(backend: str, random: np.random.RandomState) -> None:
    gradients = random.uniform(-1, 1, (6, 2, 3)).astype("float32")
    with dlnative.backend.use_backend(backend):
        accumulating = optimizers.Adam(0.1, gradient_accumulation_steps=3)
        plain = optimizers.Adam(0.1)
        first, second = dlnative.Variable(np.ones((2, 3))), dlnative.Variable(np.ones((2, 3)))
        for number, gradient in enumerate(gradients, 1):
            before = first.numpy()
            accumulating.apply_gradients([(gradient, first)])
            assert int(accumulating.iterations) == number // 3
            if number % 3:
                np.testing.assert_array_equal(first.numpy(), before)
                continue
            plain.apply_gradients([(gradients[number - 3 : number].mean(axis=0), second)])
            np.testing.assert_allclose(first.numpy(), second.numpy(), rtol=1e-6)


def test_running_means_become_the_values(backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        variable = dlnative.Variable(np.array([8.0], "float32"))
        mean = None
        for _ in range(4):
            optimizer.apply_gradients([(np.ones(1, "float32"), variable)])
            value = float(variable.value[0])
            mean = value if mean is None else 0.5 * mean + 0.5 * value
        assert float(variable.value[0]) == 4
        optimizer.finalize_variable_values([variable])
        assert float(variable.value[0]) == mean


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Adam(0.1),
        lambda: optimizers.Adam(0.1, epsilon=0.0),
        lambda: optimizers.Adam(0.1, epsilon=1e30),
        lambda: optimizers.Adam(0.1, amsgrad=True),
        lambda: optimizers.AdamW(0.1, weight_decay=0.1),
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: optimizers.RMSprop(0.1, centered=True),
        lambda: optimizers.RMSprop(0.1),
        lambda: optimizers.RMSprop(0.1, epsilon=0.0),
        lambda: optimizers.RMSprop(0.1, momentum=0.9, weight_decay=0.1),
    ],
)
def test_extreme_gradients(make: Callable[[], optimizers.Optimizer], random: np.random.RandomState) -> None:
    extremes = [0.0, -0.0, 1e-15, 1e-12, 1e-7, 1.0, -1e7, 1e15, -1e18, 1e19, 1e20, 1e38, np.inf, -np.inf, np.nan]
    gradients = np.array(extremes * 3, "float32")  # whole vectors and a rest
    for order in (gradients, random.permutation(gradients), np.zeros(20, "float32")):
        results = []
        for name in ("cpu", "reference"):
            with dlnative.backend.use_backend(name), np.errstate(all="ignore"):
                optimizer, variable = make(), dlnative.Variable(np.linspace(-1, 1, order.size))
                for _ in range(3):
                    optimizer.apply_gradients([(order, variable)])
                results.append(variable.numpy())
        np.testing.assert_allclose(*results, rtol=2e-6, atol=2e-7)


def test_configuration_makes_the_same_again() -> None:
    arguments = {
        "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 5, "loss_scale_factor": 8.0,
        "gradient_accumulation_steps": 4,
    }  # fmt: skip
    config = optimizers.RMSprop(0.01, **arguments).get_config()
    assert {key: config[key] for key in arguments} == arguments
    assert optimizers.RMSprop.from_config(config).get_config() == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gradient_accumulation_steps": 1}, "2 or more"),
        ({"gradient_accumulation_steps": 2.0}, "2 or more"),
        ({"use_ema": True, "ema_momentum": 1.5}, r"\[0, 1\]"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "1 or more"),
        ({"loss_scale_factor": 0}, "above 0"),
    ],
)
def test_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.SGD(**arguments)


def test_constraints_hold_beside_means_and_accumulation(backend: str, random: np.random.RandomState) -> None:
    with dlnative.backend.use_backend(backend):
        layer = dlnative.layers.Dense(3, kernel_constraint="non_neg")
        model = dlnative.Sequential([dlnative.Input((4,)), layer])
        model.compile(optimizers.SGD(0.5, momentum=0.9, use_ema=True, gradient_accumulation_steps=2), "mse")
        x = random.uniform(-1, 1, (64, 4)).astype("float32")
        model.fit(x, random.uniform(-1, 1, (64, 3)).astype("float32"), batch_size=8, epochs=2, verbose=0)
        assert np.isfinite(layer.kernel.value).all()
        for _ in range(2):
            model.train_on_batch(x, np.zeros((64, 3), "float32"))
        assert layer.kernel.value.min() >= 0


@pytest.mark.parametrize(
    "name", ["clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor", "weight_decay", "learning_rate"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, "0.1", True])
def test_a_number_is_a_finite_number(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"SGD: expected {name} to be a finite number"):
        optimizers.SGD(**{name: value})
    optimizer = optimizers.SGD(**{name: np.float32(0.5)})  # what a Python number may be, a NumPy number may be
    assert optimizer.get_config()[name] == 0.5


def test_only_one_way_of_clipping() -> None:
    with pytest.raises(ValueError, match="Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can"):
        optimizers.Adam(clipnorm=1.0, clipvalue=1.0)


def stepped(optimizer: Any, count: int = 3, size: int = 3) -> list[dlnative.Variable]:
    variables = [dlnative.Variable(np.full((2, size), 1.0 + place), name=f"v{place}") for place in range(2)]
    for number in range(count):
        optimizer.apply([np.full((2, size), 0.1 * (number + place + 1), "float32") for place in range(2)], variables)
    return variables


MAKERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, use_ema=True),
    "adam": lambda: optimizers.Adam(0.1, amsgrad=True, gradient_accumulation_steps=2),
    "rmsprop": lambda: optimizers.RMSprop(0.1, momentum=0.9, centered=True),
    "schedule": lambda: optimizers.AdamW(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
}


# As in Keras: the number of steps, the rate, means, sums of gradients, and the slots in its order.
NAMES = {
    "sgd": ["iteration", "learning_rate", "v0_average", "v1_average", "v0_momentum", "v1_momentum"],
    "adam": [
        "iteration", "learning_rate", "v0_gradient_accumulator", "v1_gradient_accumulator",
        "v0_momentum", "v0_velocity", "v1_momentum", "v1_velocity", "v0_velocity_hat", "v1_velocity_hat",
    ],
    "rmsprop": [
        "iteration", "learning_rate", "v0_velocity", "v1_velocity", "v0_momentum", "v1_momentum", "v0_average_gradient",
        "v1_average_gradient",
    ],
    "schedule": ["iteration", "v0_momentum", "v0_velocity", "v1_momentum", "v1_velocity"],
}  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
def test_what_an_optimizer_keeps_can_be_set_saved_and_loaded(name: str, backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        first = MAKERS[name]()
        stepped(first)
        assert [variable.name for variable in first.variables] == NAMES[name]
        again, loaded = MAKERS[name](), MAKERS[name]()
        with pytest.raises(ValueError, match=r"You are calling set_weights\(\) before"):
            again.set_weights(first.variables)
        fresh = [dlnative.Variable(np.ones((2, 3)), name=f"v{place}") for place in range(2)]
        again.build(fresh)
        before = [variable.numpy() for variable in again.variables]
        values = [variable.numpy() + 1 for variable in first.variables]
        for wrong in (values[:-1], [*values[:-1], np.zeros((7, 7))]):
            with pytest.raises(ValueError, match="expected"):
                again.set_weights(wrong)
            for variable, value in zip(again.variables, before, strict=True):
                np.testing.assert_array_equal(variable.value, value)
        again.set_weights(first.variables)
        loaded.build([dlnative.Variable(np.ones((2, 3))) for _ in range(2)])
        store: dict[str, Any] = {}
        first.save_own_variables(store)
        loaded.load_own_variables(store)
        for variable, second, third in zip(first.variables, again.variables, loaded.variables, strict=True):
            np.testing.assert_array_equal(variable.value, second.value)
            np.testing.assert_array_equal(variable.value, third.value)
        with pytest.warns(UserWarning, match="none is loaded"):
            loaded.load_own_variables({str(place): 1 for place in range(99)})


@pytest.mark.parametrize("name", MAKERS)
def test_a_config_makes_the_same_optimizer(name: str) -> None:
    first = MAKERS[name]()
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(first))))
    assert type(again) is type(first)
    assert again.get_config() == first.get_config()
    for left, right in zip(stepped(first), stepped(again), strict=True):
        np.testing.assert_array_equal(left.value, right.value)


@pytest.mark.parametrize("name", MAKERS)
def test_a_stateless_step_changes_nothing(name: str, backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        optimizer = MAKERS[name]()
        variables = stepped(optimizer)
        own, values = [v.numpy() for v in optimizer.variables], [v.numpy() for v in variables]
        gradients = [np.full((2, 3), 0.3, "float32"), np.full((2, 3), -0.2, "float32")]
        new_values, new_own = optimizer.stateless_apply(own, gradients, values)
        for variable, value in zip([*optimizer.variables, *variables], [*own, *values], strict=True):
            np.testing.assert_array_equal(variable.value, value)
        optimizer.apply(gradients)
        for variable, value in zip([*variables, *optimizer.variables], [*new_values, *new_own], strict=True):
            np.testing.assert_allclose(variable.value, value, rtol=1e-6, atol=1e-7)
        with pytest.raises(ValueError, match="expected 2 grads, got 1"):
            optimizer.stateless_apply(own, gradients[:1], values)


def test_variables_that_their_gradients_overwrite(backend: str) -> None:
    """With accumulation, by the largest gradient; as in Keras."""
    with dlnative.backend.use_backend(backend):
        for steps, expected in ((None, [[3.0], [2.0]]), (2, [[9.0], [3.0]])):
            first, second = dlnative.Variable(np.array([9.0])), dlnative.Variable(np.array([1.0]))
            first.overwrite_with_gradient = True
            optimizer = optimizers.SGD(
                1.0, gradient_accumulation_steps=steps, clipvalue=0.5, use_ema=True, loss_scale_factor=2.0
            )
            for gradient, value in zip((3.0, 2.0), expected, strict=True):
                optimizer.apply([np.array([gradient]), np.array([4.0])], [first, second])
                assert first.value.tolist() == value
            assert float(second.value[0]) == (0.0 if steps is None else 0.5)
            optimizer.finalize_variable_values([first, second])
            assert first.value.tolist() == expected[1]


def test_means_of_variables_without_a_gradient_are_their_values(backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        first, second = dlnative.Variable(np.array([8.0])), dlnative.Variable(np.array([5.0]))
        optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        for _ in range(2):
            with pytest.warns(UserWarning, match="expected a gradient for each variable, got None for variable"):
                optimizer.apply([np.ones(1), None], [first, second])
        optimizer.finalize_variable_values([first, second])
        assert (float(first.value[0]), float(second.value[0])) == (6.5, 5.0)


def test_an_optimizer_in_the_style_of_keras(backend: str) -> None:
    class Momentum(optimizers.Optimizer):
        def __init__(self, learning_rate: float = 0.5, **kwargs: Any) -> None:
            super().__init__(learning_rate, **kwargs)

        def build(self, variables: Any) -> None:
            super().build(variables)
            self.momenta, self.spares = self.add_optimizer_variables(
                variables, ["momentum", "spare"], ["zeros", "ones"]
            )
            self.extra = self.add_variable((), name="extra")

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            slot = self.momenta[self._get_variable_index(variable)]
            self.assign(slot, slot * 0.5 - gradient * learning_rate)
            self.assign_add(variable, slot)

    with dlnative.backend.use_backend(backend):
        optimizer = Momentum()
        variables = [dlnative.Variable(np.zeros(2), name="a"), dlnative.Variable(np.ones(1), name="b")]
        for _ in range(2):
            steps = optimizer.apply_gradients([(np.ones(2), variables[0]), (np.ones(1), variables[1])])
        assert int(steps) == int(optimizer.iterations) == 2
        np.testing.assert_allclose(variables[0].value, [-1.25, -1.25])
        names = ["iteration", "learning_rate", "a_momentum", "a_spare", "b_momentum", "b_spare", "extra"]
        assert [variable.name for variable in optimizer.variables] == names
        assert optimizers.deserialize(optimizers.serialize(optimizer), {"Momentum": Momentum}).name == optimizer.name


def test_an_optimizer_is_built_once() -> None:
    first, second, third = (dlnative.Variable(np.ones(2)) for _ in range(3))
    optimizer = optimizers.SGD(0.5, momentum=0.9)
    optimizer.build([first, second])
    slots = optimizer.variables
    optimizer.build([second])
    assert optimizer.variables == slots
    for call in (lambda: optimizer.build([third]), lambda: optimizer.apply([np.ones(2)], [third])):
        with pytest.raises(ValueError, match="SGD: expected variables it was built with"):
            call()
    for wrong, line in (
        ([np.ones(2)], "each of 2 variables, got 1"),
        ([None, None], "No gradients provided for any variable"),
    ):
        with pytest.raises(ValueError, match=line):
            optimizer.apply(wrong)
    assert int(optimizer.iterations) == 0


def test_names() -> None:
    assert optimizers.get(None) is None
    assert isinstance(optimizers.get("SGD"), optimizers.SGD)
    assert isinstance(optimizers.get("AdaMW"), optimizers.AdamW)
    assert isinstance(optimizers.get({"class_name": "rmsprop", "config": {"rho": 0.5}}), optimizers.RMSprop)
    for wrong in ("adm", 3, optimizers.SGD):
        with pytest.raises(ValueError, match="optimizer: expected"):
            optimizers.get(wrong)


def test_what_is_set_after_a_step_counts_for_the_next(backend: str) -> None:
    variable, ones = dlnative.Variable(np.zeros(2, "float32")), np.ones(2, "float32")
    optimizer = optimizers.SGD(1.0)
    optimizer.apply_gradients([(ones, variable)])
    optimizer.clipvalue = 0.5
    optimizer.apply_gradients([(ones, variable)])
    assert variable.numpy().tolist() == [-1.5, -1.5]
    plans = len(optimizer._function.plans)  # type: ignore[union-attr]
    optimizer.learning_rate = 0.5  # a variable: no other plan
    optimizer.apply_gradients([(ones, variable)])
    assert variable.numpy().tolist() == [-1.75, -1.75]
    assert len(optimizer._function.plans) == plans  # type: ignore[union-attr]


def test_what_is_set_between_fits_counts() -> None:
    model = dlnative.Sequential([dlnative.Input((1,)), dlnative.layers.Dense(1, "linear", False, "zeros")])
    model.compile(optimizers.SGD(1.0), "mae")
    x = np.ones((1, 1), "float32")
    model.fit(x, 9 * x, verbose=0)
    model.optimizer.clipvalue = 0.5
    model.fit(x, 9 * x, verbose=0)
    assert model.get_weights()[0].item() == 1.5


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.Adagrad, lambda **k: optimizers.SGD(momentum=0.9, **k)])
def test_paths_of_slots_begin_with_the_optimizer(make: Any) -> None:
    optimizer = make(name="mine")
    weight = dlnative.Variable(np.ones(3, "float32"), name="weight")
    optimizer.build([weight])
    assert all(variable.path.startswith("mine/") for variable in optimizer.variables)
    assert len({variable.path for variable in optimizer.variables}) == len(optimizer.variables)
