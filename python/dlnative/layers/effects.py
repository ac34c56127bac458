"""What calls of layers leave behind beside their results: masks of what they return, and losses.

A symbolic tensor carries its mask in `_keras_mask`. Arrays cannot, and a layer's losses last until its next call: both are
kept here, by the identity of the array or layer and for as long as it lives, so that a call sees at once whether there is
anything at all.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative import version_counter as version
from dlnative.graph.stateless import scopes
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import flatten, flatten_structure, map_structure

if TYPE_CHECKING:
    from dlnative.layers.signature import CallSignature

# By the id of an array a weak reference to it, and its mask; by the id of a layer the same and its losses.
masks: dict[int, tuple[Any, Any]] = {}
losses: dict[int, tuple[Any, list[Any]]] = {}


class Effects(list[Any]):
    """What a traced call of a layer returns if it left anything behind.

    The outputs, their masks nested alike, the losses, and weak references to the layers that added them.
    """


def get_mask(x: Any) -> Any:
    """Returns the mask that travels with a tensor or array, or `None`."""
    if isinstance(x, Tensor):
        return getattr(x, "_keras_mask", None)
    found = masks.get(id(x)) if masks else None
    return found[1] if found is not None and found[0]() is x else None


def set_mask(x: Any, mask: Any) -> None:
    """Makes a mask travel with a tensor or array; `None` takes it away."""
    if isinstance(x, Tensor):
        x._keras_mask = mask
    elif isinstance(x, np.ndarray):
        key = id(x)
        if mask is None:
            masks.pop(key, None)
        else:
            masks[key] = weakref.ref(x, lambda _: masks.pop(key, None)), mask
            version.bump()  # the shortest ways to plans do not look for masks


def masks_of(structure: Any) -> Any:
    """Returns the masks of nested tensors or arrays, nested alike; `None` if there is none at all."""
    if isinstance(structure, Tensor):
        return getattr(structure, "_keras_mask", None)
    found = map_structure(get_mask, structure)
    return found if flatten_structure(found) else None


def fill_masks(signature: CallSignature, bound: dict[str, Any], tensors: dict[str, Any], kwargs: dict[str, Any]) -> Any:
    """Fills in masks that the caller of a layer left open; returns that of the first argument if one was given or found."""
    if signature.takes_mask:
        if bound.get("mask") is not None:
            return bound["mask"]
        if len(tensors) == 1:
            mask = masks_of(next(iter(tensors.values())))
            if mask is not None and (len(bound) == 1 or "mask" not in bound or "mask" in kwargs):
                kwargs["mask"] = mask
            return mask
    if signature.masks and len(tensors) > 1:
        for name, value in tensors.items():
            argument = f"{name}_mask"
            if argument in signature.masks and bound.get(argument) is None:
                mask = masks_of(value)
                if mask is not None:
                    kwargs[argument] = mask
    return None


def losses_of(layer: Any) -> list[Any]:
    """Returns the losses that a layer added in its latest call on arrays."""
    found = losses.get(id(layer))
    return list(found[1]) if found is not None and found[0]() is layer else []


def add_loss(layer: Any, loss: Any) -> None:
    """Keeps a loss that a layer added, until its next call."""
    for scope in scopes:
        scope.collect(loss)
    key = id(layer)
    if key not in losses:
        version.bump()  # the shortest ways to plans do not look for losses of earlier calls
    losses[key] = weakref.ref(layer, lambda _: losses.pop(key, None)), [*losses_of(layer), loss]


def forget_losses(layer: Any) -> None:
    """Forgets the losses of a layer and of the layers in it."""
    for inner in layer._flatten_layers():
        losses.pop(id(inner), None)


def unwrap(result: Any) -> Any:
    """Returns the outputs of a call on arrays, and keeps what else it left behind."""
    if result.__class__ is not Effects:
        return result
    outputs, output_masks, values, owners = result
    for leaf, mask in zip(flatten(outputs), flatten(output_masks), strict=False):
        if mask is not None:
            set_mask(leaf, mask)
    for reference, value in zip(owners, values, strict=True):
        owner = reference()
        if owner is not None:  # a layer that `call` made is gone, and nobody can ask it
            add_loss(owner, value)
    return outputs
