"""Searches through Optuna: what it proposes, which trials it stops, and that a storage is shared and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import tuning
from dlnative.tuning import study
from dlnative.tuning.study import StudyJournal

optuna = pytest.importorskip("optuna")


class Distance(tuning.BayesianOptimization):
    def run_trial(self, trial: tuning.Trial, hp: tuning.HyperParameters, *args: Any, **kwargs: Any) -> float:
        return (hp.Float("x", 0, 8) - 3) ** 2 + (hp.Choice("kind", ["a", "b"]) == "a")


class Small(tuning.BayesianOptimization):
    def run_trial(self, trial: tuning.Trial, hp: tuning.HyperParameters, *args: Any, **kwargs: Any) -> float:
        return float(hp.Int("x", 1, 3) * (2 if hp.Boolean("double") else 1))


class Curves(tuning.HyperModel):
    """A training without a model: the objective falls to `level` in four epochs."""

    def build(self, hp: tuning.HyperParameters) -> Any:
        hp.Int("level", 0, 30)
        return dlnative.Sequential([dlnative.Input((1,)), dlnative.layers.Dense(1)])

    def fit(self, hp: tuning.HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        history: dict[str, list[float]] = {"val_loss": []}
        model.stop_training = False
        for callback in kwargs["callbacks"]:
            callback.set_model(model)
        for epoch in range(4):
            history["val_loss"].append(float(hp["level"] + 10 * (3 - epoch)))
            for callback in kwargs["callbacks"]:
                callback.on_epoch_end(epoch, {"val_loss": history["val_loss"][-1]})
            if model.stop_training:
                break
        return type("History", (), {"history": history})()


def searched(tuner: tuning.Tuner, **kwargs: Any) -> tuning.Tuner:
    tuner.search(verbose=0, **kwargs)
    return tuner


def storage_in(folder: Path, kind: str) -> str:
    return f"sqlite:///{folder}/search.db" if kind == "sqlite" else str(folder / "shared" / "search.log")


def test_the_results_guide_the_search(tmp_path: Path) -> None:
    tuner = searched(Distance(lambda hp: None, "loss", 40, seed=1, directory=tmp_path))
    values = [trial.values for trial in tuner.trials.values()]
    assert len(values) == 40
    near = [abs(value["x"] - 3) < 1 and value["kind"] == "b" for value in values]
    assert sum(near[:10]) < sum(near[-10:])  # an eighth of the settings is near
    assert sum(near[-10:]) >= 5
    again = searched(Distance(lambda hp: None, "loss", 14, seed=1, directory=tmp_path / "again"))
    assert [trial.values for trial in again.trials.values()] == values[:14]


def test_no_setting_is_tried_twice_and_a_small_space_is_exhausted(tmp_path: Path) -> None:
    tuner = searched(Small(lambda hp: None, "loss", 100, directory=tmp_path))
    assert sorted((trial.values["x"], trial.values["double"]) for trial in tuner.trials.values()) == [
        (x, double) for x in (1, 2, 3) for double in (False, True)
    ]


def test_every_kind_of_hyperparameter_is_proposed_within_its_range(tmp_path: Path) -> None:
    hp = tuning.HyperParameters()
    hp.Int("int", 1, 10, step=4)
    hp.Int("int_log", 1, 100, sampling="log")
    hp.Int("int_ratio", 16, 128, step=2, sampling="log")
    hp.Int("int_reverse", 1, 100, sampling="reverse_log")
    hp.Float("float", -1, 1)
    hp.Float("float_step", 0.0, 0.35, step=0.1)
    hp.Float("float_log", 1e-4, 1e-1, sampling="log")
    hp.Float("float_ratio", 0.01, 1.0, step=10, sampling="reverse_log")
    hp.Float("float_reverse", 1.0, 100.0, sampling="reverse_log")
    hp.Choice("choice", ["a", "b"])
    hp.Fixed("fixed", 3)
    journal = StudyJournal(
        str(tmp_path / "log"), "s", "min", lambda _: optuna.samplers.RandomSampler(seed=0), None, False
    )
    random = np.random.default_rng(0)
    drawn = [journal.ask(hp.space).values for _ in range(30)]
    for name, parameter in hp.space.items():
        got = [values[name] for values in drawn]
        if isinstance(parameter, tuning.hyperparameters.Choice) or parameter.step is not None:
            assert set(got) == set(parameter.grid()), name
        else:
            assert all(parameter.low <= value <= parameter.high for value in got), name
            assert all(type(value) is (int if parameter.whole else float) for value in got), name
    assert np.median([values["float_log"] for values in drawn]) < 0.02
    assert np.median([values["float_reverse"] for values in drawn]) > 80
    wanted = {name: parameter.sample(random) for name, parameter in hp.space.items()}
    got = journal.ask(hp.space, wanted).values
    for name, value in wanted.items():
        assert got[name] == (value if isinstance(value, (str, int)) else pytest.approx(value, rel=1e-12)), name


@pytest.mark.parametrize("direction", ["min", "max"])
def test_median_pruning_is_that_of_optuna(direction: str) -> None:
    random = np.random.default_rng(0)
    stopped = []
    for _ in range(200):
        others = [random.random(random.integers(1, 6)).round(1).tolist() for _ in range(random.integers(0, 5))]
        values = random.random(random.integers(1, 6)).round(1).tolist()
        if random.random() < 0.2:
            values[0] = float("nan")
        study = optuna.create_study(direction=f"{direction}imize")
        for other in others:
            study.add_trial(optuna.create_trial(value=0.0, intermediate_values=dict(enumerate(other))))
        trial = optuna.create_trial(state=optuna.trial.TrialState.RUNNING, intermediate_values=dict(enumerate(values)))
        expected = optuna.pruners.MedianPruner(2, 1).prune(study, trial)
        assert tuning.MedianPruner(2, 1).prune(values, others, direction) == expected
        stopped.append(expected)
    assert 10 < sum(stopped) < 190


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_pruned_trials_are_pruned_in_the_study_too(tmp_path: Path, kind: str) -> None:
    storage = storage_in(tmp_path, kind)
    tuner = tuning.BayesianOptimization(
        Curves(), max_trials=8, directory=tmp_path, storage=storage, pruner=tuning.MedianPruner(2), seed=3
    )
    searched(tuner, workers=2)
    pruned = {trial.trial_id for trial in tuner.trials.values() if trial.status == "PRUNED"}
    assert 0 < len(pruned) < 7
    assert min(tuner.trials[name].epochs for name in pruned) < 4
    if kind == "sqlite":
        study = optuna.load_study(study_name="untitled_project", storage=storage)
        states = {f"{item.number:04d}": item.state.name for item in study.trials if "trial" in item.user_attrs}
        assert {name for name, state in states.items() if state == "PRUNED"} == pruned
        assert study.best_value == tuner.get_best_trials()[0].score
    with pytest.raises(ValueError, match="expected pruner to be None, a MedianPruner or a pruner of Optuna"):
        tuning.BayesianOptimization(Curves(), directory=tmp_path, pruner="median")
    with pytest.raises(ValueError, match="expected pruner to be None or a MedianPruner, got"):
        tuning.GridSearch(Curves(), directory=tmp_path, project_name="grid", pruner=optuna.pruners.NopPruner())


def test_a_program_that_joins_a_search_keeps_the_weights_of_its_trials(tmp_path: Path) -> None:
    def build(hp: tuning.HyperParameters) -> Any:
        model = dlnative.Sequential(
            [dlnative.Input((1,)), dlnative.layers.Dense(hp.Int("units", 1, 100)), dlnative.layers.Dense(1)]
        )
        model.compile("sgd", "mse")
        return model

    x = np.ones((4, 1))
    for name in ("one", "two"):
        tuner = tuning.BayesianOptimization(
            build, "loss", 1 if name == "one" else 2, directory=tmp_path / name, storage=tmp_path / "search.log"
        )
        searched(tuner, x=x, y=x)
        assert os.listdir(tmp_path / name / "untitled_project") == [f"weights_{max(tuner.trials)}.npz"]


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_a_storage_is_shared(tmp_path: Path, kind: str) -> None:
    storage = storage_in(tmp_path, kind)
    one = searched(Distance(lambda hp: None, "loss", 4, directory=tmp_path / "one", storage=storage), workers=2)
    two = Distance(lambda hp: None, "loss", 6, directory=tmp_path / "two", storage=storage)
    assert {name: trial.values for name, trial in two.trials.items()} == {
        name: trial.values for name, trial in one.trials.items()
    }
    searched(two)
    assert len(two.trials) == 6
    one.max_trials = 7
    searched(one)
    assert len(one.trials) == 7
    assert two.trials.keys() < one.trials.keys()
    with pytest.raises(ValueError, match="to hold a search of"):
        Distance(lambda hp: None, "loss", seed=5, directory=tmp_path / "three", storage=storage)
    with pytest.raises(ValueError, match='expected the study "untitled_project" to maximize, got one to minimize'):
        Distance(lambda hp: None, tuning.Objective("loss", "max"), directory=tmp_path, storage=storage)
    assert not Distance(lambda hp: None, "loss", directory=tmp_path, storage=storage, overwrite=True).trials


PROGRAM = """
import sys, time
from dlnative import tuning
class Slow(tuning.BayesianOptimization):
    def run_trial(self, trial, hp, *args, **kwargs):
        time.sleep(0.02)
        return hp.Float("x", 0, 1)
Slow(lambda hp: None, "loss", 1000, directory=sys.argv[1]).search(workers=2)
"""


@pytest.mark.process
def test_a_search_that_is_killed_and_resumed_loses_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline() for _ in range(5)]
        os.kill(process.pid, signal.SIGKILL)
        process.stdout.read()  # until the processes of its trials have ended, too
    seen = {line.split("x=")[1].rstrip("]\n") for line in reported}
    with (tmp_path / "untitled_project" / "optuna.log").open("a") as file:
        file.write('{"op_code": 5, "wor')  # what a process that was killed while writing leaves behind

    class Slow(tuning.BayesianOptimization):
        def run_trial(self, trial: tuning.Trial, hp: tuning.HyperParameters, *args: Any, **kwargs: Any) -> float:
            return hp.Float("x", 0, 1)

    resumed = Slow(lambda hp: None, "loss", None, directory=tmp_path)
    resumed.max_trials = len(resumed.trials) + 3
    searched(resumed)
    again = Slow(lambda hp: None, "loss", directory=tmp_path)
    assert again.trials.keys() >= resumed.trials.keys()
    assert seen <= {f"{trial.values['x']:.4g}" for trial in again.trials.values()}
    running = [item for item in again._journal.study.trials if item.state.name == "RUNNING"]  # type: ignore[attr-defined]
    assert len(running) <= 1  # which the killed process had begun and not yet claimed: ended when it is a minute old
    assert not any(study.PROCESS in item.user_attrs for item in running)
    monkeypatch.setattr(study, "_UNCLAIMED", timedelta())
    later = Slow(lambda hp: None, "loss", directory=tmp_path)
    assert not any(item.state.name == "RUNNING" for item in later._journal.study.trials)  # type: ignore[attr-defined]


def test_names_say_which_way_they_improve(tmp_path: Path) -> None:
    for name, direction in [("val_loss", "min"), ("val_accuracy", "max"), ("val_mae", "min"), ("auc", "max")]:
        tuner = tuning.BayesianOptimization(Curves(), name, directory=tmp_path, project_name=name)
        assert tuner._direction == direction
    with pytest.raises(ValueError, match='BayesianOptimization: expected an Objective with the direction of "gain"'):
        tuning.BayesianOptimization(Curves(), "gain", directory=tmp_path)
    with pytest.raises(ValueError, match="expected storage to be a URL or the path of a file"):
        tuning.BayesianOptimization(Curves(), directory=tmp_path, storage=3)  # type: ignore[arg-type]
