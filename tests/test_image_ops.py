"""Images: gradients, shapes that are not known, channels first, and what is refused. Values: tests/keras/programs/images.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops
from dlnative.ops import image

RANDOM = np.random.RandomState(0)
X = RANDOM.rand(2, 5, 4, 3)
MAPS = np.array([[0.8, 0.3, -0.7, -0.2, 1.1, 0.9, 0.01, 0.02], [1.3, 0, 0.2, 0.13, 0.71, 0.43, 0, 0]])
POINTS = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0], [3.0, 4.0]])
MOVED = POINTS + RANDOM.rand(4, 2)

# Functions that take images of any number of channels, and keep the shape or give another one.
CALLS: dict[str, Any] = {
    "resize": lambda x, **format: image.resize(x, (3, 7), "bicubic", antialias=True, **format),
    "nearest": lambda x, **format: image.resize(x, (7, 3), "nearest", **format),
    "crop to ratio": lambda x, **format: image.resize(x, (2, 4), crop_to_aspect_ratio=True, **format),
    "pad to ratio": lambda x, **format: image.resize(x, (3, 8), pad_to_aspect_ratio=True, **format),
    "affine": lambda x, **format: image.affine_transform(x, MAPS[0], fill_mode="mirror", **format),
    "perspective": lambda x, **format: image.perspective_transform(x, POINTS, MOVED, fill_value=0.5, **format),
    "elastic": lambda x, **format: image.elastic_transform(x, 3.0, 1.0, seed=3, **format),
    "blur": lambda x, **format: image.gaussian_blur(x, (3, 5), (1.0, 2.0), **format),
    "sobel": lambda x, **format: image.sobel_edges(x, **format),
    "gray": lambda x, **format: image.rgb_to_grayscale(x, **format),
    "hsv": lambda x, **format: image.rgb_to_hsv(x, **format),
    "rgb": lambda x, **format: image.hsv_to_rgb(x, **format),
    "pad": lambda x, **format: image.pad_images(x, 1, 2, target_height=8, right_padding=1, **format),
    "crop": lambda x, **format: image.crop_images(x, 1, 2, 1, target_width=2, **format),
    "patches": lambda x, **format: image.extract_patches(x, (2, 3), 1, **format),
    "patches side by side": lambda x, **format: image.extract_patches(x, 2, **format),
}


def _moved(y: Any, axis: int) -> Any:
    """Channels first, where the result has them last."""
    return np.moveaxis(y, 3, 1) if y.ndim == 5 else np.moveaxis(y, axis, 1)


@pytest.mark.parametrize("name", CALLS)
def test_channels_first(backend: str, name: str) -> None:
    x = X.astype("float32")
    expected = _moved(CALLS[name](x), -1)
    actual = CALLS[name](np.ascontiguousarray(np.moveaxis(x, -1, 1)), data_format="channels_first")
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("elastic", "sobel")])
def test_one_image_is_a_batch_of_one(name: str) -> None:
    x = X.astype("float32")
    np.testing.assert_allclose(CALLS[name](x[0]), CALLS[name](x[:1])[0], rtol=1e-6)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", [(None, 5, 4, 3), (2, None, None, 3), (None, None, None, 3)])
def test_shapes_that_are_not_known(name: str, shape: tuple[Any, ...]) -> None:
    if name == "crop" and shape[1] is None:
        with pytest.raises(ValueError, match="crop_images: When the height of the images is unknown"):
            CALLS[name](dlnative.KerasTensor(shape))
        return
    known = CALLS[name](X.astype("float32")).shape
    found = CALLS[name](dlnative.KerasTensor(shape)).shape
    assert len(found) == len(known)
    assert all(e in (None, k) for e, k in zip(found, known, strict=True))
    assert found[0] == shape[0]
    if shape[1:] == known[1:]:
        assert found[1:] == known[1:]


def _check_gradient(function: Any, *arguments: Any) -> None:
    """Compares the gradient by each argument with differences, along a random direction."""
    weights = RANDOM.rand(*np.shape(function(*arguments)))

    def loss(*values: Any) -> Any:
        return ops.sum(function(*values) * weights)

    for index, argument in enumerate(arguments):
        _, gradient = dlnative.value_and_grad(loss, index)(*arguments)
        direction = RANDOM.randn(*argument.shape)
        ends = [[*arguments] for _ in range(2)]
        for end, sign in zip(ends, (1, -1), strict=True):
            end[index] = argument + sign * 1e-6 * direction
        slope = (loss(*ends[0]) - loss(*ends[1])) / 2e-6
        np.testing.assert_allclose(np.sum(np.asarray(gradient) * direction), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "elastic"])
def test_gradients_by_images(backend: str, name: str) -> None:
    _check_gradient(CALLS[name], X)


@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
def test_gradients_by_places(mode: str) -> None:
    at = RANDOM.uniform(-4, 8, (2, 9))
    _check_gradient(lambda x, at: image.map_coordinates(x, at, 1, mode, 0.5), X[0, :, :, 0], at)
    _check_gradient(lambda x, maps: image.affine_transform(x, maps, fill_mode=mode), X, MAPS)


def test_gradients_of_likeness_and_of_scales() -> None:
    _check_gradient(lambda a, b: image.ssim(a, b, filter_size=3), X, X[::-1].copy())
    scale, translation = np.array([1.3, 0.7]), np.array([0.2, -0.4])

    def moved(x: Any, scale: Any, translation: Any) -> Any:
        return image.scale_and_translate(x, (2, 4, 6, 3), scale, translation, (1, 2), "cubic")

    _check_gradient(moved, X, scale, translation)


def test_a_projective_map_divides() -> None:
    """The place is `(a0 x + a1 y + a2) / k`, `(b0 x + b1 y + b2) / k`, as Keras says, and does on TensorFlow."""
    y, x = np.meshgrid(np.arange(5.0), np.arange(4.0), indexing="ij")
    a0, a1, a2, b0, b1, b2, c0, c1 = MAPS[0]
    k = c0 * x + c1 * y + 1
    at = np.stack([(b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k])
    expected = np.stack([image.map_coordinates(X[0, :, :, c], at, 1, "reflect") for c in range(3)], -1)
    np.testing.assert_allclose(image.affine_transform(X[0], MAPS[0], fill_mode="reflect"), expected, rtol=1e-6)


def test_perspective_maps_points_to_points() -> None:
    from dlnative.ops.image.transforms import homography

    (m,) = homography(POINTS[None], MOVED[None])
    matrix = np.append(m, 1.0).reshape(3, 3)
    back = np.c_[MOVED, np.ones(4)] @ matrix.T
    np.testing.assert_allclose(back[:, :2] / back[:, 2:], POINTS, atol=1e-9)


def test_elastic_transforms_bend_both_ways_and_differ() -> None:
    rows = np.broadcast_to(np.arange(20.0, dtype="float32")[:, None, None], (20, 20, 1))
    both = np.concatenate([rows, np.swapaxes(rows, 0, 1)], -1)
    moved = image.elastic_transform(np.stack([both, both]), 2.0, 2.0, seed=1) - both
    assert np.abs(moved).max() > 0.1
    assert not np.allclose(moved[0], moved[1])
    assert not np.allclose(moved[0, ..., 0], moved[0, ..., 1])
    # Neighbours move alike: the field is smooth.
    assert np.abs(np.diff(moved[0, 4:-4, 4:-4, 0], axis=0)).max() < 0.5 * np.abs(moved[0]).max()


def test_integers_are_rounded_and_kept_in_range() -> None:
    x = np.array([0, 255, 255, 0], "uint8").reshape(1, 4, 1)
    made = image.resize(x, (1, 8), "bicubic")
    exact = image.resize(x.astype("float32"), (1, 8), "bicubic")
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, np.clip(np.round(exact), 0, 255))


def test_sizes_may_be_arrays() -> None:
    expected = CALLS["blur"](X)
    np.testing.assert_array_equal(image.gaussian_blur(X, np.array([3, 5]), np.array([1.0, 2.0])), expected)


def test_types_are_kept() -> None:
    for dtype in ("float16", "float64", "uint8", "int32"):
        x = (X * 3).astype(dtype)
        for name in ("resize", "affine", "perspective", "elastic", "blur", "gray", "pad", "crop", "patches"):
            assert CALLS[name](x).dtype == np.dtype(dtype), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: image.resize(X, (3,)), "resize: expected `size` to be a tuple of 2"),
        (lambda: image.resize(X, (3, 0)), "resize: `size` must have positive height and width"),
        (lambda: image.resize(X, (3, 3), "linear"), "resize: Invalid value for argument `interpolation`"),
        (lambda: image.resize(X, (3, 3), fill_mode="wrap"), "resize: Invalid value for argument `fill_mode`"),
        (lambda: image.resize(X, (3, 3), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "resize: Only one of"),
        (lambda: image.resize(X[0, 0], (3, 3)), "resize: Invalid images rank"),
        (lambda: image.affine_transform(X, MAPS[:, :6]), "affine_transform: Invalid transform rank"),
        (lambda: image.affine_transform(X, np.tile(MAPS, (2, 1))), "affine_transform: expected one transform or one"),
        (lambda: image.affine_transform(X, MAPS, "cubic"), "affine_transform: Invalid value for argument `interp"),
        (lambda: image.affine_transform(X, MAPS, fill_mode="edge"), "affine_transform: Invalid value for argument `fill"),
        (lambda: image.perspective_transform(X, POINTS[:3], POINTS), "perspective_transform: Invalid start_points shape"),
        (lambda: image.perspective_transform(X, POINTS, POINTS[None]), "perspective_transform: start_points and end"),
        (lambda: image.map_coordinates(X[0], np.zeros((2, 3)), 1), "map_coordinates: First dim of `coordinates`"),
        (lambda: image.map_coordinates(X[0], np.zeros(3), 1), "map_coordinates: Invalid coordinates rank"),
        (lambda: image.map_coordinates(X[0], np.zeros((3, 2)), 2), "map_coordinates: Invalid value for argument `order`"),
        (lambda: image.gaussian_blur(X, 0), "gaussian_blur: expected kernel_size"),
        (lambda: image.elastic_transform(X, sigma=0.0), "elastic_transform: expected sigma"),
        (lambda: image.sobel_edges(X[0]), "sobel_edges: Invalid images rank"),
        (lambda: image.ssim(X, X[:1]), "ssim: expected images of one shape"),
        (lambda: image.ssim(X, X), "expected windows that fit"),
        (lambda: image.rgb_to_grayscale(X[..., :2]), "rgb_to_grayscale: Invalid channel size"),
        (lambda: image.rgb_to_hsv(X[..., :2]), "rgb_to_hsv: Input images must have 3 channels"),
        (lambda: image.hsv_to_rgb(X.astype("int32")), "hsv_to_rgb: Invalid images dtype"),
        (lambda: image.pad_images(X, 1, 1, 1, 1, 7), "pad_images: Must specify exactly two of top_padding"),
        (lambda: image.pad_images(X, 1, 1, target_height=3, right_padding=0), "pad_images: bottom_padding must be >= 0"),
        (lambda: image.crop_images(X, 3, 0, 3, 0), "crop_images: target_height must be >= 0"),
        (lambda: image.extract_patches(X, (1, 2, 3, 4)), "extract_patches: Invalid `size` argument"),
        (lambda: image.extract_patches(X, 6), "extract_patches: expected windows that fit"),
        (lambda: image.scale_and_translate(X, X.shape, np.ones(1), np.ones(1), (1,), "box"), "Invalid value for argument"),
        (lambda: image.scale_and_translate(X, (3, 5, 4, 3), np.ones(1), np.ones(1), (1,), "cubic"), "expected an output_shape"),
        (lambda: image.scale_and_translate(X, X.shape, np.ones(2), np.ones(1), (1,), "cubic"), "expected scale of shape"),
    ],
)  # fmt: skip
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
