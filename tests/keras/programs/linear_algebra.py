"""Functions of matrices, Fourier transforms and connectionist temporal classification: values, and gradients through training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from programs.common import Program, register, uniform

PROGRAMS: dict[str, Program] = {}


def definite(seed: int, *shape: int) -> np.ndarray:
    """Symmetric positive definite matrices whose eigenvalues are apart."""
    x = 0.25 * uniform(seed, *shape)
    return (x + np.swapaxes(x, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1.0))).astype("float32")


def gradient(keras: Any, function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The gradient of the sum of weighted results, as one step of gradient descent with rate 1 takes it off."""

    class Probe(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.x = self.add_weight(shape=x.shape, initializer=keras.initializers.Constant(0.0), name="x")

        def call(self, inputs: Any) -> Any:
            made = function(self.x)
            parts = made if isinstance(made, (list, tuple)) else [made]
            total = 0.0
            for place, part in enumerate(parts):
                shape = tuple(part.shape)
                total = total + keras.ops.sum(part * uniform(20 + place, *shape).reshape(shape))
            return inputs + total

    model = keras.Sequential([keras.Input((1,)), Probe()])
    model.set_weights([x])
    model.compile(keras.optimizers.SGD(1.0), lambda y_true, y_pred: keras.ops.mean(y_pred, axis=-1))
    model.train_on_batch(np.zeros((1, 1), "float32"), np.zeros((1, 1), "float32"))
    return x - model.get_weights()[0]


@register(PROGRAMS)
def factors(keras: Any) -> dict[str, Any]:
    ops, a, tall = keras.ops, definite(1, 2, 3, 3), uniform(2, 2, 4, 3)
    return {
        "cholesky": ops.cholesky(a),
        "upper": ops.cholesky(a, upper=True),
        "cholesky_inverse": ops.cholesky_inverse(np.linalg.cholesky(a)[0]),
        "lu": [*ops.lu_factor(tall[0])],
        "lu wide": [*ops.lu_factor(tall[0].T.copy())],
        "qr": [*ops.qr(tall[0])],
        "complete": [*ops.qr(tall, mode="complete")],
        "singular values": ops.svd(tall, compute_uv=False),
        "shapes": [list(y.shape) for y in ops.svd(tall)] + [list(y.shape) for y in ops.svd(tall, full_matrices=False)],
        "eigenvalues": ops.eigh(a)[0],
        "squares of vectors": ops.eigh(a)[1] ** 2,
    }


@register(PROGRAMS)
def solutions(keras: Any) -> dict[str, Any]:
    ops, a, b, tall = keras.ops, definite(3, 2, 3, 3), uniform(4, 2, 3, 2), uniform(5, 4, 3)
    return {
        "inv": ops.inv(a),
        "det": ops.det(a),
        "slogdet": [*ops.slogdet(-a)],
        "logdet": ops.logdet(a),
        "solve": ops.solve(a, b),
        "vector": ops.solve(a[0], b[0, :, 0]),
        "lower": ops.solve_triangular(a, b, lower=True),
        "upper": ops.solve_triangular(a, b),
        "lstsq": ops.lstsq(tall, uniform(6, 4)),
        "pinv": ops.pinv(tall),
        "rank": ops.matrix_rank(np.stack([a[0], np.ones((3, 3), "float32")])),
        "norms": [ops.norm(a[0], ord) for ord in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
        "norms of rows": [ops.norm(a, ord, axis=-1) for ord in (None, 0, 1, 3, -np.inf)],
    }


@register(PROGRAMS)
def gradients_of_factors(keras: Any) -> dict[str, Any]:
    ops, a, tall = keras.ops, definite(7, 3, 3), uniform(8, 4, 3)
    return {
        "cholesky": gradient(keras, ops.cholesky, a),
        "not symmetric": gradient(keras, ops.cholesky, a + 0.1 * np.triu(np.ones((3, 3), "float32"), 1)),
        "lu": gradient(keras, lambda x: ops.lu_factor(x)[0], a),
        "qr": gradient(keras, ops.qr, tall),
        "wide": gradient(keras, ops.qr, tall.T.copy()),
        "eigh": gradient(keras, lambda x: (ops.eigh(x)[0], ops.eigh(x)[1] ** 2), a),
        "singular values": gradient(keras, lambda x: ops.svd(x, full_matrices=False)[1], tall),
        "singular vectors": gradient(keras, lambda x: [y**2 for y in ops.svd(x, full_matrices=False)], tall),
        "nuclear norm": gradient(keras, lambda x: ops.norm(x, "nuc"), tall),
    }


@register(PROGRAMS)
def gradients_of_solutions(keras: Any) -> dict[str, Any]:
    ops, a, b, tall = keras.ops, definite(9, 3, 3), uniform(10, 3, 2), uniform(11, 4, 3)
    return {
        "inv": gradient(keras, ops.inv, a),
        "det": gradient(keras, ops.det, a),
        "logdet": gradient(keras, ops.logdet, a),
        "solve": gradient(keras, lambda x: ops.solve(x, b), a),
        "right": gradient(keras, lambda x: ops.solve(a, x), b),
        "lower": gradient(keras, lambda x: ops.solve_triangular(x, b, lower=True), a),
        "upper": gradient(keras, lambda x: ops.solve_triangular(x, b), a),
        "pinv": gradient(keras, ops.pinv, tall),
    }


@register(PROGRAMS)
def transforms(keras: Any) -> dict[str, Any]:
    ops, x, y, line = keras.ops, uniform(12, 2, 3, 4), uniform(13, 2, 3, 4), uniform(14, 24)
    short = ops.stft(line, 6, 3, 8)
    return {
        "fft": [*ops.fft((x, y))],
        "fft2": [*ops.fft2((x, y))],
        "ifft2": [*ops.ifft2((x, y))],
        "rfft": [*ops.rfft(x, 5)],
        "irfft": ops.irfft((x, y), 5),
        "stft": [*short],
        "hamming": [*ops.stft(line, 6, 3, 6, window="hamming", center=False)],
        "istft": ops.istft(short, 6, 3, 8),
        "length": ops.istft(short, 6, 3, 8, length=20, center=False)[4:],
        "sequences": ops.extract_sequences(line, 5, 4),
        "blocks": ops.unfold(uniform(15, 1, 2, 4, 3), 2, dilation=(2, 1), padding=1, stride=2),
        "power": gradient(keras, lambda x: [part**2 for part in ops.rfft(x)], x[0]),
        "through irfft": gradient(keras, lambda x: ops.irfft((2.0 * x, x * x)), x[0]),
    }


@register(PROGRAMS)
def labels_of_sequences(keras: Any) -> dict[str, Any]:
    ops, logits = keras.ops, 2 * uniform(16, 3, 6, 4)
    labels = np.array([[1, 1, 3], [2, 1, 0], [3, 0, 0]], "int32")
    counts, steps = np.array([3, 2, 1], "int32"), np.array([6, 5, 2], "int32")
    paths, scores = ops.ctc_decode(logits, steps, "beam_search", beam_width=6, top_paths=2)
    greedy, sums = ops.ctc_decode(logits, steps, mask_index=2)
    return {
        "loss": ops.ctc_loss(labels, logits, counts, steps),
        "last class": ops.ctc_loss(labels - 1, logits, counts, steps, mask_index=3),
        "gradient": gradient(keras, lambda x: ops.ctc_loss(labels, x, counts, steps), logits),
        "class": keras.losses.CTC()(labels, logits),
        "function": keras.losses.ctc(np.array([[1, 0, 2], [2, 3, 3], [3, 0, 0]], "int32"), logits),
        "paths": paths,
        "scores": scores,
        "greedy": greedy,
        "sums": sums,
    }
