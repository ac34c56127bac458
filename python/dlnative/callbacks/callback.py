"""The base of all callbacks, and the list that calls them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class Callback:
    """Is told what training does, and may change the model or stop it.

    A subclass writes the hooks it needs. `self.model` is the model, `self.params` a dict with `verbose`, `epochs` and
    `steps`. `logs` holds the metrics by name. Writing a hook of single batches makes training stop at each batch.
    """

    _model: weakref.ref[Any] | None = None

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receives the model."""
        self._model = None if model is None else weakref.ref(model)

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a callback belong to no model yet."""
        return {**self.__dict__, "_model": None}

    @property
    def model(self) -> Any:
        """The model, as long as somebody uses it; `None` before `set_model`."""
        return None if self._model is None else self._model()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called before an epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called after an epoch."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called before a training step."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Is called after a training step."""

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

    # Keras's other names of the hooks of training steps.
    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end


_HOOKS = tuple(
    name for name in vars(Callback) if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end")
)


class CallbackList:
    """Calls the hooks of several callbacks, and only those that they have written.

    Args:
        callbacks: callbacks in a list, one callback, or `None`.
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

        given = callbacks if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
        self.callbacks: list[Any] = list(given)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks: expected callbacks, got {callback!r}")
        if add_progbar and not any(isinstance(callback, ProgbarLogger) for callback in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if add_history:
            histories = [callback for callback in self.callbacks if isinstance(callback, History)]
            self.callbacks += [] if histories else [History()]
            model.history = (histories or self.callbacks)[-1]
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
        self._hooks: dict[str, list[Callable[..., None]]] = {
            name: [getattr(callback, name) for callback in self.callbacks if _writes(callback, name)] for name in _HOOKS
        }
        self._progress = [callback for callback in self.callbacks if isinstance(callback, ProgbarLogger)]
        self.shows_progress = bool(self._progress) and params.get("verbose") == 1

    def wants_batches(self, mode: str) -> bool:
        """Tells whether a callback has written a hook of single batches of `"train"`, `"test"` or `"predict"`."""
        return bool(self._hooks[f"on_{mode}_batch_begin"] or self._hooks[f"on_{mode}_batch_end"])

    def progress(self, step: int, logs: dict[str, Any]) -> None:
        """Shows how many steps are done."""
        for callback in self._progress:
            callback.update(step, logs)

    def _call(self, name: str, *args: Any) -> None:
        for hook in self._hooks[name]:
            hook(*args)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_begin", epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_end", epoch, logs or {})

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_batch_begin", batch, logs or {})

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_batch_end", batch, logs or {})

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_batch_begin", batch, logs or {})

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_batch_end", batch, logs or {})

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_batch_begin", batch, logs or {})

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_batch_end", batch, logs or {})

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_begin", logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_end", logs or {})

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_begin", logs or {})

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_end", logs or {})

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_begin", logs or {})

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_end", logs or {})


def _writes(callback: Callback, name: str) -> bool:
    """Tells whether a callback has a hook of its own."""
    return getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)
