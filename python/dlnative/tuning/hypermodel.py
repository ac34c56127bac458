"""What a search is told: how models are built and trained, and what is looked at."""

from __future__ import annotations

from typing import Any

from dlnative.tuning.hyperparameters import HyperParameters


class HyperModel:
    """A class that builds a model from hyperparameters, and may say how it is trained."""

    def build(self, hp: HyperParameters) -> Any:
        """Returns a compiled model.

        Args:
            hp: the hyperparameters.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method build(hp), found none")

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains a model; returns its history, a dict of values by name, or the objective itself.

        Args:
            hp: the hyperparameters; `batch_size=hp.Choice("batch_size", [16, 32])` is asked for here.
            model: what `build` returned.
            *args, **kwargs: what `search` was given.
        """
        return model.fit(*args, **kwargs)


class Objective:
    """What a search looks at.

    Args:
        name: a name in the logs.
        direction: `"min"` or `"max"`: which way it improves.

    Raises:
        ValueError: for another direction.
    """

    def __init__(self, name: str, direction: str) -> None:
        if direction not in ("min", "max"):
            raise ValueError(f'Objective: expected direction "min" or "max", got {direction!r}')
        self.name = name
        self.direction = direction
