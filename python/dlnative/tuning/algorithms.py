"""Which setting comes next: every one, or drawn ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dlnative.tuning.hypermodel import Objective
from dlnative.tuning.trials import Trial
from dlnative.tuning.tuner import Tuner, key_of


class _Tried:
    """Settings that were tried, to tell whether another one is the same for what it asks for.

    A trial that did not ask for a hyperparameter is the same with any value of it.
    """

    def __init__(self) -> None:
        self._by_names: dict[tuple[str, ...], set[str]] = {}
        self._seen: set[str] = set()

    def update(self, trials: Iterable[Trial]) -> None:
        """Adds the settings of trials that were not added before."""
        for trial in trials:
            if trial.trial_id not in self._seen:
                self._seen.add(trial.trial_id)
                self.add(trial.values)

    def add(self, values: dict[str, Any]) -> None:
        names = tuple(sorted(values))
        self._by_names.setdefault(names, set()).add(key_of(values))

    def __contains__(self, values: dict[str, Any]) -> bool:
        return any(
            all(name in values for name in names) and key_of({name: values[name] for name in names}) in keys
            for names, keys in self._by_names.items()
        )


class GridSearch(Tuner):
    """Tries every setting: all values of each choice, a range at its steps (without a step, at ten numbers).

    The last hyperparameter moves first. One that is only asked for in some settings is tried in those.

    Args:
        hypermodel, objective, max_trials, **kwargs: see `Tuner`; by default all settings are tried.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import dlnative
        >>> def build(hp):
        ...     units = hp.Choice("units", [2, 4])
        ...     model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(units), dlnative.layers.Dense(1)])
        ...     model.compile("adam", "mse")
        ...     return model
        >>> x, y = np.ones((20, 2)), np.ones((20, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tuner = GridSearch(build, directory=folder)
        ...     tuner.search(x, y, epochs=2, validation_split=0.2, verbose=0)
        >>> len(tuner.trials), tuner.get_best_hyperparameters()[0].get("units") in (2, 4)
        (2, True)
    """

    def __init__(
        self, hypermodel: Any, objective: str | Objective = "val_loss", max_trials: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(hypermodel, objective, max_trials, **kwargs)
        self._settings: Iterator[dict[str, Any]] = iter(())
        self._tried = _Tried()
        self._of: list[str] | None = None

    def propose(self, running: list[Trial]) -> dict[str, Any] | None:
        names = list(self.space)
        if names != self._of:  # hyperparameters were found: from the beginning, without those that were tried
            grids = [self.space[name].grid() for name in names]
            self._settings = (dict(zip(names, values, strict=True)) for values in itertools.product(*grids))
            self._of = names
        self._tried.update(self.trials.values())
        begun = _Tried()
        for trial in running:  # what they were not given they take from its default
            begun.add({name: parameter.default for name, parameter in self.space.items()} | trial.values)
        return next((values for values in self._settings if values not in self._tried and values not in begun), None)


class RandomSearch(Tuner):
    """Tries settings that are drawn at random, none of them twice.

    Args:
        hypermodel, objective, max_trials, **kwargs: see `Tuner`.
    """

    def __init__(
        self, hypermodel: Any, objective: str | Objective = "val_loss", max_trials: int | None = 10, **kwargs: Any
    ) -> None:
        super().__init__(hypermodel, objective, max_trials, **kwargs)
        self._drawn = 0
        self._tried = _Tried()

    def propose(self, running: list[Trial]) -> dict[str, Any] | None:
        self._tried.update(self.trials.values())
        begun = _Tried()
        begun.update(running)
        for _ in range(1000):  # after so many that were tried there are hardly any others
            random = np.random.default_rng([self.seed, self._drawn])
            self._drawn += 1
            values = {name: parameter.sample(random) for name, parameter in self.space.items()}
            if values not in self._tried and values not in begun:
                return values
        return None
