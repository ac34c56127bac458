"""Pictures in files, of one size, labelled by the directories that they are in."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.ops.image.resizing import INTERPOLATIONS, KERNELS, shares
from dlnative.ops.windows import checked_data_format
from dlnative.utils.directories import Files
from dlnative.utils.image_utils import load_img, pillow
from dlnative.utils.timeseries import check_format

Array = np.ndarray[Any, Any]

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Returns pictures in files, with the number of the directory that each is in. Needs Pillow.

    Pictures are read by threads when their batch is asked for, and the next batches while the model trains.

    Args:
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, format,
            verbose: see `text_dataset_from_directory`. Files end in .bmp, .gif (of which the first picture counts), .jpeg,
            .jpg or .png.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`: 3, 4 or 1 channels.
        image_size: height and width, or one number for both.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`, without smoothing.
        crop_to_aspect_ratio: whether what does not fit the ratio of the sides is cut off first, as evenly as can be.
        pad_to_aspect_ratio: whether pictures get a black border first, so that they fit it.
        data_format: `"channels_last"` for `(height, width, channels)`, or `"channels_first"`; by default the one that is
            configured.

    Returns:
        A `Dataset` of `(images, labels)` or of images, float32 between 0 and 255, with `class_names` and `file_paths`; two in
        a list for `"both"`.

    Raises:
        ImportError: if Pillow is not installed.
        ValueError: for arguments that do not fit each other, or if there are no files, or what is no picture.
    """
    name = "image_dataset_from_directory"
    channels = {"rgb": 3, "rgba": 4, "grayscale": 1}.get(color_mode)
    if channels is None:
        raise ValueError(f'{name}: `color_mode` must be one of "rgb", "rgba", "grayscale", got {color_mode!r}')
    given = (image_size, image_size) if isinstance(image_size, (int, np.integer)) else image_size
    whole = isinstance(given, (list, tuple)) and len(given) == 2
    if not whole or not all(isinstance(extent, (int, np.integer)) and extent > 0 for extent in given):
        raise ValueError(f"{name}: expected image_size to be a height and a width, got image_size={image_size!r}")
    size = int(given[0]), int(given[1])
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"{name}: Argument `interpolation` should be one of {INTERPOLATIONS}, got interpolation={interpolation!r}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            f"{name}: Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`, got both"
        )
    check_format(name, format)
    first = checked_data_format(name, data_format) == "channels_first"
    files = Files(
        name, "images", FORMATS, directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, verbose,
    )  # fmt: skip
    pillow(name)

    def load(path: str) -> Array:
        try:
            picture = np.asarray(load_img(path, color_mode))
        except OSError as error:
            raise ValueError(f"{name}: expected a picture in {path}, got: {error}") from None
        picture = picture[:, :, None] if picture.ndim == 2 else picture
        if crop_to_aspect_ratio:
            picture = cropped(picture, size)
        elif pad_to_aspect_ratio:
            picture = bordered(picture, size)
        made = resized(picture, size, interpolation)
        return np.moveaxis(made, -1, 0) if first else made

    return files.datasets(load, np.stack)


def resized(picture: Array, size: tuple[int, int], interpolation: str) -> Array:
    """Returns a picture `(height, width, channels)` of another size, as `ops.image.resize` makes it, float32.

    Pictures in files have many sizes, so that a plan for each would not pay; each new pixel is the sum of few old ones.
    """
    made = picture
    for axis in sorted((0, 1), key=lambda axis: size[axis] / picture.shape[axis]):
        if made.shape[axis] != size[axis]:
            places, weights = _taps(made.shape[axis], size[axis], interpolation)
            made = _mixed(made, axis, places, weights)
    return made.astype("float32", copy=False)


@functools.lru_cache(maxsize=256)
def _taps(old: int, new: int, interpolation: str) -> tuple[Array, Array]:
    """Returns the places of the old pixels that a new one is the sum of, and their weights, both `(new, pixels)`."""
    if interpolation == "nearest":
        places = np.floor((np.arange(new, dtype=np.float32) + np.float32(0.5)) * np.float32(old) / np.float32(new))
        return np.minimum(places.astype(np.intp), old - 1)[:, None], np.ones((new, 1), "float32")
    matrix = shares(np, old, new, np.float64(new / old), np.float64(0.0), KERNELS[interpolation], False)
    first = (matrix != 0).argmax(axis=1)
    count = int((matrix != 0).sum(axis=1).max())
    places = np.minimum(first[:, None] + np.arange(count), old - 1)
    weights = np.take_along_axis(matrix, places, axis=1)
    weights[first[:, None] + np.arange(count) >= old] = 0.0  # the last place stands for others that do not exist
    return places, weights.astype("float32")


def _mixed(picture: Array, axis: int, places: Array, weights: Array) -> Array:
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    made: Any = 0.0
    for place, weight in zip(places.T, weights.T, strict=True):
        made = made + picture.take(place, axis=axis) * weight.reshape(shape)
    return np.asarray(made)


def _fitting(picture: Array, size: tuple[int, int]) -> tuple[int, int]:
    """Returns the height that fits the picture's width, and the width that fits its height."""
    height, width = picture.shape[:2]
    return int(float(width * size[0]) / size[1]), int(float(height * size[1]) / size[0])


def cropped(picture: Array, size: tuple[int, int]) -> Array:
    """Returns the largest part in the middle whose sides are to each other as those of `size`."""
    height, width = picture.shape[:2]
    rows, columns = _fitting(picture, size)
    rows, columns = max(min(height, rows), 1), max(min(width, columns), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return picture[top : top + rows, left : left + columns]


def bordered(picture: Array, size: tuple[int, int]) -> Array:
    """Returns a picture with as much black on both sides that its sides are to each other as those of `size`."""
    height, width = picture.shape[:2]
    tall, broad = _fitting(picture, size)
    rows = (max(height, tall) - height) // 2
    columns = 0 if rows else (max(width, broad) - width) // 2
    return np.pad(picture, ((rows, rows), (columns, columns), (0, 0)))
