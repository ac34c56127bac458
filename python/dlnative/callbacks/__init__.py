"""Callbacks."""

from dlnative.callbacks.averages import SwapEMAWeights
from dlnative.callbacks.callback import Callback, CallbackList
from dlnative.callbacks.control import LambdaCallback, TerminateOnNaN
from dlnative.callbacks.early_stopping import EarlyStopping
from dlnative.callbacks.history import CSVLogger, History
from dlnative.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from dlnative.callbacks.monitor import MonitorCallback
from dlnative.callbacks.progress import ProgbarLogger

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
