"""What `call` and `build` of a layer take, looked up once for each class."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.graph.variable import Variable

if TYPE_CHECKING:
    import inspect


class CallSignature:
    """The arguments of a layer's `call`, seen through decorators.

    Args:
        call: the method, bound to a layer.
    """

    __slots__ = (
        "call", "defaults", "first", "masks", "names", "needed", "positional", "signature", "takes_mask", "takes_masks",
        "takes_training",
    )  # fmt: skip

    def __init__(self, call: Callable[..., Any]) -> None:
        import inspect

        self.call = getattr(call, "__func__", call)
        self.signature: inspect.Signature = inspect.signature(call)
        parameters = self.signature.parameters.values()
        plain = [item for item in parameters if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)]
        self.names = frozenset(item.name for item in plain)
        self.defaults = {item.name: item.default for item in plain if item.default is not item.empty}
        self.positional = tuple(item.name for item in plain if item.kind is not item.KEYWORD_ONLY)
        self.needed = tuple(name for name in self.positional if name not in self.defaults)
        self.first = next((item.name for item in parameters), "")
        self.takes_training = "training" in self.names
        self.takes_mask = "mask" in self.names
        # Names of arguments that take the mask of one input among several.
        self.masks = frozenset(name for name in self.names if name.endswith("_mask") and name[:-5] in self.names)
        self.takes_masks = self.takes_mask or bool(self.masks)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Returns the arguments by name, without defaults.

        Raises:
            TypeError: if `call` does not take them.
        """
        if len(args) <= len(self.positional) and self.positional:
            bound = dict(zip(self.positional, args, strict=False))
            if not kwargs:
                if len(bound) + len(self.defaults) >= len(self.names):
                    return bound
            elif kwargs.keys() <= self.names and not (bound.keys() & kwargs.keys()):
                bound.update(kwargs)
                if self.names - bound.keys() <= self.defaults.keys():
                    return bound
        return dict(self.signature.bind(*args, **kwargs).arguments)


def call_signature(layer: Any) -> CallSignature:
    """Returns the signature of a layer's `call`, which its class holds until it has another one."""
    cls = type(layer)
    if "call" in layer.__dict__:  # this layer's own
        return CallSignature(layer.call)
    found: CallSignature | None = cls.__dict__.get("_call_signature")
    if found is None or found.call is not cls.call:
        found = CallSignature(layer.call)
        cls._call_signature = found
    return found


def is_tensor(x: Any) -> bool:
    return isinstance(x, (Tensor, np.ndarray, Variable)) or dtypes.lies_on_a_device(x)


def tensor_arguments(label: str, bound: dict[str, Any]) -> dict[str, Any]:
    """Returns those of the arguments that are tensors or arrays, or nested ones of them.

    Raises:
        ValueError: if an argument mixes tensors and other things.
    """
    found: dict[str, Any] = {}
    for name, value in bound.items():
        if is_tensor(value):
            found[name] = value
        elif isinstance(value, (list, tuple, dict)) and value:
            leaves = flatten_structure(value)
            tensors = [leaf for leaf in leaves if is_tensor(leaf)]
            if tensors and len(tensors) < len(leaves):
                other = next(leaf for leaf in leaves if not is_tensor(leaf))
                raise ValueError(f"{label}: expected tensors alone in {name}, got {other!r} beside them")
            if tensors:
                found[name] = value
    return found


def shapes_of(tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns the shapes of tensor arguments under the names `<argument>_shape`; masks and catch-alls have none."""
    return {
        f"{name}_shape": map_structure(lambda leaf: None if leaf is None else tuple(leaf.shape), value)
        for name, value in tensors.items()
        if name not in ("mask", "args", "kwargs")
    }


def shape_names(method: Callable[..., Any]) -> tuple[str, ...]:
    """Returns the names of the arguments of a `build` or `compute_output_shape` as a class holds it."""
    found: tuple[str, ...] | None = getattr(method, "_shape_names", None)
    if found is None:
        import inspect

        parameters = list(inspect.signature(method).parameters.values())[1:]
        found = tuple([item.name for item in parameters if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)])
        with contextlib.suppress(AttributeError):
            method._shape_names = found  # type: ignore[attr-defined]
    return found


def shape_arguments(label: str, method: Callable[..., Any], layer: Any, shapes: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments for a `build` or `compute_output_shape`.

    One argument, whatever its name, takes the shape of the first tensor; several take those of the arguments of `call`
    that they are named after.

    Args:
        label: the layer, for messages.
        method: the method as the class holds it.
        layer: the layer.
        shapes: what `shapes_of` returned.

    Raises:
        ValueError: if an argument is not named after one of `call`.
    """
    names = shape_names(method)
    if len(names) == 1:
        return {names[0]: next(iter(shapes.values()), None)}
    taken = call_signature(layer).names
    for name in names:
        what = f"{label}: expected arguments of {method.__name__}() that are named after those of call()"
        if not name.endswith("_shape"):
            raise ValueError(f"{what}, got the argument `{name}`, which does not end in `_shape`")
        if name.removesuffix("_shape") not in taken:
            raise ValueError(
                f"{what}, got `{name}`, but `call()` does not have argument `{name.removesuffix('_shape')}`"
            )
    return {name: shapes.get(name) for name in names}
