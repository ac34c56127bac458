"""Types to compute in beside types to keep variables in: Keras's older names of `dtype_policies`."""

from dlnative.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from dlnative.optimizers.loss_scale import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
