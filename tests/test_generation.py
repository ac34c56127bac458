"""Positions, blocks of transformers, and text one token after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import generation, layers
from dlnative.generation import GPT

TOKENS = np.random.default_rng(0).integers(1, 20, (3, 5))


def model(**more: Any) -> GPT:
    dlnative.utils.set_random_seed(0)
    made = GPT(20, 24, num_layers=2, num_heads=2, hidden_dim=16, **more)
    made(TOKENS)
    generator = np.random.default_rng(1)  # logits that are apart
    made.set_weights([w + generator.normal(0, 0.3, w.shape) for w in made.get_weights()])
    return made


def without_cache(made: GPT, prompt: Any, length: int) -> Any:
    tokens = prompt
    while tokens.shape[1] < length:
        tokens = np.concatenate([tokens, made(tokens)[:, -1:].argmax(axis=-1)], axis=1)
    return tokens


def test_a_cache_changes_no_token() -> None:
    made = model()
    found = made.generate(TOKENS, 20)
    np.testing.assert_array_equal(found, without_cache(made, TOKENS, 20))
    np.testing.assert_array_equal(made.generate(TOKENS[:, :2], 20), without_cache(made, TOKENS[:, :2], 20))
    made.set_weights([-w for w in made.get_weights()])
    np.testing.assert_array_equal(made.generate(TOKENS, 12), without_cache(made, TOKENS, 12))
    assert made.generate(TOKENS, 5).tolist() == TOKENS.tolist()


def test_nothing_sees_what_follows() -> None:
    made = model()
    other = TOKENS.copy()
    other[:, 3:] = 7
    np.testing.assert_allclose(made(TOKENS)[:, :3], made(other)[:, :3], rtol=1e-5, atol=1e-5)


def test_a_stop_token_ends_a_row() -> None:
    made = model()
    free = made.generate(TOKENS, 20)
    stop = int(free[0, 8])
    found = made.generate(TOKENS, 20, stop_token=stop)
    for row, whole in zip(found, free, strict=True):
        ends = np.flatnonzero(whole[5:] == stop)
        length = 5 + ends[0] + 1 if len(ends) else 20
        np.testing.assert_array_equal(row[:length], whole[:length])
        assert (row[length:] == stop).all()


def log_probability(made: GPT, tokens: Any, prompt: int) -> float:
    logits = made(tokens[None])[0].astype("float64")
    logarithms = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return float(sum(logarithms[i - 1, tokens[i]] for i in range(prompt, len(tokens))))


def test_beams_find_what_is_more_likely() -> None:
    made = model()
    greedy, beams = made.generate(TOKENS, 11), made.generate(TOKENS, 11, num_beams=4)
    scores = [[log_probability(made, row, 5) for row in rows] for rows in (greedy, beams)]
    assert all(b >= g - 1e-6 for g, b in zip(*scores, strict=True))
    assert max(b - g for g, b in zip(*scores, strict=True)) > 0.01
    # With as many beams as there are tokens, two steps are searched whole.
    found = made.generate(TOKENS[:1], 7, num_beams=20)[0]
    best = max(
        (np.array([*TOKENS[0], a, b]) for a in range(20) for b in range(20)), key=lambda t: log_probability(made, t, 5)
    )
    np.testing.assert_array_equal(found, best)


def test_samplers() -> None:
    logits = np.log(np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.1, 0.1, 0.7]]))
    many = np.repeat(logits[:1], 20000, axis=0)
    shares = np.bincount(generation.RandomSampler(seed=0)(many), minlength=4) / 20000
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.2, 0.1], atol=0.015)
    assert generation.GreedySampler()(logits).tolist() == [0, 3]
    top = generation.TopKSampler(2, seed=0)
    np.testing.assert_allclose(top.probabilities(logits), [[4 / 7, 3 / 7, 0, 0], [0.125, 0, 0, 0.875]], rtol=1e-9)
    assert set(top(many)) == {0, 1}
    np.testing.assert_allclose(generation.TopPSampler(0.5).probabilities(logits)[1], [0, 0, 0, 1])
    cold = generation.RandomSampler(temperature=0.5).probabilities(logits)
    np.testing.assert_allclose(cold[0], np.array([16, 9, 4, 1]) / 30, rtol=1e-9)
    again = generation.TopPSampler(0.9, seed=3)(many), generation.TopPSampler(0.9, seed=3)(many)
    np.testing.assert_array_equal(*again)
    assert model().generate(TOKENS, 9, generation.TopKSampler(3, seed=0)).shape == (3, 9)
    for bad in (
        lambda: generation.get_sampler("best"),
        lambda: generation.RandomSampler(0),
        lambda: generation.TopPSampler(2),
    ):
        with pytest.raises(ValueError, match="expected"):
            bad()


def test_a_gpt_learns_to_count() -> None:
    dlnative.utils.set_random_seed(0)
    starts = np.random.default_rng(0).integers(0, 10, 400)
    tokens = (starts[:, None] + np.arange(13)) % 10
    made = GPT(10, 12, num_layers=1, num_heads=2, hidden_dim=16)
    loss = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(dlnative.optimizers.Adam(0.01), loss)
    made.fit(tokens[:, :-1], tokens[:, 1:], epochs=8, verbose=0)
    assert made.generate(np.array([[3, 4]]), 12)[0].tolist() == [3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: m.generate(TOKENS[0], 9), "prompt of tokens"),
        (lambda m: m.generate(TOKENS[:, :0], 9), "prompt of tokens"),
        (lambda m: m.generate(TOKENS + 0.5, 9), "prompt of tokens"),
        (lambda m: m.generate(TOKENS, 25), "max_length"),
        (lambda m: m.generate(TOKENS, 4), "max_length"),
        (lambda m: m.generate(TOKENS, 9, num_beams=0), "num_beams"),
        (lambda m: m(np.ones((1, 25), "int32")), "at most 24 steps"),
        (lambda m: layers.TransformerEncoder(8, 3)(np.ones((1, 2, 8), "float32")), "num_heads=3 divides"),
        (lambda m: layers.RotaryEmbedding()(np.ones((1, 2, 3), "float32")), "even number"),
    ],
)
def test_refuses(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(model())


def test_rotations_depend_on_distances() -> None:
    generator = np.random.default_rng(0)
    q, k = (np.tile(generator.normal(size=(1, 1, 1, 8)), (1, 6, 1, 1)).astype("float32") for _ in range(2))
    layer = layers.RotaryEmbedding()
    scores = np.einsum("bthd,bshd->bts", layer(q), layer(k))[0]
    for distance in range(-5, 6):
        diagonal = np.diagonal(scores, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(layer(q), axis=-1), np.linalg.norm(q, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(layer(q, start_index=2)[:, :4], layer(q)[:, 2:], rtol=1e-5, atol=1e-6)
    first, second = q[..., :4], q[..., 4:]
    angles = np.arange(6)[:, None] * 10000.0 ** -(np.arange(0, 8, 2) / 8)
    expected = first * np.cos(angles)[:, None] - second * np.sin(angles)[:, None]
    np.testing.assert_allclose(layer(q)[..., :4], expected, rtol=1e-5, atol=1e-6)


def test_positions() -> None:
    x = np.zeros((2, 5, 6), "float32")
    sines = layers.SinePositionEncoding(100)(x, start_index=3)
    places = np.arange(3, 8)[:, None] / 100 ** (np.array([0, 0, 2, 2, 4, 4]) / 6)
    expected = np.where(np.arange(6) % 2, np.cos(places), np.sin(places))
    np.testing.assert_allclose(sines, np.broadcast_to(expected, (2, 5, 6)), rtol=1e-5, atol=1e-6)
    layer = layers.PositionEmbedding(9)
    whole = layer(np.zeros((1, 9, 6), "float32"))
    np.testing.assert_array_equal(layer(x, start_index=3), np.repeat(whole[:, 3:8], 2, axis=0))
    np.testing.assert_array_equal(layer(x), np.repeat(whole[:, :5], 2, axis=0))
    for made in (
        layers.SinePositionEncoding(50),
        layer,
        layers.RotaryEmbedding(50, 2.0),
        layers.TokenAndPositionEmbedding(7, 5, 4),
    ):
        assert layers.deserialize(layers.serialize(made)).get_config() == made.get_config()


@pytest.mark.parametrize("normalize_first", [False, True])
def test_blocks_follow_their_formula_and_masks(normalize_first: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 8)).astype("float32")
    mask = np.array([[True, True, False, False], [True] * 4])
    encoder = layers.TransformerEncoder(16, 2, normalize_first=normalize_first)
    y = encoder(x, padding_mask=mask)
    changed = x.copy()
    changed[0, 2:] = 9.0
    np.testing.assert_allclose(encoder(changed, padding_mask=mask)[0, :2], y[0, :2], rtol=1e-5, atol=1e-6)
    attention, dense_in, dense_out = encoder._self_attention, encoder._feedforward_in, encoder._feedforward_out
    first, second = encoder._attention_norm, encoder._feedforward_norm
    if normalize_first:
        h = x + attention(first(x), first(x))
        expected = h + dense_out(dense_in(second(h)))
    else:
        h = first(x + attention(x, x))
        expected = second(h + dense_out(dense_in(h)))
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-5, atol=1e-5)
    decoder = layers.TransformerDecoder(16, 2, normalize_first=normalize_first)
    source = np.random.default_rng(1).normal(size=(2, 3, 8)).astype("float32")
    y = decoder(x, source)
    later = x.copy()
    later[:, 2:] = 5.0
    np.testing.assert_allclose(decoder(later, source)[:, :2], y[:, :2], rtol=1e-5, atol=1e-5)
    assert (decoder(x, source + 1) != y).any()
    with pytest.raises(ValueError, match="an encoder_sequence"):
        decoder(x)
    for made in (encoder, decoder):
        assert layers.deserialize(layers.serialize(made)).get_config() == made.get_config()
