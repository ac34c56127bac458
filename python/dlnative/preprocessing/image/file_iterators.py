"""Batches of varied images from files: those of a directory, and those that a frame lists."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator as Iterating
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.ops.windows import checked_data_format
from dlnative.preprocessing.image.iterators import FORMATS, Iterator, SavedImages, subset_part
from dlnative.utils.image_utils import img_to_array, load_img
from dlnative.utils.terminal import show

Array = np.ndarray[Any, Any]

_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


class FilesIterator(Iterator):
    """Batches of varied images of files.

    Args:
        image_data_generator: what varies them.
        target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset, interpolation,
            keep_aspect_ratio, dtype: see `ImageDataGenerator.flow_from_directory`.
    """

    class_mode: str | None
    class_indices: dict[str, int]
    filepaths: list[str]
    labels: Any
    sample_weight: Any = None

    def _set_files(
        self, image_data_generator: Any, target_size: Any, color_mode: str, data_format: str | None, save_to_dir: Any,
        save_prefix: str, save_format: str, subset: str | None, interpolation: str, keep_aspect_ratio: bool, dtype: Any,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        if color_mode not in _CHANNELS:
            raise ValueError(f'{name}: Invalid color mode: {color_mode!r}; expected "rgb", "rgba", or "grayscale".')
        size = tuple(target_size) if isinstance(target_size, (tuple, list)) else ()
        if len(size) != 2:
            raise ValueError(f"{name}: expected target_size to be a height and a width, got {target_size!r}")
        self.image_data_generator = image_data_generator
        self.target_size = size
        self.color_mode = color_mode
        self.data_format = checked_data_format(name, data_format)
        depth = (_CHANNELS[color_mode],)
        self.image_shape = size + depth if self.data_format == "channels_last" else depth + size
        self.subset = subset
        self.interpolation = interpolation
        self.keep_aspect_ratio = keep_aspect_ratio
        self.dtype = dtypes.standardize(dtype)
        self._saved = SavedImages(save_to_dir, save_prefix, save_format, self.data_format)

    def _subset_of(self, count: int) -> slice:
        split = 0.0 if self.image_data_generator is None else self.image_data_generator._validation_split
        return subset_part(type(self).__name__, self.subset, count, split)

    def _batch(self, rows: Array, random: Any) -> Any:
        kind = dtypes.NUMPY[self.dtype]
        images = np.zeros((len(rows), *self.image_shape), kind)
        for place, row in enumerate(rows):
            picture = load_img(
                self.filepaths[row], self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio
            )
            image = img_to_array(picture, self.data_format, self.dtype)
            images[place] = self._varied(self.image_data_generator, image, random)
        self._saved.write(images, rows, random, 10**7)
        if self.class_mode is None:
            return images
        y = self._labels_of(rows, images, kind)
        return (images, y) if self.sample_weight is None else (images, y, self.sample_weight[rows])

    def _labels_of(self, rows: Array, images: Array, kind: Any) -> Any:
        if self.class_mode == "input":
            return images.copy()
        if self.class_mode in ("binary", "sparse"):
            return np.array([self.labels[row] for row in rows], kind)
        if self.class_mode == "categorical":
            y = np.zeros((len(rows), len(self.class_indices)), kind)
            for place, row in enumerate(rows):
                y[place, self.labels[row]] = 1.0
            return y
        return [column[rows] for column in self.labels] if self.class_mode == "multi_output" else self.labels[rows]


class DirectoryIterator(FilesIterator):
    """Batches of varied images of a directory; see `ImageDataGenerator.flow_from_directory`."""

    allowed_class_modes = ("categorical", "binary", "sparse", "input", None)

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ) -> None:
        self._set_files(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio, dtype,
        )  # fmt: skip
        name = "DirectoryIterator"
        _check_mode(name, class_mode, self.allowed_class_modes)
        self.class_mode = class_mode
        self.directory = os.fspath(directory)
        if not os.path.isdir(self.directory):
            raise ValueError(f"{name}: expected a directory, found none at {self.directory}")
        names = (
            list(classes) if classes else sorted(entry.name for entry in os.scandir(self.directory) if entry.is_dir())
        )
        self.num_classes = len(names)
        self.class_indices = {found: number for number, found in enumerate(names)}
        self.filenames: list[str] = []
        numbers: list[int] = []
        for number, folder in enumerate(names):
            files = list(_files_in(os.path.join(self.directory, folder), follow_links))
            files = files[self._subset_of(len(files))]
            self.filenames += [os.path.relpath(file, self.directory) for file in files]
            numbers += [number] * len(files)
        self.samples = len(self.filenames)
        self.classes = self.labels = np.array(numbers, "int32")
        self.filepaths = [os.path.join(self.directory, file) for file in self.filenames]
        show(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)


def _files_in(folder: str, follow_links: bool) -> Iterating[str]:
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links), key=lambda item: item[0]):
        for file in sorted(files):
            if file.lower().endswith(FORMATS):
                yield os.path.join(root, file)


def _check_mode(name: str, class_mode: Any, allowed: tuple[Any, ...]) -> None:
    if class_mode not in allowed:
        raise ValueError(f"{name}: Invalid class_mode: {class_mode!r}; expected one of: {', '.join(map(str, allowed))}")


class DataFrameIterator(FilesIterator):
    """Batches of varied images that a frame lists; see `ImageDataGenerator.flow_from_dataframe`."""

    allowed_class_modes = ("binary", "categorical", "input", "multi_output", "raw", "sparse", None)

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
        validate_filenames: bool = True,
    ) -> None:
        self._set_files(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio, dtype,
        )  # fmt: skip
        _check_mode("DataFrameIterator", class_mode, self.allowed_class_modes)
        self.class_mode = class_mode
        self.directory = "" if directory is None else os.fspath(directory)
        files = dataframe[x_col].tolist()
        if not all(isinstance(file, str) for file in files):
            raise TypeError(f"DataFrameIterator: All values in column x_col={x_col} must be strings.")
        kept = list(range(len(files)))
        if validate_filenames:
            kept = [row for row in kept if self._is_image(files[row])]
            if len(kept) < len(files):
                warnings.warn(
                    f'DataFrameIterator: Found {len(files) - len(kept)} invalid image filename(s) in x_col="{x_col}". These '
                    "filename(s) will be ignored.",
                    stacklevel=3,
                )
        by_name = class_mode in ("binary", "categorical", "sparse")
        values: list[Any] = dataframe[y_col].tolist() if by_name else []
        if by_name:
            names = self._names(values, y_col, classes)
            self.class_indices = {name: number for number, name in enumerate(names)}
            values = [_known(value, self.class_indices) for value in values]
            kept = [row for row in kept if values[row] is not None]
        kept = kept[self._subset_of(len(kept))]
        if by_name:
            self.classes = self.labels = [_numbers(values[row], self.class_indices) for row in kept]
        elif class_mode == "multi_output":
            if not isinstance(y_col, list):
                raise TypeError(
                    f'DataFrameIterator: If class_mode="multi_output", y_col must be a list. Received {type(y_col).__name__}.'
                )
            self.labels = [np.array(dataframe[column].iloc[kept].tolist()) for column in y_col]
        elif class_mode == "raw":
            self.labels = dataframe[y_col].iloc[kept].to_numpy()
        if weight_col:
            weights = dataframe[weight_col].iloc[kept].to_numpy()
            if weights.dtype.kind not in "iuf":
                raise TypeError(f"DataFrameIterator: Column weight_col={weight_col} must be numeric.")
            self.sample_weight = weights
        self.filenames = [files[row] for row in kept]
        self.filepaths = [os.path.join(self.directory, file) for file in self.filenames]
        self.samples = len(self.filenames)
        belonging = f" belonging to {len(self.class_indices)} classes" if by_name else ""
        kind = "validated" if validate_filenames else "non-validated"
        show(f"Found {self.samples} {kind} image filenames{belonging}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _is_image(self, file: str) -> bool:
        return file.lower().endswith(FORMATS) and os.path.isfile(os.path.join(self.directory, file))

    def _names(self, values: list[Any], y_col: Any, classes: Any) -> list[str]:
        """Returns the names of the classes, in order.

        Raises:
            TypeError: for values that are none.
            ValueError: if there are not two, and the mode is `"binary"`.
        """
        allowed = (str, list, tuple) if self.class_mode == "categorical" else (str,)
        if not all(isinstance(value, allowed) for value in values):
            expected = "type string, list or tuple" if self.class_mode == "categorical" else "strings"
            raise TypeError(
                f'DataFrameIterator: If class_mode="{self.class_mode}", y_col="{y_col}" column values must be {expected}.'
            )
        found = {name for value in values for name in ([value] if isinstance(value, str) else value)}
        names = list(dict.fromkeys(classes)) if classes else sorted(found)
        if self.class_mode == "binary" and len(names) != 2:
            raise ValueError(
                f'DataFrameIterator: If class_mode="binary" there must be 2 classes. Found {len(names)} classes.'
            )
        return names


def _known(value: Any, names: dict[str, int]) -> Any:
    """Returns a name, or the names in a list, that there are; `None` if there is none."""
    if isinstance(value, str):
        return value if value in names else None
    return [name for name in value if name in names] or None


def _numbers(value: Any, names: dict[str, int]) -> Any:
    return names[value] if isinstance(value, str) else [names[name] for name in value]
