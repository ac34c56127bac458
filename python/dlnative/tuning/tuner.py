"""What all searches share: trials that are built, trained, written down and compared."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.saving.files import replacing
from dlnative.tuning.hypermodel import Objective
from dlnative.tuning.hyperparameters import Choice, HyperParameters, Range, from_config, to_config
from dlnative.tuning.pruning import MedianPruner, TrialCallback
from dlnative.tuning.trials import Journal, Trial
from dlnative.tuning.workers import Here, Processes
from dlnative.utils.checks import integer
from dlnative.utils.random_seed import set_random_seed
from dlnative.utils.terminal import show

KEPT_MODELS = 10


class Tuner:
    """The base of all searches: a subclass says in `propose` which setting comes next.

    Each trial that has ended is on the disk before the next one begins, so a search that was killed goes on where it was when
    the program runs again. The seed of a trial comes from its setting: the results are the same in any order, whatever runs beside
    (with a `pruner`, what ended before decides which trials are stopped).

    Args:
        hypermodel: a function of a `HyperParameters` that returns a compiled model, or a `HyperModel`.
        objective: a name in the logs, such as `"val_loss"`, or an `Objective`. A name that is not a loss's nor one of a metric
            that says itself which way it improves needs an `Objective`.
        max_trials: how many settings are tried; `None`: as many as there are.
        executions_per_trial: how often each is trained, with other seeds; the mean counts.
        seed: of the settings and of the weights.
        hyperparameters: hyperparameters that the functions need not declare: they are searched, too.
        directory: a folder; the current one by default.
        project_name: a folder in it, for the files of this search; `"untitled_project"` by default.
        overwrite: whether a search that is there is thrown away, instead of going on with it.
        max_consecutive_failed_trials: how many trials in a row may fail before the search does.
        pruner: which trials are stopped before their end, such as `MedianPruner()`; `None`: none are. They have no score.

    Raises:
        ValueError: if an argument cannot be right, or the folder holds another search.
    """

    def __init__(
        self, hypermodel: Any, objective: str | Objective = "val_loss", max_trials: int | None = 10,
        executions_per_trial: int = 1, seed: int = 0, hyperparameters: HyperParameters | None = None,
        directory: str | os.PathLike[str] | None = None, project_name: str = "untitled_project", overwrite: bool = False,
        max_consecutive_failed_trials: int = 3, pruner: Any = None,
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        if not callable(hypermodel) and not hasattr(hypermodel, "build"):
            raise ValueError(f"{owner}: expected hypermodel to be a function or a HyperModel, got {hypermodel!r}")
        self.hypermodel = hypermodel
        self._build: Callable[[HyperParameters], Any] = getattr(hypermodel, "build", hypermodel)
        self.objective = objective.name if isinstance(objective, Objective) else str(objective)
        self._direction = objective.direction if isinstance(objective, Objective) else None
        self.max_trials = None if max_trials is None else integer(owner, "max_trials", max_trials, 1)
        self.executions_per_trial = integer(owner, "executions_per_trial", executions_per_trial, 1)
        self.seed = integer(owner, "seed", seed, 0)
        self.max_consecutive_failed_trials = integer(
            owner, "max_consecutive_failed_trials", max_consecutive_failed_trials, 1
        )
        self.project_dir = os.path.join(os.fspath(directory or "."), project_name)
        self._declared = hyperparameters is not None
        self.space: dict[str, Choice | Range] = {} if hyperparameters is None else dict(hyperparameters.space)
        self.pruner = pruner
        self._check_pruner()
        self._finished: list[Trial] = []
        if overwrite:
            shutil.rmtree(self.project_dir, ignore_errors=True)
        self._journal = self._opened_journal(overwrite)
        head, ended = self._journal.read()
        searched = {"search": owner, "objective": self.objective, "seed": self.seed,
                    "executions_per_trial": self.executions_per_trial}  # fmt: skip
        if head is not None and head != searched:
            raise ValueError(
                f'{owner}: expected "{self.project_dir}" to hold a search of {searched}, got {head}; overwrite=True begins anew'
            )
        os.makedirs(self.project_dir, exist_ok=True)
        if head is None:
            self._journal.begin(searched)
        self.trials: dict[str, Trial] = {}
        for trial in ended:
            self._take(trial)
        self._numbers = max((int(name) for name in self.trials), default=-1) + 1

    def propose(self, running: list[Trial]) -> dict[str, Any] | None:
        """Returns the next setting, by name; `None` if there is none, or none before one of the running trials has ended.

        Args:
            running: trials that have begun.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method propose(running), found none")

    def search(self, *args: Any, workers: int = 1, verbose: Any = "auto", **kwargs: Any) -> None:
        """Runs the trials that have not ended yet.

        Args:
            *args, **kwargs: of `model.fit`, which trains without printing; each trial has its own copies of the callbacks.
            workers: how many trials run at once, in processes that share out the cores; what the program's functions change
                there is not seen here. For small networks as many as there are cores are fastest.
            verbose: 0 prints nothing; otherwise there is a line for each trial that has ended.

        Raises:
            RuntimeError: if too many trials in a row fail.
            ValueError: if the objective is not in the logs, or does not say which way it improves.
        """
        workers = integer("search", "workers", workers, 1)
        hp = HyperParameters()
        model = self._build(hp)
        self.space = hp.space | self.space
        del model

        def run(trial: Trial) -> Trial:
            return self._run(trial, args, kwargs)

        places: Any = Here(run) if workers == 1 else Processes(run, workers)
        failures = 0
        try:
            while True:
                while places.has_room() and self._may_begin(places.running):
                    begun = self._next(places.running)
                    if begun is None:
                        break
                    places.start(begun)
                if not places.running:
                    break
                trial = places.next()
                self._ended(trial)
                failures = failures + 1 if trial.status == "FAILED" else 0
                if verbose:
                    show(self._line(trial))
                if failures >= self.max_consecutive_failed_trials:
                    raise RuntimeError(f"search: {failures} trials in a row failed, the last one: {trial.message}")
        finally:
            places.close()

    def run_trial(self, trial: Trial, hp: HyperParameters, *args: Any, **kwargs: Any) -> Any:
        """Builds and trains a model; a subclass may do it in another way.

        Args:
            trial: the trial.
            hp: the hyperparameters.
            *args, **kwargs: what `search` was given.

        Returns:
            A history, a dict of values by name, or the objective itself.
        """
        model = self._build(hp)
        may_stop = self.pruner is not None and not trial.history  # only the first execution may be stopped
        watch = TrialCallback(
            self.objective,
            self._direction or "auto",
            (lambda values, direction: self._prunes(trial, values, direction)) if may_stop else None,
        )
        kwargs["callbacks"] = [*copy.deepcopy(list(kwargs.get("callbacks") or [])), watch]
        kwargs["verbose"] = 0
        fit = getattr(self.hypermodel, "fit", None)
        result = model.fit(*args, **kwargs) if fit is None else fit(hp, model, *args, **kwargs)
        self._direction = self._direction or watch.direction
        if watch.pruned:
            trial.status = "PRUNED"
        elif watch.weights is not None:
            arrays = {f"w{index}": value for index, value in enumerate(watch.weights)}
            with replacing(self._weights_path(trial), durable=False) as file:
                np.savez(file, **arrays)
        return result

    def _run(self, trial: Trial, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trial:
        """Runs a trial to its end, and writes it down."""
        start = time.perf_counter()
        scores: list[float] = []
        hp = HyperParameters(trial.values)
        result: Any = None
        for execution in range(self.executions_per_trial):
            hp = HyperParameters(trial.values)
            set_random_seed(zlib.crc32(key_of(trial.values).encode(), self.seed + execution))
            try:
                result = self.run_trial(trial, hp, *args, **dict(kwargs))
            except Exception as error:
                trial.status, trial.message = "FAILED", f"{type(error).__name__}: {error}"
                break
            score, best_step, history = self._judged(result)
            scores.append(score)
            if execution == 0:
                trial.best_step, trial.history = best_step, history
            if trial.status == "PRUNED":
                break
        else:
            trial.status, trial.score = "COMPLETED", float(np.mean(scores))
        # What failed may have failed before it asked.
        trial.values = trial.values | hp.values if trial.status == "FAILED" else hp.values
        trial.found = [to_config(item) for name, item in hp.space.items() if name not in self.space]
        trial.direction = self._direction
        trial.seconds = time.perf_counter() - start
        self._journal.add(trial)
        return trial

    def _judged(self, result: Any) -> tuple[float, int | None, dict[str, list[float]]]:
        """Returns the objective, its epoch and the values of all epochs of what a trial returned."""
        if isinstance(result, (int, float, np.number)):
            self._direction = self._direction or "min"
            return float(result), None, {}
        history = result if isinstance(result, dict) else getattr(result, "history", None)
        if not isinstance(history, dict) or self.objective not in history:
            raise ValueError(
                f'search: expected "{self.objective}" in the logs, got {sorted(history) if isinstance(history, dict) else result!r}'
            )
        if self._direction is None:
            if not self.objective.endswith("loss"):
                raise ValueError(
                    f'search: expected an Objective with the direction of "{self.objective}", got its name'
                )
            self._direction = "min"
        values = np.atleast_1d(np.asarray(history[self.objective], np.float64))
        if np.isnan(values).all():
            best = len(values) - 1
        else:
            best = int(np.nanargmax(values) if self._direction == "max" else np.nanargmin(values))
        if isinstance(result, dict):
            return float(values[best]), None, {}
        return float(values[best]), best, {name: [*map(float, listed)] for name, listed in history.items()}

    def _may_begin(self, running: list[Trial]) -> bool:
        if running and not self.trials and not self._declared and self._asks_later():
            return False  # the first trial shows what is asked for behind `build`
        return self.max_trials is None or len(self.trials) + len(running) < self.max_trials

    def _next(self, running: list[Trial]) -> Trial | None:
        """Returns the next trial."""
        values = self.propose(running)
        if values is None:
            return None
        self._numbers += 1
        return Trial(f"{self._numbers - 1:04d}", values)

    def _opened_journal(self, overwrite: bool) -> Journal:
        return Journal(os.path.join(self.project_dir, "trials.jsonl"))

    def _check_pruner(self) -> None:
        if not (self.pruner is None or isinstance(self.pruner, MedianPruner)):
            raise ValueError(
                f"{type(self).__name__}: expected pruner to be None or a MedianPruner, got {self.pruner!r}"
            )

    def _prunes(self, trial: Trial, values: list[float], direction: str) -> bool:
        """Tells whether a trial with these values of the objective is stopped."""
        if len(values) == 1:
            self._finished = self._journal.read()[1]  # in a process of its own this trial has not heard of the others
        others = [other.history.get(self.objective, []) for other in self._finished if other.status == "COMPLETED"]
        return bool(self.pruner.prune(values, others, direction))

    def _asks_later(self) -> bool:
        return hasattr(self.hypermodel, "fit") or type(self).run_trial is not Tuner.run_trial

    def _ended(self, trial: Trial) -> None:
        self._take(trial)
        for worse in self._sorted()[KEPT_MODELS:]:
            if os.path.exists(self._weights_path(worse)):
                os.unlink(self._weights_path(worse))

    def _take(self, trial: Trial) -> None:
        self.trials[trial.trial_id] = trial
        self._direction = self._direction or trial.direction
        for config in trial.found:
            self.space.setdefault(config["name"], from_config(config))

    def _weights_path(self, trial: Trial) -> str:
        return os.path.join(self.project_dir, f"weights_{trial.trial_id}.npz")

    def _sorted(self) -> list[Trial]:
        """Returns the trials that were completed, the best ones first."""
        sign = -1.0 if self._direction == "max" else 1.0
        ended = [trial for trial in self.trials.values() if trial.score is not None]
        return sorted(ended, key=lambda trial: (math.isnan(trial.score or 0.0), sign * (trial.score or 0.0)))

    def _line(self, trial: Trial) -> str:
        of = "" if self.max_trials is None else f" of {self.max_trials}"
        place = f"trial {len(self.trials)}{of}"
        chosen = ", ".join(f"{name}={value_text(value)}" for name, value in trial.values.items())
        if trial.status == "FAILED":
            return f"{place}: failed: {trial.message}  [{chosen}]"
        if trial.status == "PRUNED":
            return f"{place}: pruned after {trial.epochs} epochs, {trial.seconds:.2f} s  [{chosen}]"
        best = self._sorted()[0].score
        return (
            f"{place}: {self.objective} {trial.score:.6g} (best {best:.6g}), {trial.epochs} epochs, {trial.seconds:.2f} s  "
            f"[{chosen}]"
        )

    # What was found.

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Returns the best trials, the best one first."""
        return self._sorted()[: integer("get_best_trials", "num_trials", num_trials, 1)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """Returns the hyperparameters of the best trials, the best one first."""
        return [trial.hyperparameters for trial in self.get_best_trials(num_trials)]

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Returns models with the weights that the best trials had in their best epochs; those of ten trials are kept.

        Args:
            num_models: how many.

        Raises:
            ValueError: if there are no weights of a trial.
        """
        models = []
        for trial in self.get_best_trials(integer("get_best_models", "num_models", num_models, 1, KEPT_MODELS)):
            if not os.path.exists(self._weights_path(trial)):
                raise ValueError(f"get_best_models: expected weights of trial {trial.trial_id}, found none")
            with np.load(self._weights_path(trial), allow_pickle=False) as file:
                weights = [file[f"w{index}"] for index in range(len(file.files))]
            model = self._build(trial.hyperparameters)
            model.set_weights(weights)
            models.append(model)
        return models

    def search_space_summary(self) -> None:
        """Prints the hyperparameters that are known: those of models built so far."""
        from dlnative.tuning.report import space_text

        show(space_text(self.space))

    def results(self) -> list[dict[str, Any]]:
        """Returns a row for each completed trial, the best one first: its number, the hyperparameters, the objective,
        epochs and seconds.

        Example:
            >>> import tempfile
            >>> from dlnative.tuning import GridSearch, HyperParameters
            >>> class Parabola(GridSearch):
            ...     def run_trial(self, trial, hp):
            ...         return (hp.Float("x", 0, 4, step=1) - 3) ** 2
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     tuner = Parabola(lambda hp: None, "distance", directory=folder)
            ...     tuner.search(verbose=0)
            >>> tuner.results()[0]["x"], len(tuner.results())
            (3.0, 5)
        """
        from dlnative.tuning.report import rows

        return rows(self._sorted(), self.objective)

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints a table of the best trials.

        Args:
            num_trials: how many.
        """
        from dlnative.tuning.report import summary

        best = self._sorted()
        show(summary(f"Results in {self.project_dir}", best[: integer("results_summary", "num_trials", num_trials, 1)],
                     self.objective, len(best)))  # fmt: skip

    def plot(self, path: Any = "tuning.png") -> str:
        """Draws the objective by trial, and by the value of each hyperparameter.

        Args:
            path: an image file; its ending says the format. Without matplotlib it is an SVG file, whatever the ending.

        Returns:
            The path of what was drawn.

        Raises:
            ValueError: if no trial was completed.
        """
        from dlnative.tuning.report import plot

        return plot(list(self.trials.values()), self.space, self.objective, self._direction or "min", path)


def key_of(values: dict[str, Any]) -> str:
    """Returns a setting as text, the same for the same values in any order."""
    return json.dumps(values, sort_keys=True)


def value_text(value: Any) -> str:
    """Returns a value as people write it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
