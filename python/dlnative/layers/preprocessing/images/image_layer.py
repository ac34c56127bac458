"""What layers of images share: single images and batches, dicts of images with what belongs to them, random numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from dlnative import dtypes, ops, random
from dlnative.graph.tensor import Tensor
from dlnative.graph.variable import Variable
from dlnative.layers.arguments import checked_data_format
from dlnative.layers.layer import Layer
from dlnative.layers.preprocessing.data_layer import as_array
from dlnative.ops.core import unknown
from dlnative.ops.random import random_uniform
from dlnative.random import SeedGenerator
from dlnative.utils.bounding_boxes import FORMATS, clip_to_image_size, convert_format


class ImageLayer(Layer):
    """A layer of images.

    Its input is an image of shape `(height, width, channels)`, a batch of them, or a dict with these under `"images"`, and with
    `"labels"`, `"bounding_boxes"` (a dict of `"boxes"` and `"labels"`) and `"segmentation_masks"`, which change along.

    A subclass writes `get_random_transformation`, which draws what is to be done, and `transform_images`; where images move,
    `_transform_images` instead, which serves the masks too, and `transform_bounding_boxes`.

    Args:
        data_format: `"channels_last"`, or `"channels_first"` for `(channels, height, width)`.
        bounding_box_format: the format of boxes; see `utils.bounding_boxes`.
    """

    # The arguments besides those of every layer of images, by which it is made again.
    _arguments_of_config: ClassVar[tuple[str, ...]] = ()
    interpolation: str = "bilinear"
    generator: SeedGenerator | None = None

    def __init__(
        self, *, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self._label, data_format)
        if bounding_box_format is not None and str(bounding_box_format).lower() not in FORMATS:
            raise ValueError(
                f"{self._label}: expected bounding_box_format {', '.join(FORMATS)}, got {bounding_box_format!r}"
            )
        self.bounding_box_format = bounding_box_format
        self._build_at_init()

    def _set_seed(self, seed: int | None) -> None:
        self.seed = seed
        self.generator = SeedGenerator(seed)

    # What a subclass writes.

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draws what is to be done to images.

        Args:
            data: as for a call.
            training: whether it is to be done at all.
            seed: what to draw with; by default the layer's generator.

        Returns:
            What `transform_images` and its relatives take as `transformation`.
        """
        return None

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        """Returns images as `transformation` says, and as they are if not `training`, in the layer's type."""
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        if len(images.shape) == 3:
            return ops.squeeze(
                self._transform_images(ops.expand_dims(images, 0), transformation, self.interpolation), 0
            )
        return self._transform_images(images, transformation, self.interpolation)

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return images

    def transform_labels(self, labels: Any, transformation: Any = None, training: bool = True) -> Any:
        """Returns the labels that belong to the changed images."""
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        """Returns the boxes, `(batch, n, 4)` and their labels in a dict, that belong to the changed images."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """Returns the masks that belong to the changed images; by the nearest pixel, where images move."""
        if not training:
            return segmentation_masks
        return self._transform_images(segmentation_masks, transformation, "nearest")

    # Single ones.

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Any:
        """The same as `transform_images`, for one image."""
        made = self.transform_images(ops.expand_dims(image, 0), transformation=transformation, training=training)
        return ops.squeeze(made, 0)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        """The same as `transform_labels`, for one label."""
        made = self.transform_labels(ops.expand_dims(label, 0), transformation=transformation, training=training)
        return ops.squeeze(made, 0)

    def transform_single_bounding_box(self, bounding_box: Any, transformation: Any, training: bool = True) -> Any:
        """The same as `transform_bounding_boxes`, for the boxes of one image."""
        boxes = {key: ops.expand_dims(value, 0) for key, value in bounding_box.items()}
        made = self.transform_bounding_boxes(boxes, transformation=transformation, training=training)
        return {key: ops.squeeze(value, 0) for key, value in made.items()}

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The same as `transform_segmentation_masks`, for one mask."""
        made = self.transform_segmentation_masks(
            ops.expand_dims(segmentation_mask, 0), transformation=transformation, training=training
        )
        return ops.squeeze(made, 0)

    # The call.

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(data, dict):
            data = {key: self._entry(key, value) for key, value in data.items()}
        elif data.__class__ is not np.ndarray and not isinstance(data, (Tensor, Variable)):
            data = as_array(data)
        return super().__call__(data, *args, **kwargs)

    def _entry(self, key: str, value: Any) -> Any:
        if key == "bounding_boxes":
            return densified(self._label, value)
        return value if isinstance(value, (Tensor, Variable, dict)) else as_array(value)

    def call(self, data: Any, training: bool = True) -> Any:
        if not isinstance(data, dict):
            if None in data.shape:  # while it is recorded, only the shape counts
                self._batch_of(data)
                return unknown(self.compute_output_shape(tuple(data.shape)), data, self._output_type(data))
            transformation = self.get_random_transformation(data, training=training)
            single = self._batch_of(data) is None
            transform = self.transform_single_image if single else self.transform_images
            return transform(data, transformation=transformation, training=training)
        if "images" not in data:
            raise ValueError(f'{self._label}: expected "images" among the keys, got {", ".join(map(str, data))}')
        if "bounding_boxes" in data and not self.bounding_box_format:
            raise ValueError(
                f"{self._label}: You passed an input with a 'bounding_boxes' key, but you didn't specify a bounding box "
                f"format: expected bounding_box_format, for example `bounding_box_format='xyxy'`, got None"
            )
        transformation = self.get_random_transformation(data, training=training)
        single = self._batch_of(data["images"]) is None
        transforms: dict[str, Any] = {
            "images": self.transform_single_image if single else self.transform_images,
            "bounding_boxes": self.transform_single_bounding_box if single else self.transform_bounding_boxes,
            "labels": self.transform_single_label if single else self.transform_labels,
            "segmentation_masks": self.transform_single_segmentation_mask
            if single
            else self.transform_segmentation_masks,
        }
        return {
            key: transforms[key](value, transformation=transformation, training=training)
            if key in transforms
            else value
            for key, value in data.items()
        }

    def _output_type(self, images: Any) -> str:
        return self.compute_dtype

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config | {name: getattr(self, name) for name in self._arguments_of_config}

    # Tools of subclasses.

    def _images_of(self, data: Any) -> Any:
        return data["images"] if isinstance(data, dict) else data

    def _batch_of(self, images: Any) -> int | None:
        """Returns how many images there are; `None`: one without a batch.

        Raises:
            ValueError: for another rank than 3 or 4.
        """
        shape = tuple(images.shape)
        if len(shape) not in (3, 4):
            raise ValueError(
                f"{self._label}: Expected the input image to be rank 3 or 4. Got shape {shape}, which is neither that of an image "
                "nor of a batch of them"
            )
        return shape[0] if len(shape) == 4 else None

    def _count_of(self, data: Any) -> int:
        """Returns for how many images numbers are to be drawn."""
        count = self._batch_of(self._images_of(data))
        return 1 if count is None else count

    @property
    def _axes(self) -> tuple[int, int, int]:
        """The axes of height, width and channels, counted from the end."""
        return (-2, -1, -3) if self.data_format == "channels_first" else (-3, -2, -1)

    def _extents_of(self, shape: Any) -> tuple[Any, Any]:
        """Returns height and width."""
        return shape[self._axes[0]], shape[self._axes[1]]

    def _uniform(self, shape: Any, low: float = 0.0, high: float = 1.0, seed: Any = None) -> Any:
        if isinstance(seed, Draws):
            return random_uniform(seed.next(), shape, low, high, "float32")
        return random.uniform(shape, low, high, "float32", self.generator if seed is None else seed)

    def _chosen(self, count: int, factor: tuple[float, float], seed: Any) -> Any:
        """Returns which of some images are changed: each with a probability that is drawn from a range."""
        threshold, probability = ops.unstack(self._uniform((2, count), seed=seed), 2, 0)
        return threshold < probability * (factor[1] - factor[0]) + factor[0]

    def _per_image(self, values: Any) -> Any:
        """Returns a number for each image in a shape that broadcasts to the images."""
        return ops.reshape(values, (-1, 1, 1, 1))

    def _ranged(self, images: Any, source: Any, target: Any) -> Any:
        """Returns values of one range in another, in the layer's type."""
        images = ops.cast(images, self.compute_dtype)
        if tuple(source) == tuple(target):
            return images
        (low, high), (new_low, new_high) = source, target
        return (images - low) / (high - low) * (new_high - new_low) + new_low

    def _as_corners(self, boxes: Any, shape: Any, target: str = "xyxy") -> Any:
        height, width = self._extents_of(shape)
        return convert_format(boxes, self.bounding_box_format or target, target, height, width)

    def _clipped(self, boxes: Any, shape: Any, source: str = "xyxy") -> Any:
        """Returns boxes of images of a shape, cut at the border, in the layer's format."""
        height, width = self._extents_of(shape)
        boxes = clip_to_image_size(boxes, height, width, source)
        return convert_format(boxes, source, self.bounding_box_format or source, height, width)


class ColorLayer(ImageLayer):
    """A layer that changes the colours of images, and moves nothing."""

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return segmentation_masks


class FactorLayer(ColorLayer):
    """A layer of colours with one factor, the range of values and a seed."""

    _arguments_of_config = ("factor", "value_range", "seed")
    _least = -1.0

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.value_range = checked_range(self._label, value_range)
        self._set_seed(seed)

    def _set_factor(self, factor: Any) -> None:
        self.factor = checked_factor(self._label, "factor", factor, self._least, 1, mirrored=False)


class Draws:
    """Random states that follow from one, for drawing again what was drawn before.

    Args:
        state: `[seed, counter]`.
    """

    def __init__(self, state: Any) -> None:
        self._state = state
        self._count = 0

    def next(self) -> Any:
        """Returns the next state."""
        self._count += 1
        return self._state + np.array([0, self._count << 40], "int64")


def checked_factor(label: str, name: str, value: Any, low: float, high: float, *, mirrored: bool = True,
                   open_low: bool = False) -> tuple[float, float]:  # fmt: skip
    """Returns the range that a factor is drawn from, given as two numbers, or as one for both sides.

    Args:
        label: the layer, for messages.
        name: the argument.
        value: the number or the two.
        low, high: the range that they must be in.
        mirrored: whether one number means from its negative on; from 0 on otherwise. Neither goes below `low`.
        open_low: whether `low` itself is not allowed.

    Raises:
        ValueError: for anything else.
    """
    given = list(value) if isinstance(value, (tuple, list)) else [value]
    numbers = [v for v in given if isinstance(v, (int, float, np.integer, np.floating)) and not isinstance(v, bool)]
    inside = [v for v in numbers if low <= v <= high and not (open_low and v == low)]
    if len(inside) != len(given) or len(given) != (2 if isinstance(value, (tuple, list)) else 1):
        raise ValueError(
            f"{label}: The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"{'(' if open_low else '['}{float(low)}, {float(high)}], got {name}={value!r}"
        )
    if len(given) == 2:
        return min(given), max(given)
    size = abs(given[0])
    return (max(-size, low) if mirrored else max(0, low)), size


def as_given(value: Any) -> Any:
    """Returns an argument for the config; a list, as files hold it, as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def checked_range(label: str, value: Any) -> tuple[float, float]:
    """Returns the range of an image's values.

    Raises:
        ValueError: if it is no list of two numbers.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{label}: The `value_range` argument should be a list of two numbers. Received: {value!r}")
    low, high = sorted(value)
    return low, high


def densified(label: str, boxes: Any) -> Any:
    """Returns boxes and labels as arrays; lists of different lengths are filled up with boxes of zeros and labels of -1.

    Raises:
        ValueError: if they are not in a dict, or their shapes do not fit.
    """
    if not isinstance(boxes, dict) or "boxes" not in boxes or "labels" not in boxes:
        raise ValueError(
            f"{label}: Expected `bounding_boxes` to be a dict with keys 'boxes' and 'labels', got {boxes!r}"
        )
    found, labels = boxes["boxes"], boxes["labels"]
    if isinstance(found, (list, tuple)) and not any(isinstance(item, Tensor) for item in found):
        if not isinstance(labels, (list, tuple)):
            raise ValueError(
                f"{label}: If `bounding_boxes['boxes']` is a list, then `bounding_boxes['labels']` must also be a list, got "
                f"{labels!r}"
            )
        if len(found) != len(labels):
            raise ValueError(
                f"{label}: `bounding_boxes['boxes']` and `bounding_boxes['labels']` must have the same length, got {len(found)} "
                f"and {len(labels)}"
            )
        some = next((item for item in found if len(item)), None)
        if found and (some is None or np.ndim(some[0]) == 1):
            longest = max(map(len, found))
            rows = [np.asarray(item, "float32").reshape(-1, 4) for item in found]
            found = np.stack([np.pad(row, ((0, longest - len(row)), (0, 0))) for row in rows])
            labels = np.stack(
                [np.pad(np.asarray(m, "int32"), (0, longest - len(m)), constant_values=-1) for m in labels]
            )
    found = found if isinstance(found, Tensor) else dtypes.as_array(found)
    labels = labels if isinstance(labels, Tensor) else dtypes.as_array(labels)
    rank = len(found.shape)
    if rank not in (2, 3):
        raise ValueError(
            f"{label}: Expected `bounding_boxes['boxes']` to have rank 2 or 3, with shape (num_boxes, 4) or (batch_size, "
            f"num_boxes, 4), got shape {tuple(found.shape)}"
        )
    if len(labels.shape) not in (rank - 1, rank):
        raise ValueError(
            f"{label}: Found bounding_boxes['boxes'].shape={tuple(found.shape)} and expected bounding_boxes['labels'] to have "
            f"rank {rank - 1} or {rank}, got shape {tuple(labels.shape)}"
        )
    return {**boxes, "boxes": found if isinstance(found, Tensor) else found.astype("float32"), "labels": labels}
