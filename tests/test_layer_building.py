"""How layers are built: shapes, weights, paths, threads, and state that is locked afterwards."""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops
from plain_layers import Outer, Scaled, X


def test_build_takes_shapes_by_the_names_of_arguments() -> None:
    class Pair(layers.Layer):
        def build(self, query_shape: Any, value_shape: Any) -> None:
            self.shapes = query_shape, value_shape

        def call(self, value: Any, query: Any) -> Any:
            return ops.matmul(query, value)

    layer = Pair()
    layer(np.ones((3, 4), "float32"), np.ones((2, 3), "float32"))
    assert layer.shapes == ((2, 3), (3, 4))
    assert layer.get_build_config() == {"shapes_dict": {"query_shape": (2, 3), "value_shape": (3, 4)}}
    again = Pair()
    again.build_from_config(layer.get_build_config())
    assert again.built
    assert again.shapes == layer.shapes

    class Unnamed(Pair):
        def build(self, query_shape: Any, size: Any) -> None:  # type: ignore[override]
            pass

    with pytest.raises(ValueError, match="`size`, which does not end in `_shape`"):
        Unnamed()(X, X)

    class Unknown(Pair):
        def build(self, query_shape: Any, key_shape: Any) -> None:  # type: ignore[override]
            pass

    with pytest.raises(ValueError, match=r"`key_shape`.*does not have argument `key`"):
        Unknown()(X, X)


def test_a_build_that_fails_leaves_no_weights() -> None:
    class Fails(layers.Layer):
        fail = True

        def build(self, input_shape: Any) -> None:
            self.first = self.add_weight(shape=(2,), name="first")
            if self.fail:
                raise OSError("no")

        def call(self, inputs: Any) -> Any:
            return inputs

    layer = Fails()
    with pytest.raises(OSError, match="no"):
        layer(X)
    layer.fail = False
    layer(X)
    assert len(layer.weights) == 1


def test_threads_that_call_a_new_layer_at_once_build_it_once() -> None:
    for _ in range(10):
        layer = layers.Dense(4)
        start = threading.Barrier(4)
        results: list[Any] = []

        def call(layer: Any = layer, start: Any = start, results: list[Any] = results) -> None:
            start.wait()
            results.append(layer(X))

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(layer.weights) == 2
        for result in results:
            np.testing.assert_array_equal(result, results[0])


def test_paths_are_those_of_keras() -> None:
    inner = layers.Dense(2, name="inner")
    layer = Outer(inner, name="outer")
    layer(X)
    assert [weight.path for weight in layer.weights] == ["outer/inner/kernel", "outer/inner/bias"]
    assert (layer.path, inner.path) == ("outer", "outer/inner")
    model = dlnative.Sequential(
        [layers.Dense(2, name="first"), Outer(layers.Dense(1, name="x"), name="y")], name="model"
    )
    model(X)
    paths = ["model/first/kernel", "model/first/bias", "model/y/x/kernel", "model/y/x/bias"]
    assert [weight.path for weight in model.weights] == paths
    assert layers.Dense(2).path is None


def test_no_new_state_after_building() -> None:
    class Late(layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.late = self.add_weight(shape=())
            return inputs

    with pytest.raises(ValueError, match="cannot add new elements of state"):
        Late()(X)
    layer = layers.Dense(2)
    layer(X)
    for late in (layers.Dense(2), dlnative.Variable([1.0])):
        with pytest.raises(ValueError, match="cannot add new elements of state"):
            layer.late = late
    layer.bias = layer.bias  # is no new state
    assert len(layer.weights) == 2


def test_weights_keep_their_order_and_come_back_when_thawed() -> None:
    class Mixed(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.fixed = self.add_weight(shape=(), trainable=False, name="fixed")
            self.variable = dlnative.Variable([1.0], name="variable")
            self.free = self.add_weight(shape=(), name="free")
            self.more = [dlnative.Variable([2.0], name="listed")]

        def call(self, inputs: Any) -> Any:
            return inputs

    layer = Mixed()
    order = ["variable", "free", "listed", "fixed"]
    assert [weight.name for weight in layer.weights] == order
    layer.trainable = False
    assert layer.trainable_weights == []
    assert not layer.variable.trainable
    assert [weight.name for weight in layer.weights] == order
    layer.trainable = True
    assert [weight.name for weight in layer.trainable_weights] == order[:3]
    del layer.free
    assert [weight.name for weight in layer.weights] == ["variable", "listed", "fixed"]
    frozen = layers.Dense(2, trainable=False)
    frozen.build((None, 3))
    assert frozen.trainable_weights == []
    assert not frozen.kernel.trainable
    frozen.trainable = True
    assert len(frozen.trainable_weights) == 2


def test_metrics_of_layers_inside() -> None:
    class Measuring(Outer):
        def __init__(self, inner: Any) -> None:
            super().__init__(inner)
            self.metric = dlnative.metrics.MeanSquaredError(name="mine")

    layer = Measuring(Measuring(layers.Dense(3)))
    layer(X)
    assert [metric.name for metric in layer.metrics] == ["mine", "mine"]
    assert len(layer.metrics_variables) == 4
    assert len(layer.variables) == 2


def test_set_weights_changes_all_or_nothing() -> None:
    layer = layers.Dense(2)
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="bias"):
        layer.set_weights([np.ones((3, 2)), np.array(["a", "b"])])
    for array, was in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, was)


def test_add_weight_by_position() -> None:
    layer = Scaled()
    weight = layer.add_weight((2, np.int64(3)), "ones", "float64")
    assert (weight.shape, weight.dtype) == ((2, 3), "float64")
    with pytest.raises(ValueError, match=r"name.*keyword"):
        layer.add_weight("factor")
    with pytest.raises(ValueError, match="`shape` was passed both positionally and as a keyword"):
        layer.add_weight((2,), shape=(2,))
    with pytest.raises(TypeError, match="at most 3 positional"):
        layer.add_weight((2,), "ones", "float32", "name")


def test_a_second_build_adds_nothing() -> None:
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.build((None, 3))
    assert len(layer.weights) == 2
    assert layer(X).shape == (2, 2)


def test_what_a_layer_holds_is_looked_for_again_when_an_attribute_changes() -> None:
    class Holder(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first = layers.Dense(2)
            self.listed: list[Any] = []

        def call(self, inputs: Any) -> Any:
            return self.first(inputs)

    holder = Holder()
    assert holder.variables == []
    holder.listed.append(layers.Dense(3))
    holder.listed[0].build((None, 4))
    assert holder.weights == holder.listed[0].weights
    holder.listed = [layers.Dense(5)]
    holder.listed[0].build((None, 4))
    assert holder.weights == holder.listed[0].weights
    twin = copy.deepcopy(holder)
    twin.listed = []
    assert twin.weights == []
    assert len(holder.weights) == 2
    del holder.listed
    assert holder.weights == []
    holder.first.build((None, 4))
    assert len(holder.weights) == 2
    holder.first = None
    assert holder.weights == []


def test_own_variables_in_a_dict() -> None:
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    for value, variable in enumerate(layer.weights):
        variable.assign(np.full(3, float(value)))
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    assert {key: value.tolist() for key, value in store.items()} == {str(n): [float(n)] * 3 for n in range(4)}
    other = layers.BatchNormalization()
    with pytest.raises(ValueError, match="never built"):
        other.load_own_variables(store)
    other.build((None, 3))
    other.load_own_variables(store)
    assert [weight.tolist() for weight in other.get_weights()] == [[float(n)] * 3 for n in range(4)]
    for wrong in ({"0": np.zeros(3)}, {**store, "0": np.ones(3), "3": np.zeros(4)}):
        with pytest.raises(ValueError, match="expected"):
            other.load_own_variables(wrong)
        assert other.get_weights()[0].tolist() == [0.0] * 3


def test_own_variables_of_a_layer_with_lora() -> None:
    layer = layers.Dense(3)
    layer.build((None, 2))
    layer.enable_lora(1)
    layer.lora_kernel_b.assign(np.ones((1, 3)))
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    np.testing.assert_allclose(store["0"], layer.kernel, rtol=1e-6)
    plain = layers.Dense(3)
    plain.build((None, 2))
    plain.load_own_variables(store)
    np.testing.assert_allclose(plain.kernel, store["0"])
    layer.load_own_variables(store)
    np.testing.assert_allclose(layer.kernel, store["0"], rtol=1e-6)
    assert not np.any(layer.lora_kernel_b)
    with pytest.raises(ValueError, match="expected 2 variables"):
        layer.load_own_variables({})


def test_a_weight_that_its_gradient_overwrites() -> None:
    class Largest(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.scale = self.add_variable((), "ones", name="scale")
            self.amax = self.add_weight(shape=(), initializer="ones", overwrite_with_gradient=True, name="amax")

        def call(self, x: Any) -> Any:
            return x * self.scale + self.amax * 5.0

    model = dlnative.Sequential([dlnative.Input((2,)), Largest()])
    model.compile("adam", lambda y, p: ops.mean(p, -1))
    model.fit(np.ones((4, 2)), np.ones((4, 2)), batch_size=4, verbose=0)
    assert float(model.layers[0].amax.value) == 5.0
    with pytest.raises(ValueError, match="overwrite_with_gradient"):
        layers.Layer().add_weight(shape=(), overwrite_with_gradient="yes")


@pytest.mark.parametrize(
    "make",
    [
        lambda: [dlnative.Variable([1.0])], lambda: {"a": [layers.Dense(2)]}, lambda: (layers.Dense(2),),
        lambda: dlnative.metrics.Mean(), lambda: dlnative.random.SeedGenerator(1),
    ],
)  # fmt: skip
def test_what_holds_new_state_is_refused_after_building(make: Any) -> None:
    layer = layers.Dense(2)
    layer(np.ones((1, 3), "float32"))
    with pytest.raises(ValueError, match=r"cannot add new elements of state.*got more"):
        layer.more = make()
    layer.more = [layer.kernel, {"numbers": [1, 2]}]
    assert len(layer.weights) == 2


def test_models_take_no_trainable_but_a_boolean() -> None:
    x = dlnative.Input((2,))
    for make in (
        lambda: dlnative.Sequential([layers.Dense(1)], trainable="no"),  # type: ignore[arg-type]
        lambda: dlnative.Model(x, layers.Dense(1)(x), trainable="no"),
    ):
        with pytest.raises(ValueError, match="expected trainable to be a boolean, got 'no'"):
            make()
    assert dlnative.Sequential([x, layers.Dense(1)], trainable=False).trainable_weights == []
    assert dlnative.Input(np.array([2, 3])).shape == (None, 2, 3)
