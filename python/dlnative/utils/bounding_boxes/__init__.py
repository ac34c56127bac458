"""Boxes around what images show: their formats, how they move with the images and overlap, how they differ from anchors."""

from __future__ import annotations

from dlnative.utils.bounding_boxes.deltas import decode_deltas_to_boxes, encode_box_to_deltas
from dlnative.utils.bounding_boxes.formats import FORMATS as FORMATS
from dlnative.utils.bounding_boxes.formats import convert_format
from dlnative.utils.bounding_boxes.moving import affine_transform, clip_to_image_size, crop, pad
from dlnative.utils.bounding_boxes.overlap import compute_ciou, compute_iou

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
