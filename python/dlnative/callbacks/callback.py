"""The base of all callbacks, and the list that calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class Callback:
    """Is told what training does, and may change the model or stop it.

    A subclass writes the hooks it needs. `self.model` is the model, `self.params` a dict with `verbose`, `epochs` and
    `steps`. `logs` holds the metrics by name. Writing a hook of single batches makes training stop at each batch.
    """

    _model: Any = None
    looks_for_nan = False  # whether it deals with a loss that is NaN, so that `fit` takes data that make one

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receives the model."""
        self._model = model

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a callback belong to no model yet."""
        return {**self.__dict__, "_model": None}

    @property
    def model(self) -> Any:
        """The model; `None` before `set_model`."""
        return self._model

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called before an epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called after an epoch."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called before a training step; calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called after a training step; calls `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called before a batch of `evaluate`, or of validation in `fit`."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called after a batch of `evaluate`, or of validation in `fit`."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called after a batch of `predict`."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Is called when `fit` begins."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Is called when `fit` ends."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Is called when `evaluate` or a validation begins."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Is called when `evaluate` or a validation ends."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Is called when `predict` begins."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Is called when `predict` ends."""


# Hooks whose own work is only to call another one.
_OTHER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}
# The hooks, and under which names each may have been written.
_HOOKS = {name: (name, _OTHER_NAMES.get(name, name)) for name in vars(Callback) if name.startswith("on_")}


class CallbackList(Callback):
    """Calls the hooks of several callbacks, and only those that they have written.

    Args:
        callbacks: callbacks in a list, also nested, one callback, another `CallbackList`, or `None`.
        add_history: whether a `History` is added, if there is none, and made `model.history`.
        add_progbar: whether a `ProgbarLogger` is added, if there is none.
        model: the model.
        **params: what `set_params` gives to the callbacks.

    Raises:
        TypeError: for an object that is no callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        from dlnative.callbacks.history import History
        from dlnative.callbacks.progress import ProgbarLogger

        super().__init__()
        self.callbacks: list[Any] = list(_flat(callbacks))
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks: expected callbacks, got {callback!r}")
        if add_progbar and not any(isinstance(callback, ProgbarLogger) for callback in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if add_history and not any(isinstance(callback, History) for callback in self.callbacks):
            self.callbacks.append(History())
        self._histories = [callback for callback in self.callbacks if isinstance(callback, History)]
        self._progress = [callback for callback in self.callbacks if isinstance(callback, ProgbarLogger)]
        self.set_model(model)
        self.set_params(params)
        self._hooks: dict[str, tuple[Callable[..., None], ...]] = dict.fromkeys(_HOOKS, ())
        for callback in self.callbacks:
            names = _written(callback)
            for name, ways in _HOOKS.items():
                if not names.isdisjoint(ways):
                    self._hooks[name] = (*self._hooks[name], getattr(callback, name))

    def set_params(self, params: dict[str, Any]) -> None:
        """Gives the callbacks `verbose`, `epochs` and `steps`."""
        super().set_params(params)
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Gives the callbacks the model, and the model its `history`."""
        super().set_model(model)
        if model is None:
            return
        if self._histories:
            model.__dict__["history"] = self._histories[-1]  # it holds nothing that a plan depends on
        for callback in self.callbacks:
            callback.set_model(model)

    @property
    def shows_progress(self) -> bool:
        """Whether a progress bar is drawn again and again."""
        return bool(self._progress) and self.params.get("verbose") == 1

    def wants_batches(self, mode: str) -> bool:
        """Tells whether a callback has written a hook of single batches of `"train"`, `"test"` or `"predict"`."""
        return bool(self._hooks[f"on_{mode}_batch_begin"] or self._hooks[f"on_{mode}_batch_end"])

    def progress(self, step: int, logs: dict[str, Any]) -> None:
        """Shows how many steps are done."""
        for callback in self._progress:
            callback.update(step, logs)

    def _call(self, name: str, *args: Any) -> None:
        hooks = self._hooks[name]
        if hooks:
            *numbers, logs = args
            logs = _numbers(logs)
            for hook in hooks:
                hook(*numbers, logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_batch_end", batch, logs)

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_batch_begin", batch, logs)

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_batch_end", batch, logs)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_end", logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_end", logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_begin", logs)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_end", logs)


def _written(callback: Callback) -> set[str]:
    """Returns the names of what a callback has of its own: hooks, and what else it and its classes define."""
    names = set(callback.__dict__)
    for cls in type(callback).__mro__:
        if cls is Callback:
            break
        names.update(cls.__dict__)
    return names


def _flat(callbacks: Any) -> Iterator[Any]:
    """Yields the callbacks in nested lists, tuples and `CallbackList`s."""
    if isinstance(callbacks, CallbackList):
        callbacks = callbacks.callbacks
    if isinstance(callbacks, (list, tuple)):
        for item in callbacks:
            yield from _flat(item)
    elif callbacks is not None:
        yield callbacks


def looks_for_nan(callbacks: Any) -> bool:
    """Tells whether one of the callbacks given to `fit` deals with a loss that is NaN."""
    return any(getattr(callback, "looks_for_nan", False) for callback in _flat(callbacks))


def _numbers(logs: dict[str, Any] | None) -> dict[str, Any]:
    """Returns logs whose NumPy scalars are Python numbers: the same dict if there are none."""
    if not logs:
        return {} if logs is None else logs
    for value in logs.values():
        if value.__class__ is not float and isinstance(value, _ARRAYS) and np.ndim(value) == 0:
            return {
                name: value.item() if isinstance(value, _ARRAYS) and np.ndim(value) == 0 else value
                for name, value in logs.items()
            }
    return logs


_ARRAYS = (np.ndarray, np.generic)
