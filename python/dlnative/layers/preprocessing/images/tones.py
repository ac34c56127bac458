"""Images whose values are redistributed: solarized, with fewer bits, stretched, equalized."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.layers.arguments import checked_count, checked_extents
from dlnative.layers.preprocessing.images.image_layer import ColorLayer, FactorLayer, checked_factor, checked_range


class Solarization(ColorLayer):
    """Adds a random number to images, and inverts what is above a random threshold.

    Args:
        addition_factor: the range that the number is drawn from, in parts of the range of values, or its upper end, in
            `[0, 1]`.
        threshold_factor: the same for the threshold.
        value_range: the smallest and the largest value of images.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor or range.

    Example:
        >>> from dlnative import layers
        >>> layers.Solarization(threshold_factor=(0.5, 0.5))(np.array([[[[100.0, 200.0, 255.0]]]]), training=True).ravel()
        array([100.,  55.,   0.], dtype=float32)
    """

    _arguments_of_config = ("addition_factor", "threshold_factor", "value_range", "seed")

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("addition_factor", addition_factor), ("threshold_factor", threshold_factor)):
            setattr(self, name, checked_factor(self._label, name, value, 0, 1, mirrored=False))
        self.value_range = checked_range(self._label, value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        count = self._count_of(data)
        u = ops.unstack(self._uniform((2, count, 1, 1, 1), seed=seed), 2, 0)
        ranges = (self.addition_factor, self.threshold_factor)
        additions, thresholds = [(v * (high - low) + low) * 255.0 for v, (low, high) in zip(u, ranges, strict=True)]
        return {"additions": additions, "thresholds": thresholds}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        additions, thresholds = [ops.cast(transformation[key], images.dtype) for key in ("additions", "thresholds")]
        values = ops.clip(self._ranged(images, self.value_range, (0, 255)) + additions, 0.0, 255.0)
        return self._ranged(ops.where(values < thresholds, values, 255.0 - values), (0, 255), self.value_range)


class RandomPosterization(FactorLayer):
    """Leaves of the eight bits of values only a random number of the highest.

    Args:
        factor: how many: the range that the number is drawn from, its upper end excluded, or the number itself, in `[1, 8]`.
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another factor or range.

    Example:
        >>> from dlnative import layers
        >>> layers.RandomPosterization(1)(np.array([[[[100.0, 200.0, 255.0]]]]), training=True).ravel().tolist()
        [0.0, 128.0, 128.0]
    """

    def _set_factor(self, factor: Any) -> None:
        low, high = checked_factor(self._label, "factor", factor, 1, 8)
        self.factor = (low, high) if isinstance(factor, (tuple, list)) else (high, high)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        low, high = self.factor
        count = self._count_of(data)
        bits = (
            ops.floor(self._uniform((count,), low, high, seed)) if low != high else ops.full((count,), float(int(low)))
        )
        return {"shift_factor": ops.cast(8.0 - bits, "uint8")}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        step = ops.power(2.0, ops.cast(self._per_image(transformation["shift_factor"]), "float32"))
        step = ops.cast(step, images.dtype)
        values = ops.floor(ops.clip(self._ranged(images, self.value_range, (0, 255)), 0.0, 255.0))
        return self._ranged(ops.floor(values / step) * step, (0, 255), self.value_range)


class AutoContrast(ColorLayer):
    """Stretches the values of each channel over the whole range; channels of one value stay as they are.

    Args:
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another range.

    Example:
        >>> from dlnative import layers
        >>> layers.AutoContrast()(np.array([100.0, 150.0, 200.0]).reshape(1, 1, 3, 1)).ravel().tolist()
        [0.0, 127.5, 255.0]
    """

    _arguments_of_config = ("value_range",)

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_range(self._label, value_range)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._transform_images(ops.cast(images, self.compute_dtype), transformation, self.interpolation)

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        low, high = [reduce(images, axis=self._axes[:2], keepdims=True) for reduce in (ops.min, ops.max)]
        flat = high <= low
        first, last = self.value_range
        stretched = (images - low) * ((last - first) / ops.where(flat, 1.0, high - low)) + first
        return ops.where(flat, images, ops.clip(stretched, first, last))


class Equalization(ColorLayer):
    """Redistributes the values of each channel so that all are about as frequent in a batch.

    A value becomes the number of pixels of the batch that are not above it, less those of the smallest value, stretched over the
    range of values.

    Args:
        value_range: the smallest and the largest value of images.
        bins: how many values are told apart.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another range or number of bins.
    """

    _arguments_of_config = ("value_range", "bins")

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(self._label, value_range)
        self.bins = checked_count(self._label, "bins", bins)

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        axis = len(images.shape) + self._axes[2]
        channels = ops.unstack(self._ranged(images, self.value_range, (0, 255)), images.shape[axis], axis)
        made = ops.stack([self._equalized(channel) for channel in channels], axis)
        return ops.cast(self._ranged(made, (0, 255), self.value_range), self.compute_dtype)

    def _equalized(self, channel: Any) -> Any:
        values = ops.cast(channel, "float32")
        places = ops.cast(ops.clip(values / 255.0 * (self.bins - 1), 0.0, self.bins - 1.0), "int32")
        counts = ops.cast(ops.cumsum(_counts(places, self.bins)), "float32")
        least = ops.min(ops.where(counts > 0, counts, float("inf")))
        most = counts[self.bins - 1]
        table = ops.clip(ops.round((counts - least) * 255.0 / ops.where(most > least, most - least, 1.0)), 0.0, 255.0)
        return ops.where(most > least, ops.take(table, places), values)


class ContrastLimitedAdaptiveHistogramEqualization(ColorLayer):
    """Redistributes the values of each channel of each image so that all are about as frequent near every pixel (CLAHE).

    An image is cut into tiles; the values of a pixel in the distributions of the four nearest tiles are interpolated. How often
    a value may be counted is limited, so that noise in even parts is not made stronger than that.

    Args:
        value_range: the smallest and the largest value of images.
        clip_limit: how often a value may be counted, in multiples of the mean; 0 for no limit.
        tile_grid_size: how many tiles there are down and across.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another range or grid.

    Source:
        Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
    """

    _arguments_of_config = ("value_range", "clip_limit", "tile_grid_size")

    def __init__(
        self,
        value_range: Any = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Any = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(self._label, value_range)
        self.clip_limit = clip_limit
        self.tile_grid_size = checked_extents(self._label, "tile_grid_size", tile_grid_size, 2)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._transform_images(ops.cast(images, self.compute_dtype), transformation, self.interpolation)

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        values = ops.cast(self._ranged(images, self.value_range, (0, 255)), "float32")
        if self.data_format == "channels_last":
            values = ops.transpose(values, (0, 3, 1, 2))
        batch, channels, height, width = values.shape
        made = self._equalized(ops.reshape(values, (batch * channels, height, width)))
        made = ops.reshape(made, (batch, channels, height, width))
        if self.data_format == "channels_last":
            made = ops.transpose(made, (0, 2, 3, 1))
        return ops.cast(self._ranged(made, (0, 255), self.value_range), self.compute_dtype)

    def _equalized(self, planes: Any) -> Any:
        count, height, width = planes.shape
        down, across = self.tile_grid_size
        rows, columns = -(-height // down), -(-width // across)
        borders = ((0, 0), (0, rows * down - height), (0, columns * across - width))
        planes = ops.pad(planes, borders, mode="symmetric")
        levels = ops.cast(ops.clip(planes, 0.0, 255.0), "int32")
        tables = self._tables(levels, count, (down, across), (rows, columns))
        (y0, y1, dy), (x0, x1, dx) = _between(down, rows), _between(across, columns)
        first = np.arange(count, dtype="int32").reshape(-1, 1, 1) * (down * across * 256)

        def found(y: Any, x: Any) -> Any:
            tile = y.reshape(-1, 1) * across + x
            return ops.take(tables, levels + (first + (tile * 256).astype("int32")))

        above = found(y0, x0) * (1.0 - dx) + found(y0, x1) * dx
        below = found(y1, x0) * (1.0 - dx) + found(y1, x1) * dx
        dy = dy.reshape(-1, 1)
        return (above * (1.0 - dy) + below * dy)[:, :height, :width]

    def _tables(self, levels: Any, count: int, grid: tuple[int, int], extents: tuple[int, int]) -> Any:
        """Returns what each of 256 values becomes in each tile, one behind the other."""
        (down, across), (rows, columns) = grid, extents
        tiles = ops.reshape(levels, (count, down, rows, across, columns))
        tiles = ops.reshape(ops.transpose(tiles, (0, 1, 3, 2, 4)), (count * down * across, rows * columns))
        first = np.arange(count * down * across, dtype="int32")[:, None] * 256
        counts = _counts(tiles + first, count * down * across * 256)
        counts = ops.cast(ops.reshape(counts, (-1, 256)), "float32")
        area = float(rows * columns)
        if self.clip_limit > 0:
            kept = ops.minimum(counts, self.clip_limit * area / 256.0)
            counts = kept + ops.sum(counts - kept, axis=-1, keepdims=True) / 256.0
        below = ops.cumsum(counts, axis=-1)
        least = below[:, :1]
        rest = area - least
        tables = ops.clip((below - least) * 255.0 / ops.where(rest > 0, rest, 1.0), 0.0, 255.0)
        return ops.reshape(tables, (-1,))


def _counts(numbers: Any, bins: int) -> Any:
    """Returns how often each number below `bins` is there."""
    flat = ops.reshape(numbers, (-1,))
    return ops.segment_sum(ops.ones(flat.shape, "int32"), flat, num_segments=bins)


def _between(tiles: int, extent: int) -> tuple[Any, Any, Any]:
    """Returns for each pixel along an axis the tiles whose middles it lies between, and how far from the first it is."""
    places = (np.arange(tiles * extent) - extent / 2.0) / extent
    low = np.floor(places)
    share = (places - low).astype("float32")
    return (*[np.clip(tile, 0, tiles - 1).astype("int32") for tile in (low, low + 1)], share)  # type: ignore[return-value]
