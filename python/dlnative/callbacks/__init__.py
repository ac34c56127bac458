"""Callbacks."""

from typing import TYPE_CHECKING

from dlnative.callbacks.callback import Callback, CallbackList
from dlnative.callbacks.history import CSVLogger, History
from dlnative.callbacks.progress import ProgbarLogger
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.callbacks.averages import SwapEMAWeights as SwapEMAWeights
    from dlnative.callbacks.backup_and_restore import BackupAndRestore as BackupAndRestore
    from dlnative.callbacks.control import LambdaCallback as LambdaCallback
    from dlnative.callbacks.control import TerminateOnNaN as TerminateOnNaN
    from dlnative.callbacks.early_stopping import EarlyStopping as EarlyStopping
    from dlnative.callbacks.learning_rate import LearningRateScheduler as LearningRateScheduler
    from dlnative.callbacks.learning_rate import ReduceLROnPlateau as ReduceLROnPlateau
    from dlnative.callbacks.model_checkpoint import ModelCheckpoint as ModelCheckpoint
    from dlnative.callbacks.monitor import MonitorCallback as MonitorCallback
    from dlnative.callbacks.remote_monitor import RemoteMonitor as RemoteMonitor
    from dlnative.callbacks.tensorboard import TensorBoard as TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

__getattr__ = lazily(
    __name__,
    {
        "averages": ["SwapEMAWeights"],
        "backup_and_restore": ["BackupAndRestore"],
        "control": ["LambdaCallback", "TerminateOnNaN"],
        "early_stopping": ["EarlyStopping"],
        "learning_rate": ["LearningRateScheduler", "ReduceLROnPlateau"],
        "model_checkpoint": ["ModelCheckpoint"],
        "monitor": ["MonitorCallback"],
        "remote_monitor": ["RemoteMonitor"],
        "tensorboard": ["TensorBoard"],
    },
)
