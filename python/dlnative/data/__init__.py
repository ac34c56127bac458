"""Where batches come from: arrays, generators and other iterables, `PyDataset`, `Dataset`; and how what is given becomes arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.data.batches import Batches, Chunk, Data, Passes
from dlnative.data.py_dataset import PyDataset
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.data.dataset import AUTOTUNE as AUTOTUNE
    from dlnative.data.dataset import Dataset as Dataset

__all__ = ["AUTOTUNE", "Batches", "Chunk", "Data", "Dataset", "Passes", "PyDataset"]

__getattr__ = lazily(__name__, {"dataset": ("AUTOTUNE", "Dataset")})
