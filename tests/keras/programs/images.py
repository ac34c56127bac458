"""Images: resized, read between pixels, seen through windows, in other colours."""

from __future__ import annotations

from typing import Any

import numpy as np

from programs.common import Program, register, uniform

PROGRAMS: dict[str, Program] = {}


def _images(*shape: int) -> np.ndarray:
    return uniform(3, *(shape or (2, 5, 4, 3)), low=0.0)


@register(PROGRAMS)
def resize(keras: Any) -> dict[str, Any]:
    x, image = _images(1, 5, 6, 2), keras.ops.image
    results = {
        f"{interpolation} {size} {antialias}": image.resize(x, size, interpolation, antialias=antialias)
        for interpolation, size, antialias in (
            ("nearest", (3, 8), False), ("bilinear", (7, 4), False), ("bilinear", (2, 3), True), ("bicubic", (8, 3), False),
            ("bicubic", (3, 2), True), ("lanczos3", (3, 7), False), ("lanczos3", (2, 4), True), ("lanczos5", (6, 4), True),
        )
    }  # fmt: skip
    results["crop"] = image.resize(x[0], (4, 2), crop_to_aspect_ratio=True)
    results["pad"] = image.resize(x[0], (6, 4), pad_to_aspect_ratio=True, fill_value=0.5)
    results["uint8"] = image.resize((x * 255).astype("uint8"), (3, 3), "bicubic")
    results["first"] = image.resize(np.moveaxis(x, -1, 1), (2, 3), data_format="channels_first")
    return results


@register(PROGRAMS)
def scale_and_translate(keras: Any) -> dict[str, Any]:
    x = _images(4, 5, 2)
    scale, translation = np.array([1.5, 0.6], "float32"), np.array([-0.7, 1.2], "float32")
    return {
        f"{method} {antialias}": keras.ops.image.scale_and_translate(
            x, (5, 4, 2), scale, translation, (0, 1), method, antialias
        )
        for method, antialias in (("linear", True), ("cubic", False), ("lanczos3", True))
    }


@register(PROGRAMS)
def affine_transform(keras: Any) -> dict[str, Any]:
    x = _images()
    maps = np.array([[0.8, 0.3, -1.7, -0.2, 1.1, 0.9, 0, 0], [1.3, 0, 2.2, 0.1, 0.7, -2.4, 0, 0]], "float32")
    results = {
        f"{mode} {interpolation}": keras.ops.image.affine_transform(x[..., :1], maps, interpolation, mode, 0.25)
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
        for interpolation in ("nearest", "bilinear")
    }
    first = np.moveaxis(x, -1, 1)
    results["first"] = keras.ops.image.affine_transform(first, maps, data_format="channels_first")
    results["one"] = keras.ops.image.affine_transform((x[0] * 255).astype("uint8"), maps[0])
    return results


@register(PROGRAMS)
def perspective_transform(keras: Any) -> dict[str, Any]:
    x = _images()
    start = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0], [3.0, 4.0]], "float32")
    end = np.stack([start + uniform(4, 4, 2), start + uniform(5, 4, 2)])
    both = np.stack([start, start])
    return {
        "bilinear": keras.ops.image.perspective_transform(x, both, end, fill_value=0.5),
        "nearest": keras.ops.image.perspective_transform(x, both, end, "nearest"),
        "one": keras.ops.image.perspective_transform(x[0], start, end[1]),
    }


@register(PROGRAMS)
def map_coordinates(keras: Any) -> dict[str, Any]:
    x, at = _images(4, 3), uniform(6, 2, 12, low=-6.0, high=9.0)
    whole = np.arange(12, dtype="int32").reshape(4, 3)
    results = {}
    for mode in ("constant", "nearest", "wrap", "mirror", "reflect"):
        results[f"{mode} linear"] = keras.ops.image.map_coordinates(x, at, 1, mode, 0.5)
        results[f"{mode} nearest"] = keras.ops.image.map_coordinates(x, at, 0, mode, 0.5)
        results[f"{mode} int"] = keras.ops.image.map_coordinates(whole, at, 1, mode)
    return results


@register(PROGRAMS)
def colours(keras: Any) -> dict[str, Any]:
    x = _images(2, 3, 2, 3)
    x[0, 0] = 0.0
    x[0, 1] = x[0, 1, :, :1]
    image = keras.ops.image
    return {
        "gray": image.rgb_to_grayscale(x),
        "gray uint8": image.rgb_to_grayscale((x * 255).astype("uint8")),
        "hsv": image.rgb_to_hsv(x),
        "rgb": image.hsv_to_rgb(x),
        "first": image.rgb_to_hsv(np.moveaxis(x, -1, 1), data_format="channels_first"),
    }


@register(PROGRAMS)
def windows(keras: Any) -> dict[str, Any]:
    x, image = _images(1, 5, 4, 2), keras.ops.image
    large = np.random.RandomState(0).rand(2, 12, 13, 2).astype("float32")
    return {
        "blur": image.gaussian_blur(x, (5, 3), (1.5, 0.7), data_format="channels_last"),
        "blur even": image.gaussian_blur(x, (2, 4), (1.0, 1.0), data_format="channels_last"),
        "sobel": image.sobel_edges(x[..., :1]),
        "ssim": image.ssim(large, large[::-1] * 0.5, max_val=1.0),
        "ssim one": image.ssim(large[0], large[1], filter_size=5, filter_sigma=2.0),
        "patches": image.extract_patches(x, 2),
        "patches same": image.extract_patches(x[0], (3, 2), (2, 1), padding="same"),
        "patches apart": image.extract_patches(x[..., :1], (2, 2), (1, 1), dilation_rate=2),
        "patches 3d": image.extract_patches(x[:, :2, :, :, None], (2, 3, 1), 1),
        "pad": image.pad_images(x[..., :1], 1, 0, target_height=7, right_padding=2),
        "crop": image.crop_images(x, 1, 2, 1, target_width=1),
    }
