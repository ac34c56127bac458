"""Changes of single images, as the old `keras.preprocessing.image` has them.

Random ones draw from NumPy's global generator, which `np.random.seed` and `utils.set_random_seed` set.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.function import Function
from dlnative.ops.image.coordinates import FILL_MODES, ORDERS
from dlnative.ops.image.transforms import affine_transform

Array = np.ndarray[Any, Any]

# NumPy's generator of old, whose numbers programs expect after `np.random.seed`.
GLOBAL: Any = np.random

_NAMES = {order: name for name, order in ORDERS.items()}


def _checked_axes(name: str, x: Array, row_axis: int, col_axis: int, channel_axis: int) -> None:
    if x.ndim != 3:
        raise ValueError(f"{name}: Input arrays must be multi-channel 2D images, of rank 3, got shape {x.shape}")
    if sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2]:
        raise ValueError(
            f"{name}: 'row_axis', 'col_axis', and 'channel_axis' must be distinct, of 0, 1 and 2, got {row_axis}, {col_axis} "
            f"and {channel_axis}"
        )
    if channel_axis == 1:
        raise ValueError(f"{name}: Channels are allowed on the first and last dimensions, got channel_axis=1")


def apply_affine_transform(
    x: Any, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1, zy: float = 1,
    row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest", cval: float = 0.0,
    order: int = 1,
) -> Array:  # fmt: skip
    """Turns, moves, shears and zooms an image around its middle.

    A pixel of the result is read at `R T S Z` of its place, measured from the middle.

    Args:
        x: an image of rank 3.
        theta: an angle in degrees.
        tx, ty: how far places move to the right and down, in pixels.
        shear: an angle in degrees.
        zx, zy: factors of the width and the height of what is seen.
        row_axis, col_axis, channel_axis: the axes.
        fill_mode: what is outside: `"nearest"`, `"constant"`, `"reflect"` or `"wrap"`; see `ops.image.map_coordinates`.
        cval: the constant.
        order: of the interpolation: 0 for the nearest pixel, 1 for a linear one; splines up to 5 need SciPy.

    Returns:
        The image, in its type.

    Raises:
        ValueError: for another rank, axes or mode.
        ImportError: for an order above 1, if SciPy is not installed.

    Example:
        >>> apply_affine_transform(np.arange(3.0).reshape(1, 3, 1), tx=1, row_axis=0, col_axis=1, channel_axis=2).ravel()
        array([1., 2., 2.])
    """
    name = "apply_affine_transform"
    x = np.asarray(x)
    _checked_axes(name, x, row_axis, col_axis, channel_axis)
    if fill_mode not in FILL_MODES:
        raise ValueError(f"{name}: expected fill_mode {', '.join(FILL_MODES)}, got {fill_mode!r}")
    if isinstance(order, bool) or order not in range(6):
        raise ValueError(f"{name}: expected order to be an integer in [0, 5], got {order!r}")
    if (theta, tx, ty, shear, zx, zy) == (0, 0, 0, 0, 1, 1):
        return x
    turn, lean = np.deg2rad(theta), np.deg2rad(shear)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = matrix @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    matrix = matrix @ np.array([[1, -np.sin(lean), 0], [0, np.cos(lean), 0], [0, 0, 1]])
    matrix = matrix @ np.diag([zx, zy, 1.0])
    middle = np.array([x.shape[col_axis] / 2 - 0.5, x.shape[row_axis] / 2 - 0.5])
    matrix[:2, 2] += middle - matrix[:2, :2] @ middle
    image = np.transpose(x, (row_axis, col_axis, channel_axis))
    if order < 2:
        image = image if dtypes.of_array(image) in dtypes.DTYPES else image.astype("float32")
        flat = np.append(matrix[:2].ravel(), [0, 0]).astype("float32")
        moved = _affine(
            np.ascontiguousarray(image), flat, interpolation=_NAMES[order], fill_mode=fill_mode, fill_value=cval
        )
    else:
        moved = _spline(image, matrix, order, fill_mode, cval)
    return np.transpose(moved, np.argsort((row_axis, col_axis, channel_axis)))


_affine = Function(lambda image, flat, **static: affine_transform(image, flat, **static, data_format="channels_last"))


def _spline(image: Array, matrix: Array, order: int, fill_mode: str, cval: float) -> Array:
    try:
        ndimage = importlib.import_module("scipy.ndimage")
    except ImportError:
        raise ImportError(
            f"apply_affine_transform: expected SciPy for an interpolation of order {order}; install scipy, or take order 0 or 1"
        ) from None
    swap = [1, 0]
    turned, offset = matrix[:2, :2][swap][:, swap], matrix[:2, 2][swap]
    mode = "grid-wrap" if fill_mode == "wrap" else fill_mode
    planes = [
        ndimage.affine_transform(image[..., channel], turned, offset, order=order, mode=mode, cval=cval)
        for channel in range(image.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> Array:
    """Adds a number to an image, and keeps values in the range that they had.

    Args:
        x: an image.
        intensity: the number.
        channel_axis: where the channels are; all get the same.
    """
    del channel_axis
    x = np.asarray(x)
    return np.clip(x + intensity, x.min(), x.max())


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> Array:
    """Multiplies the brightness of an image, in whole numbers from 0 to 255.

    Args:
        x: an image.
        brightness: the factor.
        scale: whether values are stretched over 0 to 255 first. Those outside always are, and get their range back unless
            `scale` is true.
    """
    x = np.asarray(x)
    low, high = x.min(), x.max()
    outside = bool(low < 0 or high > 255)
    values = x.astype(dtypes.NUMPY[dtypes.floatx()])
    if outside or scale:
        values = values - values.min()
        values = values / (values.max() or 1) * 255
    made = np.clip(values.astype("uint8").astype("float32") * np.float32(brightness), 0, 255)
    values = made.astype("uint8").astype(values.dtype)
    return values / 255 * (high - low) + low if outside and not scale else values


def flip_axis(x: Any, axis: int) -> Array:
    """Returns an array in reverse order along an axis."""
    return np.flip(np.asarray(x), axis)


def random_rotation(
    x: Any, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """Turns an image by an angle of up to `rg` degrees in either direction; see `apply_affine_transform`."""
    theta = GLOBAL.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta, 0, 0, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    )


def random_shift(
    x: Any, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """Moves an image by up to the parts `wrg` of its width and `hrg` of its height; see `apply_affine_transform`."""
    shape = np.shape(x)
    ty = GLOBAL.uniform(-hrg, hrg) * shape[row_axis]
    tx = GLOBAL.uniform(-wrg, wrg) * shape[col_axis]
    return apply_affine_transform(
        x, 0, tx, ty, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    )


def random_shear(
    x: Any, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """Shears an image by an angle of up to `intensity` degrees in either direction; see `apply_affine_transform`."""
    shear = GLOBAL.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, 0, 0, 0, shear, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    )


def random_zoom(
    x: Any, zoom_range: tuple[float, float], row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """Zooms an image by factors from a range, one for each axis; see `apply_affine_transform`.

    Raises:
        ValueError: if the range does not have two numbers.
    """
    if len(zoom_range) != 2:
        raise ValueError(f"random_zoom: `zoom_range` should be a tuple or list of two floats. Received: {zoom_range}")
    zx, zy = (1, 1) if tuple(zoom_range) == (1, 1) else GLOBAL.uniform(zoom_range[0], zoom_range[1], 2)
    return apply_affine_transform(
        x, 0, 0, 0, 0, zx, zy, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    )


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> Array:
    """Adds a number of up to `intensity_range`, or its negative, to an image; see `apply_channel_shift`."""
    return apply_channel_shift(x, GLOBAL.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x: Any, brightness_range: tuple[float, float], scale: bool = True) -> Array:
    """Multiplies the brightness of an image by a factor from a range; see `apply_brightness_shift`.

    Raises:
        ValueError: if the range does not have two numbers.
    """
    if len(brightness_range) != 2:
        raise ValueError(
            f"random_brightness: `brightness_range` should be tuple or list of two floats. Received: {brightness_range}"
        )
    return apply_brightness_shift(x, GLOBAL.uniform(brightness_range[0], brightness_range[1]), scale)
