"""Saves the model during training."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from dlnative.callbacks.monitor import MonitorCallback
from dlnative.legacy.names import in_logs
from dlnative.legacy.warning import renamed
from dlnative.utils.checks import flag
from dlnative.utils.terminal import show


class EveryBatches:
    """Counts batches, and says after which of them to save.

    Args:
        owner: who asks, for messages.
        save_freq: after how many batches, or `"epoch"` for never.

    Raises:
        ValueError: for anything else.
    """

    def __init__(self, owner: str, save_freq: Any) -> None:
        whole = isinstance(save_freq, (int, np.integer)) and not isinstance(save_freq, bool) and save_freq >= 1
        if save_freq != "epoch" and not whole:
            raise ValueError(
                f"{owner}: Invalid value for argument `save_freq`: expected 'epoch' or an integer of 1 or more, got "
                f"save_freq={save_freq!r}. Unrecognized save_freq"
            )
        self._freq = save_freq
        self._since = 0
        self._last: int | None = None

    def __call__(self, batch: int) -> bool:
        """Tells whether to save after a batch.

        Args:
            batch: its number in the epoch; those that ran since the last call are counted.
        """
        if self._freq == "epoch":
            return False
        self._since += batch + 1 if self._last is None or batch <= self._last else batch - self._last
        self._last = batch
        if self._since < self._freq:
            return False
        self._since = 0
        return True


class _Values(dict[str, Any]):
    """What a path is made of, with the accuracy under both of its names."""

    def __missing__(self, name: str) -> Any:
        found = in_logs(name, self)
        if found == name:
            raise KeyError(name)
        return self[found]


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or batches.

    A file is there as a whole or not at all: one that is replaced is there until the new one is.

    Args:
        filepath: where, with the ending `.keras` or `.h5`, for weights `.weights.h5`. `{epoch}`, `{batch}` and the names
            of metrics in braces stand for their values: `"{epoch:02d}-{val_loss:.2f}.keras"`.
        monitor: the metric's name in the logs, for `save_best_only`.
        verbose: whether a line says what is saved.
        save_best_only: whether the model is saved only when the metric is better than ever before.
        save_weights_only: whether the weights alone (and the state of the optimizer) are saved.
        mode: which way the metric improves: `"min"`, `"max"`, or `"auto"`.
        save_freq: `"epoch"`, or after how many batches.
        initial_value_threshold: what the metric must be better than at first, for `save_best_only`.

    Raises:
        ValueError: if an argument cannot be right.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "{epoch}.keras")
        ...     saving = dlnative.callbacks.ModelCheckpoint(path)
        ...     _ = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[saving])
        ...     sorted(os.listdir(folder))
        ['1.keras', '2.keras']
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.verbose = verbose
        self.filepath = os.fspath(filepath)
        self.save_best_only = flag("ModelCheckpoint", "save_best_only", save_best_only)
        self.save_weights_only = flag("ModelCheckpoint", "save_weights_only", save_weights_only)
        self.save_freq = save_freq
        self._due = EveryBatches("ModelCheckpoint", save_freq)
        self._epoch = 0
        if save_freq != "epoch":  # a hook of batches makes training stop at each
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]
        endings = (".weights.h5", ".weights.npz", ".safetensors") if save_weights_only else (".keras", ".h5")
        if self.filepath.endswith((".hdf5", ".h5") if save_weights_only else ".hdf5") and not self.filepath.endswith(
            endings
        ):
            renamed(
                f"the ending {os.path.splitext(self.filepath)[1]} of ModelCheckpoint",
                f'a path that ends in "{endings[0]}"',
            )
        elif not self.filepath.endswith(endings):
            what = "When using `save_weights_only=True` in `ModelCheckpoint`, the" if save_weights_only else "The"
            raise ValueError(f"{what} filepath provided must end in `{endings[0]}`: got filepath={self.filepath}")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.save_best_only:
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._due(batch):
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        path = self._path(epoch, batch, logs)
        if not self._is_wanted(epoch, logs, path):
            return
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        try:
            (self.model.save_weights if self.save_weights_only else self.model.save)(path, overwrite=True)
        except IsADirectoryError as error:
            raise OSError(
                f"Please specify a non-directory filepath for ModelCheckpoint: {path} is an existing directory"
            ) from error
        if self.verbose > 0:
            show(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        values = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format_map(_Values(values))
        except (KeyError, IndexError, ValueError) as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}": expected only {", ".join(values)} in braces, got '
                f"{error}"
            ) from error

    def _is_wanted(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        """Tells whether the model is to be saved, and notes the metric if it is the best."""
        if not self.save_best_only:
            if self.verbose > 0:
                show(f"\nEpoch {epoch + 1}: saving model to {path}")
            return True
        current = logs.get(in_logs(self.monitor, logs))
        if current is None:
            warnings.warn(
                f"ModelCheckpoint: Can save best model only with {self.monitor} available: expected it among "
                f"{', '.join(logs)}; the model is saved",
                stacklevel=2,
            )
            return True
        if np.ndim(current):
            warnings.warn(
                f"ModelCheckpoint: Can save best model only when `monitor` is a scalar value, got {current}; the model is "
                "saved",
                stacklevel=2,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(float(current), self.best):
            if self.verbose > 0:
                show(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}")
            return False
        if self.verbose > 0:
            show(f"\nEpoch {epoch + 1}: {self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        self.best = float(current)
        return True
