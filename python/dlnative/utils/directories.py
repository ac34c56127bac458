"""Files in directories, labelled by the directories that they are in."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative.data.dataset import Dataset
from dlnative.data.rows import Rows
from dlnative.data.workers import mapped
from dlnative.utils.checks import integer
from dlnative.utils.terminal import show

Array = np.ndarray[Any, Any]


class Files:
    """The files that a data set is made of.

    Args:
        name: of the function that was called, for messages.
        kind: what the files hold.
        formats: the ends of their names.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links,
            verbose: see `text_dataset_from_directory`.

    Raises:
        ValueError: for arguments that do not fit each other, or the files.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        formats: tuple[str, ...],
        directory: Any,
        labels: Any,
        label_mode: Any,
        class_names: Any,
        batch_size: int | None,
        shuffle: bool,
        seed: int | None,
        validation_split: Any,
        subset: Any,
        follow_links: bool,
        verbose: bool,
    ) -> None:
        self._name, self._kind, self._formats, self._directory = name, kind, formats, directory
        if labels not in ("inferred", None):
            if not isinstance(labels, (list, tuple)):
                raise ValueError(
                    f"{name}: `labels` argument should be a list/tuple of integer labels, one for each file, "
                    f'"inferred" or None, got labels={labels!r}'
                )
            if class_names:
                raise ValueError(
                    f'{name}: You can only pass `class_names` if `labels="inferred"`, got class_names={class_names} as well'
                )
        if label_mode not in ("int", "categorical", "binary", None):
            raise ValueError(
                f'{name}: `label_mode` argument must be one of "int", "categorical", "binary", or None, got {label_mode!r}'
            )
        self._mode = None if labels is None else label_mode
        self._batch_size = None if batch_size is None else integer(name, "batch_size", batch_size, 1)
        self._shuffle = bool(shuffle)
        self._split, self._subset = validation_split, subset
        self._check_split(seed)
        self._verbose = verbose
        self._seed = random.randrange(10**6) if seed is None else integer(name, "seed", seed)
        self._find(None if self._mode is None else labels, class_names, follow_links)
        names = self.class_names
        if self._mode == "binary" and len(names or ()) != 2:
            raise ValueError(
                f'{name}: When passing `label_mode="binary"`, there must be exactly 2 class_names, got class_names={names}'
            )

    def _check_split(self, seed: Any) -> None:
        name, split, subset = self._name, self._split, self._subset
        if split and not 0 < split < 1:
            raise ValueError(f"{name}: `validation_split` must be between 0 and 1, got {split!r}")
        if bool(split) is not bool(subset):
            raise ValueError(
                f"{name}: If `subset` is set, `validation_split` must be set, and inversely, got {subset!r} and {split!r}"
            )
        if subset not in ("training", "validation", "both", None):
            raise ValueError(f'{name}: `subset` must be either "training", "validation" or "both", got {subset!r}')
        if split and self._shuffle and seed is None:
            raise ValueError(
                f"{name}: expected a seed: If using `validation_split` and shuffling the data, you must provide a `seed` "
                "argument, so that no file is in both parts"
            )

    def _find(self, labels: Any, class_names: Any, follow_links: bool) -> None:
        name, directory = self._name, os.fspath(self._directory)
        if not os.path.isdir(directory):
            raise ValueError(f"{name}: expected a directory, found none at {directory}")
        folders = [""]
        if labels == "inferred":
            folders = sorted(
                entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith(".")
            )
            if class_names is not None:
                if not set(class_names) <= set(folders):
                    raise ValueError(
                        f"{name}: The `class_names` passed did not match the names of the subdirectories: expected {folders} (or "
                        f"a subset of it), got class_names={class_names}"
                    )
                folders = list(class_names)
        elif class_names is not None:
            raise ValueError(
                f"{name}: expected no class_names where labels are not inferred: When `labels=None` (no labels), argument "
                "`class_names` cannot be specified"
            )
        found = [self._files_in(os.path.join(directory, folder), follow_links) for folder in folders]
        paths = [path for files in found for path in files]
        numbers: Array | None = None
        self.class_names: list[str] | None = None
        if labels == "inferred":
            self.class_names = folders
            numbers = np.repeat(np.arange(len(folders), dtype="int32"), [len(files) for files in found])
        elif labels is not None:
            if len(labels) != len(paths):
                raise ValueError(
                    f"{name}: Expected the lengths of `labels` to match the number of files in the target directory, "
                    f"{len(paths)} in {directory}, got {len(labels)}"
                )
            self.class_names = [str(label) for label in sorted(set(labels))]
            numbers = np.asarray(labels, "int32")
        if self._verbose:
            belonging = "" if self.class_names is None else f" belonging to {len(self.class_names)} classes"
            show(f"Found {len(paths)} files{belonging}.")
        self._paths = np.array(paths, object)
        self._numbers = numbers
        if self._shuffle:
            order = np.arange(len(paths))
            np.random.RandomState(self._seed).shuffle(order)
            self._paths = self._paths[order]
            self._numbers = None if numbers is None else numbers[order]

    def _files_in(self, folder: str, follow_links: bool) -> list[str]:
        walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda item: item[0])
        return [
            os.path.join(root, file)
            for root, _, files in walk
            for file in sorted(files)
            if file.lower().endswith(self._formats)
        ]

    def datasets(self, load: Callable[[str], Any], joined: Callable[[list[Any]], Array], padded: bool = False) -> Any:
        """Returns the data set, or those for training and validation in a list.

        Args:
            load: reads a file.
            joined: makes an array of what several files hold.
            padded: whether batches are made one element after the other, and filled up.
        """
        whole = slice(None)
        if not self._split:
            return self._dataset(whole, "", self._shuffle, load, joined, padded)
        count = int(self._split * len(self._paths))
        parts = {"training": slice(len(self._paths) - count), "validation": slice(len(self._paths) - count, None)}
        made = []
        for part in parts if self._subset == "both" else [self._subset]:
            number = count if part == "validation" else len(self._paths) - count
            if self._verbose:
                show(f"Using {number} files for {part}.")
            shuffle = self._shuffle and not (self._subset == "both" and part == "validation")
            made.append(self._dataset(parts[part], f"{part} ", shuffle, load, joined, padded))
        return made if self._subset == "both" else made[0]

    def _dataset(
        self,
        part: slice,
        which: str,
        shuffle: bool,
        load: Callable[[str], Any],
        joined: Callable[[list[Any]], Array],
        padded: bool,
    ) -> Dataset:
        paths = self._paths[part]
        if not len(paths):
            which = which if self._subset == "both" else ""
            raise ValueError(
                f"{self._name}: No {which}{self._kind} found in directory {os.fspath(self._directory)}. Allowed formats: "
                f"{self._formats}"
            )
        labels = None if self._numbers is None else self._labels(self._numbers[part])

        def gather(places: Array) -> Any:
            content = joined(list(mapped(load, iter(paths[places].tolist()), -1 if len(places) > 1 else 1)))
            return content if labels is None else (content, labels[places])

        dataset: Dataset = Rows(gather, len(paths))
        if shuffle:
            dataset = dataset.shuffle(len(paths), self._seed)
        if self._batch_size is not None:
            dataset = dataset.padded_batch(self._batch_size) if padded else dataset.batch(self._batch_size)
        dataset = dataset.prefetch(2)
        dataset.class_names, dataset.file_paths = self.class_names, paths.tolist()
        return dataset

    def _labels(self, numbers: Array) -> Array:
        if self._mode == "binary":
            return numbers.astype("float32")[:, None]
        if self._mode == "categorical":
            return np.eye(len(self.class_names or ()), dtype="float32")[numbers]
        return numbers


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Returns texts in files `.txt`, with the number of the directory that each is in.

    Args:
        directory: a directory with a directory for each class; without labels, one with files.
        labels: `"inferred"`: from the directories; a list of integers, one for each file in the order of their paths; or
            `None`.
        label_mode: `"int"`: int32; `"binary"`: 0 or 1 in a column, float32; `"categorical"`: one-hot rows, float32; `None`:
            no labels.
        class_names: the directories to use, in the order of the labels; by default all, in the order of the alphabet.
        batch_size: texts in a batch; `None`: one by one.
        max_length: the number of bytes (UTF-8) after which texts are cut.
        shuffle: whether texts come in a random order.
        seed: of the order.
        validation_split: the share of the files for validation.
        subset: `"training"`, `"validation"` or `"both"`, with a split.
        follow_links: whether links to directories are followed.
        format: only `"tf"`: the result has the methods of a `tf.data.Dataset`.
        verbose: whether the number of files is printed.

    Returns:
        A `Dataset` of `(texts, labels)` or of texts, with `class_names` and `file_paths`; two in a list for `"both"`.

    Raises:
        ValueError: for arguments that do not fit each other, or if there are no files.
    """
    from dlnative.utils.timeseries import check_format

    name = "text_dataset_from_directory"
    check_format(name, format)
    limit = None if max_length is None else integer(name, "max_length", max_length, 0)
    files = Files(
        name, "text files", (".txt",), directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, verbose,
    )  # fmt: skip

    def load(path: str) -> str:
        with open(path, "rb") as file:
            return file.read(-1 if limit is None else limit).decode(
                "utf-8", "ignore" if limit is not None else "strict"
            )

    return files.datasets(load, lambda texts: np.array(texts, object))
