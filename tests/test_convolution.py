"""What of convolution and pooling Keras's numbers do not show: layouts, threads, fusion, errors. Values: tests/keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 9, 8, 6)).astype("float32")
FIRST = X.transpose(0, 3, 1, 2)


def channels_last(y: Any) -> Any:
    return np.moveaxis(y, 1, -1) if y.ndim > 2 else y


@pytest.mark.parametrize(
    "make",
    [
        lambda **kw: layers.Conv2D(4, 3, 2, "same", activation="relu", bias_initializer="ones", **kw),
        lambda **kw: layers.Conv2DTranspose(4, 3, 2, bias_initializer="ones", **kw),
        lambda **kw: layers.DepthwiseConv2D(3, depth_multiplier=2, bias_initializer="ones", **kw),
        lambda **kw: layers.SeparableConv2D(4, 3, bias_initializer="ones", **kw),
        lambda **kw: layers.MaxPooling2D(3, 2, "same", **kw),
        lambda **kw: layers.AveragePooling2D(**kw),
        lambda **kw: layers.GlobalMaxPooling2D(keepdims=True, **kw),
        lambda **kw: layers.AdaptiveAveragePooling2D(3, **kw),
    ],
)
def test_channels_first_are_the_same_transposed(make: Any) -> None:
    last, first = make(), make(data_format="channels_first")
    expected = last(X)
    first.build(FIRST.shape)
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(channels_last(first(FIRST)), expected, rtol=1e-6, atol=1e-6)
    inputs = dlnative.Input(FIRST.shape[1:])
    assert first(inputs).shape == (None, *first(FIRST).shape[1:])
    assert first.compute_output_shape(FIRST.shape) == first(FIRST).shape


def test_the_same_for_any_number_of_threads() -> None:
    x = GENERATOR.normal(size=(24, 20, 20, 16)).astype("float32")
    w = GENERATOR.normal(size=(3, 3, 16, 24)).astype("float32")
    d = GENERATOR.normal(size=(3, 3, 16, 1)).astype("float32")

    def loss(x: Any, w: Any, d: Any) -> Any:
        y = ops.conv(ops.depthwise_conv(x, d, 2, "same"), w, padding="same")
        return ops.sum(ops.square(ops.average_pool(ops.max_pool(y, 3, 2), 2)))

    before, results = dlnative.num_threads(), []
    try:
        for threads in (1, 2, 3):
            dlnative.set_num_threads(threads)
            value, gradients = value_and_grad(loss, (0, 1, 2))(x, w, d)
            results.append([value, *gradients])
    finally:
        dlnative.set_num_threads(before)
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_bias_residual_and_activation_are_done_as_the_result_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = dlnative.Input((8, 8, 4))
    branch = layers.Conv2D(4, 3, padding="same")(layers.Conv2D(4, 3, padding="same", activation="relu")(inputs))
    model = dlnative.Model(inputs, layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([branch, inputs]))))
    model.compile("sgd", "mse")
    model.fit(X[:, :8, :, :4], np.zeros((2, 4)), verbose=0)
    model.plan()
    text = capsys.readouterr().out
    assert "conv + add + relu" in text
    assert "conv + add + add + relu" in text
    assert "conv_input_gradient + relu_gradient" in text


def test_the_gradient_of_a_relu_before_a_pooling_is_done_with_that_of_the_pooling(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pooled = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.GlobalAveragePooling2D()]
    model = dlnative.Sequential([dlnative.Input((8, 8, 4)), layers.Conv2D(4, 1), *pooled])
    model.compile("sgd", "mse")
    model.fit(X[:, :8, :, :4], np.zeros((2, 4)), verbose=0)
    model.plan()
    assert "max_pool_gradient + relu_gradient" in capsys.readouterr().out


def test_a_prediction_follows_its_weights() -> None:
    """Weights that are packed once are packed anew when they have changed."""
    model = dlnative.Sequential([dlnative.Input((9, 8, 6)), layers.Conv2D(40, 3, use_bias=False)])
    first = model(X)
    model.set_weights([model.get_weights()[0] * 2])
    np.testing.assert_allclose(model(X), first * 2, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X, verbose=0), first * 2, rtol=1e-6)


def test_extents_that_are_not_known() -> None:
    inputs = dlnative.Input((None, None, 6))
    y = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(layers.Conv2D(5, 3, padding="same")(inputs)))
    model = dlnative.Model(inputs, y)
    assert model.output_shape == (None, 5)
    assert model(X).shape == (2, 5)
    assert model(X[:, :4, :4]).shape == (2, 5)
    assert layers.Conv1D(4, 2)(dlnative.Input((None, 3))).shape == (None, None, 4)


def test_the_largest_of_nan_and_equal_ones() -> None:
    x = np.array([1.0, 1.0, np.nan, 2.0, -np.inf, -np.inf]).reshape(1, 6, 1)
    np.testing.assert_array_equal(ops.max_pool(x, 2).ravel(), [1.0, np.nan, -np.inf])
    _, gradient = value_and_grad(lambda x: ops.sum(ops.max_pool(x, 2) * np.array([3.0, 5.0, 7.0]).reshape(1, 3, 1)))(x)
    np.testing.assert_array_equal(gradient.ravel(), [3.0, 0.0, 5.0, 0.0, 7.0, 0.0])


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_empty_batches(backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        x = np.ones((0, 6, 6, 2), "float32")
        assert ops.conv(x, np.ones((3, 3, 2, 4), "float32")).shape == (0, 4, 4, 4)
        assert ops.max_pool(x, 2).shape == (0, 3, 3, 2)
        assert ops.depthwise_conv(x, np.ones((3, 3, 2, 1), "float32")).shape == (0, 4, 4, 2)
        _, (dx, dw) = value_and_grad(lambda x, w: ops.sum(ops.conv(x, w)), (0, 1))(x, np.ones((3, 3, 2, 4), "float32"))
        assert dx.shape == x.shape
        assert (dw == 0).all()


def test_a_window_larger_than_the_image() -> None:
    x = np.ones((1, 2, 2, 1), "float32")
    y = ops.conv(x, np.ones((5, 5, 1, 1), "float32"), padding="same")
    np.testing.assert_array_equal(y, np.full((1, 2, 2, 1), 4.0))
    np.testing.assert_array_equal(ops.average_pool(x, 5, padding="same"), np.ones((1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ops.conv(X, np.ones((3, 3, 4, 2))), "evenly divisible"),
        (lambda: ops.conv(X, np.ones((3, 6, 2))), "a kernel of the same rank"),
        (lambda: ops.conv(X, np.ones((10, 3, 6, 2))), "windows that fit"),
        (lambda: ops.conv(X, np.ones((3, 3, 6, 2)), padding="full"), 'padding "valid" or "same"'),
        (lambda: ops.conv(X, np.ones((3, 3, 6, 2)), strides=0), "strides"),
        (lambda: ops.conv(X, np.ones((3, 3, 6, 2)), strides=(1, 2, 3)), "strides"),
        (lambda: ops.conv(X, np.ones((3, 3, 6, 2)), data_format="last"), "data_format"),
        (
            lambda: ops.conv_transpose(X, np.ones((3, 3, 6, 2))),
            "input channels must match the kernel's last axis, got inputs with 6 channels",
        ),
        (lambda: ops.depthwise_conv(X, np.ones((3, 3, 5, 1))), "a kernel for 6 channels"),
        (lambda: ops.max_pool(X, 10), "windows that fit"),
        (lambda: ops.max_pool(X[0, 0], 2), "rank 3 to 5"),
        (lambda: ops.adaptive_max_pool(X, (2, 0)), "output_size"),
        (lambda: layers.Conv2D(3, 3)(X[0]), "rank|ndim"),
        (lambda: layers.Conv2D(3, 3, groups=2), "evenly divisible"),
        (lambda: layers.Conv2D(0, 3), "strictly positive"),
        (lambda: layers.Conv2D(3, 3, padding="causal"), "padding"),
        (lambda: layers.Conv2D(3, 3, 2, dilation_rate=2), "not supported in conjunction"),
        (lambda: layers.MaxPooling2D((2, 0)), "value > 0"),
    ],
)
def test_refuses(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


def test_a_small_network_learns_digits() -> None:
    dlnative.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = dlnative.datasets.digits.load_data()
    model = dlnative.Sequential(
        [
            dlnative.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(32, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    loss = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(dlnative.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    model.fit(x[..., None] / 16.0, y, batch_size=64, epochs=20, verbose=0)
    assert model.evaluate(x_test[..., None] / 16.0, y_test, verbose=0)[1] > 0.95


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float16"])
def test_images_of_other_types(dtype: str) -> None:
    images = (np.arange(2 * 5 * 5 * 3).reshape(2, 5, 5, 3) % 7).astype(dtype)
    for layer in (
        layers.Conv2D(2, 3),
        layers.DepthwiseConv2D(3),
        layers.SeparableConv2D(2, 3),
        layers.Conv2DTranspose(2, 3),
    ):
        expected = layer(images.astype("float32"))
        np.testing.assert_allclose(layer(images), expected, rtol=1e-5)
        x = dlnative.Input((5, 5, 3), dtype=dtype)
        np.testing.assert_allclose(dlnative.Model(x, layer(x)).predict(images, verbose=0), expected, rtol=1e-5)


def test_the_number_of_channels_may_be_unknown_while_a_call_is_recorded() -> None:
    x = dlnative.KerasTensor((None, 8, None))
    assert tuple(ops.conv(x, np.ones((3, 5, 4), "float32")).shape) == (None, 6, 4)
    assert tuple(ops.conv_transpose(x, np.ones((2, 4, 5), "float32"), 2).shape) == (None, 16, 4)
    model = dlnative.Model(x, ops.conv(x, np.ones((3, 2, 4), "float32")))
    assert model(np.ones((1, 8, 2), "float32")).tolist() == [[[6.0] * 4] * 6]
    with pytest.raises(ValueError, match="conv: input channels must match the kernel"):
        model(np.ones((1, 8, 3), "float32"))


def written_out(x: Any, w: Any, stride: int, padding: str, extra: int | None, dilation: int) -> Any:
    """A transposed convolution by its definition: each input lays its multiple of the window down, and the ends are cut.

    "valid" keeps all, and `output_padding` zeros behind it; "same" keeps `n stride` elements, or, with an `output_padding`,
    `(n - 1) stride + k % 2 + output_padding`. So Keras does.
    """
    k, n = (len(w) - 1) * dilation + 1, len(x)
    if padding == "valid":
        total = 2 * (k - 1) + (max(stride - k, 0) if extra is None else extra)
        begin = k - 1
    else:
        total = k - 2 + (stride if extra is None else k % 2 + extra)
        begin = min((total + 1) // 2, k - 1)
    y = np.zeros(k - 1 + (n - 1) * stride + 1 + total)
    for place, value in enumerate(x):
        for tap, factor in enumerate(w):
            y[place * stride + tap * dilation] += value * factor
    return y[k - 1 - begin :][: (n - 1) * stride + 2 - k + total]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", range(1, 5))
def test_extents_of_transposed_convolutions(kernel: int, padding: str) -> None:
    x, w = np.arange(1.0, 5.0), np.arange(1.0, kernel + 1.0) ** 2
    for stride, dilation in ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3)):
        for extra in (None, *range(stride)):
            y = ops.conv_transpose(x[None, :, None], w[:, None, None], stride, padding, extra, None, dilation)
            expected = written_out(x, w, stride, padding, extra, dilation)
            np.testing.assert_allclose(y[0, :, 0], expected, rtol=1e-6, err_msg=f"{stride} {dilation} {extra}")
