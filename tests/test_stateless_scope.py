"""`StatelessScope`: values that variables have for a while, and what is assigned meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, optimizers

X = np.arange(6, dtype="float32").reshape(2, 3)


def test_values_are_seen_and_assignments_kept() -> None:
    a, b, out = (dlnative.Variable(np.zeros(2), name=name) for name in ("a", "b", "out"))
    untouched = dlnative.Variable(np.ones(2))
    with dlnative.StatelessScope(state_mapping=[(a, np.ones(2)), (b, np.full(2, 2.0))]) as scope:
        out.assign(a + b)
        np.testing.assert_array_equal(out + 0.0, [3, 3])
        np.testing.assert_array_equal(scope.get_current_value(out), [3, 3])
        a.assign_add([1.0, 1.0])
        b.assign_sub([1.0, 1.0])
        scope.add_update((b, np.full(2, 7.0)))
    for variable, now in ((a, [2, 2]), (b, [7, 7]), (out, [3, 3])):
        np.testing.assert_array_equal(variable.value, [0, 0])
        np.testing.assert_array_equal(scope.get_current_value(variable), now)
    assert scope.get_current_value(untouched) is None
    with scope:  # it goes on where it ended
        np.testing.assert_array_equal(out.value, [3, 3])
    np.testing.assert_array_equal(out.value, [0, 0])


def test_what_plans_write_is_kept_too() -> None:
    layer = layers.BatchNormalization(momentum=0.5)
    layer.build((None, 3))
    layer(X, training=True)  # the plan is there before the scope
    before = layer.moving_mean.numpy()
    metric = dlnative.metrics.Mean()
    metric.update_state([1.0])
    for _ in range(2):
        with dlnative.StatelessScope() as scope:
            layer(X, training=True)
            layer(X, training=True)
            metric.update_state([5.0])
            metric.reset_state()
            with dlnative.StatelessScope() as inner:
                layer(X, training=True)
            layer(X, training=True)
        np.testing.assert_array_equal(layer.moving_mean.value, before)
        assert float(metric.result()) == 1.0
    expected = before
    for _ in range(3):
        expected = 0.5 * expected + 0.5 * X.mean(0)
    np.testing.assert_allclose(scope.get_current_value(layer.moving_mean), expected)
    np.testing.assert_allclose(inner.get_current_value(layer.moving_mean), expected)
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean.value, 0.5 * before + 0.5 * X.mean(0))


def test_gradients_flow_through_values() -> None:
    dense, other = layers.Dense(1), dlnative.Variable([0.0])
    dense.build((None, 3))
    kernel = dense.kernel.numpy()

    def loss(value: Any) -> Any:
        with dlnative.StatelessScope([(dense.kernel, value)]) as scope:
            result = ops.sum(dense(X))
            other.assign([8.0])
        return result + scope.get_current_value(other)[0] + 0.0 * ops.sum(other)

    value, gradient = dlnative.value_and_grad(loss)(np.ones((3, 1), "float32"))
    assert value == 15.0 + 8.0
    np.testing.assert_array_equal(gradient[:, 0], X.sum(0))
    np.testing.assert_array_equal(dense.kernel.value, kernel)
    assert float(other.value[0]) == 0.0


@pytest.mark.parametrize("traced", [False, True])
def test_steps_of_optimizers_stay_in_the_scope(traced: bool) -> None:
    variable, optimizer = dlnative.Variable([1.0]), optimizers.SGD(0.5)
    optimizer.build([variable])

    def step(gradient: Any, start: Any) -> Any:
        with dlnative.StatelessScope([(variable, start)]) as scope:
            optimizer.apply([gradient], [variable])
        return scope.get_current_value(variable), scope.get_current_value(optimizer.iterations)

    run = dlnative.graph.function.Function(step) if traced else step
    value, count = run(np.ones(1, "float32"), np.full(1, 3.0, "float32"))
    assert (float(value[0]), int(count)) == (2.5, 1)
    assert (float(variable.value[0]), int(optimizer.iterations)) == (1.0, 0)


def test_losses_are_collected() -> None:
    layer = layers.ActivityRegularization(l1=1.0)
    layer(X)
    with dlnative.StatelessScope(collect_losses=True) as scope:
        layer(X)
        scope.add_loss(2.0)
    layer(X)
    assert [float(loss) for loss in scope.losses] == [7.5, 2.0]  # half of the sum: by sample
    with dlnative.StatelessScope() as scope:
        layer(X)
    assert scope.losses == []


def test_an_error_inside_takes_everything_back() -> None:
    variable = dlnative.Variable([1.0])
    with pytest.raises(ValueError, match="shape"), dlnative.StatelessScope([(variable, [3.0])]):
        variable.assign([4.0, 5.0])
    assert float(variable.value[0]) == 1.0
    variable.assign([2.0])
    assert float(variable.value[0]) == 2.0


def test_what_is_refused() -> None:
    variable = dlnative.Variable(np.zeros(2), name="v")
    with pytest.raises(ValueError, match="expected a Variable in each pair of state_mapping, got 'v'"):
        dlnative.StatelessScope([("v", np.zeros(2))])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r'shape \(2,\) for the variable "v", got shape \(3,\)'):
        dlnative.StatelessScope([(variable, np.zeros(3))])
    with pytest.raises(ValueError, match="initialize_variables"):
        dlnative.StatelessScope(initialize_variables=False)
    with pytest.raises(ValueError, match="not open already"), dlnative.StatelessScope() as scope, scope:
        pass
    with pytest.raises(ValueError, match="symbolic"), dlnative.StatelessScope([(variable, dlnative.Input((2,))[0])]):
        pass
