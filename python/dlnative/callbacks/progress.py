"""Shows progress while training."""

from __future__ import annotations

from typing import Any

from dlnative.callbacks.callback import Callback
from dlnative.utils.progbar import Progbar
from dlnative.utils.terminal import show


class ProgbarLogger(Callback):
    """Shows a progress bar for each epoch, of `evaluate`, or of `predict`."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progbar | None = None
        self._in_fit = False

    def _begin(self) -> None:
        # The metrics are means of an epoch already: nothing is averaged once more.
        self._bar = Progbar(self.params.get("steps"), verbose=self.params.get("verbose", 1), stateless_metrics=())

    def update(self, step: int, logs: dict[str, Any] | None = None) -> None:
        """Shows that `step` steps are done; called now and then, not at each step."""
        if self._bar is not None:
            self._bar.update(step, list((logs or {}).items()), finalize=False)

    def _end(self, logs: dict[str, Any] | None) -> None:
        if self._bar is not None:
            self._bar.target = self._bar.target or self._bar.seen
            self._bar.update(self._bar.target, list((logs or {}).items()), finalize=True)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin()
        if self.params.get("verbose") and self.params.get("epochs", 1) > 1:
            show(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._end(logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self._in_fit:
            self._begin()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self._in_fit:
            self._end(logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._begin()

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._end(None)
