"""What Keras 3 promises of every layer: arguments, building, state, configuration, losses, types."""

from __future__ import annotations

import functools
import pickle
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops

X = np.arange(6, dtype="float32").reshape(2, 3)


def passing_on(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return wrapper


class Doubling(layers.Layer):
    """Doubles while training."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        return inputs * 2.0 if training else inputs


class Decorated(Doubling):
    call = passing_on(Doubling.call)


class Partial(layers.Layer):
    def times(self, inputs: Any, factor: float, training: Any = None) -> Any:
        return inputs * factor if training else inputs

    call = functools.partialmethod(times, factor=2.0)


class Outer(layers.Layer):
    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)


# Arguments.


@pytest.mark.parametrize("cls", [Doubling, Decorated, Partial])
def test_training_reaches_call(cls: type[layers.Layer]) -> None:
    np.testing.assert_array_equal(cls()(X, training=True), 2 * X)
    np.testing.assert_array_equal(cls()(X), X)
    np.testing.assert_array_equal(Outer(Outer(cls()))(X, training=True), 2 * X)


def test_what_the_caller_of_a_model_says_of_training_comes_first() -> None:
    """As Keras 3.15 does: explicit False 1.0, nothing said 0.0, predict 1.0 (smallest values of ones)."""
    ones = np.ones((1, 1000), "float32")
    inputs = dlnative.Input((1000,))
    model = dlnative.Model(inputs, layers.Dropout(0.5)(inputs, training=True))
    assert model(ones, training=False).min() == 1
    assert model(ones).min() == 0
    assert model.predict(ones, verbose=0).min() == 1


def test_training_given_to_one_layer_is_not_its_neighbours() -> None:
    class Both(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Doubling(), Doubling()

        def call(self, inputs: Any) -> Any:
            return self.first(inputs, training=True), self.second(inputs)

    first, second = Both()(X)
    np.testing.assert_array_equal(first, 2 * X)
    np.testing.assert_array_equal(second, X)


class Scaled(layers.Layer):
    def call(self, inputs: Any, scale: Any = None, others: Any = None, axes: Any = None) -> Any:
        y = inputs if scale is None else inputs * scale
        for other in others or ():
            y = y if other is None else y + other
        return y if axes is None else ops.sum(y, axis=tuple(axes))


def test_arrays_by_keyword_and_none_among_arrays() -> None:
    layer = Scaled()
    np.testing.assert_array_equal(layer(X, scale=X), X * X)
    np.testing.assert_array_equal(layer(X, scale=3.0), 3 * X)
    np.testing.assert_array_equal(layer(inputs=X, scale=X + 1), X * (X + 1))
    np.testing.assert_array_equal(layer(X, others=[X, None, X]), 3 * X)
    np.testing.assert_array_equal(layer(X, axes=[0]), X.sum(0))
    np.testing.assert_array_equal(layer(X, axes=[1]), X.sum(1))
    with pytest.raises(ValueError, match="others"):
        layer(X, others=[X, 3])


def test_only_tensors_come_by_position() -> None:
    layer = Scaled(name="scaled")
    for inputs in (X, dlnative.Input((3,))):
        with pytest.raises(ValueError, match=r'"scaled".*positional arguments.*2\.0'):
            layer(inputs, 2.0)


def test_results_in_dicts_keep_their_names() -> None:
    class Named(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return {"b": inputs, "a": 2.0 * inputs}

    result = Named()(X)
    assert list(result) == ["b", "a"]
    np.testing.assert_array_equal(result["b"], X)
    np.testing.assert_array_equal(result["a"], 2 * X)


# Building.


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


# State.


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


# Arguments of layers.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"trainable": "yes"}, "trainable to be a boolean"),
        ({"trainable": 1}, "trainable to be a boolean"),
        ({"trainable": None}, "trainable to be a boolean"),
        ({"name": "a/b"}, "slash"),
        ({"name": 3}, "name"),
        ({"dtype": "float31"}, "float31"),
        ({"autocst": True}, "autocst"),
    ],
)
def test_arguments_that_every_layer_refuses(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        layers.Dense(2, **arguments)


# Configuration.


def test_automatic_config() -> None:
    class Plain(layers.Layer):
        def __init__(self, units: int, rates: Any = (0.5, 0.25), **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units, self.rates = units, rates

    layer = Plain(3, name="plain", trainable=False, dtype="float64")
    config = layer.get_config()
    assert config["units"] == 3
    assert config["rates"] == (0.5, 0.25)
    assert config["name"] == "plain"
    again = Plain.from_config(config)
    assert (again.units, again.name, again.trainable, again.dtype) == (3, "plain", False, "float64")
    assert again.get_config() == config

    class Closed(layers.Layer):
        def __init__(self, units: int = 4) -> None:
            super().__init__()
            self.units = units

    assert Closed.from_config(Closed(7).get_config()).units == 7


def test_a_config_that_would_have_to_be_guessed_is_refused() -> None:
    class Complex(layers.Layer):
        def __init__(self, table: Any, *more: int) -> None:
            super().__init__()

    for layer in (Complex(np.ones(3)), Complex(1, 2)):
        with pytest.raises(NotImplementedError, match=r"get_config\(\)"):
            layer.get_config()
    assert Complex(1).get_config()["table"] == 1


def test_the_config_of_dense_is_that_of_keras() -> None:
    config = layers.Dense(2, "relu", name="d").get_config()
    assert config["dtype"] == {
        "module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None,
    }  # fmt: skip
    assert layers.Dense.from_config(config).get_config() == config


def test_a_pickled_layer_has_its_config() -> None:
    layer = layers.Dense(2)
    assert pickle.loads(pickle.dumps(layer)).get_config() == layer.get_config()


# Shapes and types.


def test_what_a_subclass_says_of_its_output_counts() -> None:
    class Says(layers.Layer):
        def call(self, inputs: Any) -> Any:
            raise RuntimeError("never called")

        def compute_output_shape(self, input_shape: Any) -> Any:
            return {"a": input_shape, "b": [(*input_shape, 4), input_shape[:1]]}

    layer = Says(dtype="float64")
    for found in (layer.compute_output_spec(dlnative.KerasTensor((2, 3))), layer(dlnative.Input((3,), batch_size=2))):
        assert found["a"].shape == (2, 3)
        assert found["b"][0].shape == (2, 3, 4)
        assert found["b"][1].shape == (2,)
        assert found["a"].dtype == "float64"


def test_what_call_gives_comes_before_what_a_base_class_says() -> None:
    class Says(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    class Longer(Says):
        def call(self, inputs: Any) -> Any:
            return ops.concatenate([inputs, inputs], axis=1)

    assert Longer()(dlnative.Input((3,))).shape == (None, 6)


def test_output_shapes_come_from_call() -> None:
    assert Outer(layers.Dense(5)).compute_output_shape((2, 3)) == (2, 5)
    with pytest.raises(NotImplementedError, match="does not have a `compute_output_shape` method"):
        layers.Layer().compute_output_shape((2, 3))


def test_input_spec() -> None:
    class Strict(layers.Layer):
        def __init__(self, spec: Any) -> None:
            super().__init__(name="strict")
            self.input_spec = spec

        def call(self, inputs: Any) -> Any:
            return inputs

    spec = layers.InputSpec
    for good in (
        spec(ndim=2),
        spec(shape=(None, 3)),
        spec(min_ndim=1, max_ndim=2),
        spec(axes={-1: 3}),
        spec("float32"),
    ):
        Strict(good)(X)
    for bad, says in (
        (spec(ndim=3), "rank 3"),
        (spec(shape=(None, 4)), "4"),
        (spec(min_ndim=3), "rank 3 or more"),
        (spec(max_ndim=1), "rank 1 or less"),
        (spec(axes={-1: 4}), "last axis 4"),
        (spec("int32"), "int32"),
        ([spec(ndim=2), spec(ndim=2)], "2 inputs"),
    ):
        with pytest.raises(ValueError, match=rf'"strict".*{says}'):
            Strict(bad)(X)
    Strict([spec(ndim=2), spec(ndim=2, optional=True)])([X, None])
    Strict([spec(ndim=2, name="a"), spec(ndim=1, name="b")])({"b": X[0], "a": X})


def test_dtype_policies() -> None:
    layer = layers.Dense(2, dtype=dlnative.DTypePolicy("float64"))
    assert layer(X).dtype == np.float64
    assert (layer.compute_dtype, layer.variable_dtype, layer.dtype_policy.name) == ("float64", "float64", "float64")
    with pytest.raises(ValueError, match="mixed_float15"):
        dlnative.DTypePolicy("mixed_float15")


# Losses.


class Adding(layers.Layer):
    def call(self, inputs: Any) -> Any:
        self.add_loss(ops.sum(inputs))
        return inputs


def test_losses_after_a_call_on_arrays() -> None:
    layer = Adding(activity_regularizer="l2")
    model = dlnative.Sequential([dlnative.Sequential([layer])])
    for factor in (1.0, 2.0, 2.0):
        x = np.full((2, 3), factor, "float32")
        model(x)
        for holder in (model, layer):
            # the sum, and 0.01 * sum(x**2) / 2 samples
            np.testing.assert_allclose(holder.losses, [6 * factor, 0.03 * factor**2], rtol=1e-6)
    inputs = dlnative.Input((3,))
    layer = Adding()
    layer(inputs)
    assert layer.losses == []


def test_a_later_call_forgets_the_losses_of_layers_inside() -> None:
    class While(layers.Layer):
        def call(self, inputs: Any, training: Any = None) -> Any:
            if training:
                self.add_loss(ops.sum(inputs))
            return inputs

    inner = While()
    outer = Outer(inner)
    for _ in range(3):
        outer(X)
    inner(X, training=True)
    assert len(outer.losses) == 1
    outer(X)
    assert outer.losses == []


def test_only_tensors_are_losses() -> None:
    with pytest.raises(ValueError, match="add_loss"):
        layers.Layer().add_loss("much")


def test_stateless_call() -> None:
    class Counting(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.factor = self.add_weight(shape=(), initializer="ones", regularizer="l1")

        def call(self, inputs: Any) -> Any:
            self.count.assign(self.count + 1.0)
            self.add_loss(ops.sum(inputs))
            return inputs * self.factor

    layer = Counting()
    layer.build(None)
    outputs, state, losses = layer.stateless_call([np.float32(3)], [np.float32(4)], X, return_losses=True)
    np.testing.assert_array_equal(outputs, 3 * X)
    assert state == [5]
    np.testing.assert_allclose(losses, [15.0, 0.03])
    assert (float(layer.count), float(layer.factor)) == (0, 1)
    outputs, state = layer.stateless_call(layer.trainable_variables, layer.non_trainable_variables, X)
    np.testing.assert_array_equal(outputs, X)
    with pytest.raises(ValueError, match="1 trainable"):
        layer.stateless_call([], [np.float32(4)], X)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_mixed_precision(kind: str) -> None:
    pytest.importorskip("ml_dtypes")
    seen = []

    class Seeing(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.cast = self.add_weight(shape=(), initializer="ones")
            self.kept = self.add_weight(shape=(), initializer="ones", autocast=False)

        def call(self, inputs: Any) -> Any:
            seen.append((inputs.dtype, (self.cast + 0.0).dtype, (self.kept + 0.0).dtype))
            return inputs + self.cast

    layer = Seeing(dtype=f"mixed_{kind}")
    result = layer(X)
    assert result.dtype.name == kind
    assert seen[-1] == (kind, kind, "float32")
    assert layer.cast.dtype == "float32"
    outer = Outer(Seeing(dtype="float32"), dtype=f"mixed_{kind}")
    assert outer(X).dtype == np.float32
    assert seen[-1] == ("float32", "float32", "float32")
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(4, "relu", dtype=f"mixed_{kind}"), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :1], verbose=0)
    assert all(array.dtype == np.float32 for array in model.get_weights())
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_stateless_calls_are_compiled_once_and_differentiable() -> None:
    layer = layers.Dense(1)
    layer.build((None, 3))
    traced = []

    class Counting(Outer):
        def call(self, inputs: Any, training: Any = None) -> Any:
            traced.append(training)
            return self.inner(inputs)

    outer = Counting(layer)
    outer(X)
    traced.clear()
    values = [np.ones((3, 1), "float32"), np.zeros(1, "float32")]
    for factor in (1.0, 2.0):
        outputs, _ = outer.stateless_call([factor * values[0], values[1]], [], X, training=True)
        np.testing.assert_allclose(outputs, factor * X.sum(1, keepdims=True))
    assert traced == [True]

    def loss(kernel: Any) -> Any:
        return ops.sum(outer.stateless_call([kernel, layer.bias], [], X)[0])

    _, gradient = dlnative.value_and_grad(loss)(values[0])
    np.testing.assert_allclose(gradient[:, 0], X.sum(0))


def test_a_second_build_adds_nothing() -> None:
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.build((None, 3))
    assert len(layer.weights) == 2
    assert layer(X).shape == (2, 2)


def test_training_is_no_array() -> None:
    with pytest.raises(TypeError, match="expected training to be True or False"):
        layers.Dense(2)(X, X)


class Pair(NamedTuple):
    first: Any
    second: Any


def test_named_tuples_and_dicts_with_any_keys() -> None:
    class Swapping(layers.Layer):
        def __init__(self, table: Any) -> None:
            super().__init__()
            self.table = table

        def call(self, inputs: Any, options: Any = None) -> Any:
            return Pair(inputs.second, inputs.first * 2.0)

    layer = Swapping({1: "a", "b": 2})
    result = layer(Pair(X, X + 1), options={1: 2, "b": 3})
    assert isinstance(result, Pair)
    np.testing.assert_array_equal(result.first, X + 1)
    np.testing.assert_array_equal(result.second, 2 * X)
    with pytest.raises(NotImplementedError, match="get_config"):
        layer.get_config()


def test_policies_by_path() -> None:
    policies = dlnative.dtype_policies.DTypePolicyMap("float32", {"outer/.*": "float64"})
    inner = layers.Dense(2, name="inner", dtype=policies)
    outer = Outer(inner, name="outer", dtype=policies)
    assert outer(X).dtype == np.float64
    assert (inner.kernel.dtype, inner.compute_dtype, outer.compute_dtype) == ("float64", "float64", "float32")
    inner.dtype_policy = "mixed_float16"
    assert inner.compute_dtype == "float16"
    assert policies["outer/inner"].name == "mixed_float16"
    assert outer(X).dtype == np.float16
    config = inner.get_config()
    assert layers.Dense.from_config(config).get_config() == config
    with pytest.raises(ValueError, match="multiple"):
        dlnative.dtype_policies.DTypePolicyMap(policy_map={"a.*": "float32", ".*b": "float64"})["ab"]


class Mode(layers.Layer):
    def call(self, inputs: Any, mode: Any = None) -> Any:
        if isinstance(mode, list):
            return inputs * sum(mode)
        return inputs + 1 if mode is True else inputs * mode


def test_equal_arguments_of_other_types_make_other_plans() -> None:
    layer, x = Mode(), np.array([2, 3])
    assert layer(x, mode=1).tolist() == [2, 3]
    assert layer(x, mode=True).tolist() == [3, 4]
    assert layer(x, mode=1).dtype == np.int64
    assert layer(x, mode=1.0).dtype == np.float32
    assert np.signbit(layer(np.ones(1, "float32"), mode=-0.0)) != np.signbit(layer(np.ones(1, "float32"), mode=0.0))


def test_lists_among_arguments_count_by_what_is_in_them() -> None:
    layer, x, mode = Mode(), np.array([2, 3]), [1, 2]
    assert layer(x, mode=mode).tolist() == [6, 9]
    plans = len(layer._function.plans)
    assert layer(x, mode=[1, 2]).tolist() == [6, 9]
    assert len(layer._function.plans) == plans
    mode.append(1)
    assert layer(x, mode=mode).tolist() == [8, 12]


def test_what_changes_deep_in_a_container_counts() -> None:
    class Settings(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.named = {"scale": 2.0}
            self.nested = ([1.0], {"by": [0.0]})

        def call(self, inputs: Any) -> Any:
            scaled = inputs * self.named["scale"] if "scale" in self.named else inputs + self.named["shift"]
            return scaled * self.nested[0][0] + self.nested[1]["by"][0]

    layer = Settings()
    model, x = dlnative.Sequential([layer]), np.ones((1, 1), "float32")
    model.compile("sgd", "mae")
    assert model.evaluate(x, 0 * x, verbose=0) == 2.0
    layer.named["shift"] = layer.named.pop("scale")
    assert model.evaluate(x, 0 * x, verbose=0) == 3.0
    layer.nested[0][0] = 2.0
    assert model.evaluate(x, 0 * x, verbose=0) == 6.0
    layer.nested[1]["by"][0] = 1.0
    assert model.evaluate(x, 0 * x, verbose=0) == 7.0


def test_a_layer_with_a_call_of_its_own() -> None:
    x = np.ones(2, "float32")
    Mode()(x, mode=1)
    layer = Mode()
    layer.call = lambda a, b: a - b
    assert layer(x, x).tolist() == [0, 0]


def test_losses_of_a_layer_that_is_gone() -> None:
    class Passing(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return layers.ActivityRegularization(l2=1.0)(inputs)

    layer, x = Passing(), np.ones((2, 3), "float32")
    for _ in range(2):
        assert layer(x).tolist() == x.tolist()
    assert layer.losses == []
