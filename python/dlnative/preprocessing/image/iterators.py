"""Batches of varied images: from arrays, directories and frames, without an end."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator as Iterating
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.data.py_dataset import PyDataset
from dlnative.ops.windows import checked_data_format
from dlnative.preprocessing.image.transforms import GLOBAL
from dlnative.utils.checks import integer
from dlnative.utils.image_utils import array_to_img, img_to_array, load_img
from dlnative.utils.terminal import show

Array = np.ndarray[Any, Any]

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


class Iterator(PyDataset):
    """Batches of samples in random order, by number, or one after the other without an end.

    Args:
        n: how many samples there are.
        batch_size: how many a batch has.
        shuffle: whether they come in random order, a new one in each epoch.
        seed: determines the order, and what batches draw; by default NumPy's global generator does.
    """

    white_list_formats = FORMATS

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        name = type(self).__name__
        self.n = n
        self.batch_size = integer(name, "batch_size", batch_size, 1)
        self.seed = None if seed is None else integer(name, "seed", seed, 0)
        self.shuffle = bool(shuffle)
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: Array | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise ValueError(
                f"{type(self).__name__}: Asked to retrieve element {index}, but the Sequence has length {len(self)}"
            )
        with self.lock:
            random = self._next_random()
            if self.index_array is None:
                self._set_index_array(random)
            assert self.index_array is not None
            rows = self.index_array[self.batch_size * index : self.batch_size * (index + 1)]
        return self._batch(rows, random)

    def _next_random(self) -> Any:
        """Returns what the next batch draws with."""
        random = GLOBAL if self.seed is None else np.random.RandomState((self.seed + self.total_batches_seen) % 2**32)
        self.total_batches_seen += 1
        return random

    def _set_index_array(self, random: Any = GLOBAL) -> None:
        self.index_array = random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def on_epoch_end(self) -> None:
        """Chooses a new order."""
        self.index_array = None

    def reset(self) -> None:
        """Begins with the first batch again."""
        self.batch_index = 0

    def __iter__(self) -> Iterating[Any]:
        return self

    def __next__(self) -> Any:
        with self.lock:
            random = self._next_random()
            if self.batch_index == 0:
                self._set_index_array(random)
            assert self.index_array is not None
            first = self.batch_index * self.batch_size
            rows = self.index_array[first : first + self.batch_size]
            self.batch_index = self.batch_index + 1 if first + self.batch_size < self.n else 0
        return self._batch(rows, random)

    next = __next__

    def _batch(self, rows: Array, random: Any) -> Any:
        """Returns a batch.

        Args:
            rows: the numbers of its samples.
            random: what to draw with.
        """
        raise NotImplementedError

    def _varied(self, generator: Any, image: Array, random: Any) -> Array:
        if generator is None:
            return image
        found = generator.apply_transform(image, generator.get_random_transform(image.shape, random=random))
        return np.asarray(generator.standardize(found))


class _Saved:
    """Where images are written to, to look at."""

    def __init__(self, directory: Any, prefix: str, format: str, data_format: str) -> None:
        self.directory, self.prefix, self.format, self.data_format = directory, prefix, format, data_format

    def write(self, images: Array, rows: Array, random: Any, most: int) -> None:
        if not self.directory:
            return
        for image, row in zip(images, rows, strict=True):
            name = f"{self.prefix}_{row}_{random.randint(most)}.{self.format}"
            array_to_img(image, self.data_format, scale=True).save(os.path.join(self.directory, name))


class NumpyArrayIterator(Iterator):
    """Batches of varied images of an array; see `ImageDataGenerator.flow`."""

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ) -> None:
        name = "NumpyArrayIterator"
        others: list[Any] = []
        if isinstance(x, (tuple, list)) and len(x) == 2 and np.ndim(x[0]) == 4:
            others = [np.asarray(item) for item in (x[1] if isinstance(x[1], list) else [x[1]])]
            x = x[0]
        x = np.asarray(x, dtypes.NUMPY[dtypes.standardize(dtype)])
        given = {"y": y, "sample_weight": sample_weight, **{f"x[1][{i}]": other for i, other in enumerate(others)}}
        arrays = {key: None if value is None else np.asarray(value) for key, value in given.items()}
        if x.ndim != 4:
            raise ValueError(f"{name}: Input data in `NumpyArrayIterator` should have rank 4, got shape {x.shape}")
        for key, value in arrays.items():
            if value is not None and len(value) != len(x):
                raise ValueError(
                    f"{name}: `x` (images tensor) and `{key}` should have the same length. Found: x.shape = {x.shape}, "
                    f"{key}.shape = {value.shape}"
                )
        self.data_format = checked_data_format(name, data_format)
        axis = 3 if self.data_format == "channels_last" else 1
        if x.shape[axis] not in (1, 3, 4):
            warnings.warn(
                f'{name}: expected either 1, 3, or 4 channels on axis {axis} ("{self.data_format}"), got images of shape {x.shape}',
                stacklevel=3,
            )
        part = _part(name, subset, len(x), image_data_generator._validation_split)
        labels = arrays["y"]
        if subset is not None and labels is not None and not ignore_class_split:
            held = _part(name, "validation", len(x), image_data_generator._validation_split).stop
            if not np.array_equal(np.unique(labels[:held]), np.unique(labels[held:])):
                raise ValueError(
                    f"{name}: Training and validation subsets have different number of classes after the split. If your numpy "
                    "arrays are sorted by the label, you might want to shuffle them."
                )
        self.x = x[part]
        self.y: Any
        self.sample_weight: Any
        self.x_misc: list[Any]
        self.y, self.sample_weight, *self.x_misc = [None if value is None else value[part] for value in arrays.values()]
        self.image_data_generator = image_data_generator
        self._saved = _Saved(save_to_dir, save_prefix, save_format, self.data_format)
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _batch(self, rows: Array, random: Any) -> Any:
        images = np.zeros((len(rows), *self.x.shape[1:]), self.x.dtype)
        for place, row in enumerate(rows):
            images[place] = self._varied(self.image_data_generator, self.x[row], random)
        self._saved.write(images, rows, random, 10**4)
        x: Any = [images, *[other[rows] for other in self.x_misc]] if self.x_misc else images
        if self.y is None:
            return x
        return (x, self.y[rows]) if self.sample_weight is None else (x, self.y[rows], self.sample_weight[rows])


def _part(name: str, subset: str | None, count: int, split: float) -> slice:
    """Returns which samples belong to a subset: those held back come first."""
    held = int(split * count)
    if subset is None:
        return slice(0, count)
    if subset == "validation":
        return slice(0, held)
    if subset == "training":
        return slice(held, count)
    raise ValueError(f'{name}: Invalid subset name: {subset!r}; expected "training" or "validation".')


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
        self._saved = _Saved(save_to_dir, save_prefix, save_format, self.data_format)

    def _subset_of(self, count: int) -> slice:
        split = 0.0 if self.image_data_generator is None else self.image_data_generator._validation_split
        return _part(type(self).__name__, self.subset, count, split)

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
