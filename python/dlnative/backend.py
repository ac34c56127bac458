"""Which backend runs: `backend()`, `set_backend(name)`, and `use_backend(name)` for a `with` block."""

from dlnative.backends.selection import backend, set_backend, use_backend
from dlnative.dtypes import floatx, set_floatx

__all__ = ["backend", "floatx", "set_backend", "set_floatx", "use_backend"]


def epsilon() -> float:
    """Returns the small number that keeps probabilities away from 0 and 1, 1e-7."""
    return 1e-7
