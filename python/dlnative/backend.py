"""Which backend runs: `backend()`, `set_backend(name)`, and `use_backend(name)` for a `with` block."""

from typing import Any

from dlnative import dtypes
from dlnative.backends.selection import backend, set_backend, use_backend
from dlnative.config import image_data_format, set_image_data_format
from dlnative.dtypes import floatx, set_floatx

__all__ = [
    "backend",
    "floatx",
    "image_data_format",
    "result_type",
    "set_backend",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
    "use_backend",
]


def epsilon() -> float:
    """Returns the small number that keeps probabilities away from 0 and 1, 1e-7."""
    return 1e-7


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
    for item in (item for item in types if item not in (int, float, bool)):
        name = standardize_dtype(item)
        found = name if found is None else dtypes.result_type(found, name)
    for kind in (item for item in types if item in (int, float, bool)):
        found = standardize_dtype(kind) if found is None else dtypes.of_scalar(kind(0), found)
    return found or dtypes.floatx()
