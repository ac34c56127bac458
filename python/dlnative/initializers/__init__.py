"""How weights begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.variable import named_initializers
from dlnative.initializers.constant import STFT, Constant, Identity, Initializer, Ones, Zeros
from dlnative.initializers.draws import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from dlnative.utils.registry import Registry

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFT",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

_registry = Registry(
    "initializer",
    Initializer,
    [
        Zeros, Ones, Constant, Identity, RandomNormal, TruncatedNormal, RandomUniform, VarianceScaling, GlorotUniform,
        GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal, STFT,
    ],
    {
        "normal": RandomNormal, "uniform": RandomUniform, "zero": Zeros, "one": Ones, "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal, "STFTInitializer": STFT,
    },
)  # fmt: skip
serialize, deserialize = _registry.serialize, _registry.deserialize

# Keras's other names of the classes.
zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform, lecun_normal, lecun_uniform = HeNormal, HeUniform, LecunNormal, LecunUniform
IdentityInitializer, OrthogonalInitializer, STFTInitializer, stft = Identity, Orthogonal, STFT, STFT


class _Values:
    """The values of an array, for weights of its shape."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        if tuple(shape) != tuple(self.values.shape):
            raise ValueError(f"initializer: Expected `shape` to be {tuple(self.values.shape)}, got {tuple(shape)}")
        return np.asarray(self.values).astype(dtypes.NUMPY[dtypes.standardize(dtype)])


def get(identifier: Any) -> Any:
    """Returns an initializer given as itself, a class, a name, an array, a number, a function or a config.

    An array initializes weights of its shape alone; a number or a list is a constant.
    """
    if isinstance(identifier, np.ndarray) and identifier.ndim:
        return _Values(identifier)
    if isinstance(identifier, (np.ndarray, np.generic, list, int, float)):
        return Constant(identifier)
    return _registry.get(identifier)


named_initializers.append(get)
