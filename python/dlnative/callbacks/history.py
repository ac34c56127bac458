"""Callbacks that keep what happened: History and CSVLogger."""

from __future__ import annotations

import os
import weakref
from typing import Any

import numpy as np

from dlnative.callbacks.callback import Callback


class _Logged(dict[str, list[Any]]):
    """Lists by name, among which accuracy is found under both of its names."""

    def __missing__(self, name: str) -> list[Any]:
        from dlnative.legacy.names import in_logs

        found = in_logs(name, self)
        if found == name:
            raise KeyError(name)
        return self[found]


class History(Callback):
    """Keeps the metrics of each epoch; `fit` returns one.

    `history` maps a metric's name to a list with a value for each epoch, `epoch` lists the epochs. As the model holds its
    history, this does not hold the model: both are gone when nobody uses the model any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = _Logged()
        self.epoch: list[int] = []

    def set_model(self, model: Any) -> None:
        self._model = None if model is None else weakref.ref(model)

    @property
    def model(self) -> Any:
        """The model, as long as somebody uses it."""
        return None if self._model is None else self._model()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.__dict__["history"] = self

    def plot(self, path: Any = None) -> Any:
        """Draws the learning curves: a panel for each metric, training and validation in it.

        Args:
            path: an image file to write; without matplotlib it is an SVG file, whatever the ending.

        Returns:
            A chart, which a notebook shows, with a method `save`.

        Raises:
            ValueError: if no epoch was trained.
        """
        from dlnative.utils.charts import Chart, Panel, Series

        if not self.epoch:
            raise ValueError("History.plot: expected at least one epoch, got none")
        panels = []
        for name in [
            name for name in self.history if name.removeprefix("val_") == name or name[4:] not in self.history
        ]:
            curves = [(name, "training"), (f"val_{name}", "validation")]
            series = [
                Series(
                    [epoch + 1 for epoch in self.epoch[-len(values) :]],
                    [float(np.mean(value)) for value in values],
                    label,
                )
                for key, label in curves
                if (values := self.history.get(key))
            ]
            panels.append(Panel(name, "epoch", name, series))
        chart = Chart(panels)
        if path is not None:
            chart.save(path)
        return chart


class CSVLogger(Callback):
    """Writes the metrics of each epoch to a CSV file.

    Args:
        filename: the file.
        separator: what stands between the columns.
        append: whether an existing file is continued.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._file: Any = None
        self._writer: Any = None
        self._keys: list[str] | None = None
        self._header = True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._close()
        self._header = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0)
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115
        self._keys = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        import csv

        logs = logs or {}
        if self._keys is None:
            self._keys = sorted(logs)
            if not any(key.startswith("val_") for key in self._keys):
                self._keys += [f"val_{key}" for key in self._keys]
            self._writer = csv.DictWriter(self._file, ["epoch", *self._keys], delimiter=self.separator)
            if self._header:
                self._writer.writeheader()
        self._writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self._keys}})
        self._file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    """Returns what stands in the table for a value: a vector in brackets, as in Keras."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
