"""How layers are called: training, arguments by position and by keyword, and what makes another plan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops
from plain_layers import Outer, Scaled, X


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


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    class Cyclic(dlnative.Model):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.blocks: list[Any] = [layers.Dense(3)]
            self.blocks.append({"again": (self.blocks,)})

        def call(self, inputs: Any) -> Any:
            return self.blocks[0](inputs)

    model, x = Cyclic(), np.ones((4, 2), "float32")
    model.compile("sgd", "mse")
    model.fit(x, np.ones((4, 3)), verbose=0)
    assert [len(model.layers), model.count_params()] == [1, 9]
    model.save(tmp_path / "m.keras")
    again = dlnative.saving.load_model(tmp_path / "m.keras", custom_objects={"Cyclic": Cyclic})
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_layer_with_a_call_of_its_own() -> None:
    x = np.ones(2, "float32")
    Mode()(x, mode=1)
    layer = Mode()
    layer.call = lambda a, b: a - b
    assert layer(x, x).tolist() == [0, 0]


EXTENTS: dict[str, tuple[Any, Any]] = {
    "zeros": (lambda x: ops.concatenate([x, ops.zeros((ops.shape(x)[0], 3))], -1), (None, 7)),
    "twice": (lambda x: ops.reshape(x, (ops.shape(x)[0] * 2, 2)), (None, 2)),
    "half": (lambda x: x[: ops.shape(x)[0] // 2], (None, 4)),
    "mean": (lambda x: ops.sum(x, axis=0, keepdims=True) / ops.shape(x)[0], (1, 4)),
    "noise": (lambda x: x + dlnative.random.normal((ops.shape(x)[0], 1), seed=1), (None, 4)),
    "constant": (lambda x: ops.ones((2 * x.shape[0], 5)), (None, 5)),
    "table": (lambda x: x + ops.take(np.ones((8, 4), "float32"), ops.arange(ops.shape(x)[0]), axis=0), (None, 4)),
}


@pytest.mark.parametrize("name", EXTENTS)
def test_a_layer_may_compute_with_extents_that_are_not_known_yet(name: str) -> None:
    function, shape = EXTENTS[name]

    class Computing(layers.Layer):
        def call(self, x: Any) -> Any:
            return function(x)

    x = dlnative.Input((4,))
    model, rows = dlnative.Model(x, Computing()(x)), np.ones((8, 4), "float32")
    assert model.output_shape == shape
    assert Computing().compute_output_spec(x).shape == shape
    np.testing.assert_allclose(model(rows), Computing()(rows), rtol=1e-6)


def test_what_fails_for_all_extents_names_the_shapes_that_were_given() -> None:
    class Failing(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.matmul(x, ops.ones((3, ops.shape(x)[1])))

    with pytest.raises(ValueError, match=r"\(None, 4\)"):
        Failing()(dlnative.Input((4,)))


@pytest.mark.parametrize(
    "metric",
    [
        dlnative.metrics.Mean, dlnative.metrics.MeanSquaredError, dlnative.metrics.BinaryIoU, dlnative.metrics.R2Score,
        dlnative.metrics.PearsonCorrelation, dlnative.metrics.AUC,
    ],
)  # fmt: skip
def test_a_layer_may_update_a_metric_where_the_batch_is_not_known(metric: Any) -> None:
    class Watching(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.metric = metric(name="seen")

        def call(self, x: Any) -> Any:
            self.metric.update_state(*([x] if metric is dlnative.metrics.Mean else [x, x * 0.5]))
            return x * 1.0

    x = np.linspace(0.0, 1.0, 12, dtype="float32").reshape(3, 4)
    model = dlnative.Sequential([dlnative.Input((4,)), Watching()])
    model.compile(loss="mse")
    alone = metric()
    alone.update_state(*([x] if metric is dlnative.metrics.Mean else [x, x * 0.5]))
    assert model.evaluate(x, x, verbose=0, return_dict=True)["seen"] == pytest.approx(float(alone.result()), abs=1e-6)
