"""Batches of varied images, without an end: what all share, and those of arrays."""

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
from dlnative.utils.image_utils import array_to_img

Array = np.ndarray[Any, Any]

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")


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


class SavedImages:
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
        part = subset_part(name, subset, len(x), image_data_generator._validation_split)
        labels = arrays["y"]
        if subset is not None and labels is not None and not ignore_class_split:
            held = subset_part(name, "validation", len(x), image_data_generator._validation_split).stop
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
        self._saved = SavedImages(save_to_dir, save_prefix, save_format, self.data_format)
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


def subset_part(name: str, subset: str | None, count: int, split: float) -> slice:
    """Returns which samples belong to a subset: those held back come first."""
    held = int(split * count)
    if subset is None:
        return slice(0, count)
    if subset == "validation":
        return slice(0, held)
    if subset == "training":
        return slice(held, count)
    raise ValueError(f'{name}: Invalid subset name: {subset!r}; expected "training" or "validation".')
