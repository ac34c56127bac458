"""Masks: found by layers, handed on by layers, and seen by those that ask for them."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops
from dlnative.layers import effects

X = np.array([[[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]]], "float32")
MASK = [[True, False, True]]


class Marking(layers.Layer):
    """Masks steps that are zero throughout."""

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, 0.0), axis=-1)

    def call(self, inputs: Any) -> Any:
        return inputs * 1.0


class Counting(layers.Layer):
    """The number of steps that count."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.sum(ops.ones_like(inputs[:, :, 0]), axis=1)
        return ops.sum(ops.cast(mask, "float32"), axis=1)


class Passing(layers.Layer):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs * 2.0


class Blocking(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * 2.0


def test_masks_go_from_layer_to_layer() -> None:
    assert Counting()(X) == [3]
    assert Counting()(Marking()(X)) == [2]
    passing = Passing()
    assert Counting()(passing(passing(Marking()(X)))) == [2]
    assert Counting()(passing(X)) == [3]


@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
def test_masks_go_through_models(kind: str) -> None:
    if kind == "sequential":
        model: Any = dlnative.Sequential([Marking(), Passing(), Counting()])
    elif kind == "functional":
        inputs = dlnative.Input((3, 2))
        model = dlnative.Model(inputs, Counting()(Passing()(Marking()(inputs))))
    else:

        class Whole(dlnative.Model):
            def __init__(self) -> None:
                super().__init__()
                self.parts = [Marking(), Passing(), Counting()]

            def call(self, inputs: Any) -> Any:
                for part in self.parts:
                    inputs = part(inputs)
                return inputs

        model = Whole()
    assert model(X) == [2]
    assert model.predict(X, verbose=0) == [2]


def test_masks_by_keyword_and_by_position() -> None:
    counting, mask = Counting(), np.array([[True, False, False]])
    assert counting(X, mask=mask) == [1]
    assert counting(X, mask) == [1]
    assert counting(Marking()(X), mask=mask) == [1]
    passing = Passing()
    marked = Marking()(X)
    assert counting(marked) == [2]
    assert counting(passing(X)) == [3]


def test_an_explicit_mask_travels_on() -> None:
    class Seeing(Passing):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            return inputs

    assert Counting()(Seeing()(X, mask=np.array([[True, False, False]]))) == [1]


def test_masks_of_several_inputs() -> None:
    class Both(layers.Layer):
        def call(self, query: Any, value: Any, query_mask: Any = None, value_mask: Any = None) -> Any:
            assert query_mask is None
            return query + value * ops.expand_dims(ops.cast(value_mask, "float32"), -1)

    class Nested(layers.Layer):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            assert isinstance(mask, list)
            assert mask[0] is None
            return inputs[0] * ops.expand_dims(ops.cast(mask[1], "float32"), -1)

    marked = Marking()(X + 0.0)
    np.testing.assert_array_equal(Both()(X, marked), 2 * X)
    np.testing.assert_array_equal(Both()(query=X, value=marked), 2 * X)
    np.testing.assert_array_equal(Nested()([X, marked]), X)


def test_a_layer_that_ends_a_mask_says_so() -> None:
    blocking = Blocking(name="wall")
    with pytest.warns(UserWarning, match='"wall".*mask'):
        blocking(Marking()(X))


def test_masks_of_arrays_live_as_long_as_the_arrays() -> None:
    before = len(effects.masks)
    marked = Marking()(X)
    assert len(effects.masks) == before + 1
    np.testing.assert_array_equal(effects.get_mask(marked), MASK)
    del marked
    gc.collect()
    assert len(effects.masks) == before


def test_masks_of_keras_tensors() -> None:
    inputs = dlnative.Input((3, 2))
    marked = Marking()(inputs)
    passed = Passing()(marked)
    assert passed._keras_mask is marked._keras_mask
    assert (marked._keras_mask.shape, marked._keras_mask.dtype) == ((None, 3), "bool")
    model = dlnative.Model(inputs, passed._keras_mask)
    np.testing.assert_array_equal(model(X), MASK)


def test_a_mask_survives_a_change_of_type() -> None:
    assert Counting(dtype="float64")(Marking()(X)) == [2]
    model = dlnative.Sequential([Marking(), Counting(dtype="float64")])
    assert model(X) == [2]
