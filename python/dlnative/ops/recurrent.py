"""Recurrent networks over whole sequences: SimpleRNN, LSTM and GRU."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.graph.tensor import Tensor
from dlnative.ops import recurrent_rows as recurrent_rows
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, dtype_of, invoke, operation, shown, to_symbol
from dlnative.ops.product import matmul


def _state(given: Any, x: Any, units: int) -> Any:
    """Returns a state of the type of x; zeros where none is given."""
    if given is not None:
        return cast(as_tensor(given), dtype_of(x))
    zero = np.zeros((), dtypes.NUMPY[dtype_of(x)])
    return invoke(OPS["broadcast_to"], (to_symbol(zero) if isinstance(x, Tensor) else zero,), ((x.shape[0], units),))


def _masks(mask: Any, like: Any) -> list[Any]:
    """Returns a mask as a number for each step, if there is one."""
    return [] if mask is None else [cast(cast(as_tensor(mask), "bool"), dtype_of(like))]


def _operands(name: str, inputs: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> tuple[Any, Any, Any, Any]:
    """Returns inputs and weights in the type of the inputs, which is one of floats."""
    x = to_float(inputs)
    if len(x.shape) != 3:
        raise ValueError(f"{name}: expected inputs of shape (batch, steps, features), got shape {tuple(x.shape)}")
    w, recurrent, b = (None if w is None else cast(as_tensor(w), dtype_of(x)) for w in (kernel, recurrent_kernel, bias))
    return x, w, recurrent, b


def _projected(x: Any, kernel: Any, bias: Any) -> Any:
    """Returns what the gates get of the inputs: one product for all steps."""
    z = matmul(x, kernel)
    return z if bias is None else z + bias


@operation
def lstm(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    go_backwards: bool = False,
) -> tuple[Any, Any, Any]:
    """Runs a long short-term memory over sequences.

    `i, f, g, o = x_t kernel + h_{t-1} recurrent_kernel + bias`, of which i, f and o go through a sigmoid and g through tanh;
    `c_t = f c_{t-1} + i g` and `h_t = o tanh(c_t)`.

    Args:
        inputs: of shape `(batch, steps, features)`.
        kernel: of shape `(features, 4 units)`.
        recurrent_kernel: of shape `(units, 4 units)`.
        bias: of shape `(4 units,)`, or `None`.
        initial_state: h and c before the first step, each `(batch, units)`; zeros by default.
        mask: of shape `(batch, steps)`; where it is false, h and c stay as they are.
        go_backwards: whether the last step is the first.

    Returns:
        h of all steps, in the order of the inputs, `(batch, steps, units)`; h and c after the last step.

    Raises:
        ValueError: for shapes that do not fit.

    Source:
        Hochreiter and Schmidhuber, "Long short-term memory", 1997; Gers et al., "Learning to forget", 2000.

    Example:
        >>> import numpy as np
        >>> h, h_last, c_last = lstm(np.ones((1, 2, 3)), np.zeros((3, 4)), np.zeros((1, 4)), np.array([0.0, 0.0, 1.0, 0.0]))
        >>> h.round(4).tolist(), c_last.round(4).tolist()
        ([[[0.1817], [0.2581]]], [[0.5712]])
    """
    x, w, recurrent, bias = _operands("lstm", inputs, kernel, recurrent_kernel, bias)
    if initial_state is not None and len(initial_state) != 2:
        raise ValueError(f"lstm: expected two initial states, got {shown(initial_state)}")
    z = _projected(x, w, bias)
    h0, c0 = (_state(given, z, recurrent.shape[0]) for given in (initial_state or (None, None)))
    made = invoke(OPS["lstm"], (z, h0, c0, recurrent, *_masks(mask, z)), (bool(go_backwards),))
    return made[0], made[1], made[2]


@operation
def gru(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    recurrent_bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    go_backwards: bool = False,
    reset_after: bool = True,
) -> tuple[Any, Any]:
    """Runs a gated recurrent unit over sequences.

    `z = s(x_z + h_z)`, `r = s(x_r + h_r)`, with the sigmoid s, and `h' = z h + (1 - z) n`, where x_z, x_r, x_n are the parts of
    `x_t kernel + bias` and h_z, h_r, h_n those of `h recurrent_kernel + recurrent_bias`. With `reset_after`,
    `n = tanh(x_n + r h_n)`; otherwise `n = tanh(x_n + (r h) recurrent_kernel_n)`.

    Args:
        inputs: of shape `(batch, steps, features)`.
        kernel: of shape `(features, 3 units)`.
        recurrent_kernel: of shape `(units, 3 units)`.
        bias: of shape `(3 units,)`, or `None`.
        recurrent_bias: of shape `(3 units,)`, with `reset_after` only, or `None`.
        initial_state: h before the first step, `(batch, units)`; zeros by default.
        mask: of shape `(batch, steps)`; where it is false, h stays as it is.
        go_backwards: whether the last step is the first.
        reset_after: whether r is applied after the product.

    Returns:
        h of all steps, in the order of the inputs, `(batch, steps, units)`, and h after the last step.

    Raises:
        ValueError: for shapes that do not fit, or a recurrent bias without `reset_after`.

    Source:
        Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.

    Example:
        >>> import numpy as np
        >>> h, last = gru(np.ones((1, 2, 3)), np.zeros((3, 3)), np.zeros((1, 3)), np.array([0.0, 0.0, 1.0]))
        >>> h.round(4).tolist(), last.round(4).tolist()
        ([[[0.3808], [0.5712]]], [[0.5712]])
    """
    x, w, recurrent, bias = _operands("gru", inputs, kernel, recurrent_kernel, bias)
    if recurrent_bias is not None and not reset_after:
        raise ValueError("gru: expected a recurrent bias with reset_after=True only, got one without")
    z = _projected(x, w, bias)
    others = _masks(mask, z)
    if reset_after:
        zeros = np.zeros(recurrent.shape[-1:], dtypes.NUMPY[dtype_of(z)])
        others.insert(0, zeros if recurrent_bias is None else cast(as_tensor(recurrent_bias), dtype_of(z)))
    h0 = _state(initial_state, z, recurrent.shape[0])
    attributes = (bool(go_backwards), bool(reset_after), mask is not None)
    made = invoke(OPS["gru"], (z, h0, recurrent, *others), attributes)
    return made[0], made[1]


@operation
def simple_rnn(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    go_backwards: bool = False,
) -> tuple[Any, Any]:
    """Runs a simple recurrent network over sequences: `h_t = tanh(x_t kernel + h_{t-1} recurrent_kernel + bias)`.

    Args:
        inputs: of shape `(batch, steps, features)`.
        kernel: of shape `(features, units)`.
        recurrent_kernel: of shape `(units, units)`.
        bias: of shape `(units,)`, or `None`.
        initial_state: h before the first step, `(batch, units)`; zeros by default.
        mask: of shape `(batch, steps)`; where it is false, h stays as it is.
        go_backwards: whether the last step is the first.

    Returns:
        h of all steps, in the order of the inputs, `(batch, steps, units)`, and h after the last step.

    Raises:
        ValueError: for shapes that do not fit.

    Source:
        Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Example:
        >>> import numpy as np
        >>> h, last = simple_rnn(np.ones((1, 2, 1)), np.ones((1, 1)), np.ones((1, 1)))
        >>> h.round(4).tolist(), last.round(4).tolist()
        ([[[0.7616], [0.9427]]], [[0.9427]])
    """
    x, w, recurrent, bias = _operands("simple_rnn", inputs, kernel, recurrent_kernel, bias)
    z = _projected(x, w, bias)
    h0 = _state(initial_state, z, recurrent.shape[0])
    made = invoke(OPS["simple_rnn"], (z, h0, recurrent, *_masks(mask, z)), (bool(go_backwards),))
    return made[0], made[1]
