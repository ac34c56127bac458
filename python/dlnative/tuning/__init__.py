"""Searches for the best hyperparameters, under Keras Tuner's names."""

from dlnative.tuning.algorithms import GridSearch, RandomSearch
from dlnative.tuning.bayesian import BayesianOptimization
from dlnative.tuning.hypermodel import HyperModel, Objective
from dlnative.tuning.hyperparameters import HyperParameters
from dlnative.tuning.pruning import MedianPruner
from dlnative.tuning.trials import Trial
from dlnative.tuning.tuner import Tuner

__all__ = [
    "BayesianOptimization", "GridSearch", "HyperModel", "HyperParameters", "MedianPruner", "Objective", "RandomSearch", "Trial",
    "Tuner",
]  # fmt: skip
