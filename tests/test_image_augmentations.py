"""What each layer of images draws, and does with it."""

from __future__ import annotations

import numpy as np
import pytest

from dlnative import layers

X = np.round(np.random.RandomState(0).uniform(0, 255, (6, 8, 9, 3))).astype("float32")


def test_brightness_and_contrast_stay_in_their_ranges() -> None:
    moved = layers.RandomBrightness((0.2, 0.4))(np.full((200, 1, 1, 3), 100.0), training=True) - 100
    assert moved.min() >= 0.2 * 255
    assert moved.max() <= 0.4 * 255
    assert np.ptp(moved) > 30
    x = np.array([90.0, 110.0], "float32").reshape(1, 1, 2, 1).repeat(200, 0)
    factors = (layers.RandomContrast(0.5)(x, training=True)[:, 0, 1, 0] - 100) / 10
    assert factors.min() >= 0.5 - 1e-5
    assert factors.max() <= 1.5 + 1e-5
    assert factors.min() < 0.7 < 1.3 < factors.max()  # one number is for both directions


def test_translations_zooms_and_angles_stay_in_their_ranges() -> None:
    layer = layers.RandomTranslation((-0.1, 0.3), 0.2)
    found = np.asarray(layer.get_random_transformation(np.zeros((500, 10, 20, 1)))["translations"])
    for values, low, high in ((found[:, 0], -4, 4), (found[:, 1], -1, 3)):
        assert low <= values.min() < low + 0.2 * (high - low)
        assert high >= values.max() > high - 0.2 * (high - low)
    angles = layers.RandomRotation((0.1, 0.2)).get_random_transformation(np.zeros((500, 10, 20, 1)))["angle"]
    assert 36 <= np.min(angles) < 40
    assert 68 < np.max(angles) <= 72


def test_half_of_the_images_are_flipped() -> None:
    x = np.arange(2.0).reshape(1, 1, 2, 1).repeat(2000, 0)
    flipped = layers.RandomFlip("horizontal", seed=1)(x, training=True)[:, 0, 0, 0]
    assert 0.45 < flipped.mean() < 0.55


@pytest.mark.parametrize("name", ["RandomInvert", "RandomGrayscale"])
def test_so_many_images_are_chosen(name: str) -> None:
    x = np.array([10.0, 200.0, 30.0]).reshape(1, 1, 1, 3).repeat(2000, 0)
    factor = 0.25 if name == "RandomGrayscale" else (0.25, 0.25)
    made = getattr(layers, name)(factor, seed=1)(x, training=True)
    assert 0.2 < (made != x).any(axis=(1, 2, 3)).mean() < 0.3


def test_a_random_crop_is_a_part_of_the_image_at_any_place() -> None:
    x = np.arange(30.0).reshape(1, 5, 6, 1)
    layer = layers.RandomCrop(4, 6, seed=1)
    corners = {float(layer(x, training=True)[0, 0, 0, 0]) for _ in range(20)}
    assert corners == {0.0, 6.0}  # also where one of the extents is that of the image
    for _ in range(5):
        part = layers.RandomCrop(2, 3)(x, training=True)[0, :, :, 0]
        np.testing.assert_array_equal(part, part[0, 0] + np.array([[0, 1, 2], [6, 7, 8]]))


def test_a_random_crop_gives_its_size_at_inference_and_of_smaller_images() -> None:
    layer = layers.RandomCrop(4, 6)
    np.testing.assert_array_equal(layer(X, training=False), layers.Resizing(4, 6, crop_to_aspect_ratio=True)(X))
    assert layer(X[:, :3], training=True).shape == (6, 4, 6, 3)


def test_erased_is_a_rectangle_of_the_expected_size() -> None:
    layer = layers.RandomErasing((1.0, 1.0), (0.25, 0.25), fill_value=7.0)
    made = layer(np.zeros((5, 20, 30, 2)), training=True)
    for image in made:
        rows, columns = np.nonzero(image[..., 0])
        assert np.ptp(rows) + 1 in (9, 10, 11)
        assert np.ptp(columns) + 1 in (14, 15, 16)
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert set(np.unique(made)) == {0.0, 7.0}
    three = layers.RandomErasing((1.0, 1.0), (1.0, 1.0), fill_value=(1, 2, 3))(X, training=True)
    np.testing.assert_array_equal(three, np.broadcast_to([1.0, 2, 3], X.shape))


def test_mixed_labels_follow_the_images() -> None:
    x = np.arange(6.0).reshape(6, 1, 1, 1) * np.ones((1, 8, 8, 1))
    for layer in (layers.MixUp(1.0, seed=1), layers.CutMix(seed=1)):
        made = layer({"images": x, "labels": np.eye(6, dtype="float32")}, training=True)
        np.testing.assert_allclose(made["labels"].sum(axis=1), 1.0, rtol=1e-5)
        means = made["labels"] @ np.arange(6.0)
        # A rectangle covers whole pixels, a label the exact area.
        np.testing.assert_allclose(
            made["images"].mean(axis=(1, 2, 3)), means, atol=1.2 if layer.name[:3] == "cut" else 1e-4
        )


def test_rand_augment_applies_what_it_drew_and_no_operations_nothing() -> None:
    np.testing.assert_array_equal(layers.RandAugment(num_ops=0)(X, training=True), X)
    layer = layers.RandAugment(num_ops=1, seed=2)
    made = {tuple(np.round(layer(X, training=True)[0, 0, :2, 0].tolist(), 3)) for _ in range(12)}
    assert len(made) > 4


def test_equal_values_stay() -> None:
    even = np.full((2, 4, 4, 3), 70.0, "float32")
    for layer in (layers.AutoContrast(), layers.Equalization()):
        np.testing.assert_array_equal(layer(even, training=True), even)


def test_a_pipeline_is_its_layers() -> None:
    pipeline = layers.Pipeline([layers.CenterCrop(4, 4), layers.RandomBrightness((0.1, 0.1)), layers.Rescaling(0.5)])
    np.testing.assert_allclose(pipeline(X, training=False), X[:, 2:6, 2:6] / 2)
    assert not np.allclose(pipeline(X, training=True), X[:, 2:6, 2:6] / 2)
    again = layers.Pipeline.from_config(pipeline.get_config())
    np.testing.assert_array_equal(again(X, training=False), pipeline(X, training=False))
