"""dlnative: deep learning with a native core and Keras's API.

`import dlnative as keras` runs a Keras program that uses what dlnative has. `compile()` means compile: the network, its
gradient, the loss, the metrics and the optimizer become one plan of native kernels.
"""

from __future__ import annotations

import gc as _gc
import sys as _sys
from typing import TYPE_CHECKING

# An import makes much and drops nothing: Python's search for cycles would go through all of it several times.
_collects = _gc.isenabled()
_gc.disable()
try:
    from dlnative import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        dtype_policies,
        initializers,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        random,
        regularizers,
        utils,
    )
    from dlnative.config import build_config, device, num_threads, set_num_threads
    from dlnative.dtype_policies import DTypePolicy, FloatDTypePolicy
    from dlnative.gradient import grad, value_and_grad
    from dlnative.graph.name_scope import name_scope
    from dlnative.graph.variable import Variable
    from dlnative.initializers import Initializer
    from dlnative.layers import Input, InputSpec, Layer
    from dlnative.layers.remat_scope import RematScope
    from dlnative.legacy import modules as _older_modules
    from dlnative.losses import Loss
    from dlnative.metrics import Metric
    from dlnative.models import Model, Sequential
    from dlnative.models.function import Function
    from dlnative.optimizers import Optimizer
    from dlnative.regularizers import Regularizer
    from dlnative.symbolic import KerasTensor
    from dlnative.utils.lazy import lazily as _lazily
finally:
    if _collects:
        _gc.enable()

if TYPE_CHECKING:
    from dlnative import applications as applications
    from dlnative import classic as classic
    from dlnative import datasets as datasets
    from dlnative import distillation as distillation
    from dlnative import generation as generation
    from dlnative import mixed_precision as mixed_precision
    from dlnative import onnx as onnx
    from dlnative import preprocessing as preprocessing
    from dlnative import saving as saving
    from dlnative import tree as tree
    from dlnative import tuning as tuning
    from dlnative import visualization as visualization
    from dlnative import wrappers as wrappers
    from dlnative.graph.stateless import StatelessScope as StatelessScope
    from dlnative.operation import Operation as Operation
    from dlnative.ops.remat import remat as remat
    from dlnative.verification import Report

__version__ = "0.1.0"


def selftest(backend: str = "cpu", verbose: bool = True) -> Report:
    """Compares every kernel of this installation with the reference, and says what it found.

    Args:
        backend: the backend to test.
        verbose: whether the result is printed.

    Returns:
        A report with `checked`, `failures` and `passed`.
    """
    from dlnative import verification

    return verification.selftest(backend, verbose)


def version() -> str:
    """Returns the version, as `__version__` has it."""
    return __version__


_sys.meta_path.append(_older_modules.Finder)
__getattr__ = _lazily(
    __name__,
    {
        "applications": (), "classic": (), "datasets": (), "distillation": (), "generation": (),
        "graph.stateless": ("StatelessScope",), "mixed_precision": (), "onnx": (), "operation": ("Operation",),
        "ops.remat": ("remat",), "preprocessing": (), "saving": (), "tree": (), "tuning": (), "visualization": (),
        "wrappers": (),
    },
)  # fmt: skip
__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "Variable",
    "activations",
    "applications",
    "backend",
    "build_config",
    "callbacks",
    "classic",
    "config",
    "constraints",
    "datasets",
    "device",
    "distillation",
    "dtype_policies",
    "generation",
    "grad",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "num_threads",
    "onnx",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "selftest",
    "set_num_threads",
    "tree",
    "tuning",
    "utils",
    "value_and_grad",
    "version",
    "visualization",
    "wrappers",
]
