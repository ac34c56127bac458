"""Where batches come from: arrays, generators and other iterables, `PyDataset`; and how what is given becomes arrays."""

from dlnative.data.batches import Batches, Chunk, Data, Passes
from dlnative.data.py_dataset import PyDataset

__all__ = ["Batches", "Chunk", "Data", "Passes", "PyDataset"]
