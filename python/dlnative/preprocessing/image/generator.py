"""Keras's older generator of varied images."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.ops.windows import checked_data_format
from dlnative.preprocessing.image.file_iterators import DataFrameIterator, DirectoryIterator
from dlnative.preprocessing.image.iterators import NumpyArrayIterator
from dlnative.preprocessing.image.transforms import (
    GLOBAL,
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
)
from dlnative.utils.checks import number

Array = np.ndarray[Any, Any]
_LABEL = "ImageDataGenerator"


class ImageDataGenerator:
    """Gives batches of images that are varied at random, and standardised.

    New programs vary images by layers of the model (`RandomFlip`, `RandomRotation`, ...), which is faster.

    Args:
        featurewise_center: whether the mean of each channel over the data set, which `fit` finds, is taken away.
        samplewise_center: whether the mean of each image is taken away.
        featurewise_std_normalization: whether images are divided by each channel's standard deviation over the data set.
        samplewise_std_normalization: whether each image is divided by its standard deviation.
        zca_whitening: whether images are whitened by the data set's covariances.
        zca_epsilon: what is added to its singular values.
        rotation_range: the largest angle, in degrees.
        width_shift_range: how far to the side: a part of the width if below 1, otherwise pixels; or a list of such, of which one
            is chosen.
        height_shift_range: the same for up and down.
        brightness_range: the range of the factor of the brightness.
        shear_range: the largest angle, in degrees.
        zoom_range: the range of the factors of what is seen, or how far it goes from 1 in both directions.
        channel_shift_range: the largest number that is added to all values.
        fill_mode: what is outside: `"nearest"`, `"constant"`, `"reflect"` or `"wrap"`.
        cval: the constant.
        horizontal_flip, vertical_flip: whether half of the images are turned over.
        rescale: a factor of all values.
        preprocessing_function: what is done to each image after it was varied.
        data_format: `"channels_last"` or `"channels_first"`; by default the one that is configured.
        validation_split: the part of the data that is held back for `subset="validation"`.
        interpolation_order: 0 or 1; up to 5 with SciPy.
        dtype: the type of batches.

    Raises:
        ValueError: for an argument out of its range.

    Example:
        >>> generator = ImageDataGenerator(rotation_range=20, horizontal_flip=True)
        >>> x, y = next(generator.flow(np.zeros((10, 8, 8, 3)), np.arange(10), batch_size=4))
        >>> x.shape, y.shape
        ((4, 8, 8, 3), (4,))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        if fill_mode not in ("nearest", "constant", "reflect", "wrap"):
            raise ValueError(f"{_LABEL}: expected fill_mode nearest, constant, reflect or wrap, got {fill_mode!r}")
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                f"{_LABEL}: `validation_split` must be strictly between 0 and 1. Received: {validation_split}"
            )
        if brightness_range is not None and not _is_pair(brightness_range):
            raise ValueError(
                f"{_LABEL}: `brightness_range` should be tuple or list of two floats. Received: {brightness_range}"
            )
        if not isinstance(zoom_range, (int, float)) and not _is_pair(zoom_range):
            raise ValueError(
                f"{_LABEL}: `zoom_range` should be a float or a tuple or list of two floats. Received: {zoom_range}"
            )
        self.data_format = checked_data_format(_LABEL, data_format)
        last = self.data_format == "channels_last"
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 3) if last else (2, 3, 1)
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = number(_LABEL, "zca_epsilon", zca_epsilon, 0)
        self.rotation_range = number(_LABEL, "rotation_range", rotation_range)
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = brightness_range
        self.shear_range = number(_LABEL, "shear_range", shear_range)
        one = isinstance(zoom_range, (int, float))
        self.zoom_range = [1 - zoom_range, 1 + zoom_range] if one else [zoom_range[0], zoom_range[1]]
        self.channel_shift_range = number(_LABEL, "channel_shift_range", channel_shift_range)
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.interpolation_order = interpolation_order
        self.dtype = dtypes.standardize(dtype)
        self._validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None
        if zca_whitening:
            self._implies("zca_whitening", "featurewise_center", True)
            if featurewise_std_normalization:
                self._implies("zca_whitening", "featurewise_std_normalization", False)
        if self.featurewise_std_normalization:
            self._implies("featurewise_std_normalization", "featurewise_center", True)
        if samplewise_std_normalization:
            self._implies("samplewise_std_normalization", "samplewise_center", True)

    def _implies(self, what: str, other: str, value: bool) -> None:
        if getattr(self, other) != value:
            warnings.warn(f"{_LABEL}: {what} overrides the setting of {other}, which is now {value}", stacklevel=3)
            setattr(self, other, value)

    # Batches.

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None, save_to_dir: str | None = None, save_prefix: str = "", save_format: str = "png",
        ignore_class_split: bool = False, subset: str | None = None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Returns batches of images of an array, without an end; `fit` takes them, an epoch at a time.

        Args:
            x: images, of rank 4; or a tuple of these and an array, or several in a list, that come along unchanged.
            y: labels.
            batch_size: how many images a batch has.
            shuffle: whether they come in random order, a new one in each epoch.
            sample_weight: weights.
            seed: determines the order and how images are varied; by default NumPy's global generator does.
            save_to_dir: a directory that the images are written to, to look at.
            save_prefix, save_format: the beginnings and the kind of their files.
            ignore_class_split: whether the two subsets may have different labels.
            subset: `"training"` or `"validation"`, if there is a `validation_split`.

        Raises:
            ValueError: if lengths, rank or labels do not fit.
        """
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, self.data_format, save_to_dir, save_prefix,
            save_format, subset, ignore_class_split, self.dtype,
        )  # fmt: skip

    def flow_from_directory(
        self, directory: Any, target_size: tuple[int, int] = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: str | None = None, save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
        subset: str | None = None, interpolation: str = "nearest", keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:  # fmt: skip
        """Returns batches of the images in a directory, where each class has a directory of its own, without an end.

        Args:
            directory: the directory.
            target_size: height and width that images are made to have.
            color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
            classes: the names of the directories of the classes, in order; by default all, sorted.
            class_mode: what labels are: `"categorical"`, `"binary"`, `"sparse"`, `"input"` (the image itself), or `None`.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset: as for `flow`.
            follow_links: whether directories are followed that are links.
            interpolation, keep_aspect_ratio: as for `utils.load_img`.

        Raises:
            ValueError: for another mode, or if there is no such directory.
        """
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle, seed, self.data_format,
            save_to_dir, save_prefix, save_format, follow_links, subset, interpolation, keep_aspect_ratio, self.dtype,
        )  # fmt: skip

    def flow_from_dataframe(
        self, dataframe: Any, directory: Any = None, x_col: str = "filename", y_col: Any = "class",
        weight_col: str | None = None, target_size: tuple[int, int] = (256, 256), color_mode: str = "rgb",
        classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, save_to_dir: str | None = None, save_prefix: str = "", save_format: str = "png",
        subset: str | None = None, interpolation: str = "nearest", validate_filenames: bool = True,
    ) -> DataFrameIterator:  # fmt: skip
        """Returns batches of images whose files a frame of pandas lists, without an end.

        Args:
            dataframe: the frame.
            directory: where the files are; by default the frame has whole paths.
            x_col: the column of the files.
            y_col: the column of labels, or several.
            weight_col: the column of weights.
            target_size, color_mode, interpolation: as for `flow_from_directory`.
            classes: the names of the classes, in order; by default all, sorted.
            class_mode: what labels are: `"categorical"`, `"binary"`, `"sparse"` (their names in the frame), `"raw"` (what the
                frame has), `"multi_output"` (a list of several columns), `"input"` (the image itself), or `None`.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset: as for `flow`.
            validate_filenames: whether files that are not there are left out, with a warning.

        Raises:
            ValueError: for another mode, or classes that do not fit.
            TypeError: for columns of another type.
        """
        return DataFrameIterator(
            dataframe, directory, self, x_col, y_col, weight_col, target_size, color_mode, classes,
            "raw" if class_mode == "other" else class_mode, batch_size, shuffle, seed, self.data_format, save_to_dir,
            save_prefix, save_format, subset, interpolation, False, self.dtype, validate_filenames,
        )  # fmt: skip

    # Single images.

    def standardize(self, x: Array) -> Array:
        """Returns images standardised: by the function, the factor, their own mean and deviation, and those of the data set."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x = x - self.mean
        if self.featurewise_std_normalization and self._fitted("featurewise_std_normalization", self.std):
            x = x / (self.std + 1e-6)
        if self.zca_whitening and self._fitted("zca_whitening", self.zca_whitening_matrix):
            x = np.reshape(x.reshape(-1, len(self.zca_whitening_matrix)) @ self.zca_whitening_matrix, x.shape)
        return x

    def _fitted(self, what: str, found: Any) -> bool:
        if found is None:
            warnings.warn(
                f"{_LABEL}: {what} is true, but the generator hasn't been fit on any training data: call `.fit(images)` first",
                stacklevel=4,
            )
        return found is not None

    def get_random_transform(self, img_shape: Any, seed: int | None = None, random: Any = None) -> dict[str, Any]:
        """Draws how an image is varied.

        Args:
            img_shape: its shape.
            seed: determines it; by default NumPy's global generator does.
            random: a generator of NumPy's older kind to draw with.

        Returns:
            What `apply_transform` takes: `theta`, `tx`, `ty`, `shear`, `zx`, `zy`, `flip_horizontal`, `flip_vertical`,
            `channel_shift_intensity`, `brightness`.
        """
        draw = np.random.RandomState(seed) if seed is not None else GLOBAL if random is None else random
        rows, columns = img_shape[self.row_axis - 1], img_shape[self.col_axis - 1]
        theta = draw.uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        ty = _shift(draw, self.height_shift_range, rows)
        tx = _shift(draw, self.width_shift_range, columns)
        shear = draw.uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = (1, 1) if self.zoom_range == [1, 1] else draw.uniform(self.zoom_range[0], self.zoom_range[1], 2)
        sideways, upside_down = [bool(draw.random_sample() < 0.5) for _ in range(2)]
        shift = self.channel_shift_range
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
            "flip_horizontal": sideways and self.horizontal_flip, "flip_vertical": upside_down and self.vertical_flip,
            "channel_shift_intensity": draw.uniform(-shift, shift) if shift != 0 else None,
            "brightness": None if self.brightness_range is None else draw.uniform(*self.brightness_range),
        }  # fmt: skip

    def apply_transform(self, x: Array, transform_parameters: dict[str, Any]) -> Array:
        """Returns an image varied as `get_random_transform` says; what is not said is left."""
        given = transform_parameters
        axes = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(
            x, given.get("theta", 0), given.get("tx", 0), given.get("ty", 0), given.get("shear", 0), given.get("zx", 1),
            given.get("zy", 1), *axes, self.fill_mode, self.cval, self.interpolation_order,
        )  # fmt: skip
        if given.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given["channel_shift_intensity"], axes[2])
        if given.get("flip_horizontal", False):
            x = flip_axis(x, axes[1])
        if given.get("flip_vertical", False):
            x = flip_axis(x, axes[0])
        if given.get("brightness") is not None:
            x = apply_brightness_shift(x, given["brightness"], False)
        return x

    def random_transform(self, x: Array, seed: int | None = None) -> Array:
        """Returns an image varied at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Finds means, deviations and covariances of a data set, for what is done by feature.

        Args:
            x: images, of rank 4.
            augment: whether they are varied first.
            rounds: how many times, then.
            seed: determines how they are varied.

        Raises:
            ValueError: for another rank, or pixels that are not finite with `zca_whitening`.
        """
        x = np.array(x, dtypes.NUMPY[self.dtype])
        if x.ndim != 4:
            raise ValueError(f"{_LABEL}: Input to `.fit()` should have rank 4. Got array with shape: {x.shape}")
        if self.zca_whitening and not np.isfinite(x).all():
            raise ValueError(f"{_LABEL}: expected finite pixels for zca_whitening, got NaN or infinities")
        if x.shape[self.channel_axis] not in (1, 3, 4):
            warnings.warn(
                f'{_LABEL}: expected either 1, 3 or 4 channels on axis {self.channel_axis} ("{self.data_format}"), got images of '
                f"shape {x.shape}",
                stacklevel=2,
            )
        if self.rescale:
            x *= self.rescale
        if augment:
            draw = GLOBAL if seed is None else np.random.RandomState(seed)
            x = np.stack(
                [
                    self.apply_transform(image, self.get_random_transform(image.shape, random=draw))
                    for _ in range(rounds)
                    for image in x
                ]
            ).astype(x.dtype)
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.reshape(np.mean(x, axis=axes), shape)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.reshape(np.std(x, axis=axes), shape)
            x /= self.std + 1e-6
        if self.zca_whitening:
            count = len(x)
            u, s, _ = np.linalg.svd(np.reshape(x, (count, -1)).T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(count) / (s + self.zca_epsilon))) @ u.T


def _is_pair(value: Any) -> bool:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return False
    return all(isinstance(item, (int, float, np.number)) for item in value)


def _shift(draw: Any, limit: Any, extent: int) -> float:
    """Returns how many pixels an image is moved by.

    Args:
        draw: the random generator.
        limit: how far, as a part of the extent if below 1, otherwise in pixels; or a list, of which one is chosen; or a whole
            number n: whole pixels below n.
        extent: of the image.
    """
    if not np.any(limit):
        return 0.0
    if isinstance(limit, (list, tuple, np.ndarray, int, np.integer)):
        moved = draw.choice(limit) * draw.choice([-1, 1])
    else:
        moved = draw.uniform(-limit, limit)
    return float(moved * extent if np.max(limit) < 1 else moved)
