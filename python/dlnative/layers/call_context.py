"""What holds while layers call layers: whether the model trains, and the path of names to the layer that runs."""

from __future__ import annotations

from _thread import _local as ThreadLocal  # as in threading, which takes 3 ms to import
from typing import Any


class CallContext(ThreadLocal):
    """The calls of layers that are running on this thread.

    Attributes:
        training: the `training` argument that the innermost call was given or took over; `None`: nobody said.
        layer: the innermost layer that is called or built; `None` outside of all.
        path: the names of the layers around and of that one, with slashes between.
    """

    training: bool | None = None
    layer: Any = None
    path: str = ""


context = CallContext()


class Scope:
    """A `with` block in which a layer is the innermost; a layer that is so already stays so once.

    Args:
        layer: the layer.
    """

    __slots__ = ("_before", "_layer")

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def __enter__(self) -> None:
        before = self._before = context.layer, context.path
        layer = self._layer
        if before[0] is not layer:
            around = before[1]
            context.path = f"{around}/{layer.name}" if around else layer._path or layer.name
            context.layer = layer

    def __exit__(self, *error: object) -> None:
        context.layer, context.path = self._before
