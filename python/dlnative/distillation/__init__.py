"""Training a small model with the help of a large one."""

from dlnative.distillation.distiller import Distiller
from dlnative.distillation.losses import DistillationLoss, FeatureDistillation, LogitsDistillation

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]
