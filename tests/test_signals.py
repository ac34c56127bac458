"""Fourier transforms, sliding windows, and labels of sequences: against NumPy, definitions and enumeration."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dlnative import losses, ops, value_and_grad


def test_transforms_against_numpy(random: np.random.RandomState) -> None:
    x = random.standard_normal((2, 6, 5)) + 1j * random.standard_normal((2, 6, 5))
    parts = x.real, x.imag
    for found, expected in (
        (ops.fft(parts), np.fft.fft(x)),
        (ops.fft2(parts), np.fft.fft2(x)),
        (ops.ifft2(parts), np.fft.ifft2(x)),
        *((ops.rfft(x.real, n), np.fft.rfft(x.real, n)) for n in (None, 3, 4, 9)),
    ):
        np.testing.assert_allclose(found[0] + 1j * found[1], expected, atol=1e-12)
    for n in (None, 3, 4, 9):
        np.testing.assert_allclose(ops.irfft(parts, n), np.fft.irfft(x, n), atol=1e-12)


@pytest.mark.parametrize("window", ["hann", "hamming", np.arange(1.0, 9.0)])
@pytest.mark.parametrize("center", [False, True])
def test_a_short_time_transform_and_its_inverse(window: Any, center: bool, random: np.random.RandomState) -> None:
    x = random.standard_normal((2, 40))
    real, imag = ops.stft(x, 8, 2, 10, window, center)
    turn = np.cos(2 * np.pi * np.arange(8) / 8)
    given = {"hann": 0.5 - 0.5 * turn, "hamming": 0.54 - 0.46 * turn}[window] if isinstance(window, str) else window
    padded = np.pad(x, ((0, 0), (5, 5)), "reflect") if center else x
    frames = np.lib.stride_tricks.sliding_window_view(padded, 10, -1)[:, ::2] * np.pad(given, 1)
    np.testing.assert_allclose(real + 1j * imag, np.fft.rfft(frames), atol=1e-12)
    back = ops.istft((real, imag), 8, 2, 10, window=window, center=center)
    inside = slice(4, back.shape[1] - 4)
    np.testing.assert_allclose(back[:, inside], x[:, : back.shape[1]][:, inside], atol=1e-10)
    assert ops.istft((real, imag), 8, 2, 10, 60, window, center).shape == (2, 60)


def test_blocks_of_images_and_back(random: np.random.RandomState) -> None:
    x = random.standard_normal((2, 3, 5, 6))
    for options in ({}, {"stride": 2}, {"dilation": (1, 2), "padding": (2, 1)}, {"stride": (1, 3), "padding": 1}):
        found = ops.unfold(x, (2, 3), **options)
        ones = ops.unfold(np.ones_like(x), (2, 3), **options)
        # The two are adjoint to each other: <unfold(x), y> = <x, fold(y)>.
        y = random.standard_normal(found.shape)
        back = ops.fold(y, (5, 6), (2, 3), **options)
        np.testing.assert_allclose((found * y).sum(), (x * back).sum(), rtol=1e-12)
        np.testing.assert_allclose(
            ops.fold(found, (5, 6), (2, 3), **options), x * ops.fold(ones, (5, 6), (2, 3), **options)
        )
    columns = ops.unfold(x, 2)
    np.testing.assert_array_equal(columns[:, :, 7].reshape(2, 3, 2, 2), x[:, :, 1:3, 2:4])
    with pytest.raises(ValueError, match="fold: expected a multiple of 4 rows and 20 blocks, got"):
        ops.fold(np.ones((1, 4, 19)), (5, 6), 2)


def probability(probabilities: Any, labels: Any, blank: int) -> float:
    """The sum over all paths whose labels are these."""
    total = 0.0
    for path in itertools.product(range(probabilities.shape[1]), repeat=len(probabilities)):
        kept = [label for label, _ in itertools.groupby(path) if label != blank]
        if kept == list(labels):
            total += float(np.prod(probabilities[range(len(path)), path]))
    return total


@pytest.mark.parametrize("blank", [0, 2, -1])
def test_the_loss_is_the_sum_over_all_paths(blank: int, random: np.random.RandomState) -> None:
    logits = random.standard_normal((5, 5, 3))
    classes = [label for label in range(3) if label != blank % 3]
    a, b = classes
    labels = np.array([[a, b, a], [a, a, b], [b, 0, 0], [a, a, 0], [0, 0, 0]])
    counts, steps = np.array([3, 3, 1, 2, 0]), np.array([5, 4, 5, 3, 2])
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = [-np.log(probability(p[i, : steps[i]], labels[i, : counts[i]], blank % 3)) for i in range(5)]
    np.testing.assert_allclose(ops.ctc_loss(labels, logits, counts, steps, blank), expected, rtol=1e-9)


def test_the_gradient_of_the_loss(random: np.random.RandomState) -> None:
    logits = random.standard_normal((2, 6, 4))
    labels, counts, steps = np.array([[1, 1, 3], [2, 1, 0]]), np.array([3, 2]), np.array([6, 4])

    def loss(x: Any) -> Any:
        return ops.sum(ops.ctc_loss(labels, x, counts, steps))

    _, found = value_and_grad(loss)(logits)
    expected, step = np.zeros_like(logits), 1e-6
    for index in np.ndindex(logits.shape):
        above, below = logits.copy(), logits.copy()
        above[index] += step
        below[index] -= step
        expected[index] = (loss(above) - loss(below)) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(found.sum(-1), 0.0, atol=1e-12)  # softmax minus what is expected of it: both sum to 1
    assert not found[1, 4:].any()


def test_labels_that_do_not_fit_have_a_large_loss() -> None:
    value, gradient = value_and_grad(lambda x: ops.sum(ops.ctc_loss([[1, 1]], x, [2], [2])))(
        np.zeros((1, 2, 2), "float32")
    )
    assert 9e4 < value < 2e5
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("blank", [0, 2])
def test_a_wide_beam_finds_the_most_likely_labels(blank: int, random: np.random.RandomState) -> None:
    logits = random.standard_normal((3, 4, 3)) * 2
    lengths = np.array([4, 3, 0])
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    paths, scores = ops.ctc_decode(logits, lengths, "beam_search", 200, 3, mask_index=blank)
    classes = [label for label in range(3) if label != blank]
    for index, length in enumerate(lengths):
        every = {
            labels: probability(p[index, :length], labels, blank)
            for count in range(length + 1)
            for labels in itertools.product(classes, repeat=count)
        }
        best = sorted(every.items(), key=lambda item: -item[1])[:3]
        for place, (labels, likely) in enumerate(best):
            assert [label for label in paths[place, index] if label >= 0] == list(labels)
            np.testing.assert_allclose(np.exp(scores[index, place]), likely, rtol=1e-9)
    assert scores[2].tolist() == [0.0, -np.inf, -np.inf]


def test_greedy_decoding() -> None:
    found = [[1, 1, 0, 1, 2, 2], [0, 0, 2, 2, 1, 1], [3, 3, 3, 3, 3, 3]]
    logits = np.eye(4, dtype="float32")[found] * 2
    paths, scores = ops.ctc_decode(logits, [6, 5, 2])
    assert paths.tolist() == [[[1, 1, 2, -1, -1, -1], [2, 1, -1, -1, -1, -1], [3, -1, -1, -1, -1, -1]]]
    assert scores.tolist() == [[-12], [-10], [-4]]
    paths, _ = ops.ctc_decode(logits, [6, 5, 2], merge_repeated=False)
    assert paths[0].tolist() == [[1, 1, 1, 2, 2, -1], [2, 2, 1, -1, -1, -1], [3, 3, -1, -1, -1, -1]]
    with pytest.raises(ValueError, match="Invalid strategy 'widest'"):
        ops.ctc_decode(logits, [6, 5, 2], "widest")


def test_the_loss_as_a_class_trains() -> None:
    import dlnative

    random = np.random.RandomState(0)
    labels = random.randint(1, 4, (64, 3))
    x = np.repeat(np.eye(4, dtype="float32")[labels], 3, axis=1)
    model = dlnative.Sequential([dlnative.Input((9, 4)), dlnative.layers.Dense(4)])
    model.compile(dlnative.optimizers.Adam(0.1), losses.CTC())
    history = model.fit(x, labels, epochs=30, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < 0.25 * history[0]
    # Two labels of one class in a row are one without a blank between them, which these inputs do not show.
    apart = (labels[:, 1:] != labels[:, :-1]).all(1)
    paths, _ = ops.ctc_decode(model.predict(x, verbose=0), np.full(64, 9))
    assert (paths[0, apart, :3] == labels[apart]).mean() > 0.95


def test_axes_by_name(random: np.random.RandomState) -> None:
    x = random.standard_normal((4, 6, 3))
    np.testing.assert_array_equal(
        ops.rearrange(x, "b (h w) c -> (b w) c h", w=2), x.reshape(4, 3, 2, 3).transpose(0, 2, 3, 1).reshape(8, 3, 3)
    )
    for pattern, words in (
        ("b h", "one '->'"),
        ("b h c -> b h", "each axis once"),
        ("b h -> h b", "rank 2"),
        ("(b d) h c -> b d h c", "all axes but one"),
    ):
        with pytest.raises(ValueError, match=words):
            ops.rearrange(x, pattern)
    with pytest.raises(ValueError, match="do not make an axis of 6"):
        ops.rearrange(x, "b (h w) c -> b h w c", h=4)


def test_complex_numbers_at_the_border() -> None:
    z = np.array([[1 + 2j, 3 - 4j]])
    assert ops.view_as_complex(ops.view_as_real(z)).tolist() == z.tolist()
    np.testing.assert_allclose(ops.polar(np.abs(z), np.angle(z)), z)
    with pytest.raises(TypeError, match="there are no complex tensors"):
        value_and_grad(lambda x: ops.sum(ops.view_as_real(ops.view_as_complex(x))))(np.ones((3, 2), "float32"))


def test_a_bessel_function() -> None:
    x = np.array([0.0, 1e-3, -1.0, 7.9, 8.0, 8.1, 100.0, 700.0])
    np.testing.assert_allclose(ops.i0(x), np.i0(x), rtol=1e-13)
    # I0' = I1 (Abramowitz and Stegun, 9.6.27), of which table 9.8 gives exp(-x) I1(x).
    _, slope = value_and_grad(lambda x: ops.sum(ops.i0(x)))(np.array([1.0, 5.0, 10.0]))
    np.testing.assert_allclose(
        slope * np.exp([-1.0, -5.0, -10.0]), [0.2079104154, 0.1639722669, 0.1212626814], rtol=1e-9
    )


def test_directional_derivatives(random: np.random.RandomState) -> None:
    x, v = random.standard_normal((2, 3)), random.standard_normal((2, 3))
    w, u = random.standard_normal((3, 4)), random.standard_normal((3, 4))
    values, found = ops.jvp(lambda x, w: {"y": ops.softmax(ops.matmul(x, w)), "n": ops.argmax(x, -1)}, (x, w), (v, u))
    step = 1e-6
    ends = [ops.softmax(ops.matmul(x + s * v, w + s * u)) for s in (step, -step)]
    np.testing.assert_allclose(found["y"], (ends[0] - ends[1]) / (2 * step), atol=1e-8)
    np.testing.assert_array_equal(values["n"], x.argmax(-1))
    assert not found["n"].any()
    _, twice = ops.jvp(lambda a, b: a * b, (x, x), (v, v))  # an argument in two places
    np.testing.assert_allclose(twice, 2 * x * v)
    with pytest.raises(ValueError, match="jvp: expected a direction of shapes"):
        ops.jvp(ops.sin, (x,), (v[:1],))


def test_namespaces_hold_the_functions_of_ops() -> None:
    for namespace in (ops.nn, ops.numpy, ops.linalg):
        assert dir(namespace) == sorted(namespace.__all__)
        for name in namespace.__all__:
            assert getattr(namespace, name) is getattr(ops, name)
    with pytest.raises(AttributeError, match=r"module 'dlnative\.ops\.linalg' has no attribute 'relu'"):
        ops.linalg.relu  # noqa: B018
