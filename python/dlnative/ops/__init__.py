"""Keras's `keras.ops`: functions of tensors that run at once on arrays and are compiled where they are traced."""

from dlnative.ops import operators as operators
from dlnative.ops import optimizer as optimizer
from dlnative.ops import random as random
from dlnative.ops.elementwise import (
    abs,
    absolute,
    add,
    cast,
    clip,
    cos,
    divide,
    equal,
    erf,
    exp,
    expm1,
    floor,
    greater,
    greater_equal,
    isfinite,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    reciprocal,
    relu,
    rsqrt,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
    true_divide,
    where,
)
from dlnative.ops.linalg import dot, matmul
from dlnative.ops.loss import binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy
from dlnative.ops.reduction import all, any, argmax, argmin, max, mean, min, std, sum, var
from dlnative.ops.shape import (
    arange,
    broadcast_to,
    concatenate,
    convert_to_numpy,
    convert_to_tensor,
    expand_dims,
    is_tensor,
    one_hot,
    ones,
    ones_like,
    reshape,
    shape,
    slice,
    squeeze,
    stack,
    stop_gradient,
    transpose,
    zeros,
    zeros_like,
)
from dlnative.ops.softmax import log_softmax, softmax

operators.install()
__all__ = sorted(name for name in dir() if not name.startswith("_") and name not in ("operators", "optimizer"))
