"""The networks beyond perceptrons: what they are trained with, and the initial weights that every peer starts from.

Weights go by layer: each layer has a name, and a list of arrays as Keras's layer of that kind has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from workload import CLASSES, EPSILON

Weights = dict[str, list[np.ndarray]]
Shapes = dict[str, list[tuple[int, ...]]]

IMAGE_CLASSES = 10
ROW_UNITS = 128
GPT_LAYERS, GPT_WIDTH, GPT_HEADS, VOCABULARY = 4, 128, 4, 65
RESIDUAL_STAGES = ((16, 1), (32, 2), (64, 2))
RESIDUAL_BLOCKS = 3
SEPARABLE_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))
SEPARABLE_STEM = 32


def residual_blocks() -> Iterator[tuple[str, int, int, int]]:
    """Yields name, channels of the input, filters and strides of each block of two convolutions."""
    channels = RESIDUAL_STAGES[0][0]
    for stage, (filters, strides) in enumerate(RESIDUAL_STAGES):
        for block in range(RESIDUAL_BLOCKS):
            yield f"stage{stage}_block{block}", channels, filters, strides if block == 0 else 1
            channels = filters


def separable_blocks() -> Iterator[tuple[str, int, int, int]]:
    """Yields name, channels of the input, filters and strides of each depthwise-separable block."""
    channels = SEPARABLE_STEM
    for number, (filters, strides) in enumerate(SEPARABLE_BLOCKS):
        yield f"block{number}", channels, filters, strides
        channels = filters


def _normalization(channels: int) -> list[tuple[int, ...]]:
    return [(channels,)] * 4


def _cnn() -> Shapes:
    return {
        "conv1": [(3, 3, 1, 32), (32,)],
        "conv2": [(3, 3, 32, 64), (64,)],
        "hidden": [(1600, 128), (128,)],
        "logits": [(128, IMAGE_CLASSES), (IMAGE_CLASSES,)],
    }


def _residual() -> Shapes:
    first = RESIDUAL_STAGES[0][0]
    shapes: Shapes = {"stem": [(3, 3, 3, first)], "stem_norm": _normalization(first)}
    for name, channels, filters, _ in residual_blocks():
        shapes[f"{name}_conv1"] = [(3, 3, channels, filters)]
        shapes[f"{name}_norm1"] = _normalization(filters)
        shapes[f"{name}_conv2"] = [(3, 3, filters, filters)]
        shapes[f"{name}_norm2"] = _normalization(filters)
        if channels != filters:
            shapes[f"{name}_shortcut"] = [(1, 1, channels, filters)]
    return shapes | {"logits": [(RESIDUAL_STAGES[-1][0], IMAGE_CLASSES), (IMAGE_CLASSES,)]}


def _separable() -> Shapes:
    shapes: Shapes = {"stem": [(3, 3, 3, SEPARABLE_STEM)], "stem_norm": _normalization(SEPARABLE_STEM)}
    for name, channels, filters, _ in separable_blocks():
        shapes[f"{name}_depthwise"] = [(3, 3, channels, 1)]
        shapes[f"{name}_norm1"] = _normalization(channels)
        shapes[f"{name}_pointwise"] = [(1, 1, channels, filters)]
        shapes[f"{name}_norm2"] = _normalization(filters)
    return shapes | {"logits": [(SEPARABLE_BLOCKS[-1][0], IMAGE_CLASSES), (IMAGE_CLASSES,)]}


def _lstm() -> Shapes:
    return {
        "rows": [(28, 4 * ROW_UNITS), (ROW_UNITS, 4 * ROW_UNITS), (4 * ROW_UNITS,)],
        "logits": [(ROW_UNITS, IMAGE_CLASSES), (IMAGE_CLASSES,)],
    }


def _gru() -> Shapes:
    return {
        "rows": [(28, 3 * ROW_UNITS), (ROW_UNITS, 3 * ROW_UNITS), (2, 3 * ROW_UNITS)],
        "logits": [(ROW_UNITS, IMAGE_CLASSES), (IMAGE_CLASSES,)],
    }


def _gpt(context: int) -> Shapes:
    width, heads, head = GPT_WIDTH, GPT_HEADS, GPT_WIDTH // GPT_HEADS
    shapes: Shapes = {"tokens": [(VOCABULARY, width)], "positions": [(context, width)]}
    for layer in range(GPT_LAYERS):
        projection = [(width, heads, head), (heads, head)]
        shapes[f"block{layer}_attention"] = [*projection * 3, (heads, head, width), (width,)]
        shapes[f"block{layer}_norm1"] = [(width,)] * 2
        shapes[f"block{layer}_norm2"] = [(width,)] * 2
        shapes[f"block{layer}_expand"] = [(width, 4 * width), (4 * width,)]
        shapes[f"block{layer}_contract"] = [(4 * width, width), (width,)]
    return shapes | {"norm": [(width,)] * 2, "logits": [(width, VOCABULARY), (VOCABULARY,)]}


SHAPES = {"cnn": _cnn, "residual": _residual, "separable": _separable, "lstm": _lstm, "gru": _gru}


@dataclass(frozen=True)
class Network:
    """A network and how it is trained.

    Args:
        kind: which network.
        title: what it is called in the tables.
        batch: samples a step.
        steps_per_epoch: batches of the data.
        flops: multiplications and additions of a step's products: forward, and those of the gradients that are needed.
        context: steps of a GPT.
    """

    kind: str
    title: str
    batch: int
    steps_per_epoch: int
    flops: float
    context: int = 0
    loss: str = CLASSES

    @property
    def epsilon(self) -> float:
        """Adam's: with batch normalisation it is so large that updates of tiny gradients do not amplify rounding."""
        return 1e-3 if self.kind in ("residual", "separable", "gpt") else EPSILON

    @property
    def name(self) -> str:
        return f"{self.title}, {self.batch}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        shapes = {"cnn": (28, 28, 1), "lstm": (28, 28), "gru": (28, 28), "gpt": (self.context,)}
        return shapes.get(self.kind, (32, 32, 3))

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns one epoch of inputs and labels; of a GPT tokens, and for each the next one."""
        random = np.random.default_rng(0)
        samples = self.batch * self.steps_per_epoch
        if self.kind == "gpt":
            tokens = random.integers(0, VOCABULARY, (samples, self.context + 1)).astype(np.int32)
            return tokens[:, :-1].copy(), tokens[:, 1:].copy()
        x = random.standard_normal((samples, *self.input_shape), dtype=np.float32)
        return x, random.integers(0, IMAGE_CLASSES, samples).astype(np.int32)

    def weights(self) -> Weights:
        """Returns each layer's weights: normal kernels of variance 1 / inputs, zero biases, normalisations that do nothing."""
        random = np.random.default_rng(1)
        shapes = _gpt(self.context) if self.kind == "gpt" else SHAPES[self.kind]()
        values: Weights = {}
        for name, layer in shapes.items():
            if "norm" in name:
                ones_first = [np.ones(layer[0], np.float32), np.zeros(layer[0], np.float32)]
                values[name] = (ones_first + ones_first[::-1])[: len(layer)]
                continue
            values[name] = []
            for shape in layer:
                kernel = len(shape) > 1 and not (self.kind == "gpt" and shape == (GPT_HEADS, GPT_WIDTH // GPT_HEADS))
                if not kernel or shape[0] == 2:  # the two biases of a GRU are (2, 3 units)
                    values[name].append(np.zeros(shape, np.float32))
                    continue
                inputs = GPT_WIDTH if self.kind == "gpt" else int(np.prod(shape[:-1]))
                values[name].append((random.standard_normal(shape) / inputs**0.5).astype(np.float32))
        return values


def _row_flops(gates: int, batch: int) -> float:
    """A step of 28 rows: no gradient by the rows themselves."""
    inputs, states = 28 * gates * ROW_UNITS, ROW_UNITS * gates * ROW_UNITS
    return 2.0 * batch * (28 * (2 * inputs + 3 * states) + 3 * ROW_UNITS * IMAGE_CLASSES)


def _gpt_flops(context: int, batch: int) -> float:
    """Attention is causal: half of the scores."""
    layer = 12 * GPT_WIDTH**2 + context * GPT_WIDTH
    return 6.0 * batch * context * (GPT_LAYERS * layer + VOCABULARY * GPT_WIDTH)


def _cnn_flops(batch: int) -> float:
    first, second = 26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64
    return 2.0 * batch * (2 * first + 3 * (second + 1600 * 128 + 128 * IMAGE_CLASSES))


def _residual_flops(batch: int) -> float:
    size, multiplications = 32, 0
    for _, channels, filters, strides in residual_blocks():
        size //= strides
        shortcut = channels * filters if channels != filters else 0
        multiplications += size * size * (9 * channels * filters + 9 * filters * filters + shortcut)
    stem = 32 * 32 * 27 * RESIDUAL_STAGES[0][0]
    return 2.0 * batch * (2 * stem + 3 * (multiplications + RESIDUAL_STAGES[-1][0] * IMAGE_CLASSES))


def _separable_flops(batch: int) -> float:
    size, multiplications = 32, 0
    for _, channels, filters, strides in separable_blocks():
        size //= strides
        multiplications += size * size * channels * (9 + filters)
    stem = 32 * 32 * 27 * SEPARABLE_STEM
    return 2.0 * batch * (2 * stem + 3 * (multiplications + SEPARABLE_BLOCKS[-1][0] * IMAGE_CLASSES))


CASES = [
    Network("cnn", "CNN 28×28", 64, 20, _cnn_flops(64)),
    Network("residual", "ResNet-20", 64, 5, _residual_flops(64)),
    Network("separable", "separable blocks", 32, 5, _separable_flops(32)),
    Network("lstm", "LSTM 28×28→128", 64, 20, _row_flops(4, 64)),
    Network("gru", "GRU 28×28→128", 64, 20, _row_flops(3, 64)),
    *(
        Network("gpt", f"GPT, context {context}", batch, 5, _gpt_flops(context, batch), context)
        for context, batch in ((64, 16), (256, 8), (1024, 2))
    ),
]
