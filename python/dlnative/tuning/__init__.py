"""Searches for the best hyperparameters, under Keras Tuner's names."""

from dlnative.tuning.algorithms import GridSearch, RandomSearch
from dlnative.tuning.hyperparameters import HyperParameters
from dlnative.tuning.trials import Trial
from dlnative.tuning.tuner import HyperModel, Objective, Tuner

__all__ = ["GridSearch", "HyperModel", "HyperParameters", "Objective", "RandomSearch", "Trial", "Tuner"]
