"""Images moved, turned, zoomed and sheared: each pixel of the result is read at an affine map of its place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.layers.preprocessing.images.image_layer import ImageLayer, as_given, checked_factor
from dlnative.ops.image.coordinates import ORDERS
from dlnative.ops.image.transforms import warped
from dlnative.utils.bounding_boxes import affine_transform

FILL_MODES = ("constant", "nearest", "wrap", "reflect")


class _Affine(ImageLayer):
    """A layer that reads images at an affine map of their pixels' places."""

    _box_format = "xyxy"  # that `_moved` takes and gives

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if fill_mode not in FILL_MODES:
            raise NotImplementedError(
                f"{self._label}: Unknown `fill_mode` {fill_mode!r}: expected one of {', '.join(FILL_MODES)}"
            )
        if interpolation not in ("nearest", "bilinear"):
            raise NotImplementedError(
                f"{self._label}: Unknown `interpolation` {interpolation!r}: expected one of nearest, bilinear"
            )
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value
        self._set_seed(seed)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("fill_mode", "interpolation", "seed", "fill_value")}
        return {**super().get_config(), **own}

    # What a subclass writes.

    def _draw(self, data: Any, seed: Any) -> Any:
        """Draws what is to be done to images."""
        raise NotImplementedError

    def _matrix(self, transformation: Any) -> Any:
        """Returns the maps `(batch, 8)`, as `ops.image.affine_transform` takes them."""
        raise NotImplementedError

    def _moved(self, boxes: Any, transformation: Any) -> Any:
        """Returns boxes around what boxes surround in the changed images."""
        raise NotImplementedError

    def _shape_of(self, transformation: Any) -> Any:
        """Returns the shape of the images."""
        return transformation["input_shape"]

    # What follows from it.

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return self._draw(data, seed) if training else None

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        maps = ops.reshape(ops.cast(self._matrix(transformation), "float32"), (-1, 8))[:, :6]
        order = ORDERS[interpolation]
        return warped(self._label, images, maps, order, self.fill_mode, self.fill_value, self.data_format)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        shape = self._shape_of(transformation)
        boxes = self._as_corners(bounding_boxes, shape, self._box_format)
        moved = self._moved(boxes["boxes"], transformation)
        return self._clipped({**boxes, "boxes": moved}, shape, self._box_format)


def _maps(a0: Any, a1: Any, a2: Any, b0: Any, b1: Any, b2: Any) -> Any:
    """Returns maps of numbers and vectors `(batch,)`."""
    parts = [a0, a1, a2, b0, b1, b2, 0.0, 0.0]
    like = next(part for part in parts if hasattr(part, "shape") and part.shape)
    return ops.stack([ops.broadcast_to(ops.cast(part, "float32"), like.shape) for part in parts], axis=1)


class RandomTranslation(_Affine):
    """Moves images by a random part of their height and width.

    Args:
        height_factor: how far down: the range that the part of the height is drawn from, or one number for both directions, in
            `[-1, 1]`.
        width_factor: how far to the right.
        fill_mode: what is outside of an image: `"reflect"`, `"constant"`, `"wrap"` or `"nearest"`; see
            `ops.image.map_coordinates`.
        interpolation: `"nearest"` or `"bilinear"`.
        seed: an int that determines the numbers; by default drawn from the global seed.
        fill_value: the constant.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another factor.
        NotImplementedError: for another fill mode or interpolation.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layer = layers.RandomTranslation((0.5, 0.5), 0, fill_mode="constant")
        >>> layer(np.arange(1.0, 5).reshape(1, 4, 1, 1), training=True).ravel().tolist()
        [0.0, 0.0, 1.0, 2.0]
    """

    _arguments_of_config = ("height_factor", "width_factor")

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = as_given(height_factor), as_given(width_factor)
        self.height_lower, self.height_upper = checked_factor(self._label, "height_factor", height_factor, -1, 1)
        self.width_lower, self.width_upper = checked_factor(self._label, "width_factor", width_factor, -1, 1)

    def _draw(self, data: Any, seed: Any) -> Any:
        shape = tuple(self._images_of(data).shape)
        height, width = self._extents_of(shape)
        low = np.array([self.width_lower * width, self.height_lower * height], "float32")
        high = np.array([self.width_upper * width, self.height_upper * height], "float32")
        return {
            "translations": self._uniform((self._count_of(data), 2), seed=seed) * (high - low) + low,
            "input_shape": shape,
        }

    def _matrix(self, transformation: Any) -> Any:
        across, down = ops.unstack(transformation["translations"], 2, 1)
        return _maps(1.0, 0.0, -across, 0.0, 1.0, -down)

    def _moved(self, boxes: Any, transformation: Any) -> Any:
        moves = ops.concatenate([transformation["translations"]] * 2, axis=-1)
        return boxes + (ops.expand_dims(moves, 1) if len(boxes.shape) == 3 else moves)


class RandomZoom(_Affine):
    """Shows a larger or smaller part of images around the middle.

    Args:
        height_factor: how much more of the height is seen: the range that the part is drawn from, or one number for both
            directions, in `(-1, 1]`; a negative one zooms in.
        width_factor: the same for the width; `None`: the same number as for the height, so that nothing is distorted.
        fill_mode, interpolation, seed, fill_value, data_format: as for `RandomTranslation`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another factor.
        NotImplementedError: for another fill mode or interpolation.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layer = layers.RandomZoom((1.0, 1.0), fill_mode="constant")
        >>> layer(np.ones((1, 4, 4, 1)), training=True)[0, :, :, 0].tolist()[1]
        [0.0, 1.0, 1.0, 0.0]
    """

    _arguments_of_config = ("height_factor", "width_factor")

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = as_given(height_factor), as_given(width_factor)
        self.height_lower, self.height_upper = checked_factor(
            self._label, "height_factor", height_factor, -1, 1, open_low=True
        )
        if width_factor is not None:
            self.width_lower, self.width_upper = checked_factor(
                self._label, "width_factor", width_factor, -1, 1, open_low=True
            )

    def _draw(self, data: Any, seed: Any) -> Any:
        shape, count = tuple(self._images_of(data).shape), self._count_of(data)
        u = ops.split(self._uniform((count, 2), seed=seed), 2, axis=1)
        down = u[0] * (self.height_upper - self.height_lower) + (1.0 + self.height_lower)
        across = down
        if self.width_factor is not None:
            across = u[1] * (self.width_upper - self.width_lower) + (1.0 + self.width_lower)
        return {"height_zoom": down, "width_zoom": across, "input_shape": shape}

    def _zooms(self, transformation: Any) -> tuple[Any, Any, Any, Any]:
        """Returns the factors `(batch,)` of width and height, and the places that the first column and row come from."""
        across, down = [
            ops.reshape(ops.cast(transformation[key], "float32"), (-1,)) for key in ("width_zoom", "height_zoom")
        ]
        height, width = self._extents_of(transformation["input_shape"])
        return across, down, (width - 1.0) / 2.0 * (1.0 - across), (height - 1.0) / 2.0 * (1.0 - down)

    def _matrix(self, transformation: Any) -> Any:
        across, down, left, top = self._zooms(transformation)
        return _maps(across, 0.0, left, 0.0, down, top)

    def _moved(self, boxes: Any, transformation: Any) -> Any:
        height, width = self._extents_of(transformation["input_shape"])
        per_box = (-1,) + (1,) * (len(boxes.shape) - 1)
        across, down, left, top = [ops.reshape(part, per_box) for part in self._zooms(transformation)]
        x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
        # What is seen of the image is `width * across` wide and becomes `width`.
        x1, x2 = [(ops.clip(x, left, left + width * across) - left) / across for x in (x1, x2)]
        y1, y2 = [(ops.clip(y, top, top + height * down) - top) / down for y in (y1, y2)]
        return ops.concatenate([x1, y1, x2, y2], axis=-1)


class RandomRotation(_Affine):
    """Turns images around the middle by a random angle.

    Args:
        factor: the range that the angle is drawn from, in parts of a full turn, or one number for both directions, in
            `[-1, 1]`; a positive one turns counter-clockwise.
        fill_mode, interpolation, seed, fill_value, data_format: as for `RandomTranslation`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another factor.
        NotImplementedError: for another fill mode or interpolation.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> quarter = layers.RandomRotation((0.25, 0.25))
        >>> quarter(np.array([[[[1.0], [2]], [[3], [4]]]]), training=True).round(3).ravel().tolist()
        [2.0, 4.0, 1.0, 3.0]
    """

    _arguments_of_config = ("factor",)

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, -1, 1)

    def _draw(self, data: Any, seed: Any) -> Any:
        count = self._count_of(data)
        height, width = self._extents_of(self._images_of(data).shape)
        angle = self._uniform((count,), self.factor[0] * 360.0, self.factor[1] * 360.0, seed)
        turn = angle * (math.pi / 180.0)
        cosine, sine = ops.cos(turn), ops.sin(turn)
        across, down = (width - 1) / 2.0, (height - 1) / 2.0
        matrix = _maps(
            cosine, -sine, across - across * cosine + down * sine, sine, cosine, down - across * sine - down * cosine
        )
        return {
            "angle": angle,
            "rotation_matrix": matrix,
            "image_height": height,
            "image_width": width,
            "batch_size": count,
        }

    def _shape_of(self, transformation: Any) -> Any:
        height, width = transformation["image_height"], transformation["image_width"]
        return (height, width, 1) if self.data_format == "channels_last" else (1, height, width)

    def _matrix(self, transformation: Any) -> Any:
        return transformation["rotation_matrix"]

    def _moved(self, boxes: Any, transformation: Any) -> Any:
        height, width = transformation["image_height"], transformation["image_width"]
        return affine_transform(boxes, transformation["angle"], 0.0, 0.0, 1.0, 0.0, 0.0, height, width)


class RandomShear(_Affine):
    """Slants images: rows move the further to the side, and columns up or down, the further they are from the first.

    Args:
        x_factor: how far rows move for each row: the range that it is drawn from, or one number, in `[0, 1]`. The direction
            is random.
        y_factor: how far columns move for each column.
        interpolation, fill_mode, fill_value, data_format, seed: as for `RandomTranslation`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another factor.
        NotImplementedError: for another fill mode or interpolation.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.RandomShear(0.3)(np.zeros((2, 5, 5, 1)), training=True).shape
        (2, 5, 5, 1)
    """

    _arguments_of_config = ("x_factor", "y_factor")
    _box_format = "rel_xyxy"

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor, self.y_factor = as_given(x_factor), as_given(y_factor)
        self._x_range = self._range("x_factor", x_factor)
        self._y_range = self._range("y_factor", y_factor)

    def _range(self, name: str, value: Any) -> tuple[float, float]:
        pair = isinstance(value, (tuple, list))
        if pair and len(value) == 2 and value[0] == -value[1]:  # as a file of Keras's holds one number
            value, pair = value[1], False
        low, high = checked_factor(self._label, name, value, 0, 1)
        return (low, high) if pair else (-high, high)

    def _draw(self, data: Any, seed: Any) -> Any:
        u = self._uniform((self._count_of(data), 3), seed=seed)
        low = np.array([self._x_range[0], self._y_range[0]], "float32")
        high = np.array([self._x_range[1], self._y_range[1]], "float32")
        direction = ops.where(u[:, 2:] > 0.5, -1.0, 1.0)
        factors = (u[:, :2] * (high - low) + low) * direction
        return {"shear_factor": factors, "input_shape": tuple(self._images_of(data).shape)}

    def _matrix(self, transformation: Any) -> Any:
        across, down = ops.unstack(transformation["shear_factor"], 2, 1)
        return _maps(1.0, across, 0.0, down, 1.0, 0.0)

    def _moved(self, boxes: Any, transformation: Any) -> Any:
        across, down = ops.split(ops.cast(transformation["shear_factor"], "float32"), 2, axis=-1)
        x1, y1, x2, y2 = ops.unstack(boxes, 4, -1)
        x1, x2 = (
            ops.where(across < 0, x1 - across * y1, x1 - across * y2),
            ops.where(across < 0, x2 - across * y2, x2 - across * y1),
        )
        y1, y2 = (
            ops.where(down > 0, y1 - down * x2, y1 - down * x1),
            ops.where(down > 0, y2 - down * x1, y2 - down * x2),
        )
        return ops.stack([x1, y1, x2, y2], -1)
