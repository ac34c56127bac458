"""Pictures in files, as arrays, and of another size. Reading and writing needs Pillow."""

from __future__ import annotations

import io
import os
import pathlib
import warnings
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.ops.image.resizing import INTERPOLATIONS, resize
from dlnative.ops.windows import checked_data_format

_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
PIL_INTERPOLATION_METHODS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow(name: str) -> Any:
    """Returns the module `PIL.Image`.

    Args:
        name: the function that needs it.

    Raises:
        ImportError: if Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f'{name}: expected Pillow to read and write images; install "dlnative[image]"') from None
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Reads a picture.

    Args:
        path: the file: a path, or an `io.BytesIO` with what it holds.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`; pictures of one channel with more bits stay as they are.
        target_size: height and width that it is made to have.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos"`, `"box"` or `"hamming"`.
        keep_aspect_ratio: whether what does not fit the ratio of the sides is cut off first, as evenly as can be.

    Returns:
        A Pillow image.

    Raises:
        ImportError: if Pillow is not installed.
        ValueError: for another mode or interpolation.
        TypeError: if `path` is none.
    """
    name = "load_img"
    if color_mode not in _MODES:
        raise ValueError(f'{name}: expected color_mode to be "grayscale", "rgb" or "rgba", got {color_mode!r}')
    if interpolation not in PIL_INTERPOLATION_METHODS:
        raise ValueError(
            f"{name}: Invalid interpolation method: expected {', '.join(PIL_INTERPOLATION_METHODS)}, got {interpolation!r}"
        )
    if not isinstance(path, (io.BytesIO, str, bytes, os.PathLike)):
        raise TypeError(f"{name}: expected `path` to be path-like or io.BytesIO, got {type(path).__name__}")
    size = None if target_size is None else tuple(target_size)
    if size is not None and (len(size) != 2 or min(size) <= 0):
        raise ValueError(f"{name}: expected target_size to be a height and a width, got {target_size!r}")
    image = pillow(name)
    with image.open(path if isinstance(path, io.BytesIO) else io.BytesIO(_bytes_of(path))) as opened:
        opened.load()
        picture = opened if opened.mode in _MODES[color_mode] else opened.convert(_MODES[color_mode][0])
    if size is None or picture.size == (size[1], size[0]):
        return picture
    box = None
    if keep_aspect_ratio:
        width, height = picture.size
        rows = min(height, width * size[0] // size[1])
        columns = min(width, height * size[1] // size[0])
        top, left = (height - rows) // 2, (width - columns) // 2
        box = (left, top, left + columns, top + rows)
    return picture.resize((size[1], size[0]), image.Resampling[interpolation.upper()], box=box)


def _bytes_of(path: Any) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray[Any, Any]:
    """Returns a picture as an array of rank 3.

    Args:
        img: a Pillow image, or an array of rank 2 or 3.
        data_format: `"channels_last"` for `(height, width, channels)`, or `"channels_first"`; by default the one that is
            configured.
        dtype: the type, by default that of `config.floatx()`.

    Raises:
        ValueError: for another rank.

    Example:
        >>> img_to_array(np.zeros((4, 5), "uint8")).shape
        (4, 5, 1)
    """
    first = checked_data_format("img_to_array", data_format) == "channels_first"
    x = np.asarray(img, dtypes.NUMPY[dtypes.standardize(dtype)])
    if x.ndim not in (2, 3):
        raise ValueError(f"img_to_array: Unsupported image shape: expected rank 2 or 3, got shape {x.shape}")
    if x.ndim == 2:
        x = x[:, :, None]
    return np.moveaxis(x, -1, 0) if first else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """Returns an array as a picture.

    Args:
        x: an array of rank 3 with one, three or four channels.
        data_format: where the channels are; see `img_to_array`.
        scale: whether values are stretched over 0 to 255.
        dtype: the type that this is computed in, by default that of `config.floatx()`.

    Returns:
        A Pillow image of mode L, RGB or RGBA; of one channel with values above 255, of mode I.

    Raises:
        ImportError: if Pillow is not installed.
        ValueError: for another rank or number of channels.
    """
    name = "array_to_img"
    first = checked_data_format(name, data_format) == "channels_first"
    values = np.asarray(x, dtypes.NUMPY[dtypes.standardize(dtype)])
    if values.ndim != 3:
        raise ValueError(
            f"{name}: Expected image array to have rank 3 (single image). Got array with shape: {values.shape}"
        )
    if first:
        values = np.moveaxis(values, 0, -1)
    channels = values.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"{name}: Unsupported channel number: expected 1, 3 or 4, got {channels}")
    image = pillow(name)
    if scale and values.size:
        values = values - values.min()
        largest = values.max()
        values = values / (largest if largest != 0 else 1) * 255
    if channels > 1:
        return image.fromarray(np.ascontiguousarray(values.astype("uint8")))
    wide = bool(values.size and values.max() > 255)
    return image.fromarray(np.ascontiguousarray(values[:, :, 0].astype("int32" if wide else "uint8")))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Writes an array as a picture.

    Args:
        path: where to: a path or a file.
        x: an array of rank 3; see `array_to_img`.
        data_format: where the channels are.
        file_format: the kind of file; by default what the end of the path says.
        scale: whether values are stretched over 0 to 255.
        **kwargs: what Pillow's `save` takes besides.

    Raises:
        ImportError: if Pillow is not installed.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = pathlib.Path(path).suffix[1:] or None
    kind = None if file_format is None else {"jpg": "jpeg"}.get(file_format.lower(), file_format.lower())
    picture = array_to_img(x, data_format, scale)
    if picture.mode == "RGBA" and kind == "jpeg":
        warnings.warn("save_img: The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2)
        picture = picture.convert("RGB")
    picture.save(path, format=kind, **kwargs)


def smart_resize(
    x: Any, size: tuple[int, int], interpolation: str = "bilinear", data_format: str | None = "channels_last"
) -> Any:
    """Returns images of another size without distortion: what does not fit the ratio of the sides is cut off.

    Args:
        x: an image of shape `(height, width, channels)`, or a batch of them.
        size: the new height and width.
        interpolation: as for `ops.image.resize`.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        Images of that size; integers become floats unless `interpolation` is `"nearest"`.

    Raises:
        ValueError: for another rank, size or interpolation.

    Example:
        >>> smart_resize(np.zeros((34, 50, 3)), (20, 20)).shape
        (20, 20, 3)
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(f"smart_resize: Expected `size` to be a tuple of 2 integers, got {size!r}")
    rank = len(np.shape(x)) if not hasattr(x, "shape") else len(x.shape)
    if rank not in (3, 4):
        raise ValueError(
            "smart_resize: Expected an image array with shape `(height, width, channels)`, or `(batch_size, height, "
            f"width, channels)`, got one with incorrect rank, of shape {getattr(x, 'shape', None)}"
        )
    if interpolation in INTERPOLATIONS[1:]:
        from dlnative.ops.conversion import to_float

        x = to_float(x)
    return resize(x, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format)
