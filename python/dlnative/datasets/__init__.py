"""Data sets: one shipped with dlnative, others fetched on demand."""

from dlnative.datasets import digits, mnist

__all__ = ["digits", "mnist"]
