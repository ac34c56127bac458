"""Images with parts erased, or mixed with others of their batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops, random
from dlnative.layers.arguments import checked_number
from dlnative.layers.preprocessing.images.image_layer import (
    ColorLayer,
    ImageLayer,
    as_given,
    checked_factor,
    checked_range,
)


def _rectangles(layer: ImageLayer, shape: Any, ratios: Any, places: Any) -> tuple[Any, Any]:
    """Returns masks of rectangles in images, `(batch, height, width, 1)` or as the data format has it, and their areas in parts
    of an image's.

    Args:
        layer: the layer.
        shape: of the images.
        ratios: the extents of the rectangles in parts of the width and of the height, `(batch, 2)`.
        places: where they are, from 0 at the border to 1 at the other one, `(batch, 2)`.
    """
    height, width = layer._extents_of(shape)
    extents = ratios * np.array([width, height], "float32")
    starts = places * (np.array([width, height], "float32") - extents)
    last = layer.data_format == "channels_last"
    inside: Any = None
    for index, (extent, axis) in enumerate(((width, 2), (height, 1))):
        grid = np.arange(extent, dtype="float32").reshape([-1 if place == axis else 1 for place in range(4)])
        grid = grid if last else np.transpose(grid, (0, 3, 1, 2))
        first = layer._per_image(starts[:, index])
        within = ops.logical_and(grid >= first, grid < first + layer._per_image(extents[:, index]))
        inside = within if inside is None else ops.logical_and(inside, within)
    return inside, extents[:, 0] * extents[:, 1] / float(width * height)


class RandomErasing(ColorLayer):
    """Overwrites a random rectangle in some images.

    Args:
        factor: the range that the probability is drawn from with which an image is changed, or its upper end, in `[0, 1]`.
        scale: the range that the squares of the rectangle's extents are drawn from, in parts of the image's, in `[0, 1]`.
        fill_value: what it is overwritten with: a number, one for each of three channels, or `None` for normal random numbers.
        value_range: the smallest and the largest value of images.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor, scale, value or range.

    Source:
        Zhong et al., "Random erasing data augmentation", AAAI 2020.
    """

    _arguments_of_config = ("factor", "scale", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        self.scale = checked_factor(self._label, "scale", scale, 0, 1)
        values = fill_value if isinstance(fill_value, (tuple, list)) else [fill_value] * 3
        if len(values) != 3 or any(value is not None and not isinstance(value, (int, float)) for value in values):
            raise ValueError(
                f"{self._label}: The `fill_value` argument should be a number (or a list of three numbers), got {fill_value!r}"
            )
        self.fill_value = as_given(fill_value)
        self.value_range = checked_range(self._label, value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape, count = tuple(self._images_of(data).shape), self._count_of(data)
        u = self._uniform((count, 4), seed=seed)
        ratios = ops.sqrt(u[:, :2] * (self.scale[1] - self.scale[0]) + self.scale[0])
        masks, _ = _rectangles(self, shape, ratios, u[:, 2:])
        chosen = self._chosen(count, self.factor, seed)
        if self.fill_value is None:
            batch = shape if len(shape) == 4 else (1, *shape)
            fill = (
                random.normal(batch, 0.0, 1.0, "float32", self.generator if seed is None else seed)
                * self.value_range[1]
            )
        else:
            values = np.asarray(self.fill_value, "float32")
            fill = values.reshape(-1, 1, 1) if values.ndim and self.data_format == "channels_first" else values
        return {"apply_erasing": chosen, "batch_masks": masks, "fill_value": ops.clip(fill, *self.value_range)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        chosen = ops.logical_and(transformation["batch_masks"], self._per_image(transformation["apply_erasing"]))
        return ops.where(chosen, ops.cast(transformation["fill_value"], images.dtype), images)


class MixUp(ImageLayer):
    """Mixes each image, and its label, with another of the batch.

    y = w x + (1 - w) x', with w of the beta distribution with both parameters alpha.

    Args:
        alpha: the parameter, above 0: the smaller, the nearer are weights to 0 and 1.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another alpha.

    Example:
        >>> from dlnative import layers
        >>> data = {"images": np.zeros((4, 3, 3, 1)), "labels": np.eye(4, dtype="float32")}
        >>> layers.MixUp(seed=1)(data, training=True)["labels"].sum(axis=1).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0]

    Source:
        Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    """

    _arguments_of_config = ("alpha", "seed")

    def __init__(
        self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.alpha = checked_number(self, "alpha", alpha)
        if not self.alpha > 0:
            raise ValueError(f"{self._label}: expected alpha to be above 0, got {alpha!r}")
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        count = self._count_of(data)
        seed = self.generator if seed is None else seed
        order = random.shuffle(np.arange(count, dtype="int64"), seed=seed)
        return {"mix_weight": random.beta((count,), self.alpha, self.alpha, seed=seed), "permutation_order": order}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        return self._mixed(images if len(images.shape) == 4 else ops.expand_dims(images, 0), transformation)

    def _mixed(self, values: Any, transformation: Any) -> Any:
        weight = ops.cast(transformation["mix_weight"], values.dtype)
        weight = ops.reshape(weight, (-1,) + (1,) * (len(values.shape) - 1))
        others = ops.take(values, transformation["permutation_order"], axis=0)
        return weight * values + (1.0 - weight) * others

    def transform_labels(self, labels: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._mixed(_as_floats(labels), transformation) if training else labels

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return self._mixed(_as_floats(segmentation_masks), transformation) if training else segmentation_masks

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        order = transformation["permutation_order"]
        return {
            key: ops.concatenate([value, ops.take(value, order, axis=0)], axis=min(1, len(value.shape) - 1))
            for key, value in bounding_boxes.items()
        }


class CutMix(ImageLayer):
    """Overwrites a random rectangle of each image with that of another of the batch; labels are mixed by the areas.

    A single image, without a batch, stays as it is.

    Args:
        factor: the range that the parameter of the beta distribution is drawn from, or its upper end, in `[0, 1]`; the part of
            an image's area that is kept is of that distribution.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor.
        NotImplementedError: for boxes, of which a part may come from another image.

    Source:
        Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features", ICCV 2019.
    """

    _arguments_of_config = ("factor", "seed")

    def __init__(
        self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        images = self._images_of(data)
        count = self._batch_of(images)
        if not training or count is None:
            return None
        seed = self.generator if seed is None else seed
        alpha = self._uniform((), self.factor[0], self.factor[1], seed) + 1e-6
        ratio = ops.sqrt(1.0 - random.beta((count,), alpha, alpha, seed=seed))
        places = self._uniform((count, 2), seed=seed)
        masks, areas = _rectangles(self, images.shape, ops.stack([ratio, ratio], 1), places)
        return {
            "permutation_order": random.shuffle(np.arange(count, dtype="int32"), seed=seed),
            "batch_masks": masks,
            "mix_weight": 1.0 - areas,
        }

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        others = ops.take(images, transformation["permutation_order"], axis=0)
        return ops.where(transformation["batch_masks"], others, images)

    def transform_labels(self, labels: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training or transformation is None:
            return labels
        labels = _as_floats(labels)
        weight = ops.reshape(
            ops.cast(transformation["mix_weight"], labels.dtype), (-1,) + (1,) * (len(labels.shape) - 1)
        )
        return weight * labels + (1.0 - weight) * ops.take(labels, transformation["permutation_order"], axis=0)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        raise NotImplementedError(f"{self._label}: expected no bounding boxes, which may be cut through")


def _as_floats(values: Any) -> Any:
    return ops.cast(values, "float64" if values.dtype == "float64" else "float32")
