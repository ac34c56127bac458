"""What Keras lets variables say about several devices, of which there is one here."""

from __future__ import annotations

from typing import Any

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = (None, "none", "auto", "on_read", "on_write")


def check_devices(label: str, aggregation: Any, synchronization: Any = None) -> None:
    """Refuses what says nothing about how devices combine the values of a variable, and when.

    Raises:
        ValueError: in one line that begins with the label.
    """
    if aggregation not in _AGGREGATIONS:
        raise ValueError(f'{label}: expected an aggregation such as "none", got {aggregation!r}')
    if synchronization not in _SYNCHRONIZATIONS:
        raise ValueError(f'{label}: expected a synchronization such as "auto", got {synchronization!r}')
