"""What a step of PyTorch holds: the tensors saved for backward, and the most memory at once, by its allocator's log.

The log has what PyTorch's own allocator gives out. What its libraries take for themselves, such as room to pack a
matrix in, is not in it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch


def saved_for_backward(forward: Callable[[], Any], known: Iterable[torch.Tensor]) -> int:
    """Returns the bytes of memory kept for backward that is not that of the known tensors; each piece counts once."""
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = forward()
    for tensor in known:
        kept.pop(tensor.untyped_storage().data_ptr(), None)
    del loss
    return sum(kept.values())


def _events(step: Callable[[], Any]) -> list[tuple[int, int]]:
    """Returns (address, bytes) of what a step allocates and, with negative bytes, frees, in order."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        trace = json.loads(path.read_text())["traceEvents"]
    events = [event for event in trace if event.get("name") == "[memory]"]
    events.sort(key=lambda event: event["ts"])
    return [(event["args"]["Addr"], event["args"]["Bytes"]) for event in events]


def peaks(step: Callable[[], Any], parameters: Iterable[torch.Tensor]) -> dict[str, int]:
    """Returns the most bytes that a step holds at once, beyond what there was before it.

    Args:
        step: makes the gradients anew.
        parameters: whose gradients are told from temporary memory.

    Returns:
        `"temporary"`: the peak without the gradients. `"with gradients"`: the peak with them.
    """
    events = _events(step)
    gradients = {parameter.grad.untyped_storage().data_ptr() for parameter in parameters if parameter.grad is not None}
    last = {address: index for index, (address, size) in enumerate(events) if size > 0 and address in gradients}
    live: set[int] = set()
    temporary = everything = most_temporary = most = 0
    for index, (address, size) in enumerate(events):
        if size < 0 and address not in live:
            continue  # it was there before
        (live.add if size > 0 else live.remove)(address)
        everything += size
        if last.get(address) != index:
            temporary += size
        most_temporary, most = max(most_temporary, temporary), max(most, everything)
    return {"temporary": most_temporary, "with gradients": most}
