"""Which backend runs: `backend()`, `set_backend(name)`, and `use_backend(name)` for a `with` block.

The mathematics of Keras's older `backend` (`K.mean`, `K.square`, `K.int_shape`) is here, too: see `legacy.backend`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative import dtypes
from dlnative.backends.selection import backend, set_backend, use_backend
from dlnative.config import image_data_format, set_image_data_format
from dlnative.dtypes import epsilon, floatx, set_epsilon, set_floatx

if TYPE_CHECKING:
    from dlnative.utils import clear_session as clear_session
    from dlnative.utils import get_uid as get_uid
    from dlnative.utils import is_keras_tensor as is_keras_tensor

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
    "use_backend",
]


def standardize_dtype(dtype: Any) -> str:
    """Returns the name of an element type; `None` is the default float type.

    Args:
        dtype: a name, a type of Python, NumPy or another library whose types bear names.

    Raises:
        ValueError: if there is no such type.

    Example:
        >>> import numpy as np
        >>> standardize_dtype(np.float64)
        'float64'
    """
    if dtype is not None and not isinstance(dtype, (str, type)) and str(dtype).startswith("torch."):
        dtype = str(dtype).removeprefix("torch.")
    return dtypes.standardize(dtype)


def result_type(*types: Any) -> str:
    """Returns the type in which tensors of some types, and numbers of Python's types, meet.

    Args:
        *types: types, as `standardize_dtype` takes them; `int` and `float` leave the type of tensors as it is where they can.

    Example:
        >>> result_type("int32", "float16"), result_type("float16", float)
        ('float16', 'float16')
    """
    found: str | None = None
    of_python = {id(kind) for kind in (int, float, bool)}  # by identity: NumPy's dtype("bool") is equal to bool
    for item in (item for item in types if id(item) not in of_python):
        name = standardize_dtype(item)
        found = name if found is None else dtypes.result_type(found, name)
    for kind in (item for item in types if id(item) in of_python):
        found = standardize_dtype(kind) if found is None else dtypes.of_scalar(kind(0), found)
    return found or dtypes.floatx()


def is_float_dtype(dtype: Any) -> bool:
    """Tells whether an element type is one of floats."""
    return dtypes.is_float(standardize_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Tells whether an element type is one of integers; `bool` is not."""
    return standardize_dtype(dtype).startswith(("int", "uint"))


def __getattr__(name: str) -> Any:
    """Finds what few programs use."""
    if name in ("clear_session", "get_uid", "is_keras_tensor"):
        from dlnative import utils

        return getattr(utils, name)
    if name in ("function", "gradients", "placeholder"):
        from dlnative.legacy import graph_mode

        return getattr(graph_mode, name)
    if not name.startswith("_"):
        from dlnative.legacy import backend as legacy

        if name in legacy.__all__:
            return getattr(legacy, name)
    raise AttributeError(f"module 'dlnative.backend' has no attribute {name!r}")
