"""The mathematics of `keras.backend`, by its older names: `K.mean`, `K.square`, `K.dot`. Each is a function of `ops`."""

from __future__ import annotations

from dlnative import ops
from dlnative.config import image_data_format, set_image_data_format
from dlnative.graph.name_scope import name_scope
from dlnative.legacy.backend import networks, random, tensors, variables

# What has the same name and meaning in `ops`.
_SAME = (
    "abs", "all", "any", "binary_crossentropy", "categorical_crossentropy", "clip", "cos", "cumprod", "cumsum", "equal", "exp",
    "greater", "greater_equal", "less", "less_equal", "log", "max", "maximum", "mean", "min", "minimum", "not_equal",
    "ones_like", "prod", "reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign",
    "sparse_categorical_crossentropy", "sqrt", "square", "squeeze", "stack", "std", "sum", "tanh", "tile", "transpose", "var",
    "zeros_like",
)  # fmt: skip
_HOMES = {name: home for home in (networks, random, tensors, variables) for name in home.__all__}
__all__ = ["image_dim_ordering", "learning_phase", "name_scope", "set_image_dim_ordering", *_SAME, *_HOMES]
globals().update(
    {name: getattr(ops, name) for name in _SAME}, **{name: getattr(home, name) for name, home in _HOMES.items()}
)


def learning_phase() -> int:
    """Returns 1 inside a layer that is called with `training=True`, 0 elsewhere."""
    from dlnative.layers.call_context import context

    return int(bool(context.training))


def image_dim_ordering() -> str:
    """Returns `"tf"` where channels are last, `"th"` where they are first."""
    return "tf" if image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Sets where the channels of images are.

    Args:
        dim_ordering: `"tf"` for last, `"th"` for first.

    Raises:
        ValueError: for anything else.
    """
    if dim_ordering not in ("tf", "th"):
        raise ValueError(f'set_image_dim_ordering: expected "tf" or "th", got {dim_ordering!r}')
    set_image_data_format("channels_last" if dim_ordering == "tf" else "channels_first")
