"""`backend`, `config` and names that older programs use: values against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import backend as K
from dlnative import layers, losses

A = np.arange(1, 13, dtype="float32").reshape(3, 4)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: K.mean(A, axis=0), A.mean(axis=0)),
        (lambda: K.argmax(A), A.argmax(axis=-1)),
        (lambda: K.expand_dims(A), A[..., None]),
        (lambda: K.concatenate([A, A]), np.concatenate([A, A], axis=-1)),
        (lambda: K.gather(A, [2, 0]), A[[2, 0]]),
        (lambda: K.permute_dimensions(A, (1, 0)), A.T),
        (lambda: K.pow(A, 2), A**2),
        (lambda: K.dot(A, A.T), A @ A.T),
        (lambda: K.batch_dot(A, A, axes=1), (A * A).sum(axis=1, keepdims=True)),
        (lambda: K.batch_dot(A[:, None, :], A[:, :, None]), (A * A).sum(axis=1).reshape(3, 1, 1)),
        (lambda: K.batch_flatten(A.reshape(3, 2, 2)), A),
        (lambda: K.l2_normalize(A, axis=1), A / np.linalg.norm(A, axis=1, keepdims=True)),
        (lambda: K.hard_sigmoid(np.array([-3.0, 0.0, 1.0], "float32")), np.array([0.0, 0.5, 0.7])),
        (lambda: K.relu(A - 5, alpha=0.1, max_value=3), np.where(A < 5, 0.1 * (A - 5), np.minimum(A - 5, 3))),
        (lambda: K.repeat(A, 2), np.repeat(A[:, None], 2, axis=1)),
        (lambda: K.repeat_elements(A, 2, 0), np.repeat(A, 2, axis=0)),
        (lambda: K.reverse(A, 1), A[:, ::-1]),
        (lambda: K.switch(A > 6, A, -A), np.where(A > 6, A, -A)),
        (lambda: K.switch(np.array([True, False, True]), A, -A), A * np.array([[1], [-1], [1]])),
        (lambda: K.temporal_padding(A[None]), np.pad(A[None], ((0, 0), (1, 1), (0, 0)))),
        (lambda: K.bias_add(A, np.arange(4.0)), A + np.arange(4)),
        (lambda: K.one_hot([1, 0], 3), np.eye(3)[[1, 0]]),
        (lambda: K.in_top_k(A, [3, 0, 2], 2), [True, False, True]),
        (lambda: K.resize_images(A[None, :, :, None], 2, 1, "channels_last"), np.repeat(A, 2, axis=0)[None, :, :, None]),
        (lambda: K.map_fn(lambda row: row * 2, A), A * 2),
        (lambda: K.cast(A, "int32"), A.astype(int)),
        (lambda: K.pool2d(A[None, :, :, None], (3, 2)), A[2, 1:].reshape(1, 1, 3, 1)),
    ],
)  # fmt: skip
def test_older_names_compute_what_they_did(call: Any, expected: Any) -> None:
    np.testing.assert_allclose(call(), expected, rtol=1e-6)


def test_variables_by_older_names() -> None:
    v = K.variable([1.0, 2.0], name="v")
    K.update_add(v, [1.0, 1.0])
    K.update_sub(v, 0.5)
    np.testing.assert_allclose(K.get_value(v), [1.5, 2.5])
    K.set_value(v, [0.0, 4.0])
    K.moving_average_update(v, np.array([1.0, 1.0], "float32"), 0.75)
    np.testing.assert_allclose(K.eval(v), [0.25, 3.25])
    assert (K.int_shape(v), K.ndim(v), K.count_params(v), K.dtype(v)) == ((2,), 1, 2, "float32")
    np.testing.assert_array_equal(K.zeros((2,)).numpy(), K.get_value(K.zeros((2,))))


def test_a_loss_of_older_names_trains_and_has_gradients() -> None:
    def loss(y_true: Any, y_pred: Any) -> Any:
        return K.mean(K.square(y_pred - y_true), axis=-1)

    model = dlnative.Sequential(
        [dlnative.Input((4,)), layers.Lambda(lambda x: K.l2_normalize(x, axis=1)), layers.Dense(1)]
    )
    model.compile("adam", loss)
    history = model.fit(A, A[:, :1], epochs=2, verbose=0)
    np.testing.assert_allclose(
        model.evaluate(A, A[:, :1], verbose=0), ((model.predict(A, verbose=0) - A[:, :1]) ** 2).mean(), rtol=1e-5
    )
    assert history.history["loss"][1] < history.history["loss"][0]


def test_epsilon_is_what_losses_compute_with_from_then_on() -> None:
    true, pred = np.array([[1.0, 0.0]], "float32"), np.array([[0.0, 1.0]], "float32")

    def values() -> list[float]:
        return [float(np.sum(f(true, pred))) for f in (losses.categorical_crossentropy, losses.binary_crossentropy,
                                                       losses.mean_absolute_percentage_error)]  # fmt: skip

    before = values()
    np.testing.assert_allclose(before[0], -np.log(np.float32(1e-7)), rtol=1e-5)
    try:
        K.set_epsilon(1e-3)
        assert dlnative.config.epsilon() == 1e-3
        expected = [-np.log(1e-3), -np.log(1e-3), 100 * (1 + 1e3) / 2]
        np.testing.assert_allclose(values(), expected, rtol=1e-4)
        for wrong in (0, -1.0, "1", float("nan")):
            with pytest.raises(ValueError, match="set_epsilon"):
                K.set_epsilon(wrong)  # type: ignore[arg-type]
    finally:
        K.set_epsilon(1e-7)
    assert values() == before


def test_second_names_are_the_same_things() -> None:
    assert layers.Convolution2D is layers.Conv2D
    assert layers.MaxPool1D is layers.MaxPooling1D
    assert layers.GlobalAvgPool3D is layers.GlobalAveragePooling3D
    assert dlnative.optimizers.legacy.Adam is dlnative.optimizers.Adam
    assert dlnative.mixed_precision.Policy is dlnative.DTypePolicy
    assert dlnative.utils.custom_object_scope is dlnative.saving.custom_object_scope
    assert dlnative.version() == dlnative.__version__
    with pytest.raises(AttributeError, match="no attribute 'quantizers'"):
        dlnative.quantizers  # noqa: B018
    for module in (
        dlnative,
        dlnative.backend,
        dlnative.layers,
        dlnative.utils,
        dlnative.optimizers,
        dlnative.callbacks,
    ):
        for name in module.__all__:
            getattr(module, name)


def test_numbers_of_names_and_what_is_symbolic() -> None:
    K.clear_session()
    assert [K.get_uid("thing"), K.get_uid("thing"), K.get_uid("other")] == [1, 2, 1]
    one, two = dlnative.Input((2,)), dlnative.Input((2,))
    both = layers.Add()([one, two])
    again = layers.Concatenate()([both, layers.Dense(1)(both)])
    assert dlnative.utils.get_source_inputs(again) == [one, two]
    assert K.is_keras_tensor(again)
    assert not K.is_keras_tensor(A)
    assert (K.is_float_dtype("float16"), K.is_int_dtype("uint8"), K.is_int_dtype("bool")) == (True, True, False)


def test_a_configuration_can_be_frozen() -> None:
    config = dlnative.utils.Config(rate=0.1)
    config.seed = 3
    del config["rate"]
    config.freeze()
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 4
    with pytest.raises(AttributeError, match=r"\['seed'\], got 'sed'"):
        config.sed  # noqa: B018
    config.unfreeze()
    config.update(rate=1)
    assert (list(config), config.to_json(), "seed" in config, config.get("x", 7)) == (
        ["rate", "seed"], '{"seed": 3, "rate": 1}', True, 7,
    )  # fmt: skip


def test_types_of_arrays_meet_as_their_names_do() -> None:
    """NumPy's float64 is equal to Python's float, and is not meant as one."""
    for first, second, expected in (
        ("float64", "float32", "float64"),
        ("bool", "int8", "int8"),
        ("bool", "bool", "bool"),
    ):
        assert dlnative.backend.result_type(np.dtype(first), np.dtype(second)) == expected
        assert dlnative.backend.result_type(np.dtype(first), second) == expected
    assert dlnative.backend.result_type(float, "float32") == "float32"
