"""Layers of random settings: trained on both backends, and on one thread and two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dlnative
from dlnative import layers
from dlnative.backends import selection

from .draw import Draw
from .values import Generator

# What makes a layer, and the inputs that it is called on; a list stands for inputs that are given as one.
Setting = tuple[dict[str, Any], list[Any]]
SETTINGS: dict[str, Callable[[Draw], Setting]] = {}
_ACTIVATIONS = (
    None,
    "relu",
    "tanh",
    "sigmoid",
    "gelu",
    "elu",
    "selu",
    "softplus",
    "softmax",
    "silu",
    "leaky_relu",
    "mish",
)


def _of(names: str) -> Callable[[Callable[[Draw], Setting]], Callable[[Draw], Setting]]:
    def note(function: Callable[[Draw], Setting]) -> Callable[[Draw], Setting]:
        SETTINGS.update(dict.fromkeys(names.split(), function))
        return function

    return note


@_of("Dense")
def _dense(draw: Draw) -> Setting:
    options = draw.options(activation=list(_ACTIVATIONS), use_bias=draw.flag)
    return {"units": draw.pick(1, 3, 17), **options}, [draw.floats(*draw.shape(least=2))]


@_of("EinsumDense")
def _einsum_dense(draw: Draw) -> Setting:
    return draw.pick(
        {"equation": "abc,cd->abd", "output_shape": (None, 4), "bias_axes": "d"},
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "bias_axes": "de"},
        {"equation": "...x,xy->...y", "output_shape": 5},
    ), [draw.floats(draw.pick(1, 2, 9), 3, 4)]


@_of("Embedding")
def _embedding(draw: Draw) -> Setting:
    x = draw.integers(0, 7, (draw.pick(1, 3), draw.pick(1, 4)), draw.pick("int32", "int64"))
    return {"input_dim": 7, "output_dim": 3, **draw.options(mask_zero=True)}, [x]


def _convolution(rank: int, kind: str) -> Callable[[Draw], Setting]:
    def setting(draw: Draw) -> Setting:
        channels = draw.pick(1, 2, 4)
        data_format, x = draw.images(rank, channels)
        config: dict[str, Any] = {"kernel_size": draw.pick(1, 2, 3, 5), "data_format": data_format}
        if kind != "depthwise":
            config["filters"] = draw.pick(2, 4, 8)
        causal = rank == 1 and data_format == "channels_last" and kind == "plain"
        paddings = ["valid", "same", "causal"] if causal else ["valid", "same"]
        config |= draw.options(activation=["relu", "tanh"], use_bias=draw.flag, padding=paddings)
        if draw.flag():
            config["strides"] = draw.pick(2, 3)
        elif draw.flag() and kind != "separable":
            config["dilation_rate"] = 2
        if kind == "plain" and channels > 1 and draw.chance(0.3):
            config["groups"] = 2
        if kind in ("depthwise", "separable"):
            config |= draw.options(depth_multiplier=2)
        return config, [x]

    return setting


def _pool(rank: int) -> Callable[[Draw], Setting]:
    def setting(draw: Draw) -> Setting:
        data_format, x = draw.images(rank, 3)
        options = draw.options(strides=[1, 2, 3, None], padding=["valid", "same"])
        return {"pool_size": draw.pick(1, 2, 3), "data_format": data_format, **options}, [x]

    return setting


def _whole(rank: int, **choices: Any) -> Callable[[Draw], Setting]:
    def setting(draw: Draw) -> Setting:
        data_format, x = draw.images(rank, 3, smallest=3)
        return {"data_format": data_format, **{name: draw.pick(*choice) for name, choice in choices.items()}}, [x]

    return setting


for _rank in (1, 2, 3):
    SETTINGS |= {
        f"Conv{_rank}D": _convolution(_rank, "plain"),
        f"Conv{_rank}DTranspose": _convolution(_rank, "transposed"),
    }
    if _rank < 3:
        SETTINGS[f"DepthwiseConv{_rank}D"] = _convolution(_rank, "depthwise")
        SETTINGS[f"SeparableConv{_rank}D"] = _convolution(_rank, "separable")
    for _kind in ("Max", "Average"):
        SETTINGS[f"{_kind}Pooling{_rank}D"] = _pool(_rank)
        SETTINGS[f"Global{_kind}Pooling{_rank}D"] = _whole(_rank, keepdims=(True, False))
        SETTINGS[f"Adaptive{_kind}Pooling{_rank}D"] = _whole(_rank, output_size=(1, 2, 3))
    if _rank > 1:
        SETTINGS[f"UpSampling{_rank}D"] = _whole(_rank, size=(1, 2, 3))
        SETTINGS[f"ZeroPadding{_rank}D"] = _whole(_rank, padding=(1, 2))
        SETTINGS[f"Cropping{_rank}D"] = _whole(_rank, cropping=(1, 0))


def _sequences(draw: Draw) -> np.ndarray[Any, Any]:
    return draw.floats(draw.pick(1, 2, 3, 9), draw.pick(1, 2, 4, 5), draw.pick(1, 2, 3))


@_of("SimpleRNN LSTM GRU")
def _recurrent(draw: Draw) -> Setting:
    options = draw.options(
        return_sequences=draw.flag, go_backwards=draw.flag, use_bias=draw.flag, activation=["tanh", "relu"]
    )
    return {"units": draw.pick(1, 3, 17), **options}, [_sequences(draw)]


@_of("Bidirectional")
def _bidirectional(draw: Draw) -> Setting:
    inner = draw.pick("LSTM", "GRU"), {"units": 2, "return_sequences": draw.flag()}
    return {"layer": inner, **draw.options(merge_mode=["concat", "sum", "mul", "ave"])}, [_sequences(draw)]


@_of("TimeDistributed")
def _time_distributed(draw: Draw) -> Setting:
    return {"layer": ("Dense", {"units": 2})}, [_sequences(draw)]


@_of("ConvLSTM2D")
def _conv_lstm(draw: Draw) -> Setting:
    options = draw.options(return_sequences=draw.flag, strides=2, go_backwards=draw.flag)
    return {"filters": 2, "kernel_size": draw.pick(1, 3), "padding": "same", **options}, [draw.floats(1, 3, 5, 5, 2)]


@_of("BatchNormalization LayerNormalization")
def _normalization(draw: Draw) -> Setting:
    x = draw.floats(*draw.shape(draw.pick(2, 3, 4), empty=0))
    return draw.options(axis=[-1, 1], center=draw.flag, scale=draw.flag, epsilon=0.1), [x]


@_of("GroupNormalization")
def _group_normalization(draw: Draw) -> Setting:
    x = draw.floats(*draw.pick((2, 4), (2, 3, 4), (2, 3, 3, 4)))
    return {"groups": draw.pick(1, 2, 4, -1), **draw.options(center=draw.flag, scale=draw.flag)}, [x]


@_of("UnitNormalization RMSNormalization Softmax")
def _along_an_axis(draw: Draw) -> Setting:
    # Of a single number the norm leaves the sign, which a rounding near 0 turns.
    return draw.options(axis=[-1, 2]), [draw.floats(*draw.shape(2, empty=0), draw.pick(2, 3, 5))]


@_of("Add Multiply Average Maximum Minimum Subtract")
def _merge(draw: Draw) -> Setting:
    shape = draw.shape(draw.pick(2, 3), empty=0)
    other = (shape[0], *(1 if draw.chance(0.3) else extent for extent in shape[1:]))
    return {}, [[draw.floats(*shape), draw.floats(*other)]]


@_of("Concatenate")
def _concatenate(draw: Draw) -> Setting:
    shape = draw.shape(draw.pick(2, 3), empty=0)
    return draw.options(axis=[-1, 1]), [[draw.floats(*shape), draw.floats(*shape)]]


@_of("Dot")
def _dot(draw: Draw) -> Setting:
    return {"axes": draw.pick((2, 1), (2, -2))}, [[draw.floats(2, 3, 4), draw.floats(2, 4, 2)]]


@_of("ReLU LeakyReLU ELU PReLU Flatten Dropout GaussianNoise GaussianDropout AlphaDropout SpatialDropout1D")
def _of_one_kind(draw: Draw) -> Setting:
    return {}, [draw.floats(draw.pick(1, 2, 9), draw.pick(1, 3), draw.pick(2, 5))]


@_of("MultiHeadAttention")
def _attention(draw: Draw) -> Setting:
    options = draw.options(value_dim=2, use_bias=draw.flag, output_shape=5)
    return {"num_heads": 2, "key_dim": 3, **options}, [draw.floats(2, 3, 4), draw.floats(2, 5, 4)]


@_of("GroupQueryAttention")
def _group_attention(draw: Draw) -> Setting:
    shared = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": draw.pick(1, 2, 4)}
    return shared, [draw.floats(2, 3, 4), draw.floats(2, 5, 4)]


@_of("Attention AdditiveAttention")
def _plain_attention(draw: Draw) -> Setting:
    return draw.options(use_scale=draw.flag), [[draw.floats(2, 3, 4), draw.floats(2, 5, 4)]]


DRAWN = {"GaussianNoise", "Dropout", "GaussianDropout", "AlphaDropout", "SpatialDropout1D"}  # of random numbers


def make(library: Any, name: str, config: dict[str, Any]) -> Any:
    """Returns a layer; one within it is given by its name and settings."""
    config = dict(config)
    if "layer" in config:
        inner, settings = config["layer"]
        config["layer"] = getattr(library, inner)(**settings)
    if name in DRAWN:
        return getattr(library, name)(0.3)
    return getattr(library, name)(**config)


def _train(name: str, config: dict[str, Any], inputs: list[Any], seed: int) -> list[np.ndarray[Any, Any]]:
    """Trains a model of the layer behind others, so that gradients for its inputs count; returns weights, predictions, losses."""
    dlnative.utils.set_random_seed(seed)

    def before(x: Any) -> Any:
        given = dlnative.Input(x.shape[1:], dtype=dlnative.backend.standardize_dtype(x.dtype))
        symbols.append(given)
        return layers.Dense(x.shape[-1])(given) if x.dtype.kind == "f" else given

    symbols: list[Any] = []
    y = make(layers, name, config)(
        *([before(x) for x in item] if isinstance(item, list) else before(item) for item in inputs)
    )
    arrays = [x for item in inputs for x in (item if isinstance(item, list) else [item])]
    model = dlnative.Model(symbols, layers.Activation("tanh")(y))
    model.compile(dlnative.optimizers.SGD(0.1), "mse")
    rows = arrays[0].shape[0]
    targets = np.random.default_rng(seed).standard_normal((rows, *model.output_shape[1:])).astype("float32")
    x = arrays if len(arrays) > 1 else arrays[0]
    history = model.fit(x, targets, batch_size=max(1, rows - rows // 3), epochs=2, shuffle=False, verbose=0).history
    return [*model.get_weights(), model.predict(x, verbose=0), np.array(history["loss"])]


def check(random: Generator) -> str | None:
    """Trains a layer in several ways; returns what is wrong, or `None`."""
    draw = Draw(random)
    name = draw.pick(*SETTINGS)
    config, inputs = SETTINGS[name](draw)
    if draw.chance(0.2):  # enough rows for several threads
        count = draw.pick(7, 33)
        inputs = [
            [x.repeat(count, 0) for x in item] if isinstance(item, list) else item.repeat(count, 0) for item in inputs
        ]
    told = (
        f"{name}({config}) of {[[x.shape for x in item] if isinstance(item, list) else item.shape for item in inputs]}"
    )
    seed = int(random.integers(2**31))
    threads = dlnative.num_threads()
    found: list[Any] = []
    for backend, count in (("cpu", 2), ("cpu", 1), ("reference", 1)):
        dlnative.set_num_threads(count)
        try:
            with selection.use_backend(backend):
                found.append(_train(name, config, inputs, seed))
        except ValueError as error:  # windows that do not fit
            found.append(error)
        finally:
            dlnative.set_num_threads(threads)
    if any(isinstance(item, Exception) for item in found):
        same = len({type(item) for item in found}) == 1
        return (
            None
            if same
            else f"{told}: {[str(item)[:120] for item in found if isinstance(item, Exception)]} in some ways alone"
        )
    for a, b in zip(found[0], found[1], strict=True):
        if a.tobytes() != b.tobytes():
            return f"{told}: other bits on one thread than on two"
    for a, b in zip(found[0], found[2], strict=True):
        if not np.allclose(a, b, rtol=5e-3, atol=2e-3, equal_nan=True):
            return f"{told}: cpu and reference differ by {np.abs(a - b).max()}"
    return None
