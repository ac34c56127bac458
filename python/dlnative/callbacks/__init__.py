"""Callbacks."""

from typing import TYPE_CHECKING

from dlnative.callbacks.callback import Callback, CallbackList
from dlnative.callbacks.history import CSVLogger, History
from dlnative.callbacks.progress import ProgbarLogger
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.callbacks.averages import SwapEMAWeights as SwapEMAWeights
    from dlnative.callbacks.control import LambdaCallback as LambdaCallback
    from dlnative.callbacks.control import TerminateOnNaN as TerminateOnNaN
    from dlnative.callbacks.early_stopping import EarlyStopping as EarlyStopping
    from dlnative.callbacks.learning_rate import LearningRateScheduler as LearningRateScheduler
    from dlnative.callbacks.learning_rate import ReduceLROnPlateau as ReduceLROnPlateau
    from dlnative.callbacks.monitor import MonitorCallback as MonitorCallback

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]

__getattr__ = lazily(
    __name__,
    {
        "averages": ["SwapEMAWeights"],
        "control": ["LambdaCallback", "TerminateOnNaN"],
        "early_stopping": ["EarlyStopping"],
        "learning_rate": ["LearningRateScheduler", "ReduceLROnPlateau"],
        "monitor": ["MonitorCallback"],
    },
)
