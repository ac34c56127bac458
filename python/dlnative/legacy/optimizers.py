"""Arguments of optimizers that Keras has given up: `lr` and `decay`."""

from __future__ import annotations

import warnings
from typing import Any

from dlnative.legacy.warning import renamed


def learning_rate(cls: str, unknown: dict[str, Any], today: Any) -> Any:
    """Returns the learning rate, and takes what it was once called out of the arguments.

    Args:
        cls: the optimizer, for messages.
        unknown: its further arguments, without `lr` and `decay` afterwards.
        today: the argument `learning_rate`.
    """
    decay = unknown.pop("decay", 0)
    if decay:
        warnings.warn(
            f"{cls}: decay has no effect, as in Keras 3: use learning_rate=InverseTimeDecay(learning_rate, 1, {decay!r})",
            FutureWarning,
            stacklevel=4,
        )
    if "lr" not in unknown:
        return today
    renamed(f"{cls}(lr=)", "learning_rate=")
    return unknown.pop("lr")
