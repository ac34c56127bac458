"""Boxes and masks drawn on images, and galleries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlnative import visualization
from dlnative.utils import img_to_array, load_img

IMAGES = np.full((2, 20, 30, 3), 50, "uint8")
BOXES = {
    "boxes": np.array([[[4.0, 5, 20, 15], [0, 0, 3, 3]]] * 2),
    "labels": np.array([[1, -1], [0, -1]]),
    "confidences": np.array([[0.9, 0.1], [0.5, 0.1]]),
}


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_boxes_are_frames_around_their_insides(thickness: int) -> None:
    drawn = visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=(200, 10, 20), line_thickness=thickness)
    red = drawn[0, :, :, 0] == 200
    assert red[10].sum() == red[:, 12].sum() == 2 * thickness
    out, inner = (thickness - 1) // 2, thickness // 2
    assert np.nonzero(red[10])[0].min() == 4 - out
    assert np.nonzero(red[:, 12])[0].max() == 15 + out
    assert not red[5 + inner + 1 : 15 - inner, 4 + inner + 1 : 20 - inner].any()
    assert not red[:3, :3].any()  # a label of -1 is no box
    assert (IMAGES == 50).all()


def test_boxes_of_other_formats_and_beyond_the_border() -> None:
    relative = {"boxes": np.array([[[0.5, -0.5, 1.0, 2.0]]] * 2), "labels": np.zeros((2, 1), int)}
    drawn = visualization.draw_bounding_boxes(
        np.zeros((2, 3, 20, 30)), relative, "rel_xyxy", data_format="channels_first"
    )
    assert drawn.shape == (2, 20, 30, 3)
    assert (drawn[:, :, 15] == 128).all()
    assert (drawn[:, 10, 17:29] == 0).all()


def test_floats_up_to_one_are_parts_of_255() -> None:
    nothing = {"boxes": np.zeros((1, 0, 4)), "labels": np.zeros((1, 0), int)}
    assert (visualization.draw_bounding_boxes(np.full((1, 2, 2, 3), 0.5), nothing, "xyxy") == 127).all()
    assert (visualization.draw_bounding_boxes(np.full((1, 2, 2, 3), 300.0), nothing, "xyxy") == 255).all()


def test_names_are_written_above_boxes_or_below_their_tops() -> None:
    large = np.zeros((1, 100, 120, 3), "uint8")
    for top, rows in ((60, slice(20, 58)), (2, slice(5, 40))):
        boxes = {"boxes": np.array([[[10, top, 110, 95]]]), "labels": np.array([[3]])}
        plain, named = [
            visualization.draw_bounding_boxes(large, boxes, "xyxy", mapping, line_thickness=1)
            for mapping in (None, {3: "cat"})
        ]
        different = (plain != named).any(axis=(0, 3))
        assert different.any()
        outside = different.copy()
        outside[rows] = False
        assert not outside.any()


def test_masks_are_blended() -> None:
    masks = np.zeros((2, 20, 30, 1), int)
    masks[:, 5:10] = 1
    masks[:, 10:15] = 2
    colors = {0: (0, 0, 0), 1: (250, 0, 0), 2: (0, 250, 0)}
    drawn = visualization.draw_segmentation_masks(IMAGES, masks, color_mapping=colors, alpha=0.8, ignore_index=0)
    assert drawn.dtype == np.uint8
    assert drawn[0, 0, 0].tolist() == [50, 50, 50]
    assert drawn[0, 7, 0].tolist() == [210, 10, 10]
    assert drawn[0, 12, 0].tolist() == [10, 210, 10]
    flat = visualization.draw_segmentation_masks(IMAGES, masks[..., 0], color_mapping=colors, blend=False)
    assert flat[0, 7, 0].tolist() == [250, 0, 0]
    own = visualization.draw_segmentation_masks(IMAGES, masks, blend=False)
    assert len(np.unique(own.reshape(-1, 3), axis=0)) == 3


def test_galleries_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    visualization.plot_image_gallery(
        IMAGES, y_true=[0, 1], y_pred=[1, 5], label_map={0: "cat", 1: "dog"}, rows=1, cols=2, path=tmp_path / "a.png"
    )
    visualization.plot_bounding_box_gallery(
        IMAGES, "xyxy", BOXES, BOXES, class_mapping={0: "cat"}, legend=True, path=tmp_path / "b.png"
    )
    masks = np.ones((2, 20, 30, 1), int)
    visualization.plot_segmentation_mask_gallery(IMAGES, 2, y_true=masks, y_pred=masks, path=tmp_path / "c.png")
    for name in "abc":
        assert img_to_array(load_img(tmp_path / f"{name}.png")).std() > 1


def test_a_gallery_shows_every_image() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    for count in (1, 2, 3, 5, 7):
        images = np.arange(count, dtype="float32").reshape(-1, 1, 1, 1) * np.ones((1, 4, 4, 1), "float32")
        figure = visualization.plot_image_gallery(images, value_range=(0, 10), show=False)
        shown = [axis.get_images()[0].get_array()[0, 0, 0] for axis in figure.axes if axis.get_images()]
        np.testing.assert_allclose(shown, np.arange(count) * 25.5, atol=1)
        pyplot.close(figure)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: visualization.draw_bounding_boxes(IMAGES[0], BOXES, "xyxy"), "must be batched 4D tensor"),
        (lambda: visualization.draw_bounding_boxes(IMAGES, {"boxes": 1}, "xyxy"), "containing 'boxes' and 'labels'"),
        (lambda: visualization.draw_segmentation_masks(IMAGES[0], IMAGES[0]), "must be batched 4D tensor"),
        (
            lambda: visualization.draw_segmentation_masks(IMAGES, IMAGES[:, :5, :, :1]),
            "expected masks for images of shape",
        ),
        (lambda: visualization.plot_image_gallery(IMAGES, path="a.png", show=True), "either `path` to be set"),
        (lambda: visualization.plot_image_gallery(IMAGES, y_true=[1, 2]), "a `label_map` must also be provided"),
        (lambda: visualization.plot_bounding_box_gallery(IMAGES, "xyxy", legend=True, legend_handles=[1]), "Only pass"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=message):
        make()


def test_types_that_are_refused() -> None:
    with pytest.raises(TypeError, match="`bounding_boxes` should be a dict"):
        visualization.draw_bounding_boxes(IMAGES, BOXES["boxes"], "xyxy")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be in integer dtype"):
        visualization.draw_segmentation_masks(IMAGES, IMAGES[..., :1] * 0.5)


def test_a_missing_matplotlib_is_named(python: Any) -> None:
    program = """
import sys
sys.modules["matplotlib"] = None
from dlnative import visualization
try:
    visualization.plot_image_gallery([[[[0.0]]]])
except ImportError as error:
    print(error)
"""
    assert python(program) == 'plot_image_gallery: expected matplotlib to draw with; install "dlnative[plot]"\n'
