"""Keras's `keras.ops`: functions of tensors that run at once on arrays and are compiled where they are traced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.ops import chain as chain
from dlnative.ops import operators as operators
from dlnative.ops import optimizer as optimizer
from dlnative.ops import random as random
from dlnative.ops import rows as rows
from dlnative.ops.activation import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from dlnative.ops.conversion import cast, convert_to_numpy, convert_to_tensor, dtype, is_tensor
from dlnative.ops.elementwise import (
    abs,
    absolute,
    add,
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
    nonzero,
    not_equal,
    power,
    reciprocal,
    rsqrt,
    sign,
    sin,
    sqrt,
    square,
    subtract,
    true_divide,
    where,
)
from dlnative.ops.loss import binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy
from dlnative.ops.product import dot, matmul
from dlnative.ops.reduction import all, amax, amin, any, argmax, argmin, max, mean, min, std, sum, var
from dlnative.ops.shape import (
    broadcast_to,
    expand_dims,
    moveaxis,
    ndim,
    ravel,
    reshape,
    shape,
    size,
    squeeze,
    stop_gradient,
    swapaxes,
    transpose,
)
from dlnative.ops.softmax import log_softmax, softmax
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.ops import image as image
    from dlnative.ops import linalg as linalg
    from dlnative.ops import nn as nn
    from dlnative.ops import numpy as numpy
    from dlnative.ops.arithmetic import (
        arccos,
        arccosh,
        arcsin,
        arcsinh,
        arctan,
        arctan2,
        arctanh,
        bitwise_and,
        bitwise_invert,
        bitwise_left_shift,
        bitwise_not,
        bitwise_or,
        bitwise_right_shift,
        bitwise_xor,
        cbrt,
        cosh,
        floor_divide,
        fmod,
        hypot,
        left_shift,
        log2,
        log10,
        mod,
        nextafter,
        right_shift,
        sinh,
        tan,
    )
    from dlnative.ops.attention import dot_product_attention
    from dlnative.ops.bins import bincount, digitize, histogram, searchsorted
    from dlnative.ops.bits import saturate_cast, view
    from dlnative.ops.blocks import depth_to_space, space_to_depth
    from dlnative.ops.complex import polar, view_as_complex, view_as_real
    from dlnative.ops.control import scan
    from dlnative.ops.convolution import conv, conv_transpose, depthwise_conv, separable_conv
    from dlnative.ops.creation import (
        arange,
        empty,
        empty_like,
        eye,
        full,
        full_like,
        identity,
        ones,
        ones_like,
        tri,
        zeros,
        zeros_like,
    )
    from dlnative.ops.ctc import ctc_decode, ctc_loss
    from dlnative.ops.cumulative import cumprod, cumsum, diff, nancumprod, nancumsum, nanprod, prod, trapezoid
    from dlnative.ops.custom_gradient import custom_gradient
    from dlnative.ops.distinct import unique
    from dlnative.ops.eigen import eig, eigh
    from dlnative.ops.einstein import einsum
    from dlnative.ops.encoding import multi_hot, one_hot
    from dlnative.ops.factorization import cholesky, cholesky_inverse, lu_factor, qr, svd
    from dlnative.ops.forward_mode import jvp
    from dlnative.ops.fourier import fft, fft2, ifft2, irfft, rfft
    from dlnative.ops.indexing import get_item, take, take_along_axis
    from dlnative.ops.joining import (
        append,
        array_split,
        concatenate,
        dsplit,
        dstack,
        hsplit,
        hstack,
        meshgrid,
        repeat,
        split,
        stack,
        tile,
        unstack,
        vsplit,
        vstack,
    )
    from dlnative.ops.loops import associative_scan, cond, fori_loop, map, switch, vectorized_map, while_loop
    from dlnative.ops.matrices import (
        correlate,
        cross,
        diag,
        diagflat,
        diagonal,
        inner,
        kron,
        outer,
        tensordot,
        trace,
        tril,
        triu,
        vander,
        vdot,
    )
    from dlnative.ops.normalization import batch_normalization, layer_normalization, rms_normalization
    from dlnative.ops.norms import matrix_rank, norm
    from dlnative.ops.numeric import (
        allclose,
        angle,
        conj,
        conjugate,
        copy,
        deg2rad,
        divide_no_nan,
        exp2,
        fabs,
        fmax,
        fmin,
        gcd,
        heaviside,
        imag,
        isclose,
        isinf,
        isnan,
        isneginf,
        isposinf,
        isreal,
        lcm,
        ldexp,
        logaddexp,
        logaddexp2,
        logical_xor,
        nan_to_num,
        rad2deg,
        real,
        signbit,
        sinc,
    )
    from dlnative.ops.padding import flip, fliplr, flipud, pad, roll, rot90
    from dlnative.ops.patterns import rearrange
    from dlnative.ops.pooling import adaptive_average_pool, adaptive_max_pool, average_pool, max_pool
    from dlnative.ops.ranges import array, bartlett, blackman, geomspace, hamming, hanning, kaiser, linspace, logspace
    from dlnative.ops.recurrent import gru, lstm, simple_rnn
    from dlnative.ops.rounding import ceil, round, trunc
    from dlnative.ops.scaling import moments, normalize, psnr, sparsemax
    from dlnative.ops.search import (
        argpartition,
        in_top_k,
        isin,
        logsumexp,
        segment_max,
        segment_min,
        segment_prod,
        segment_sum,
        select,
        unravel_index,
        vectorize,
    )
    from dlnative.ops.signal import extract_sequences, fold, istft, stft, unfold
    from dlnative.ops.slicing import scatter, scatter_update, slice, slice_update
    from dlnative.ops.solving import det, inv, logdet, lstsq, pinv, slogdet, solve, solve_triangular
    from dlnative.ops.sorting import argsort, sort, top_k
    from dlnative.ops.special import cdist, erfc, erfinv, i0
    from dlnative.ops.statistics import (
        average,
        corrcoef,
        count_nonzero,
        median,
        nanargmax,
        nanargmin,
        nanmax,
        nanmean,
        nanmedian,
        nanmin,
        nanpercentile,
        nanquantile,
        nanstd,
        nansum,
        nanvar,
        percentile,
        ptp,
        quantile,
    )

operators.install()
rows.promise()

# Functions that not every program uses: their files are loaded when they are asked for, or rows of theirs (`rows.py`).
_LATER = {
    "arithmetic": (
        "arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_invert bitwise_left_shift "
        "bitwise_not bitwise_or bitwise_right_shift bitwise_xor cbrt cosh floor_divide fmod hypot left_shift log2 "
        "log10 mod nextafter right_shift sinh tan"
    ),
    "attention": "dot_product_attention",
    "bins": "bincount digitize histogram searchsorted",
    "bits": "saturate_cast view",
    "blocks": "depth_to_space space_to_depth",
    "complex": "polar view_as_complex view_as_real",
    "control": "scan",
    "convolution": "conv conv_transpose depthwise_conv separable_conv",
    "creation": "arange empty empty_like eye full full_like identity ones ones_like tri zeros zeros_like",
    "ctc": "ctc_decode ctc_loss",
    "cumulative": "cumprod cumsum diff nancumprod nancumsum nanprod prod trapezoid",
    "custom_gradient": "custom_gradient",
    "distinct": "unique",
    "eigen": "eig eigh",
    "einstein": "einsum",
    "encoding": "multi_hot one_hot",
    "factorization": "cholesky cholesky_inverse lu_factor qr svd",
    "forward_mode": "jvp",
    "fourier": "fft fft2 ifft2 irfft rfft",
    "image": "",
    "indexing": "get_item take take_along_axis",
    "joining": (
        "append array_split concatenate dsplit dstack hsplit hstack meshgrid repeat split stack tile unstack vsplit "
        "vstack"
    ),
    "linalg": "",
    "loops": "associative_scan cond fori_loop map switch vectorized_map while_loop",
    "matrices": "correlate cross diag diagflat diagonal inner kron outer tensordot trace tril triu vander vdot",
    "nn": "",
    "normalization": "batch_normalization layer_normalization rms_normalization",
    "norms": "matrix_rank norm",
    "numeric": (
        "allclose angle conj conjugate copy deg2rad divide_no_nan exp2 fabs fmax fmin gcd heaviside imag isclose "
        "isinf isnan isneginf isposinf isreal lcm ldexp logaddexp logaddexp2 logical_xor nan_to_num rad2deg real "
        "signbit sinc"
    ),
    "numpy": "",
    "padding": "flip fliplr flipud pad roll rot90",
    "patterns": "rearrange",
    "pooling": "adaptive_average_pool adaptive_max_pool average_pool max_pool",
    "ranges": "array bartlett blackman geomspace hamming hanning kaiser linspace logspace",
    "recurrent": "gru lstm simple_rnn",
    "rounding": "ceil round trunc",
    "scaling": "moments normalize psnr sparsemax",
    "search": (
        "argpartition in_top_k isin logsumexp segment_max segment_min segment_prod segment_sum select "
        "unravel_index vectorize"
    ),
    "signal": "extract_sequences fold istft stft unfold",
    "slicing": "scatter scatter_update slice slice_update",
    "solving": "det inv logdet lstsq pinv slogdet solve solve_triangular",
    "sorting": "argsort sort top_k",
    "special": "cdist erfc erfinv i0",
    "statistics": (
        "average corrcoef count_nonzero median nanargmax nanargmin nanmax nanmean nanmedian nanmin nanpercentile "
        "nanquantile nanstd nansum nanvar percentile ptp quantile"
    ),
}
__getattr__ = lazily(__name__, {file: names.split() for file, names in _LATER.items()})


__all__ = [
    "abs", "absolute", "adaptive_average_pool", "adaptive_max_pool", "add", "all", "allclose", "amax", "amin",
    "angle", "any", "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "argmax", "argmin", "argpartition", "argsort", "array", "array_split", "associative_scan", "average",
    "average_pool", "bartlett", "batch_normalization", "binary_crossentropy", "bincount", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "blackman", "broadcast_to", "cast", "categorical_crossentropy", "cbrt", "cdist", "ceil", "celu", "cholesky",
    "cholesky_inverse", "clip", "concatenate", "cond", "conj", "conjugate", "conv", "conv_transpose",
    "convert_to_numpy", "convert_to_tensor", "copy", "corrcoef", "correlate", "cos", "cosh", "count_nonzero",
    "cross", "ctc_decode", "ctc_loss", "cumprod", "cumsum", "custom_gradient", "deg2rad", "depth_to_space",
    "depthwise_conv", "det", "diag", "diagflat", "diagonal", "diff", "digitize", "divide", "divide_no_nan", "dot",
    "dot_product_attention", "dsplit", "dstack", "dtype", "eig", "eigh", "einsum", "elu", "empty", "empty_like",
    "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expand_dims", "expm1", "extract_sequences", "eye", "fabs",
    "fft", "fft2", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "fold", "fori_loop",
    "full", "full_like", "gcd", "gelu", "geomspace", "get_item", "glu", "greater", "greater_equal", "gru",
    "hamming", "hanning", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "heaviside",
    "histogram", "hsplit", "hstack", "hypot", "i0", "identity", "ifft2", "imag", "image", "in_top_k", "inner",
    "inv", "irfft", "is_tensor", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal",
    "istft", "jvp", "kaiser", "kron", "layer_normalization", "lcm", "ldexp", "leaky_relu", "left_shift", "less",
    "less_equal", "linalg", "linspace", "log", "log10", "log1p", "log2", "log_sigmoid", "log_softmax", "logaddexp",
    "logaddexp2", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "logsumexp",
    "lstm", "lstsq", "lu_factor", "map", "matmul", "matrix_rank", "max", "max_pool", "maximum", "mean", "median",
    "meshgrid", "min", "minimum", "mish", "mod", "moments", "moveaxis", "multi_hot", "multiply", "nan_to_num",
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "ndim", "negative", "nextafter", "nn",
    "nonzero", "norm", "normalize", "not_equal", "numpy", "one_hot", "ones", "ones_like", "outer", "pad",
    "percentile", "pinv", "polar", "power", "prod", "psnr", "ptp", "qr", "quantile", "rad2deg", "random", "ravel",
    "real", "rearrange", "reciprocal", "relu", "relu6", "repeat", "reshape", "rfft", "right_shift",
    "rms_normalization", "roll", "rot90", "round", "rsqrt", "saturate_cast", "scan", "scatter", "scatter_update",
    "searchsorted", "segment_max", "segment_min", "segment_prod", "segment_sum", "select", "selu", "separable_conv",
    "shape", "sigmoid", "sign", "signbit", "silu", "simple_rnn", "sin", "sinc", "sinh", "size", "slice",
    "slice_update", "slogdet", "soft_shrink", "softmax", "softplus", "softsign", "solve", "solve_triangular",
    "sort", "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "split", "sqrt", "square", "squareplus", "squeeze", "stack", "std", "stft", "stop_gradient", "subtract", "sum",
    "svd", "swapaxes", "swish", "switch", "take", "take_along_axis", "tan", "tanh", "tanh_shrink", "tensordot",
    "threshold", "tile", "top_k", "trace", "transpose", "trapezoid", "tri", "tril", "triu", "true_divide", "trunc",
    "unfold", "unique", "unravel_index", "unstack", "vander", "var", "vdot", "vectorize", "vectorized_map", "view",
    "view_as_complex", "view_as_real", "vsplit", "vstack", "where", "while_loop", "zeros", "zeros_like",
]  # fmt: skip
