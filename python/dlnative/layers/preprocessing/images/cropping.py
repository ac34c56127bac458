"""Images of another size: resized, or cut out of larger ones."""

from __future__ import annotations

from typing import Any, ClassVar

from dlnative import ops
from dlnative.layers.arguments import checked_count
from dlnative.layers.preprocessing.images.image_layer import ImageLayer
from dlnative.ops.core import dtype_of
from dlnative.ops.image.resizing import INTERPOLATIONS
from dlnative.utils.bounding_boxes import crop


class _Sized(ImageLayer):
    """A layer that gives images of a certain size."""

    _arguments_of_config: ClassVar[tuple[str, ...]] = ("height", "width")

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = checked_count(self._label, "height", height)
        self.width = checked_count(self._label, "width", width)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if isinstance(input_shape, dict):
            return {
                key: self.compute_output_shape(shape) if key in ("images", "segmentation_masks") else shape
                for key, shape in input_shape.items()
            }
        shape = list(input_shape)
        if len(shape) not in (3, 4) or any(isinstance(extent, (list, tuple)) for extent in shape):
            raise ValueError(
                f"{self._label}: `input_shape` must be a non-nested tuple or list of rank-1 with size 3 (unbatched) or 4 "
                f"(batched), got {input_shape}"
            )
        shape[self._axes[0]], shape[self._axes[1]] = self.height, self.width
        return tuple(shape)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._transform_images(ops.cast(images, self.compute_dtype), transformation, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return self._transform_images(segmentation_masks, transformation, "nearest")

    def _window(self, shape: Any) -> tuple[int, int, int, int]:
        """Returns where the largest part in the middle begins whose sides fit the ratio, and its extents."""
        height, width = self._extents_of(shape)
        rows = max(min(height, int(float(width * self.height) / self.width)), 1)
        columns = max(min(width, int(float(height * self.width) / self.height)), 1)
        return int((height - rows) / 2), int((width - columns) / 2), rows, columns

    def _cut(self, images: Any, top: Any, left: Any, rows: int, columns: int) -> Any:
        starts, shape = [0] * len(images.shape), list(images.shape)
        (down, across, _), rank = self._axes, len(shape)
        starts[rank + down], starts[rank + across] = top, left
        shape[down], shape[across] = rows, columns
        fixed = all(isinstance(start, int) for start in (top, left))
        return ops.slice(images, starts if fixed else ops.stack([ops.cast(s, "int32") for s in starts]), shape)

    def _scaled_boxes(self, boxes: Any, rows: Any, columns: Any) -> Any:
        """Returns boxes of images that were made larger or smaller to the layer's size."""
        factors = ops.cast([self.width / columns, self.height / rows] * 2, "float32")
        return {**boxes, "boxes": boxes["boxes"] * factors}

    def _own_shape(self, shape: Any) -> Any:
        return self.compute_output_shape(tuple(shape))


class Resizing(_Sized):
    """Gives images another size.

    Args:
        height, width: the new extents.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`; see `ops.image.resize`.
        crop_to_aspect_ratio: whether what does not fit the new ratio of the sides is cut off.
        pad_to_aspect_ratio: whether images get a border first, so that they fit it.
        fill_mode: of the border, only `"constant"`.
        fill_value: the border's value.
        antialias: whether images that become smaller are smoothed.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another interpolation or fill mode, or if both aspect ratio arguments are true.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Resizing(1, 4)(np.array([0.0, 4.0]).reshape(1, 1, 2, 1)).ravel().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """

    _arguments_of_config = (
        "height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value",
        "antialias",
    )  # fmt: skip

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"{self._label}: Invalid value for argument `interpolation`: expected {', '.join(INTERPOLATIONS)}, got "
                f"{interpolation!r}"
            )
        if fill_mode != "constant":
            raise ValueError(f'{self._label}: expected fill_mode "constant", got {fill_mode!r}')
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                f"{self._label}: Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`."
            )
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return self._extents_of(self._images_of(data).shape)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._transform_images(images, transformation, self.interpolation)

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def _output_type(self, images: Any) -> str:
        return dtype_of(images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        height, width = transformation
        shape = (height, width, 1) if self.data_format == "channels_last" else (1, height, width)
        given = ops.convert_to_tensor(bounding_boxes["boxes"])
        absent = ops.logical_or(
            ops.all(ops.equal(given, -1), axis=-1, keepdims=True), ops.all(ops.equal(given, 0), axis=-1, keepdims=True)
        )
        boxes = self._as_corners(bounding_boxes, shape)
        if self.pad_to_aspect_ratio:
            ratio = min(self.height / height, self.width / width)
            left, top = (self.width - width * ratio) // 2, (self.height - height * ratio) // 2
            moved = ops.cast([left, top] * 2, "float32")
            boxes = {**boxes, "boxes": boxes["boxes"] * ratio + moved}
        elif self.crop_to_aspect_ratio:
            top, left, rows, columns = self._window(shape)
            offsets = ops.cast([left, top] * 2, "float32")
            boxes = self._scaled_boxes({**boxes, "boxes": boxes["boxes"] - offsets}, rows, columns)
        else:
            boxes = self._scaled_boxes(boxes, height, width)
        made = self._clipped(boxes, self._own_shape(shape))
        return {**made, "boxes": ops.where(absent, 0.0, made["boxes"])}


class CenterCrop(_Sized):
    """Cuts the middle out of images; those that are too small are resized, and what does not fit is cut off.

    Args:
        height, width: the extents of the result.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).ravel().tolist()
        [5.0, 6.0]
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"input_shape": tuple(self._images_of(data).shape)}

    def _fits(self, shape: Any) -> bool:
        height, width = self._extents_of(shape)
        return bool(height >= self.height and width >= self.width)

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if self._fits(images.shape):
            height, width = self._extents_of(images.shape)
            top, left = (height - self.height) // 2, (width - self.width) // 2
            return self._cut(images, top, left, self.height, self.width)
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            crop_to_aspect_ratio=True,
            data_format=self.data_format,
        )

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        shape = transformation["input_shape"]
        boxes = self._as_corners(bounding_boxes, shape)
        if self._fits(shape):
            height, width = self._extents_of(shape)
            top, left, rows, columns = (height - self.height) // 2, (width - self.width) // 2, self.height, self.width
        else:
            top, left, rows, columns = self._window(shape)
        boxes = {**boxes, "boxes": crop(boxes["boxes"], top, left, rows, columns)}
        return self._clipped(self._scaled_boxes(boxes, rows, columns), self._own_shape(shape))


class RandomCrop(_Sized):
    """Cuts a part out of images, the same of all in a batch, at a random place.

    Images that are too small, and all when the model does not train, are resized, and what does not fit the ratio of the sides
    is cut off.

    Args:
        height, width: the extents of the result.
        seed: an int that determines the places; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.RandomCrop(2, 3)(np.zeros((8, 5, 5, 1)), training=True).shape
        (8, 2, 3, 1)
    """

    _arguments_of_config = ("height", "width", "seed")

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        shape = tuple(self._images_of(data).shape)
        height, width = self._extents_of(shape)
        if not training or height < self.height or width < self.width:
            top, left, rows, columns = self._window(shape)
            return {"h_start": top, "w_start": left, "height": rows, "width": columns, "input_shape": shape}
        u = self._uniform((2,), seed=seed)
        top, left = [
            ops.cast(ops.floor(u[index] * (extent + 1.0)), "int32")
            for index, extent in enumerate((height - self.height, width - self.width))
        ]
        return {"h_start": top, "w_start": left, "height": self.height, "width": self.width, "input_shape": shape}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        rows, columns = transformation["height"], transformation["width"]
        part = self._cut(images, transformation["h_start"], transformation["w_start"], rows, columns)
        size = (self.height, self.width)
        return ops.image.resize(part, size, interpolation, data_format=self.data_format)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        shape, rows, columns = transformation["input_shape"], transformation["height"], transformation["width"]
        boxes = self._as_corners(bounding_boxes, shape)
        top, left = [ops.cast(transformation[name], "float32") for name in ("h_start", "w_start")]
        boxes = {**boxes, "boxes": crop(boxes["boxes"], top, left, rows, columns)}
        return self._clipped(self._scaled_boxes(boxes, rows, columns), self._own_shape(shape))
