"""Callbacks made of functions, and one that stops when the loss is lost."""

from __future__ import annotations

import math
from typing import Any

from dlnative.callbacks.callback import Callback
from dlnative.utils.terminal import show


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    It looks after each batch, as in Keras, so training comes back to Python there. `fit` does not refuse data that are NaN
    or infinite when it is among its callbacks.

    Args:
        raise_error: whether `fit` ends with a RuntimeError instead, without the work that comes at its end.
    """

    looks_for_nan = True

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"TerminateOnNaN: NaN or Inf loss encountered at batch {batch}: got {float(loss)}")
        show(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end: functions with
            the hooks' arguments.
        **kwargs: functions for the other hooks, and attributes of other names.

    Raises:
        ValueError: for a name that begins with `on_` and is no hook.
    """

    def __init__(
        self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None,
        on_train_batch_begin: Any = None, on_train_batch_end: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end, **kwargs,
        }  # fmt: skip
        for name, function in hooks.items():
            if name.startswith("on_") and not hasattr(Callback, name):
                raise ValueError(f'LambdaCallback: expected a hook of Callback, got "{name}"')
            if function is not None:
                setattr(self, name, function)
