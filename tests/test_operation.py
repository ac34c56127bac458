"""`Operation`: functions of tensors with settings, as classes; and ops in the configurations of functional models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import Input, KerasTensor, Model, ops


class Scale(dlnative.Operation):
    def __init__(self, factor: float, offset: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.factor, self.offset = factor, offset

    def call(self, x: Any, extra: Any = None) -> Any:
        return x * self.factor + (self.offset if extra is None else extra)


class Both(dlnative.Operation):
    def call(self, x: Any) -> Any:
        return x, ops.sum(x, axis=-1)

    def compute_output_spec(self, x: Any) -> Any:
        return KerasTensor(x.shape, x.dtype), KerasTensor(x.shape[:-1], x.dtype)


def test_on_arrays_in_traces_and_on_inputs() -> None:
    x = np.arange(6, dtype="float32").reshape(2, 3)
    scale = Scale(2.0)
    np.testing.assert_array_equal(scale(x), 2 * x + 1)
    np.testing.assert_array_equal(scale(x, extra=x), 3 * x)
    assert dlnative.value_and_grad(lambda x: ops.sum(scale(x)))(x)[1].tolist() == [[2.0] * 3] * 2
    symbol, other = Input((3,)), Input((3,))
    first = scale(symbol, extra=other)
    second = scale(symbol)
    assert scale.input == [symbol, other]
    assert scale.output is first
    model = Model([symbol, other], [first, second, *Both()(symbol)])
    for found, expected in zip(model([x, x]), (3 * x, 2 * x + 1, x, x.sum(-1)), strict=True):
        np.testing.assert_array_equal(found, expected)
    with dlnative.RematScope():
        again = Scale(3.0)
    np.testing.assert_array_equal(again(x), 3 * x + 1)


def test_its_configuration() -> None:
    scale = Scale(0.5, name="half")
    assert scale.get_config() == {"factor": 0.5, "offset": 1.0, "name": "half"}
    assert Scale.from_config(scale.get_config()).get_config() == scale.get_config()
    with pytest.raises(NotImplementedError, match=r'Scale ".*": expected a method get_config\(\)'):
        Scale(np.ones(3)).get_config()  # type: ignore[arg-type]
    symbol = Input((3,))
    model = Model(symbol, Scale(4.0)(scale(scale(symbol))))
    config = json.loads(json.dumps(model.get_config()))
    made = Model.from_config(config, custom_objects={"Scale": Scale})
    x = np.ones((1, 3), "float32")
    np.testing.assert_array_equal(made(x), model(x))


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="Both: argument `name` must be a string and cannot contain"):
        Both(name="a/b")
    with pytest.raises(AttributeError, match=r'Both ".*": expected one that was called on an Input'):
        _ = Both().output
    with pytest.raises(NotImplementedError, match=r"expected a method call\(\)"):
        dlnative.Operation()(np.ones(2))


MODELS: list[tuple[list[tuple[int, ...]], Callable[..., Any]]] = [
    ([(3, 3)], ops.inv),
    ([(3, 3), (3, 3)], lambda a, b: ops.solve_triangular(a, b, lower=True)),
    ([(3, 3)], lambda x: ops.norm(x, "nuc", axis=(1, 2))),
    ([(3, 2)], lambda x: ops.qr(x, mode="complete")),
    ([(3, 3), (3, 3)], lambda a, b: ops.fft((a, b))),
    ([(40,)], lambda x: ops.stft(x, 8, 2, 8, center=False)),
    ([(2, 4, 4)], lambda x: ops.unfold(x, 2, stride=2)),
    ([(4, 3)], lambda x: ops.rearrange(x, "b (h w) c -> b h w c", h=2)),
    ([(4,)], lambda x: ops.unique(x, size=9, return_counts=True)),
    ([(4,)], lambda x: ops.layer_normalization(x, rms_scaling=True)),
    ([(5, 4), (2,), (), ()], lambda y, labels, *counts: ops.ctc_loss(ops.cast(labels, "int32"), y, *counts)),
]


@pytest.mark.parametrize(("shapes", "function"), MODELS)
def test_ops_in_configurations(shapes: Any, function: Any, random: np.random.RandomState) -> None:
    symbols = [Input(shape) for shape in shapes]
    model = Model(symbols, function(*symbols))
    made = Model.from_config(json.loads(json.dumps(model.get_config())))
    x = [random.uniform(1.0, 2.0, (2, *shape)).astype("float32") for shape in shapes]
    found, expected = made(x), model(x)
    listed = [y if isinstance(y, (list, tuple)) else [y] for y in (found, expected)]
    for one, other in zip(*listed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_function_of_the_users_in_the_configuration_of_an_op() -> None:
    def doubled(x: Any) -> Any:
        return x + x

    symbol = Input((3,))
    model = Model(symbol, ops.vectorized_map(doubled, symbol))
    config = model.get_config()
    with pytest.raises((TypeError, ValueError)):
        Model.from_config(config)
    made = Model.from_config(config, custom_objects={"doubled": doubled})
    assert made(np.ones((2, 3), "float32")).tolist() == [[2.0] * 3] * 2
