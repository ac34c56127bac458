"""Keras programs, each written once as a function of a module that has Keras's API.

A program returns what a user would see: histories, metric values, predictions, names. The generator runs them with
Keras and keeps the answers; the tests run them with dlnative and compare.
"""

from __future__ import annotations

from programs import (
    attention,
    convolutional,
    image_layers,
    images,
    layers,
    linear_algebra,
    losses,
    metrics,
    models,
    normalization,
    optimizers,
    recurrent,
    small_layers,
    standalone,
    training,
    weights,
)

Program = losses.Program

GROUPS: dict[str, dict[str, Program]] = {
    "models": models.PROGRAMS,
    "losses": losses.PROGRAMS,
    "optimizers": optimizers.PROGRAMS,
    "metrics": metrics.PROGRAMS,
    "layers": layers.PROGRAMS,
    "small_layers": small_layers.PROGRAMS,
    "normalization": normalization.PROGRAMS,
    "convolutional": convolutional.PROGRAMS,
    "attention": attention.PROGRAMS,
    "recurrent": recurrent.PROGRAMS,
    "linear_algebra": linear_algebra.PROGRAMS,
    "images": images.PROGRAMS,
    "image_layers": image_layers.PROGRAMS,
    "weights": weights.PROGRAMS,
    "training": training.PROGRAMS,
    "standalone": standalone.PROGRAMS,
}
