"""Rows of the op table whose files are loaded when they are asked for, by file."""

from __future__ import annotations

from dlnative.graph.op import OPS

_ROWS = {
    "arithmetic": (
        "arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor cbrt cosh "
        "floor_divide fmod hypot integer_power left_shift log10 log2 nextafter remainder right_shift round sinh tan "
        "trunc"
    ),
    "attention": "attention attention_gradient",
    "bits": "view",
    "convolution": "conv conv_input_gradient conv_weight_gradient",
    "ctc": "ctc_beam_search",
    "depthwise": "depthwise_conv depthwise_conv_input_gradient depthwise_conv_weight_gradient",
    "distinct": "unique",
    "eigen": "eig eigh",
    "encoding": "one_hot",
    "factorization": "cholesky lu qr svd",
    "fourier": "fft irfft rfft",
    "indexing": "argsort gather scatter",
    "joining": "concatenate",
    "normalization_rows": (
        "batch_normalization batch_normalization_gradient batch_normalization_training layer_normalization "
        "layer_normalization_gradient"
    ),
    "pooling": "average_pool average_pool_gradient max_pool max_pool_choice max_pool_gradient",
    "recurrent_rows": "gru gru_gradient lstm lstm_gradient simple_rnn simple_rnn_gradient",
    "region": "cond custom_gradient scan while_loop",
    "solving": "cofactor det pinv slogdet solve solve_triangular",
}


def promise() -> None:
    """Says where the rows are."""
    for file, names in _ROWS.items():
        OPS.promise(f"dlnative.ops.{file}", names.split())
