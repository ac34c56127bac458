"""Layers whose results are random, or that refuse; making layers again from their configs. Other values: tests/keras."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import initializers, layers, ops, random

ONES = np.ones((40, 30, 20), "float32")


def trained(layer: Any, x: Any = ONES) -> Any:
    np.testing.assert_array_equal(layer(x), x)
    return layer(x, training=True)


def test_dropout_keeps_the_mean() -> None:
    y = trained(layers.Dropout(np.float32(0.25), seed=1))
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    assert abs(y.mean() - 1) < 4 * np.sqrt(1 / 3 / y.size)
    assert (trained(layers.Dropout(1.0)) == 0).all()


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (layers.Dropout(0.5, noise_shape=(None, 1, None), seed=1), (9, 8, 7), (1,)),
        (layers.Dropout(0.5, noise_shape=[9, 8, 1], seed=1), (9, 8, 7), (2,)),
        (layers.AlphaDropout(0.5, noise_shape=(None, 1, None), seed=1), (9, 8, 7), (1,)),
        (layers.SpatialDropout1D(0.5, seed=1), (9, 8, 7), (1,)),
        (layers.SpatialDropout2D(0.5, seed=1), (9, 4, 3, 7), (1, 2)),
        (layers.SpatialDropout2D(0.5, data_format="channels_first", seed=1), (9, 7, 4, 3), (2, 3)),
        (layers.SpatialDropout3D(0.5, seed=1), (9, 2, 4, 3, 7), (1, 2, 3)),
    ],
)
def test_one_mask_along_axes(layer: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    y = trained(layer, np.ones(shape, "float32"))
    assert (y.max(axis=axes) == y.min(axis=axes)).all()
    assert len(np.unique(y)) == 2
    inputs = dlnative.Input(shape[1:])
    assert layer(inputs).shape == (None, *shape[1:])


def test_noise_has_its_moments() -> None:
    x = np.random.RandomState(0).standard_normal(ONES.shape).astype("float32")
    error = 5 / np.sqrt(x.size)
    for layer, inputs, mean, deviation in (
        (layers.GaussianNoise(0.5, seed=1), ONES, 1.0, 0.5),
        (layers.GaussianDropout(0.2, seed=1), ONES, 1.0, 0.5),  # sqrt(0.2 / 0.8)
        (layers.AlphaDropout(0.3, seed=1), x, 0.0, 1.0),  # keeps both
    ):
        y = trained(layer, inputs)
        assert abs(y.mean() - mean) < error
        assert abs(y.std() - deviation) < error
    with pytest.raises(ValueError, match="below 1"):
        layers.GaussianDropout(1.0)(ONES, training=True)


def test_draws_go_on_and_are_state() -> None:
    layer = layers.Dropout(0.5, seed=7)
    assert [variable.path.split("/")[-1] for variable in layer.variables] == ["seed_generator_state"]
    assert layer.weights == []
    first, second = layer(ONES, training=True), layer(ONES, training=True)
    assert (first != second).any()
    np.testing.assert_array_equal(layer.variables[0], [7, 2])
    np.testing.assert_array_equal(layers.Dropout(0.5, seed=7)(ONES, training=True), first)


def test_activity_regularization_is_by_sample() -> None:
    layer = layers.ActivityRegularization(l1=0.5, l2=0.25)
    layer(np.full((4, 3), 2.0, "float32"))
    np.testing.assert_allclose(layer.losses, [(0.5 * 24 + 0.25 * 48) / 4])


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: layers.Dropout(0.5, noise_shape=(2, 0, 1)), ValueError, "noise_shape"),
        (lambda: layers.Dropout(0.5, noise_shape="none"), ValueError, "noise_shape"),
        (lambda: layers.Dropout("0.5"), ValueError, "rate"),
        (lambda: layers.Dropout(0.5, seed=1.5), ValueError, "seed"),
        (lambda: layers.Dropout(0.5, noise_shape=(1, 1, 7))(ONES, training=True), ValueError, "noise_shape"),
        (lambda: layers.Dropout(0.5, noise_shape=(1, 1))(ONES, training=True), ValueError, "rank 2"),
        (lambda: layers.GaussianNoise(1.5), ValueError, "stddev"),
        (lambda: layers.SpatialDropout1D(0.5)(ONES[0]), ValueError, "rank 3"),
        (lambda: layers.SpatialDropout2D(0.5, data_format="last"), ValueError, "data_format"),
        (lambda: layers.ReLU(max_value=-1.0), ValueError, "max_value"),
        (lambda: layers.ReLU(negative_slope=None), ValueError, "negative_slope"),
        (lambda: layers.PReLU(shared_axes=[3])(ONES), ValueError, "shared_axes"),
        (lambda: layers.Softmax()(ONES, mask=np.ones((1, 40, 30, 20), bool)), ValueError, "mask"),
        (lambda: layers.Reshape((-2, 5)), ValueError, "non-negative"),
        (lambda: layers.Reshape((-1, -1)), ValueError, "at most one"),
        (lambda: layers.Permute((0, 1)), ValueError, "dims"),
        (lambda: layers.RepeatVector(2.5), TypeError, "`n`"),
        (lambda: layers.UpSampling1D(0), ValueError, "`size`"),
        (lambda: layers.UpSampling2D((2, 2, 2)), ValueError, "size"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), ValueError, "interpolation"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), ValueError, "padding"),
        (lambda: layers.ZeroPadding1D(-1), ValueError, "padding"),
        (lambda: layers.Cropping1D(20)(ONES), ValueError, "cropping"),
        (lambda: layers.Dot(axes="last"), TypeError, "axes"),
        (lambda: layers.Dot(axes=(1, 2, 1)), ValueError, "axes"),
        (lambda: layers.Dot(axes=0)([ONES, ONES]), ValueError, "batch"),
        (lambda: layers.Dot(axes=(1, 2))([ONES, ONES]), ValueError, "extents"),
        (lambda: layers.Add()([ONES, ONES[:3]]), ValueError, "batch size"),
        (lambda: layers.Add()([ONES, ONES[:, :3]]), ValueError, "broadcast"),
        (lambda: layers.Subtract()([ONES] * 3), ValueError, "two inputs"),
        (lambda: layers.Embedding(3.5, 2), ValueError, "input_dim"),
        (lambda: layers.Embedding(3, 2, quantization_config=1), ValueError, "quantization"),
        (lambda: layers.EinsumDense("ab,bc", 3)(ONES), ValueError, "equation"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3)(ONES), ValueError, "rank 2"),
        (lambda: layers.EinsumDense("abc,cd->abd", (7, 3))(ONES), ValueError, "expected extent 7 for 'b'"),
        (lambda: layers.EinsumDense("abc,cd->abd", 3)(ONES), ValueError, "output_shape"),
        (
            lambda: layers.EinsumDense("abc,cd->abd", (30, 3), bias_axes="x")(ONES),
            ValueError,
            "expected bias_axes among the letters",
        ),
        (lambda: layers.Wrapper("dense"), ValueError, "dense"),
        (lambda: layers.Lambda(3), TypeError, "function"),
        (lambda: layers.Dense(2).enable_lora(1), ValueError, "built"),
        (lambda: layers.Input(shape=(2,), batch_shape=(1, 2)), ValueError, "both"),
        (lambda: layers.Input(), ValueError, "shape"),
        (lambda: layers.Input((2,), sparse=True), ValueError, "sparse"),
        (lambda: layers.Input((-1,)), ValueError, "non-negative"),
        (lambda: layers.Input((4,), tensor=dlnative.KerasTensor((None, 3))), ValueError, "`shape`"),
        (lambda: random.uniform((2,), dtype="int32"), ValueError, "floats"),
        (lambda: random.uniform((2.5,)), TypeError, "integers"),
        (lambda: random.randint((2,), 3, 3), ValueError, "minval"),
        (lambda: random.normal((2,), seed="one"), ValueError, "seed"),
        (lambda: initializers.STFT("both"), ValueError, "side"),
        (lambda: initializers.get(np.ones((2, 3), "float32"))((3, 2)), ValueError, "shape"),
    ],
)
def test_refusals(make: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


def test_numpy_scalars_are_numbers() -> None:
    shape = (np.int64(2), np.int32(6))
    assert dlnative.Input((np.prod(shape),)).shape == (None, 12)
    assert layers.Dense(np.int64(3))(np.ones((1, 2), "float32")).shape == (1, 3)
    assert layers.Reshape((np.int64(600),))(ONES).shape == (40, 600)
    assert layers.ReLU(max_value=np.float32(2)).max_value == 2.0
    assert layers.Dense(2, kernel_regularizer=dlnative.regularizers.L2(np.float32(0.5))).kernel_regularizer.l2 == 0.5


def double(x: Any) -> Any:
    return x * 2.0


def made_again() -> list[Any]:
    x = np.ones((2, 3), "float32")
    return [
        (layers.Lambda(ops.square), x),
        (layers.Lambda(double, output_shape=lambda shape: shape), x),
        (layers.Lambda(lambda x, training: x * 3.0 if training else x), x),
        (layers.Masking(1.0), ONES),
        (layers.Identity(), x),
        (layers.Embedding(5, 2, mask_zero=True, embeddings_initializer="ones"), x),
        (layers.EinsumDense("ab,bc->ac", 4, bias_axes="c", kernel_initializer="ones"), x),
        (layers.Dense(2, kernel_initializer=initializers.Constant(np.ones((3, 2)))), x),
        (layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=3), x),
        (layers.SpatialDropout2D(0.5, data_format="channels_first"), None),
        (layers.Cropping3D(1, "channels_first"), None),
        (layers.InputLayer((3,), dtype="int32", optional=True), None),
    ]


@pytest.mark.parametrize(("layer", "x"), made_again())
def test_configs_make_layers_again(layer: Any, x: Any) -> None:
    if isinstance(layer, layers.Lambda):
        again = dlnative.models.clone_model(dlnative.Sequential([layer])).layers[0]
    else:
        again = type(layer).from_config(layer.get_config())
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    if x is not None:
        np.testing.assert_array_equal(again(x), layer(x))
    if not isinstance(layer, layers.Lambda) or layer.function is ops.square:
        text = json.dumps(layers.serialize(layer))
        assert json.dumps(layers.serialize(layers.deserialize(json.loads(text)))) == text


def test_wrappers_hold_configs_of_layers() -> None:
    class Twice(layers.Wrapper):
        def call(self, inputs: Any) -> Any:
            return self.layer(inputs) * 2.0

    wrapper = Twice(layers.Dense(2, kernel_initializer="ones", name="inner"), name="twice")
    result = wrapper(ONES[0])
    assert [weight.path for weight in wrapper.weights] == ["twice/inner/kernel", "twice/inner/bias"]
    again = layers.deserialize(layers.serialize(wrapper), custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(again(ONES[0]), result)
    with pytest.raises(TypeError, match="Twice"):
        layers.deserialize(layers.serialize(wrapper))


def test_low_rank_adaptation_trains_the_narrow_matrices_alone() -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(2, name="dense")])
    dense = model.layers[0]
    dense.enable_lora(1)
    np.testing.assert_array_equal(model(ONES[0, :5, :3]), dense(ONES[0, :5, :3]))
    model.compile("sgd", "mse")
    before = dense._kernel.numpy()
    model.fit(ONES[0, :, :3], np.zeros((30, 2), "float32"), verbose=0)
    np.testing.assert_array_equal(dense._kernel, before)
    assert (np.asarray(dense.lora_kernel_b) != 0).any()
    expected = before + np.asarray(dense.lora_kernel_a) @ np.asarray(dense.lora_kernel_b)
    np.testing.assert_allclose(dense.kernel, expected, rtol=1e-6)


def test_random_functions() -> None:
    generator = random.SeedGenerator(3)
    first, second = (random.uniform((1000,), 2.0, 3.0, seed=generator) for _ in range(2))
    assert (first != second).any()
    assert ((first >= 2) & (first < 3)).all()
    np.testing.assert_array_equal(random.normal((3,), seed=4), random.normal((3,), seed=4))
    numbers = random.randint((1000,), -2, 3, seed=1)
    assert numbers.dtype == np.int32
    assert set(numbers.tolist()) == {-2, -1, 0, 1, 2}
    assert random.normal(5, dtype="float16", seed=1).dtype == np.float16
    dlnative.utils.set_random_seed(5)
    drawn = random.uniform((4,))
    assert (random.uniform((4,)) != drawn).any()
    dlnative.utils.set_random_seed(5)
    np.testing.assert_array_equal(random.uniform((4,)), drawn)


def test_random_functions_draw_anew_in_every_call_of_a_layer() -> None:
    class Noisy(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs + random.normal(inputs.shape)

    layer = Noisy()
    assert (layer(ONES) != layer(ONES)).any()


def test_the_data_format_of_layers_that_are_not_told() -> None:
    dlnative.backend.set_image_data_format("channels_first")
    try:
        layer = layers.UpSampling2D(2)
        assert dlnative.config.image_data_format() == layer.data_format == "channels_first"
        assert layer(np.ones((1, 3, 2, 2), "float32")).shape == (1, 3, 4, 4)
    finally:
        dlnative.backend.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="channels_first"):
        dlnative.config.set_image_data_format("first")
