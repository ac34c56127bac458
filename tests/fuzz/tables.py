"""All arguments that functions of `dlnative.ops` are made for, by name."""

from . import indexing, networks
from .arguments import ARGUMENTS

__all__ = ["ARGUMENTS", "indexing", "networks"]
