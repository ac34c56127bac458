"""What layers say of themselves: arguments, configurations, outputs, inputs and types."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops
from plain_layers import Outer, X


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
            assert (self.cast.dtype, self.kept.dtype) == ((self.cast + 0.0).dtype, (self.kept + 0.0).dtype)
            seen.append((inputs.dtype, self.cast.dtype, self.kept.dtype))
            self.cast.assign(dlnative.ops.ones((), self.cast.dtype))
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
