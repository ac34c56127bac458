"""Layers of images: chance, training and inference, dicts, boxes, configs. Values: tests/keras/programs/image_layers.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, models, ops

X = np.round(np.random.RandomState(0).uniform(0, 255, (6, 8, 9, 3))).astype("float32")

# Layers that change images at random, and how they are made; the first four also move them.
RANDOM: dict[str, Callable[..., Any]] = {
    "RandomTranslation": lambda **more: layers.RandomTranslation(0.4, 0.3, **more),
    "RandomZoom": lambda **more: layers.RandomZoom(0.5, (-0.2, 0.6), "constant", **more),
    "RandomRotation": lambda **more: layers.RandomRotation(0.3, "wrap", **more),
    "RandomShear": lambda **more: layers.RandomShear(0.5, (0.1, 0.4), **more),
    "RandomFlip": lambda **more: layers.RandomFlip("horizontal", **more),
    "RandomPerspective": lambda **more: layers.RandomPerspective(0.9, 0.8, **more),
    "RandomElasticTransform": lambda **more: layers.RandomElasticTransform(**more),
    "RandomBrightness": lambda **more: layers.RandomBrightness(0.5, **more),
    "RandomContrast": lambda **more: layers.RandomContrast(0.5, **more),
    "RandomHue": lambda **more: layers.RandomHue(0.5, **more),
    "RandomSaturation": lambda **more: layers.RandomSaturation((0.1, 0.9), **more),
    "RandomColorDegeneration": lambda **more: layers.RandomColorDegeneration(0.9, **more),
    "RandomGrayscale": lambda **more: layers.RandomGrayscale(0.5, **more),
    "RandomInvert": lambda **more: layers.RandomInvert((0.5, 0.6), **more),
    "RandomColorJitter": lambda **more: layers.RandomColorJitter((0, 255), 0.3, 0.4, (0.2, 0.7), 0.4, **more),
    "Solarization": lambda **more: layers.Solarization(0.3, (0.2, 0.9), **more),
    "RandomPosterization": lambda **more: layers.RandomPosterization((1, 5), **more),
    "RandomGaussianBlur": lambda **more: layers.RandomGaussianBlur((0.5, 0.6), (3, 5), (0.5, 0.9), **more),
    "RandomSharpness": lambda **more: layers.RandomSharpness((0.0, 1.0), **more),
    "RandomErasing": lambda **more: layers.RandomErasing((0.9, 1.0), **more),
    "MixUp": lambda **more: layers.MixUp(0.9, **more),
    "CutMix": lambda **more: layers.CutMix(**more),
    "RandAugment": lambda **more: layers.RandAugment(num_ops=2, **more),
    "AugMix": lambda **more: layers.AugMix(chain_depth=2, **more),
}
FIXED: dict[str, Callable[..., Any]] = {
    "Resizing": lambda **more: layers.Resizing(5, 4, "bicubic", antialias=True, **more),
    "CenterCrop": lambda **more: layers.CenterCrop(5, 10, **more),
    "AutoContrast": lambda **more: layers.AutoContrast(**more),
    "Equalization": lambda **more: layers.Equalization(bins=16, **more),
    "CLAHE": lambda **more: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2), **more),
}
ALL = {**RANDOM, **FIXED, "RandomCrop": lambda **more: layers.RandomCrop(4, 6, **more)}
NOT_BY_IMAGE = ("MixUp", "CutMix", "RandAugment", "AugMix", "Equalization")


@pytest.mark.parametrize("name", RANDOM)
def test_images_change_when_training_alone(backend: str, name: str) -> None:
    layer = RANDOM[name](seed=3)
    np.testing.assert_array_equal(layer(X, training=False), X)
    first, second = layer(X, training=True), layer(X)
    assert first.shape == X.shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert not np.array_equal(first, X)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_determines_what_changes(name: str) -> None:
    first, same, other = [RANDOM[name](seed=seed)(X, training=True) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", [name for name in RANDOM if name not in NOT_BY_IMAGE])
def test_each_image_changes_in_its_own_way(name: str) -> None:
    same = np.broadcast_to(X[:1], (32, 8, 9, 3)).copy()
    made = RANDOM[name](seed=1)(same, training=True)
    assert len(np.unique(made.reshape(32, -1), axis=0)) > 1


@pytest.mark.parametrize("name", ALL)
def test_channels_first(name: str) -> None:
    layer, first = [
        ALL[name](**({"seed": 5} if name not in FIXED else {}), data_format=f) for f in (None, "channels_first")
    ]
    if name == "RandomErasing":  # its noise is drawn in the order of the elements
        layer.fill_value = first.fill_value = 3.0
    expected = np.moveaxis(layer(X, training=True), -1, 1)
    np.testing.assert_allclose(first(np.moveaxis(X, -1, 1).copy(), training=True), expected, rtol=1e-4, atol=1e-2)
    assert first.compute_output_shape((None, 3, 8, 9)) == (None, *expected.shape[1:])


@pytest.mark.parametrize("name", ALL)
def test_one_image_without_a_batch(name: str) -> None:
    layer = ALL[name]()
    made = layer(X[0], training=True)
    assert made.shape == layer.compute_output_shape((8, 9, 3))


@pytest.mark.parametrize("name", ALL)
def test_configs(name: str) -> None:
    layer = ALL[name](**({"seed": 7} if name not in FIXED else {}), name="own", data_format="channels_first")
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert again.name == "own"


def test_factors_that_a_file_holds_as_lists_are_the_tuples_that_they_were() -> None:
    for layer in (
        layers.RandomTranslation((0.1, 0.2), (-0.1, 0.1)),
        layers.RandomZoom((0.1, 0.2)),
        layers.RandomShear((0.1, 0.2), (0.0, 0.1)),
        layers.RandomErasing(fill_value=(1, 2, 3)),
        layers.RandomColorJitter(hue_factor=(0.1, 0.2), contrast_factor=(0.3, 0.4)),
    ):
        config = layer.get_config()
        listed = {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}
        assert type(layer).from_config(listed).get_config() == config
    sheared = layers.RandomShear(0.2)  # of one number, a file of Keras's holds both ends
    again = layers.RandomShear.from_config({**sheared.get_config(), "x_factor": [-0.2, 0.2]})
    assert again._x_range == sheared._x_range


@pytest.mark.parametrize("name", ALL)
def test_integers_become_floats_in_the_layer_type(name: str) -> None:
    layer = ALL[name](dtype="float16")
    made = layer(X.astype("uint8"), training=True)
    assert made.dtype == ("uint8" if name == "Resizing" else "float16")
    assert np.isfinite(made.astype("float32")).all()


@pytest.mark.parametrize("name", ALL)
def test_shapes_that_are_not_known(name: str) -> None:
    layer = ALL[name]()
    for shape in ((None, 8, 9, 3), (None, None, None, 3)):
        found = layer(layers.Input(shape[1:])).shape
        assert found == tuple(layer.compute_output_shape(shape))


@pytest.mark.parametrize("name", ["RandomRotation", "RandomFlip", "RandomHue", "RandomErasing", "MixUp", "RandAugment"])
def test_in_a_model_each_step_draws_anew(name: str) -> None:
    inputs = layers.Input((8, 9, 3))
    model = models.Model(inputs, ALL[name](seed=1)(inputs))
    first, second, calm = model(X, training=True), model(X, training=True), model(X, training=False)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(calm, ALL[name]()(X, training=False))
    np.testing.assert_array_equal(model.predict(X, verbose=0), calm)


def test_a_model_trains_behind_layers_that_vary_its_images(backend: str) -> None:
    """The loss of each epoch differs as images do; weights behind get gradients, and evaluation is calm."""
    dlnative.utils.set_random_seed(0)
    model = models.Sequential(
        [
            layers.Input((8, 9, 3)),
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.RandAugment(num_ops=1),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    y = X.mean(axis=(1, 2, 3)) / 255
    history = model.fit(X, y, epochs=3, batch_size=3, verbose=0).history["loss"]
    assert len(set(history)) == 3
    assert model.evaluate(X, y, verbose=0) == model.evaluate(X, y, verbose=0)


def test_images_get_gradients() -> None:
    """Behind a layer that varies images there may be weights before it: a generator, for instance."""
    layer = layers.RandomTranslation((0.25, 0.25), 0.0, "constant")
    _, gradient = dlnative.value_and_grad(lambda x: ops.sum(layer(x, training=True)))(X)
    np.testing.assert_array_equal(gradient[:, :6], 1.0)
    np.testing.assert_array_equal(gradient[:, 6:], 0.0)


# Dicts.

MASKS = (X[..., :1] > 100).astype("int32")


def _data() -> dict[str, Any]:
    boxes = {"boxes": np.array([[[1.0, 2, 4, 5]]] * 6, "float32"), "labels": np.array([[1]] * 6, "int32")}
    return {"images": X, "labels": np.eye(6, dtype="float32"), "segmentation_masks": MASKS, "bounding_boxes": boxes}


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("RandomElasticTransform", "CutMix", "AugMix")])
def test_dicts(name: str) -> None:
    data = _data()
    layer = ALL[name](bounding_box_format="xyxy")
    made = layer(data, training=True)
    assert made["images"].shape[:3] == made["segmentation_masks"].shape[:3]
    assert made["images"].shape == layer.compute_output_shape(X.shape)
    assert made["labels"].shape == (6, 6)
    assert made["bounding_boxes"]["boxes"].shape == (6, 2 if name == "MixUp" else 1, 4)
    assert np.isfinite(made["bounding_boxes"]["boxes"]).all()
    assert list(data) == list(_data())  # what was given is as it was
    np.testing.assert_array_equal(data["bounding_boxes"]["boxes"], _data()["bounding_boxes"]["boxes"])
    assert data["images"] is X


@pytest.mark.parametrize("name", [*list(RANDOM)[:7], "CutMix", "RandAugment", "AugMix", "RandomCrop"])
def test_masks_move_as_images(name: str) -> None:
    """A mask that is the image's own channel stays that channel; of neighbours only the nearest counts."""
    layer = ALL[name](**({"interpolation": "nearest"} if name not in ("RandomFlip", "CutMix", "RandomCrop") else {}))
    if name == "AugMix":
        layer = layers.AugMix(factor=0.3, interpolation="nearest", num_chains=1, chain_depth=1, all_ops=False)
    colours = np.where(MASKS > 0, 255.0, 0.0).astype("float32").repeat(3, -1)
    if name in ("RandAugment", "AugMix"):  # colours change too: only that of geometric layers is compared
        made = layer({"images": colours, "segmentation_masks": MASKS.astype("float32")}, training=True)
        assert made["segmentation_masks"].shape == MASKS.shape
        return
    made = layer({"images": colours, "segmentation_masks": MASKS}, training=True)
    np.testing.assert_array_equal(made["images"][..., :1] / 255, made["segmentation_masks"])


def _around(image: Any) -> list[float]:
    rows, columns = np.nonzero(image > 127)
    return [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)]


@pytest.mark.parametrize(
    "layer",
    [
        layers.RandomFlip(seed=2, bounding_box_format="xyxy"),
        layers.RandomTranslation((0.1, 0.1), (-0.2, -0.2), interpolation="nearest", bounding_box_format="xyxy"),
        layers.RandomCrop(20, 24, bounding_box_format="xyxy"),
        layers.CenterCrop(16, 28, bounding_box_format="xyxy"),
        layers.Resizing(60, 20, "nearest", bounding_box_format="xyxy"),
        layers.Resizing(60, 20, "nearest", crop_to_aspect_ratio=True, bounding_box_format="xyxy"),
        layers.Resizing(60, 60, "nearest", pad_to_aspect_ratio=True, bounding_box_format="xyxy"),
        layers.RandomZoom((-0.3, -0.3), bounding_box_format="xyxy"),
        layers.RandomRotation((0.25, 0.25), bounding_box_format="xyxy"),
        layers.RandomPerspective(scale=0.2, bounding_box_format="xyxy"),
    ],
    ids=lambda layer: layer.name,
)
def test_boxes_stay_around_what_they_surround(layer: Any) -> None:
    images = np.zeros((4, 30, 40, 1), "float32")
    images[:, 12:18, 16:26] = 255.0
    boxes = {"boxes": np.array([[[16.0, 12, 26, 18]]] * 4, "float32"), "labels": np.ones((4, 1), "int32")}
    made = layer({"images": images, "bounding_boxes": boxes}, training=True)
    for image, box in zip(made["images"], made["bounding_boxes"]["boxes"], strict=True):
        np.testing.assert_allclose(box[0], _around(image[..., 0]), atol=1.3)
    assert (made["bounding_boxes"]["labels"] == 1).all()


def test_boxes_of_other_formats_and_of_one_image() -> None:
    boxes = {"boxes": np.array([[0.1, 0.2, 0.3, 0.2]]), "labels": np.array([4])}
    layer = layers.RandomTranslation((0.5, 0.5), 0.0, bounding_box_format="rel_xywh")
    made = layer({"images": X[0], "bounding_boxes": boxes}, training=True)["bounding_boxes"]
    np.testing.assert_allclose(made["boxes"], [[0.1, 0.7, 0.3, 0.2]], rtol=1e-5)
    assert made["labels"].tolist() == [4]


def test_boxes_that_leave_the_image_lose_their_label() -> None:
    boxes = {"boxes": np.array([[[0.0, 0, 2, 2]]] * 6), "labels": np.ones((6, 1), "int32")}
    layer = layers.RandomTranslation((-1.0, -1.0), 0.0, bounding_box_format="xyxy")
    made = layer({"images": X, "bounding_boxes": boxes}, training=True)["bounding_boxes"]
    assert (made["labels"] == -1).all()


def test_lists_of_boxes_of_different_lengths_are_filled_up() -> None:
    boxes = {"boxes": [[[0, 0, 2, 2]], [], [[1, 1, 2, 2], [3, 3, 4, 4]]], "labels": [[1], [], [2, 3]]}
    layer = layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    made = layer({"images": X[:3], "bounding_boxes": boxes})["bounding_boxes"]
    assert made["labels"].tolist() == [[1, -1, -1], [-1, -1, -1], [2, 3, -1]]
    assert made["boxes"][2].tolist() == [[1, 1, 2, 2], [3, 3, 4, 4], [-1, -1, -1, -1]]
    single = layer({"images": X[0], "bounding_boxes": {"boxes": [[0, 0, 2, 2]], "labels": [1]}})["bounding_boxes"]
    assert single["labels"].tolist() == [1, -1, -1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomTranslation(1.5, 0), "`height_factor` argument should be a number"),
        (lambda: layers.RandomTranslation(0, (0.1, 0.2, 0.3)), "`width_factor` argument should be a number"),
        (lambda: layers.RandomZoom(-1.0), "`height_factor` argument should be a number"),
        (lambda: layers.RandomShear(-0.5), "`x_factor` argument should be a number"),
        (lambda: layers.RandomRotation("x"), "`factor` argument should be a number"),
        (lambda: layers.RandomContrast(-0.1), "`factor` argument should be a number"),
        (lambda: layers.RandomFlip("diagonal"), "expected mode horizontal"),
        (lambda: layers.RandomBrightness(0.1, 3), "`value_range` argument should be a list of two numbers"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "kernel_size must be an odd number"),
        (lambda: layers.RandomGrayscale(2), "`factor` should be between 0 and 1"),
        (lambda: layers.RandomErasing(fill_value=(1, 2)), "`fill_value` argument should be a number"),
        (lambda: layers.RandomPerspective(scale=2), "`scale` argument should be a number"),
        (lambda: layers.MixUp(0.0), "alpha"),
        (lambda: layers.Resizing(0, 3), "`height` must be a positive integer"),
        (lambda: layers.Resizing(2, 3, "linear"), "`interpolation`"),
        (lambda: layers.Resizing(2, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "Only one of"),
        (lambda: layers.CenterCrop(2, 3, bounding_box_format="xyz"), "expected bounding_box_format"),
        (lambda: layers.RandomFlip()(X[0, 0]), "Expected the input image to be rank 3 or 4"),
        (lambda: layers.RandomFlip()({"pictures": X}), 'expected "images" among the keys'),
        (lambda: layers.RandomFlip()(_data()), "you didn't specify a bounding box format"),
        (lambda: layers.RandomFlip(bounding_box_format="xyxy")({"images": X, "bounding_boxes": 3}), "to be a dict"),
        (lambda: layers.RandomColorDegeneration(0.5)(X[..., :2]), "Input images must have 3 channels|channel size"),
        (lambda: layers.Pipeline([3]), "Pipeline .* expected layers, got 3"),
        (lambda: layers.RandomFlip(seed=-1), "seed"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.RandomZoom(0.1, fill_mode="edge"),
        lambda: layers.RandomRotation(0.1, interpolation="cubic"),
        lambda: layers.RandomElasticTransform(fill_mode="edge"),
        lambda: layers.RandomElasticTransform(bounding_box_format="xyxy")(_data(), training=True),
        lambda: layers.CutMix(bounding_box_format="xyxy")(_data(), training=True),
    ],
)
def test_what_is_not_implemented_is_named(make: Any) -> None:
    with pytest.raises(NotImplementedError, match=r"[Ee]xpected|Unknown"):
        make()
