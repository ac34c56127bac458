"""Targets and predictions that the tests of losses and metrics share."""

from __future__ import annotations

import numpy as np

TARGETS = np.array([[0.1, 0.9, 0.4], [0.8, 0.3, 0.6], [0.5, 0.2, 0.7], [0.9, 0.0, 0.3]], "float32")
GUESSES = np.array([[0.2, 0.6, 0.5], [0.7, 0.1, 0.9], [0.4, 0.4, 0.3], [0.6, 0.2, 0.8]], "float32")
LIKELY = GUESSES / GUESSES.sum(axis=-1, keepdims=True)
SHARES = TARGETS / TARGETS.sum(axis=-1, keepdims=True)
SIGNED = 2 * GUESSES - 1
LOGITS = 8 * GUESSES - 4
LABELS = np.array([1, 0, 2, 2])
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
BITS = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 0]])
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5], "float32")

# What each loss, and each metric of its name, is given.
PAIRS = {
    "MeanSquaredError": (TARGETS, GUESSES),
    "MeanAbsoluteError": (TARGETS, GUESSES),
    "MeanAbsolutePercentageError": (TARGETS, GUESSES),
    "MeanSquaredLogarithmicError": (TARGETS, GUESSES),
    "LogCosh": (TARGETS, GUESSES),
    "Huber": (4 * TARGETS, GUESSES),
    "Hinge": (BITS, SIGNED),
    "SquaredHinge": (BITS, SIGNED),
    "CategoricalHinge": (ONE_HOT, SIGNED),
    "KLDivergence": (SHARES, LIKELY),
    "Poisson": (TARGETS, GUESSES),
    "CosineSimilarity": (TARGETS, SIGNED),
    "BinaryCrossentropy": (BITS, GUESSES),
    "CategoricalCrossentropy": (ONE_HOT, LIKELY),
    "SparseCategoricalCrossentropy": (LABELS, LIKELY),
    "RootMeanSquaredError": (TARGETS, GUESSES),
    "LogCoshError": (TARGETS, GUESSES),
    "Accuracy": (LABELS, np.array([1, 0, 1, 2])),
    "BinaryAccuracy": (BITS, GUESSES),
    "CategoricalAccuracy": (ONE_HOT, LIKELY),
    "SparseCategoricalAccuracy": (LABELS, LIKELY),
    "Precision": (BITS, GUESSES),
    "Recall": (BITS, GUESSES),
}
