"""Models."""

from dlnative.models.functional import Functional
from dlnative.models.model import Model
from dlnative.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
