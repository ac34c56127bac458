"""Sounds in files, labelled by the directories that they are in."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.utils.checks import integer
from dlnative.utils.directories import Files

Array = np.ndarray[Any, Any]


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Returns sounds in files `.wav`, with the number of the directory that each is in.

    A sound is an array `(samples, channels)` float32 in [-1, 1).

    Args:
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose: see
            `text_dataset_from_directory`.
        batch_size: sounds in a batch, shorter ones filled up with zeros; `None`: one by one.
        sampling_rate: samples a second; files with another rate are resampled, which needs SciPy.
        output_sequence_length: how many samples are taken, filled up with zeros; by default all.
        ragged: only False: sounds are dense.

    Returns:
        A `Dataset` of `(sounds, labels)` or of sounds, with `class_names` and `file_paths`; two in a list for `"both"`.

    Raises:
        ValueError: for arguments that do not fit each other, or if there are no files, or others than WAVE files.
    """
    name = "audio_dataset_from_directory"
    if ragged and output_sequence_length is not None:
        raise ValueError(f"{name}: Cannot set both `ragged` and `output_sequence_length`")
    if ragged:
        raise ValueError(f"{name}: expected ragged=False, got {ragged!r}: there are no ragged tensors")
    if sampling_rate is not None:
        if not isinstance(sampling_rate, (int, np.integer)):
            raise ValueError(f"{name}: `sampling_rate` should have an integer value, got {sampling_rate!r}")
        if sampling_rate <= 0:
            raise ValueError(f"{name}: `sampling_rate` should be higher than 0, got {sampling_rate!r}")
    length = output_sequence_length
    length = None if length is None else integer(name, "output_sequence_length", length, 1)
    files = Files(
        name, "audio files", (".wav",), directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, verbose,
    )  # fmt: skip

    def load(path: str) -> Array:
        sound, rate = read_wave(name, path)
        if sampling_rate is not None and rate != sampling_rate:
            sound = _resampled(name, sound, rate, int(sampling_rate))
        if length is None:
            return sound
        return np.pad(sound[:length], ((0, max(length - len(sound), 0)), (0, 0)))

    return files.datasets(load, np.stack, padded=length is None)


def read_wave(name: str, path: str) -> tuple[Array, int]:
    """Returns the samples of a WAVE file, `(samples, channels)` float32, and how many there are a second.

    Raises:
        ValueError: if it is no such file, or holds other samples than integers of 8, 16, 24 or 32 bits.
    """
    try:
        with wave.open(path) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            content = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{name}: expected a WAVE file of integers, got {path}: {error}") from None
    if width == 1:  # unsigned, around 128
        values = np.frombuffer(content, np.uint8).astype("float32") / 128 - 1
    else:
        parts = np.frombuffer(content, np.uint8).reshape(-1, width)
        wide = np.zeros((len(parts), 4), np.uint8)
        wide[:, 4 - width :] = parts
        values = (wide.view("<i4")[:, 0] / np.float64(2**31)).astype("float32")
    return values.reshape(-1, channels), rate


def _resampled(name: str, sound: Array, rate: int, wanted: int) -> Array:
    try:
        from scipy.signal import resample_poly  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise ImportError(
            f"{name}: expected SciPy to resample from {rate} to {wanted} samples a second, found none: pip install scipy"
        ) from None
    divisor = int(np.gcd(rate, wanted))
    return np.asarray(resample_poly(sound, wanted // divisor, rate // divisor, axis=0), "float32")
