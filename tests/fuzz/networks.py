"""Arguments of the functions that networks are made of: convolutions, pools, normalisations, attention, crossentropies."""

from __future__ import annotations

from typing import Any

from .arguments import Arguments, of
from .draw import Draw


def _windows(draw: Draw) -> tuple[int, str, Any, int, tuple[int, ...], dict[str, Any]]:
    """Returns the number of spatial axes, a data format, images, their channels, a window, and options."""
    rank, channels = draw.pick(1, 1, 2, 2, 3), draw.pick(1, 2, 3)
    data_format, x = draw.images(rank, channels, dtype=draw.pick("float32", "float32", "float64", "float16"))
    window = tuple(int(extent) for extent in draw.random.integers(1, 4, rank))
    options = {"data_format": data_format, **draw.options(padding=["valid", "same"])}
    if draw.flag():
        options["strides"] = draw.pick(1, 2, 3)
    elif draw.flag():
        options["dilation_rate"] = draw.pick(1, 2)
    return rank, data_format, x, channels, window, options


@of("conv")
def _conv(draw: Draw) -> Arguments:
    _, _, x, channels, window, options = _windows(draw)
    return [x, draw.floats(*window, channels, draw.pick(1, 2, 4), dtype=str(x.dtype.newbyteorder("=")))], options


@of("conv_transpose")
def _conv_transpose(draw: Draw) -> Arguments:
    _, _, x, channels, window, options = _windows(draw)
    return [x, draw.floats(*window, draw.pick(1, 2, 4), channels)], options


@of("depthwise_conv")
def _depthwise_conv(draw: Draw) -> Arguments:
    _, _, x, channels, window, options = _windows(draw)
    return [x, draw.floats(*window, channels, draw.pick(1, 2))], options


@of("separable_conv")
def _separable_conv(draw: Draw) -> Arguments:
    rank, _, x, channels, window, options = _windows(draw)
    depth = draw.pick(1, 2)
    pointwise = draw.floats(*(1,) * rank, channels * depth, draw.pick(1, 3))
    return [x, draw.floats(*window, channels, depth), pointwise], options


@of("max_pool average_pool")
def _pool(draw: Draw) -> Arguments:
    _, _, x, _, window, options = _windows(draw)
    options.pop("dilation_rate", None)
    return [x, window], options


@of("adaptive_average_pool adaptive_max_pool")
def _adaptive_pool(draw: Draw) -> Arguments:
    data_format, x = draw.images(draw.pick(1, 2, 3), 3)
    return [x, draw.pick(1, 2, 3)], {"data_format": data_format}


@of("unfold")
def _unfold(draw: Draw) -> Arguments:
    options = draw.options(dilation=[1, 2], padding=[0, 1], stride=[1, 2])
    return [draw.floats(2, 3, draw.pick(4, 6), draw.pick(4, 7)), draw.pick(1, 2, (2, 3))], options


@of("fold")
def _fold(draw: Draw) -> Arguments:
    return [draw.floats(2, 12, 9), (4, 4), 2], {}


@of("space_to_depth depth_to_space")
def _depth(draw: Draw) -> Arguments:
    return [draw.floats(2, 4, 4, 8, dtype=draw.pick("float32", "float64", "int32")), 2], draw.options(
        data_format=["channels_last", "channels_first"]
    )


@of("batch_normalization")
def _batch_normalization(draw: Draw) -> Arguments:
    x = draw.floats(*draw.shape(least=2), dtype=draw.pick("float32", "float64", "float16"))
    axis = int(draw.random.integers(-x.ndim, x.ndim))

    def statistic() -> Any:
        return draw.uniform(x.shape[axis])

    return [x, statistic(), statistic(), axis], draw.options(offset=statistic, scale=statistic, epsilon=0.1)


@of("layer_normalization rms_normalization")
def _layer_normalization(draw: Draw) -> Arguments:
    x = draw.floats(*draw.shape(least=1), dtype=draw.pick("float32", "float64", "float16"))
    return [x], draw.options(axis=lambda: draw.axis(x), epsilon=0.1)


@of("moments")
def _moments(draw: Draw) -> Arguments:
    x = draw.tensor("f", least=1)
    return [x, draw.pick([0], list(range(x.ndim)), [-1])], draw.options(keepdims=draw.flag)


@of("binary_crossentropy")
def _binary_crossentropy(draw: Draw) -> Arguments:
    shape = draw.shape()
    dtype = draw.pick("float32", "float64", "float16")
    return [draw.uniform(*shape, dtype=dtype), draw.uniform(*shape, dtype=dtype)], draw.options(from_logits=draw.flag)


@of("categorical_crossentropy")
def _categorical_crossentropy(draw: Draw) -> Arguments:
    args, kwargs = _binary_crossentropy(draw)
    return args, {**kwargs, **draw.options(axis=lambda: draw.axis(args[0]))}


@of("sparse_categorical_crossentropy")
def _sparse_categorical_crossentropy(draw: Draw) -> Arguments:
    (_, output), kwargs = _categorical_crossentropy(draw)
    shape = list(output.shape) or [1]
    classes = shape.pop(kwargs.get("axis") or -1)
    return [draw.integers(0, classes, shape, draw.pick("int32", "int64", "uint8", "float32")), output], kwargs


@of("in_top_k")
def _in_top_k(draw: Draw) -> Arguments:
    batch, classes = draw.pick(1, 4), draw.pick(1, 3, 6)
    return [draw.integers(0, classes, (batch,)), draw.floats(batch, classes), draw.pick(1, 2, 3)], {}


@of("dot_product_attention")
def _attention(draw: Draw) -> Arguments:
    batch, queries, keys, heads, width = (draw.pick(1, 2, 3, 4) for _ in range(5))
    shared = draw.pick(heads, 1)
    q, k, v = (draw.floats(batch, *rest, width) for rest in ((queries, heads), (keys, shared), (keys, shared)))
    return [q, k, v], draw.options(
        scale=0.5,
        is_causal=draw.flag,
        bias=lambda: draw.floats(batch, heads, queries, keys),
        mask=lambda: draw.random.random((draw.pick(batch, 1), draw.pick(heads, 1), queries, keys)) < 0.7,
    )


@of("psnr")
def _psnr(draw: Draw) -> Arguments:
    shape = draw.shape(empty=0)
    return [draw.uniform(*shape), draw.uniform(*shape), draw.pick(1.0, 255)], {}


@of("ctc_loss")
def _ctc_loss(draw: Draw) -> Arguments:
    steps, labels, classes = draw.pick(4, 8), draw.pick(1, 3), draw.pick(3, 5)
    lengths = draw.integers(0, labels + 1, (2,)), draw.integers(labels, steps + 1, (2,))
    return [draw.integers(1, classes, (2, labels)), draw.floats(2, steps, classes), *lengths], {}


@of("rfft")
def _rfft(draw: Draw) -> Arguments:
    return [draw.floats(*draw.shape(least=1, empty=0))], draw.options(fft_length=[None, 1, 4, 9])


@of("fft fft2 ifft2")
def _fft(draw: Draw) -> Arguments:
    shape = draw.shape(draw.pick(2, 3), empty=0)
    return [(draw.floats(*shape), draw.floats(*shape))], {}


@of("irfft")
def _irfft(draw: Draw) -> Arguments:
    shape = draw.shape(draw.pick(1, 2), empty=0)
    return [(draw.floats(*shape), draw.floats(*shape))], {"fft_length": draw.pick(4, 7)}


@of("stft")
def _stft(draw: Draw) -> Arguments:
    sizes = [draw.pick(16, 12), draw.pick(4, 8), draw.pick(16, 32)]
    return [draw.floats(*draw.pick((64,), (2, 100))), *sizes], draw.options(
        window=["hann", "hamming", None], center=draw.flag
    )


@of("extract_sequences")
def _extract_sequences(draw: Draw) -> Arguments:
    return [draw.floats(draw.pick(1, 2), draw.pick(5, 8, 16)), draw.pick(2, 4, 5), draw.pick(1, 2, 3)], {}
