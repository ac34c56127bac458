"""Pictures in files, as arrays, and of another size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.preprocessing import image
from dlnative.utils import array_to_img, img_to_array, load_img, save_img

PICTURE = np.random.RandomState(0).randint(0, 256, (6, 9, 3)).astype("uint8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    save_img(path, PICTURE, scale=False)
    return path


def test_a_picture_is_read_as_it_was_written(file: Path) -> None:
    np.testing.assert_array_equal(img_to_array(load_img(file)), PICTURE)
    for path in (str(file), io.BytesIO(file.read_bytes())):
        assert load_img(path).size == (9, 6)


@pytest.mark.parametrize(("mode", "channels"), [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
def test_colour_modes(file: Path, mode: str, channels: int) -> None:
    assert img_to_array(load_img(file, color_mode=mode)).shape == (6, 9, channels)


def test_sizes(file: Path) -> None:
    assert img_to_array(load_img(file, target_size=(3, 4))).shape == (3, 4, 3)
    cut = img_to_array(load_img(file, target_size=(6, 6), keep_aspect_ratio=True))
    np.testing.assert_array_equal(cut, PICTURE[:, 1:7])


def test_a_grey_picture_of_many_values_keeps_them(tmp_path: Path) -> None:
    values = np.array([[[0], [300]], [[70000], [5]]])
    path = tmp_path / "wide.tiff"
    save_img(path, values, scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(path, color_mode="grayscale")), values)


def test_formats(tmp_path: Path) -> None:
    save_img(tmp_path / "a.jpg", PICTURE)
    assert load_img(tmp_path / "a.jpg").size == (9, 6)
    with pytest.warns(UserWarning, match="JPEG format does not support RGBA"):
        save_img(tmp_path / "b.jpg", np.zeros((2, 2, 4)))
    file = io.BytesIO()
    save_img(file, PICTURE, file_format="png", scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(file)), PICTURE)


def test_values_are_stretched() -> None:
    np.testing.assert_array_equal(np.asarray(array_to_img([[[-1.0], [0.0], [3.0]]])), [[0, 63, 255]])
    np.testing.assert_array_equal(np.asarray(array_to_img(np.ones((1, 2, 1)))), [[0, 0]])
    np.testing.assert_array_equal(np.asarray(array_to_img([[[1.0], [2.0]]], scale=False)), [[1, 2]])


def test_channels_first() -> None:
    first = np.moveaxis(PICTURE, -1, 0)
    picture = array_to_img(first, data_format="channels_first", scale=False)
    np.testing.assert_array_equal(img_to_array(picture, data_format="channels_first"), first)
    np.testing.assert_array_equal(img_to_array(picture, dtype="uint8"), PICTURE)


@pytest.mark.parametrize("size", [(4, 4), (3, 12), (12, 3)])
def test_smart_resize_cuts_before_it_resizes(size: tuple[int, int]) -> None:
    x = np.random.RandomState(1).rand(2, 6, 9, 3).astype("float32")
    rows, columns = min(6, int(9 * size[0] / size[1])), min(9, int(6 * size[1] / size[0]))
    top, left = (6 - rows) // 2, (9 - columns) // 2
    cut = x[:, top : top + rows, left : left + columns]
    np.testing.assert_allclose(image.smart_resize(x, size), dlnative.ops.image.resize(cut, size), rtol=1e-6)
    np.testing.assert_allclose(image.smart_resize(x[0], size), image.smart_resize(x, size)[0], rtol=1e-6)


def test_smart_resize_of_integers_gives_floats_as_keras() -> None:
    made = image.smart_resize(np.array([[[0], [3]]], "uint8"), (1, 1))
    assert (made.dtype, made.tolist()) == (np.float32, [[[0.0]]])  # one column is left
    assert image.smart_resize(np.zeros((4, 4, 1), "uint8"), (2, 2), "nearest").dtype == np.uint8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_img("x.png", color_mode="cmyk"), "load_img: expected color_mode"),
        (lambda: load_img("x.png", interpolation="linear"), "load_img: Invalid interpolation method"),
        (lambda: load_img("x.png", target_size=(3,)), "load_img: expected target_size"),
        (lambda: array_to_img(np.zeros((2, 2))), "array_to_img: Expected image array to have rank 3"),
        (lambda: array_to_img(np.zeros((2, 2, 2))), "array_to_img: Unsupported channel number"),
        (lambda: img_to_array(np.zeros((2, 2, 2, 2))), "img_to_array: Unsupported image shape"),
        (lambda: image.smart_resize(np.zeros((4, 4)), (2, 2)), "smart_resize: Expected an image array"),
        (lambda: image.smart_resize(np.zeros((4, 4, 1)), (2, 2, 2)), "smart_resize: Expected `size`"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
    with pytest.raises(TypeError, match="load_img: expected `path` to be path-like"):
        load_img(3)


def test_a_missing_pillow_is_named(python: Any) -> None:
    program = """
import sys
sys.modules["PIL"] = None
from dlnative.utils import load_img, array_to_img
for call in (lambda: load_img("x.png"), lambda: array_to_img([[[0.0]]])):
    try:
        call()
    except ImportError as error:
        print(error)
"""
    line = 'expected Pillow to read and write images; install "dlnative[image]"'
    assert python(program) == f"load_img: {line}\narray_to_img: {line}\n"
