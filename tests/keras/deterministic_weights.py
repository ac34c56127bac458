"""Weights and images by a rule that needs nothing but NumPy, for networks of any library."""

import numpy as np


def weigh(model):
    """Gives a model weights that depend on their order, names and shapes alone."""
    base = np.random.default_rng(0).standard_normal(10007).astype(np.float32)
    for place, weight in enumerate(model.weights):
        shape, name = tuple(weight.shape), weight.name
        if name == "count":
            continue
        values = np.resize(np.roll(base, place), shape)
        if name.endswith("variance"):
            values = 1 + 0.2 * np.abs(values)
        elif len(shape) > 1:
            fan = np.prod(shape[:2]) if name == "depthwise_kernel" else np.prod(shape[:-1])
            values = values * np.sqrt(2 / fan)
        else:
            values = 0.1 * values + (name == "gamma")
        weight.assign(values.astype(np.float32))


def images(size):
    return np.random.default_rng(1).uniform(0, 255, (2, size, size, 3)).astype(np.float32)
