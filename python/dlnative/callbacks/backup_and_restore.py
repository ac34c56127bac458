"""Lets a training that was interrupted go on where it was."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from dlnative.callbacks.callback import Callback
from dlnative.callbacks.model_checkpoint import EveryBatches
from dlnative.utils.checks import flag


class BackupAndRestore(Callback):
    """Keeps the state of training in a folder, and goes on from there when the program is started again.

    That is all that the next step depends on: the weights, the state of the optimizer and of the metrics, random numbers,
    and the place in the data. So a run that was interrupted, even by a power cut, ends with the same bits as one that was
    not. What other callbacks keep is not part of it.

    The model must be made, and `fit` be called, as before. Data from a generator are read up to the place again.

    Args:
        backup_dir: the folder, for this callback alone. It is removed when training has ended.
        save_freq: `"epoch"`, or after how many batches to save.
        double_checkpoint: whether the state before is kept as well, in case that the last file is damaged.
        delete_checkpoint: whether the folder is removed when training has ended.

    Raises:
        ValueError: if an argument cannot be right; in `fit`, if the model is not the one that was saved.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import dlnative
        >>> class Cut(dlnative.callbacks.Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         if epoch == 3:
        ...             raise KeyboardInterrupt
        >>> model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     backup = dlnative.callbacks.BackupAndRestore(os.path.join(folder, "backup"))
        ...     try:
        ...         _ = model.fit(x, y, epochs=5, verbose=0, callbacks=[backup, Cut()])
        ...     except KeyboardInterrupt:
        ...         history = model.fit(x, y, epochs=5, verbose=0, callbacks=[backup])
        >>> history.epoch
        [3, 4]
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("BackupAndRestore: Empty `backup_dir` argument passed: expected the name of a folder")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = flag("BackupAndRestore", "double_checkpoint", double_checkpoint)
        self.delete_checkpoint = flag("BackupAndRestore", "delete_checkpoint", delete_checkpoint)
        self._due = EveryBatches("BackupAndRestore", save_freq)
        self._current_epoch = 0
        self._last_batch_seen = 0
        self._path = os.path.join(self.backup_dir, "latest.weights.h5")
        self._previous = f"{self._path}.bkp"
        if save_freq != "epoch":  # a hook of batches makes training stop at each
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        from dlnative.saving import checkpoint

        if not self.model.built:
            raise ValueError(
                f"BackupAndRestore: expected {self.model._label} to be built before fit() is called: the model must be built"
            )
        left = [path for path in (self._path, self._previous) if os.path.exists(path)]
        for path in left:
            try:
                place = checkpoint.restore(self.model, path)
            except (OSError, ValueError):
                if path == left[-1]:
                    raise
                continue
            self._current_epoch = place["epoch"]
            return

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch + 1
        self._last_batch_seen = 0
        if self.save_freq == "epoch":
            self._save(0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._last_batch_seen = batch
        if self._due(batch):
            self._save(batch + 1)

    def _save(self, done: int) -> None:
        from dlnative.saving import checkpoint

        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._path):
            _keep(self._path, self._previous)
        checkpoint.save(self.model, self._path, self._current_epoch, done)
        metadata = {"epoch": self._current_epoch, "batch": self._last_batch_seen}
        checkpoint.write_text(os.path.join(self.backup_dir, "training_metadata.json"), json.dumps(metadata))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.delete_checkpoint and os.path.exists(self.backup_dir):
            shutil.rmtree(self.backup_dir)


def _keep(path: str, other: str) -> None:
    """Gives a file a second name, which it keeps when a new one takes its place; a copy where that cannot be."""
    temporary = f"{other}.{os.getpid()}"
    try:
        os.link(path, temporary)
    except OSError:
        shutil.copyfile(path, temporary)
    os.replace(temporary, other)
