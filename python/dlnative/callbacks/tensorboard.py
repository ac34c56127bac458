"""Writes what TensorBoard shows."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from dlnative.callbacks.callback import Callback
from dlnative.utils.checks import integer


class TensorBoard(Callback):
    """Writes metrics, weights and the model's configuration for TensorBoard, through `tensorboardX`.

    Scalars `epoch_<metric>` are in the folders `train` and `validation` under `log_dir`, `batch_<metric>` in `train`, and
    `evaluation_<metric>_vs_iterations` in `validation`, as Keras has them.

    Args:
        log_dir: the folder.
        histogram_freq: every how many epochs histograms of the weights are written; 0: never.
        write_graph: whether the model's configuration is written, as text.
        write_images: whether weights are written as images, too, whenever histograms are.
        write_steps_per_second: whether the steps a second of each epoch, and of each batch that is written, are.
        update_freq: `"epoch"`, or `"batch"` or a number: metrics are also written after each batch, or each so many.
        profile_batch: 0. `Model.profile` times a step.
        embeddings_freq: 0. Embeddings are not written.

    Raises:
        ValueError: if an argument cannot be right.
        ImportError: if tensorboardX is not installed.
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] = "logs", histogram_freq: int = 0, write_graph: bool = True,
        write_images: bool = False, write_steps_per_second: bool = False, update_freq: str | int = "epoch",
        profile_batch: int = 0, embeddings_freq: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = integer("TensorBoard", "histogram_freq", histogram_freq, 0)
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        if isinstance(update_freq, str) and update_freq not in ("epoch", "batch"):
            raise ValueError(f'TensorBoard: expected update_freq "epoch", "batch" or a number, got {update_freq!r}')
        self.update_freq: int | None
        if update_freq == "epoch":
            self.update_freq = None
        else:
            self.update_freq = 1 if update_freq == "batch" else integer("TensorBoard", "update_freq", update_freq, 1)
        if profile_batch:
            raise ValueError(
                f"TensorBoard: expected profile_batch=0 (Model.profile times a step), got {profile_batch!r}"
            )
        if embeddings_freq:
            raise ValueError(f"TensorBoard: expected embeddings_freq=0 (none are written), got {embeddings_freq!r}")
        _writer_class()
        self._writers: dict[str, Any] = {}
        self._step = 0
        self._epoch_begin = (0, 0.0)
        self._batch_begin = 0.0
        if self.update_freq is not None:  # otherwise training need not come back after each batch
            self.__dict__.update(on_train_batch_begin=self._begin_batch, on_train_batch_end=self._end_batch)

    def _writer(self, folder: str) -> Any:
        if folder not in self._writers:
            self._writers[folder] = _writer_class()(os.path.join(self.log_dir, folder))
        return self._writers[folder]

    def _write(self, folder: str, name: str, value: Any, step: int) -> None:
        self._writer(folder).add_scalar(name, float(np.mean(value)), step)

    def _iterations(self) -> int:
        optimizer = getattr(self.model, "optimizer", None)
        return int(optimizer.iterations) if optimizer is not None else 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.write_graph:
            try:
                text = self.model.to_json(indent=2)
            except (NotImplementedError, TypeError, ValueError):  # a model without a configuration
                text = repr(self.model)
            self._writer("train").add_text("keras", f"```\n{text}\n```", 0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch_begin = self._iterations(), time.perf_counter()

    def _begin_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._batch_begin = time.perf_counter()

    def _end_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        step = self._step
        self._step += 1
        if step % (self.update_freq or 1):
            return
        for name, value in (logs or {}).items():
            self._write("train", f"batch_{name}", value, step)
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._batch_begin
            self._write("train", "batch_steps_per_second", 1.0 / max(seconds, 1e-9), step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            folder = "validation" if name.startswith("val_") else "train"
            self._write(folder, f"epoch_{name.removeprefix('val_')}", value, epoch)
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            self._write("train", "epoch_learning_rate", optimizer.learning_rate, epoch)
        if self.write_steps_per_second:
            steps, begin = self._epoch_begin
            seconds = max(time.perf_counter() - begin, 1e-9)
            self._write("train", "epoch_steps_per_second", (self._iterations() - steps) / seconds, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._write("validation", f"evaluation_{name}_vs_iterations", value, self._iterations())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._close()

    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        for weight in self.model.weights:
            values = np.asarray(weight.value, np.float32)
            writer.add_histogram(f"{weight.path}/histogram", values, epoch)
            if self.write_images and values.ndim in (1, 2) and values.size:
                low, high = float(values.min()), float(values.max())
                image = (np.atleast_2d(values) - low) / max(high - low, 1e-12)
                writer.add_image(f"{weight.path}/image", image, epoch, dataformats="HW")

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _writer_class() -> Any:
    import importlib

    try:
        return importlib.import_module("tensorboardX").SummaryWriter
    except ImportError:
        raise ImportError('TensorBoard: expected tensorboardX to write with; install "dlnative[tensorboard]"') from None
