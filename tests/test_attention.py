"""What of attention Keras's numbers do not show: lengths, threads, gradients of gradients, queries that see nothing, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad
from dlnative.gradient import grad

GENERATOR = np.random.default_rng(0)


def heads(*shape: int) -> Any:
    return GENERATOR.normal(size=shape).astype("float32")


def plain(q: Any, k: Any, v: Any, seen: Any = None) -> Any:
    """In float64, with all scores at once."""
    scores = np.einsum("btnh,bsnh->bnts", q.astype("float64"), k.astype("float64")) / np.sqrt(q.shape[-1])
    if seen is not None:
        scores = np.where(seen, scores, -1e30)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("bnts,bsnv->btnv", weights / weights.sum(axis=-1, keepdims=True), v)


@pytest.mark.parametrize(("queries", "keys", "length"), [(300, 300, 16), (1, 500, 64), (700, 40, 24), (130, 1031, 8)])
@pytest.mark.parametrize("causal", [False, True])
def test_long_sequences(queries: int, keys: int, length: int, causal: bool) -> None:
    q, k, v = heads(2, queries, 2, length), heads(2, keys, 2, length), heads(2, keys, 2, 9)
    mask = np.arange(keys) < np.array([keys // 2 + 1, keys])[:, None, None, None]
    seen = np.tril(np.ones((queries, keys), bool)) & mask if causal else mask
    found = ops.dot_product_attention(q, k, v, mask=mask, is_causal=causal)
    np.testing.assert_allclose(found, plain(q, k, v, seen), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_of_long_sequences(causal: bool) -> None:
    q, k, v = heads(1, 150, 2, 8), heads(1, 170, 2, 8), heads(1, 170, 2, 6)
    dy = heads(1, 150, 2, 6)
    _, fused = value_and_grad(
        lambda q, k, v: ops.sum(ops.dot_product_attention(q, k, v, is_causal=causal) * dy), (0, 1, 2)
    )(q, k, v)
    bias = np.zeros((1, 1, 1, 1), "float32")  # with which it is composed of other ops
    _, composed = value_and_grad(
        lambda q, k, v: ops.sum(ops.dot_product_attention(q, k, v, bias, is_causal=causal) * dy), (0, 1, 2)
    )(q, k, v)
    for found, expected in zip(fused, composed, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_the_same_for_any_number_of_threads() -> None:
    q = heads(3, 200, 4, 16)
    before, results = dlnative.num_threads(), []
    try:
        for threads in (1, 2, 3):
            dlnative.set_num_threads(threads)
            results.append(value_and_grad(lambda q: ops.sum(ops.square(ops.dot_product_attention(q, q, q))))(q))
    finally:
        dlnative.set_num_threads(before)
    for value, gradient in results[1:]:
        assert value == results[0][0]
        np.testing.assert_array_equal(gradient, results[0][1])


def test_memory_is_linear() -> None:
    """8192 steps of four heads: all scores would be 1 GB."""
    import tracemalloc

    q = heads(1, 8192, 4, 4)
    ops.dot_product_attention(q[:, :64], q[:, :64], q[:, :64], is_causal=True)
    tracemalloc.start()
    y = ops.dot_product_attention(q, q, q, is_causal=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
    np.testing.assert_allclose(y[:, :1], q[:, :1], rtol=1e-6)


def test_a_query_that_sees_nothing_gets_the_mean(backend: str) -> None:
    q, v = heads(1, 2, 1, 4), heads(1, 5, 1, 4)
    mask = np.array([[False] * 5, [True] * 5]).reshape(1, 1, 2, 5)
    y = ops.dot_product_attention(q, v, v, mask=mask)
    np.testing.assert_allclose(y[0, 0, 0], v.mean(axis=1)[0, 0], rtol=1e-5, atol=1e-7)
    _, gradient = value_and_grad(lambda q: ops.sum(ops.dot_product_attention(q, v, v, mask=mask)))(q)
    assert (gradient[0, 0] == 0).all()
    assert np.isfinite(gradient).all()


def test_gradients_of_gradients() -> None:
    q, direction = GENERATOR.normal(size=(1, 4, 2, 3)), GENERATOR.normal(size=(1, 4, 2, 3))

    def value(q: Any) -> Any:
        return ops.sum(ops.sin(ops.dot_product_attention(q, q, q, is_causal=True)))

    with dlnative.backend.use_backend("reference"):
        _, second = value_and_grad(lambda q: ops.sum(grad(value)(q) * direction))(q)
        step = 1e-6
        expected = (grad(value)(q + step * direction) - grad(value)(q - step * direction)) / (2 * step)
    np.testing.assert_allclose(second, expected, rtol=1e-6, atol=1e-8)


def test_half_precision() -> None:
    q = heads(1, 40, 2, 8).astype("float16")
    y = ops.dot_product_attention(q, q, q)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, plain(q, q, q), atol=2e-3)


def test_empty_sequences(backend: str) -> None:
    q, k = np.ones((2, 0, 1, 4), "float32"), np.ones((2, 3, 1, 4), "float32")
    assert ops.dot_product_attention(q, k, k).shape == (2, 0, 1, 4)
    assert ops.dot_product_attention(k[:0], k[:0], k[:0]).shape == (0, 3, 1, 4)


def test_keys_of_no_width_weigh_the_same(backend: str) -> None:
    q, v = np.ones((2, 2, 1, 0), "float32"), np.arange(6, dtype="float32").reshape(2, 3, 1, 1)
    expected = np.broadcast_to(v.mean(axis=1, keepdims=True), (2, 2, 1, 1))
    np.testing.assert_allclose(ops.dot_product_attention(q, np.ones((2, 3, 1, 0), "float32"), v), expected)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: ops.dot_product_attention(x[0], x, x), "only supports 4D"),
        (lambda x: ops.dot_product_attention(x, x[:, :2], x), "query .batch, T, N, H"),
        (lambda x: ops.dot_product_attention(x, x[:, :, :, :2], x), "query .batch, T, N, H"),
        (lambda x: ops.dot_product_attention(x[:, :, :3], x[:, :, :2], x[:, :, :2]), "a divisor of N"),
        (lambda x: ops.dot_product_attention(x, x, x, mask=np.ones((2, 5, 1, 1))), "a mask that broadcasts"),
        (lambda x: ops.dot_product_attention(x, x, x, scale="a"), "scale"),
        (lambda x: ops.dot_product_attention(x, x[:, :0], x[:, :0]), "at least one key"),
        (lambda x: layers.MultiHeadAttention(0, 2), "num_heads"),
        (lambda x: layers.MultiHeadAttention(2, 2, sliding_window=0), "sliding_window"),
        (lambda x: layers.MultiHeadAttention(2, 2)(x[..., 0], x[..., 0], x[:, :2, :, 0]), "must be equal"),
        (lambda x: layers.GroupQueryAttention(2, 3, 2), "divisible"),
        (lambda x: layers.Attention()(x[0]), "list of inputs"),
        (lambda x: layers.Attention(score_mode="sum"), "score_mode"),
    ],
)
def test_refuses(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(heads(2, 4, 4, 3))


def test_attention_learns_to_look_back() -> None:
    """The answer is the element whose place the first one names."""
    dlnative.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    places = generator.integers(0, 6, 2000)
    values = generator.normal(size=(2000, 6)).astype("float32")
    inputs = dlnative.Input((6, 8))
    one_hot = np.eye(6, dtype="float32")
    x = np.concatenate([values[..., None], np.broadcast_to(one_hot, (2000, 6, 6)), np.zeros((2000, 6, 1))], -1)
    x[np.arange(2000), places, -1] = 1
    y = layers.MultiHeadAttention(2, 8)(inputs, inputs)
    model = dlnative.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(y)))
    model.compile(dlnative.optimizers.Adam(0.01), "mse")
    history = model.fit(x.astype("float32"), values[np.arange(2000), places], epochs=12, verbose=0)
    assert history.history["loss"][-1] < 0.05
