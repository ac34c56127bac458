"""Trials in a storage of Optuna, which processes and machines may share."""

from __future__ import annotations

import fcntl
import math
import os
import socket
import time
from collections.abc import Container, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dlnative.tuning.hyperparameters import Choice, Parameter
from dlnative.tuning.trials import ENDED, Journal, Trial

RECORD, SEARCH, PROCESS = "trial", "search", "process"  # the names of what is written beside Optuna's own
_UNCLAIMED = timedelta(minutes=1)  # how long a trial may have begun without a process that says it is its own


def optuna_package(call: str) -> Any:
    """Returns the module `optuna`.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise ImportError(
            f'{call}: expected the package optuna, which is not installed: pip install "dlnative[optuna]"'
        ) from None
    return optuna


class StudyJournal(Journal):
    """A study of Optuna that holds trials, as a `Journal` does in a file of its own.

    Args:
        storage: a URL that Optuna knows, or the path of a file.
        name: the name of the study.
        direction: `"min"` or `"max"`.
        sampler: a function that returns the sampler for a study of so many trials.
        pruner: a pruner of Optuna.
        overwrite: whether a study of that name is thrown away.

    Raises:
        ValueError: if the study searches in the other direction.
    """

    def __init__(self, storage: str, name: str, direction: str, sampler: Any, pruner: Any, overwrite: bool) -> None:
        super().__init__(storage)
        self._optuna = optuna_package("BayesianOptimization")
        self._name = name
        self._direction = f"{direction}imize"
        self._sampler = sampler
        self._pruner = pruner
        self._inherited: Any = None
        self._open(overwrite)
        if self.study.direction.name.lower() != self._direction:
            raise ValueError(
                f'BayesianOptimization: expected the study "{name}" to {self._direction}, got one to '
                f"{self.study.direction.name.lower()}; overwrite=True begins anew"
            )
        self._settle()

    @property
    def study(self) -> Any:
        """The study, as this process has opened it."""
        if self._process != os.getpid():
            # In a copy of the process connections are the other's: they are neither used nor closed.
            self._inherited = self._storage, self._study
            self._open(overwrite=False)
        return self._study

    def _open(self, overwrite: bool) -> None:
        optuna = self._optuna
        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # not a line for each study that is opened
        try:
            if "://" in self.path:
                self._storage = _data_base(optuna, self.path)
            else:
                os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
                journal = optuna.storages.journal
                backend = journal.JournalFileBackend(self.path, lock_obj=_FileLock(self.path))
                self._storage = journal.JournalStorage(backend)
            names = optuna.get_all_study_names(self._storage)
            if overwrite and self._name in names:
                optuna.delete_study(study_name=self._name, storage=self._storage)
                names.remove(self._name)
            if self._name not in names:
                optuna.create_study(
                    storage=self._storage, study_name=self._name, direction=self._direction, load_if_exists=True
                )
            self._study = optuna.load_study(study_name=self._name, storage=self._storage, pruner=self._pruner)
            self._study.sampler = self._sampler(len(self._study.get_trials(deepcopy=False)))
        finally:
            optuna.logging.set_verbosity(level)
        self._process = os.getpid()

    def read(self) -> tuple[dict[str, Any] | None, list[Trial]]:
        return self.study.user_attrs.get(SEARCH), self.ended(())

    def ended(self, known: Container[str]) -> list[Trial]:
        """Returns the trials that were completed or pruned, whoever ran them.

        Args:
            known: the ids of those that are not needed.
        """
        records = [
            item.user_attrs[RECORD]
            for item in self.study.get_trials(deepcopy=False)
            if RECORD in item.user_attrs and f"{item.number:04d}" not in known
        ]
        return [Trial(**record) for record in records if record["status"] in ENDED]

    def begin(self, head: dict[str, Any]) -> None:
        self.study.set_user_attr(SEARCH, head)

    def ask(self, space: Mapping[str, Parameter], values: dict[str, Any] | None = None) -> Trial:
        """Returns a trial that begins, with the setting that Optuna proposes.

        Args:
            space: the hyperparameters.
            values: the setting, where it is not Optuna's to propose.
        """
        if values is not None:
            self.study.enqueue_trial({name: _drawn_for(space[name], value) for name, value in values.items()})
        asked = self.study.ask({name: _distribution(parameter) for name, parameter in space.items()})
        asked.set_user_attr(PROCESS, [socket.gethostname(), os.getpid()])
        proposed = {name: _value_of(parameter, asked.params[name]) for name, parameter in space.items()}
        return Trial(f"{asked.number:04d}", proposed)

    def report(self, trial: Trial, epoch: int, value: float) -> bool:
        """Writes down the objective of an epoch, and tells whether the trial is to be stopped."""
        number = self._id(trial)
        self._storage.set_trial_intermediate_value(number, epoch, value)
        return bool(self.study.pruner.prune(self.study, self._storage.get_trial(number)))

    def add(self, trial: Trial) -> None:
        try:
            self._storage.set_trial_user_attr(self._id(trial), RECORD, asdict(trial))
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return  # the process that asked was dead, and the search has gone on without this trial
        self.tell(int(trial.trial_id), trial.status, trial.score)

    def tell(self, number: int, status: str, score: float | None) -> None:
        """Tells Optuna how a trial has ended."""
        state = self._optuna.trial.TrialState
        if status == "COMPLETED" and score is not None and not math.isnan(score):
            self.study.tell(number, score, skip_if_finished=True)
        else:
            self.study.tell(number, state=state.PRUNED if status == "PRUNED" else state.FAIL, skip_if_finished=True)

    def _id(self, trial: Trial) -> int:
        study = self.study  # opens the storage
        return int(
            self._storage.get_trial_id_from_study_id_trial_number(
                self._storage.get_study_id_from_name(study.study_name), int(trial.trial_id)
            )
        )

    def _settle(self) -> None:
        """Ends trials that nobody runs any more: those of dead processes of this machine, and old ones of nobody."""
        for item in self.study.get_trials(deepcopy=False, states=(self._optuna.trial.TrialState.RUNNING,)):
            record, (host, process) = item.user_attrs.get(RECORD), item.user_attrs.get(PROCESS, (None, 0))
            if record is not None:
                self.tell(item.number, record["status"], record["score"])
            elif host is None:  # its process has not said yet whose it is, or was killed before it could
                if item.datetime_start is None or datetime.now() - item.datetime_start > _UNCLAIMED:
                    self.tell(item.number, "FAILED", None)
            elif host == socket.gethostname() and not _is_alive(process):
                self.tell(item.number, "FAILED", None)


class _FileLock:
    """The lock of a journal file: the system frees it when its process dies, however that ends.

    Whoever takes it cuts off a line that was not written to its end.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle = -1

    def acquire(self) -> bool:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            os.ftruncate(handle, os.pread(handle, size, 0).rfind(b"\n") + 1)
        self._handle = handle
        return True

    def release(self) -> None:
        os.close(self._handle)


def _data_base(optuna: Any, url: str) -> Any:
    """Returns the storage of a URL; programs that begin at the same moment make its tables in each other's way."""
    for tries in range(4):
        try:
            return optuna.storages.get_storage(url)
        except Exception as error:
            if not type(error).__module__.startswith("sqlalchemy."):
                raise
            time.sleep(0.2 * (tries + 1))
    return optuna.storages.get_storage(url)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _distribution(parameter: Parameter) -> Any:
    """Returns what Optuna draws from; `_value_of` says which value it stands for."""
    of = optuna_package("BayesianOptimization").distributions
    if isinstance(parameter, Choice):
        return of.CategoricalDistribution(parameter.values)
    if parameter.step is not None and parameter.sampling != "linear":
        return of.IntDistribution(0, len(parameter.grid()) - 1)
    logarithmic = parameter.sampling != "linear"
    kind = of.IntDistribution if parameter.whole else of.FloatDistribution
    if parameter.step is None:
        return kind(parameter.low, parameter.high, log=logarithmic)
    return kind(parameter.low, parameter.grid()[-1], step=parameter.step)


def _value_of(parameter: Parameter, drawn: Any) -> Any:
    """Returns the value of a hyperparameter that something drawn by Optuna stands for."""
    if isinstance(parameter, Choice):
        return drawn
    if parameter.step is not None:
        points = parameter.grid()
        return points[drawn] if parameter.sampling != "linear" else min(points, key=lambda point: abs(point - drawn))
    return parameter.low + parameter.high - drawn if parameter.sampling == "reverse_log" else drawn


def _drawn_for(parameter: Parameter, value: Any) -> Any:
    """Returns what Optuna would have drawn for a value."""
    if isinstance(parameter, Choice) or parameter.sampling == "linear":
        return value
    if parameter.step is not None:
        return parameter.grid().index(value)
    if parameter.sampling == "log":
        return value
    return min(max(parameter.low + parameter.high - value, parameter.low), parameter.high)
