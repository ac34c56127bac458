"""Settings that the results of earlier trials suggest, through Optuna."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from dlnative import metrics
from dlnative.tuning.algorithms import RandomSearch
from dlnative.tuning.hypermodel import Objective
from dlnative.tuning.pruning import MedianPruner
from dlnative.tuning.study import StudyJournal, optuna_package
from dlnative.tuning.trials import Journal, Trial
from dlnative.utils.checks import integer

ASKED = 10  # how often Optuna is asked for a setting that was not tried


class BayesianOptimization(RandomSearch):
    """Tries the settings that the results of earlier trials suggest: Optuna's tree-structured Parzen estimator proposes them.

    The trials are kept in a study of Optuna named after the project. Programs that give the same `storage` and
    `project_name` work on one search: each learns from the trials of all, and `max_trials` counts them all. No setting that
    has ended is tried again.

    Args:
        hypermodel, objective, max_trials, **kwargs: see `Tuner`. What is not a loss's name nor a metric's needs an `Objective`.
        num_initial_points: how many settings are drawn at random before; by default ten.
        storage: where the study is: the URL of a data base (`"sqlite:///search.db"`, `"postgresql://..."`), or the path of a
            file, which is a journal of Optuna; by default `optuna.log` in the project's folder.
        pruner: a `MedianPruner`, which is Optuna's here, or another pruner of Optuna; `None`: no trial is stopped.

    Raises:
        ImportError: if Optuna is not installed.
        ValueError: if an argument cannot be right, or the storage holds another search of that name.

    Example:
        >>> import tempfile
        >>> class Parabola(BayesianOptimization):
        ...     def run_trial(self, trial, hp):
        ...         return (hp.Float("x", 0, 4) - 3) ** 2
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tuner = Parabola(lambda hp: None, "loss", max_trials=40, directory=folder)
        ...     tuner.search(verbose=0)
        >>> len(tuner.trials), abs(tuner.results()[0]["x"] - 3) < 0.2
        (40, True)

    Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization (2011).
    """

    def __init__(
        self, hypermodel: Any, objective: str | Objective = "val_loss", max_trials: int | None = 10,
        num_initial_points: int | None = None, *, storage: str | os.PathLike[str] | None = None, **kwargs: Any
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        self._optuna = optuna_package(owner)
        if not (storage is None or isinstance(storage, (str, os.PathLike))):
            raise ValueError(f"{owner}: expected storage to be a URL or the path of a file, got {storage!r}")
        self.storage = None if storage is None else os.fspath(storage)
        self._points = 10 if num_initial_points is None else integer(owner, "num_initial_points", num_initial_points, 1)
        super().__init__(hypermodel, _with_direction(owner, objective), max_trials, **kwargs)

    def _opened_journal(self, overwrite: bool) -> Journal:
        pruners = self._optuna.pruners
        pruner = self.pruner or pruners.NopPruner()
        if isinstance(pruner, MedianPruner):
            pruner = pruners.MedianPruner(pruner.n_startup_trials, pruner.n_warmup_steps)

        def sampler(begun: int) -> Any:  # after so many trials not with the numbers that the first ones were drawn with
            seed = int(np.random.SeedSequence([self.seed, begun]).generate_state(1)[0])
            return self._optuna.samplers.TPESampler(n_startup_trials=self._points, seed=seed)

        name = os.path.basename(self.project_dir)
        storage = os.path.join(self.project_dir, "optuna.log") if self.storage is None else self.storage
        self._study = StudyJournal(storage, name, self._direction or "min", sampler, pruner, overwrite)
        return self._study

    def _check_pruner(self) -> None:
        if not (self.pruner is None or isinstance(self.pruner, (MedianPruner, self._optuna.pruners.BasePruner))):
            raise ValueError(
                f"{type(self).__name__}: expected pruner to be None, a MedianPruner or a pruner of Optuna, got {self.pruner!r}"
            )

    def _may_begin(self, running: list[Trial]) -> bool:
        for trial in self._study.ended({*self.trials, *(trial.trial_id for trial in running)}):
            self._take(trial)
        return super()._may_begin(running)

    def _next(self, running: list[Trial]) -> Trial | None:
        for _ in range(ASKED):
            trial = self._study.ask(self.space)
            same = next(
                (one for one in [*self.trials.values(), *running] if one.values.items() <= trial.values.items()), None
            )
            if same is None:
                return trial
            self._study.tell(int(trial.trial_id), "FAILED" if same.score is None else "COMPLETED", same.score)
        values = self.propose(running)
        return None if values is None else self._study.ask(self.space, values)

    def _prunes(self, trial: Trial, values: list[float], direction: str) -> bool:
        return self._study.report(trial, len(values) - 1, values[-1])


def _with_direction(owner: str, objective: str | Objective) -> Objective:
    """Returns an objective with the direction that its name says."""
    if isinstance(objective, Objective):
        return objective
    direction = "down" if objective.endswith("loss") else None
    if direction is None:
        try:
            direction = getattr(metrics.get(objective.removeprefix("val_")), "_direction", None)
        except ValueError:
            direction = None
    if direction is None:
        raise ValueError(f'{owner}: expected an Objective with the direction of "{objective}", got its name')
    return Objective(objective, "max" if direction == "up" else "min")
