"""Looks at a model with the running means of its variables."""

from __future__ import annotations

from typing import Any

from dlnative.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Gives the variables their running means while the model is evaluated, and takes them back afterwards.

    The optimizer keeps the means: `use_ema=True`.

    Args:
        swap_on_epoch: whether the means are also there from the end of an epoch to the beginning of the next, for callbacks
            that save the model then.

    Raises:
        ValueError: when the means are looked for, if the optimizer keeps none.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _swap(self, means: bool) -> None:
        """Puts means, or else values, into the variables."""
        if self._swapped is not means:
            self.model.optimizer.swap_averages()
            self._swapped = means

    def set_model(self, model: Any) -> None:
        if self._swapped and self._model is not None:  # an exception ended the run before
            self._swap(False)
        super().set_model(model)
        self._swapped = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not getattr(self.model.optimizer, "keeps_means", False):
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set: expected an optimizer that keeps means, got "
                f"{type(self.model.optimizer).__name__} without"
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swapped = False  # `fit` has given the variables their means for good

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)
