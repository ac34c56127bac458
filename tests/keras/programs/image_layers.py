"""Layers of images, where nothing is left to chance: factors of one value, or transformations that are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from programs.common import Program, register, uniform

PROGRAMS: dict[str, Program] = {}

BOXES = np.array([[[1.0, 0.5, 3.0, 2.5], [0.0, 2.0, 4.0, 5.0]]] * 2, "float32")


def _images(*shape: int) -> np.ndarray:
    return np.round(uniform(3, *(shape or (2, 5, 4, 3)), low=0.0, high=255.0))


def _boxes() -> dict[str, Any]:
    return {"boxes": BOXES.copy(), "labels": np.array([[1, 2], [0, 3]], "int32")}


@register(PROGRAMS)
def moved(keras: Any) -> dict[str, Any]:
    x, layers = _images(2, 5, 4, 1), keras.layers
    made = {
        "translation": layers.RandomTranslation((0.3, 0.3), (-0.2, -0.2), "constant", fill_value=9.0),
        "translation nearest": layers.RandomTranslation((-0.3, -0.3), (0.2, 0.2), interpolation="nearest"),
        "zoom": layers.RandomZoom((0.3, 0.3), fill_mode="wrap"),
        "zoom two": layers.RandomZoom((-0.3, -0.3), (0.2, 0.2), fill_mode="nearest"),
        "rotation": layers.RandomRotation((0.1, 0.1)),
    }
    return {name: layer(x, training=True) for name, layer in made.items()}


@register(PROGRAMS)
def moved_as_told(keras: Any) -> dict[str, Any]:
    x, layers = _images(2, 5, 4, 1), keras.layers
    shear = {"shear_factor": np.array([[0.3, 0.0], [-0.2, 0.4]], "float32"), "input_shape": x.shape}
    corners = np.array([[0, 0], [3, 0], [0, 4], [3, 4]], "float32")
    start = np.stack([corners, corners])
    points = {
        "apply_perspective": np.array([True, False]), "start_points": start,
        "end_points": start * (1.0 + 0.3 * uniform(5, 2, 4, 2)), "input_shape": x.shape,
    }  # fmt: skip
    flips = {"flips": np.array([True, False]).reshape(2, 1, 1, 1), "input_shape": x.shape}
    return {
        "shear": layers.RandomShear(0.5, 0.5).transform_images(x, shear),
        "perspective": layers.RandomPerspective().transform_images(x, points),
        "flip": layers.RandomFlip().transform_images(x, flips),
        "flip left": layers.RandomFlip("horizontal").transform_images(x, flips),
    }


@register(PROGRAMS)
def boxes_moved(keras: Any) -> dict[str, Any]:
    shape, layers = (2, 5, 4, 1), keras.layers
    translation = {"translations": np.array([[1.0, -0.5], [0.0, 2.0]], "float32"), "input_shape": shape}
    zoom = {"height_zoom": np.array([[0.7], [1.2]]), "width_zoom": np.array([[0.8], [1.1]]), "input_shape": shape}
    rotation = {"angle": np.array([20.0, -35.0], "float32"), "image_height": 5, "image_width": 4, "batch_size": 2}
    shear = {"shear_factor": np.array([[0.3, 0.0], [-0.2, 0.4]], "float32"), "input_shape": shape}
    results = {}
    for name, layer, given in (
        ("translation", layers.RandomTranslation(0.5, 0.5, bounding_box_format="xyxy"), translation),
        ("zoom", layers.RandomZoom(0.5, bounding_box_format="xyxy"), zoom),
        ("rotation", layers.RandomRotation(0.5, bounding_box_format="xyxy"), rotation),
        ("shear", layers.RandomShear(0.5, bounding_box_format="xywh"), shear),
        ("crop", layers.CenterCrop(4, 2, bounding_box_format="xyxy"), {"input_shape": shape}),
        ("resize", layers.Resizing(10, 6, bounding_box_format="rel_xyxy"), (5, 4)),
        ("resize padded", layers.Resizing(10, 12, pad_to_aspect_ratio=True, bounding_box_format="xyxy"), (5, 4)),
    ):
        given_boxes = _boxes()
        if layer.bounding_box_format == "rel_xyxy":
            given_boxes["boxes"] /= np.array([4, 5, 4, 5], "float32")
        made = layer.transform_bounding_boxes(given_boxes, given)
        results[name] = made["boxes"], made["labels"]
    return results


@register(PROGRAMS)
def sizes(keras: Any) -> dict[str, Any]:
    x, layers = _images(2, 5, 4, 1), keras.layers
    masks = np.arange(40, dtype="int32").reshape(2, 5, 4, 1)
    resized = layers.Resizing(3, 6, "bicubic")({"images": x, "segmentation_masks": masks})
    return {
        "resizing": resized["images"],
        "masks": resized["segmentation_masks"],
        "uint8": layers.Resizing(2, 2)(x.astype("uint8")),
        "one": layers.Resizing(4, 4, crop_to_aspect_ratio=True, antialias=True)(x[0]),
        "center": layers.CenterCrop(2, 3)(x),
        "center of less": layers.CenterCrop(7, 3)(x),
    }


@register(PROGRAMS)
def colours(keras: Any) -> dict[str, Any]:
    x, layers = _images(2, 3, 2, 3), keras.layers
    small = x / np.float32(255)
    factor = np.array([0.2, 0.8], "float32")
    return {
        "brightness": layers.RandomBrightness((0.2, 0.2))(x, training=True),
        "brightness small": layers.RandomBrightness((-0.3, -0.3), (0, 1))(small, training=True),
        "contrast": layers.RandomContrast(0.5).transform_images(
            x, {"contrast_factor": np.array([0.4, 1.7], "float32").reshape(2, 1, 1, 1)}
        ),
        "hue": layers.RandomHue(0.5).transform_images(x, {"factor": np.array([0.2, -0.3], "float32")}),
        "saturation": layers.RandomSaturation(0.5, (0, 1)).transform_images(small, {"factor": factor}),
        "degeneration": layers.RandomColorDegeneration((0.3, 0.3))(x, training=True),
        "gray": layers.RandomGrayscale(1.0)(x, training=True),
        "inverted": layers.RandomInvert((1.0, 1.0))(x, training=True),
        "sharpness": layers.RandomSharpness((0.9, 0.9))(x, training=True),
        "smoothness": layers.RandomSharpness((0.1, 0.1))(x, training=True),
        "blur": layers.RandomGaussianBlur(kernel_size=3).transform_images(
            x, {"blur_factor": np.array([0.7, 0.9], "float32"), "should_apply_blur": np.array([True, False])}
        ),
    }


@register(PROGRAMS)
def tones(keras: Any) -> dict[str, Any]:
    x, layers = _images(2, 6, 5, 2), keras.layers
    small = x / np.float32(255)
    return {
        "solarization": layers.Solarization().transform_images(x, {"additions": 20.0, "thresholds": 120.0}),
        "posterization": layers.RandomPosterization((3, 3))(x, training=True),
        "posterization small": layers.RandomPosterization((2, 2), (0, 1))(small, training=True),
        "auto contrast": layers.AutoContrast()(x),
        "auto contrast small": layers.AutoContrast((0, 1))(small * np.float32(0.5) + np.float32(0.1)),
        "equalization": layers.Equalization()(x, training=True),
        "equalization few": layers.Equalization((0, 1), bins=8)(small, training=True),
        "local": layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 3))(x),
        "local unlimited": layers.ContrastLimitedAdaptiveHistogramEqualization((0, 1), 0, (3, 2))(small),
    }


@register(PROGRAMS)
def mixed(keras: Any) -> dict[str, Any]:
    x, layers = _images(3, 3, 2, 1), keras.layers
    labels, order = np.eye(3, dtype="float32"), np.array([2, 0, 1], "int32")
    weights = np.array([0.2, 0.9, 0.5], "float32")
    masks = np.array([1, 0, 0, 1, 1, 0] * 3, "bool").reshape(3, 3, 2, 1)
    up = {"mix_weight": weights, "permutation_order": order}
    cut = {"mix_weight": weights.reshape(3, 1, 1, 1), "permutation_order": order, "batch_masks": masks}
    erased = {"apply_erasing": np.array([True, False, True]), "batch_masks": masks, "fill_value": np.float32(7.0)}
    return {
        "mix up": layers.MixUp().transform_images(x, up),
        "mix up labels": layers.MixUp().transform_labels(labels, up),
        "cut mix": layers.CutMix().transform_images(x, cut),
        "cut mix labels": layers.CutMix().transform_labels(labels, cut),
        "erased": layers.RandomErasing().transform_images(x, erased),
    }


@register(PROGRAMS)
def boxes(keras: Any) -> dict[str, Any]:
    utils = keras.utils.bounding_boxes
    formats = (
        "xyxy",
        "yxyx",
        "xywh",
        "center_xywh",
        "center_yxhw",
        "rel_xyxy",
        "rel_yxyx",
        "rel_xywh",
        "rel_center_xywh",
    )
    results: dict[str, Any] = {}
    for target in formats:
        made = utils.convert_format(BOXES[0], "xyxy", target, height=5, width=4)
        results[target] = made
        results[f"{target} back"] = utils.convert_format(made, target, "center_xywh", height=5, width=4)
    others = BOXES[0] + np.array([0.5, 1.0, 1.0, 0.0], "float32")
    deltas = utils.encode_box_to_deltas(BOXES[0], others, "xyxy", "xyxy", variance=[0.1, 0.1, 0.2, 0.2])
    results["deltas"] = deltas
    results["from deltas"] = utils.decode_deltas_to_boxes(
        BOXES[0], deltas, "xyxy", "xywh", variance=[0.1, 0.1, 0.2, 0.2]
    )
    results["iou"] = utils.compute_iou(BOXES[0], others, "xyxy")
    results["ciou"] = utils.compute_ciou(BOXES[0], others, "xyxy")
    angles = np.array([10.0, -20.0], "float32")
    results["affine"] = utils.affine_transform(
        BOXES, angles, angles * 0 + 0.1, angles * 0, angles * 0 + 1.2, angles / 2, angles / 4, 5, 4
    )
    return results
