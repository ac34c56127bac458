"""Searches for hyperparameters: which settings are tried, what is kept of them, and that nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, tuning
from dlnative.tuning.trials import Journal
from dlnative.utils import charts

X = np.random.RandomState(0).rand(40, 3).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def build(hp: tuning.HyperParameters) -> Any:
    units = hp.Choice("units", [2, 4])
    rate = hp.Float("rate", 0.01, 0.1, step=0.09)
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(units, activation="relu"), layers.Dense(1)])
    model.compile(dlnative.optimizers.Adam(rate), "mse", metrics=["mae"])
    return model


def searched(tuner: tuning.Tuner, **kwargs: Any) -> tuning.Tuner:
    tuner.search(X, Y, **({"epochs": 3, "validation_split": 0.25, "verbose": 0} | kwargs))
    return tuner


def scores(tuner: tuning.Tuner) -> dict[str, float]:
    return {json.dumps(trial.values, sort_keys=True): trial.score for trial in tuner.get_best_trials(1000)}  # type: ignore[misc]


def test_ranges_have_both_ends_and_steps() -> None:
    hp = tuning.HyperParameters({"batch": 64})
    assert hp.Int("batch", 16, 128, step=2, sampling="log") == 64
    assert hp.Float("rate", 1e-4, 1e-1, sampling="log") == 1e-4
    assert hp.Int("layers", 1, 3) == 1
    assert hp.Float("dropout", 0.0, 0.3, step=0.1, default=0.2) == 0.2
    grids = {name: parameter.grid() for name, parameter in hp.space.items()}
    assert grids["batch"] == (16, 32, 64, 128)
    assert grids["layers"] == (1, 2, 3)
    np.testing.assert_allclose(grids["dropout"], [0, 0.1, 0.2, 0.3], atol=1e-15)
    assert len(grids["rate"]) == 10
    np.testing.assert_allclose(grids["rate"][3], 1e-3)
    random = np.random.default_rng(0)
    drawn = np.log10([hp.space["rate"].sample(random) for _ in range(2000)])
    np.testing.assert_allclose(drawn.mean(), -2.5, atol=0.1)
    assert {hp.space["layers"].sample(random) for _ in range(100)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda hp: hp.Choice("a", []), "text, numbers or truth values"),
        (lambda hp: hp.Choice("a", [1, "b"]), "one kind"),
        (lambda hp: hp.Choice("a", [1, 2], default=3), "default"),
        (lambda hp: hp.Int("a", 4, 2), "max_value"),
        (lambda hp: hp.Float("a", 0, 1, sampling="log"), "min_value above 0"),
        (lambda hp: hp.Float("a", 0, 1, sampling="cubic"), "sampling"),
        (lambda hp: (hp.Int("a", 1, 2), hp.Int("a", 1, 3)), 'expected "a" to be'),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(ask: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ask(tuning.HyperParameters())


def test_a_grid_has_every_setting_and_the_best_model_has_the_best_weights(tmp_path: Path) -> None:
    tuner = searched(tuning.GridSearch(build, directory=tmp_path), epochs=8)
    tried = [(trial.values["units"], trial.values["rate"]) for trial in tuner.trials.values()]
    assert tried == [(2, 0.01), (2, 0.1), (4, 0.01), (4, 0.1)]
    best = tuner.get_best_trials()[0]
    assert best.score == min(best.history["val_loss"]) == best.history["val_loss"][best.best_step]  # type: ignore[index]
    model = tuner.get_best_models()[0]
    np.testing.assert_allclose(model.evaluate(X[30:], Y[30:], verbose=0)[0], best.score, rtol=1e-6)
    assert tuner.results()[0]["val_loss"] == best.score


def test_hyperparameters_that_fit_asks_for_are_searched_too(tmp_path: Path) -> None:
    class Network(tuning.HyperModel):
        def build(self, hp: tuning.HyperParameters) -> Any:
            return build(hp)

        def fit(self, hp: tuning.HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, batch_size=hp.Choice("batch_size", [8, 16]), **kwargs)

    first = searched(tuning.GridSearch(Network(), max_trials=3, directory=tmp_path))
    assert len(first.trials) == 3
    resumed = searched(tuning.GridSearch(Network(), directory=tmp_path))
    assert len(resumed.trials) == len(scores(resumed)) == 8
    other = searched(tuning.GridSearch(Network(), directory=tmp_path, project_name="two"), workers=2)
    assert scores(other) == scores(resumed)


def test_hyperparameters_that_some_settings_ask_for_are_tried_in_those(tmp_path: Path) -> None:
    class Nested(tuning.GridSearch):
        def run_trial(self, trial: tuning.Trial, hp: tuning.HyperParameters, *args: Any, **kwargs: Any) -> float:
            return float(hp.Int("momentum", 1, 3) if hp.Choice("optimizer", ["adam", "sgd"]) == "sgd" else 0)

    tuner = Nested(lambda hp: None, "x", directory=tmp_path)
    tuner.search(verbose=0)
    assert [trial.values for trial in tuner.trials.values()] == [
        {"optimizer": "adam"},
        *({"optimizer": "sgd", "momentum": number} for number in (1, 2, 3)),
    ]


def test_random_settings_are_distinct_and_the_same_again(tmp_path: Path) -> None:
    one = searched(tuning.RandomSearch(build, max_trials=3, seed=1, directory=tmp_path / "one"))
    two = searched(tuning.RandomSearch(build, max_trials=3, seed=1, directory=tmp_path / "two"), workers=2)
    assert len(scores(one)) == 3
    assert scores(one) == scores(two)
    everything = searched(tuning.RandomSearch(build, max_trials=100, directory=tmp_path / "three"))
    assert len(everything.trials) == 4


def test_executions_are_averaged_and_a_metric_that_grows_is_maximised(tmp_path: Path) -> None:
    class Constant(tuning.GridSearch):
        results = iter([1.0, 3.0, 8.0, 4.0])

        def run_trial(self, trial: tuning.Trial, hp: tuning.HyperParameters, *args: Any, **kwargs: Any) -> Any:
            return {"gain": next(self.results), "chosen": hp.Boolean("chosen")}

    tuner = Constant(lambda hp: None, tuning.Objective("gain", "max"), executions_per_trial=2, directory=tmp_path)
    tuner.search(verbose=0)
    assert [trial.score for trial in tuner.get_best_trials(2)] == [6.0, 2.0]


def test_failed_trials_do_not_end_a_search_but_many_in_a_row_do(tmp_path: Path, capsys: Any) -> None:
    def fragile(hp: tuning.HyperParameters) -> Any:
        if hp.get("units") == 2 if "units" in hp else False:
            raise RuntimeError("no room")
        return build(hp)

    tuner = searched(tuning.GridSearch(fragile, directory=tmp_path), verbose=1)
    assert [trial.status for trial in tuner.trials.values()] == ["FAILED", "FAILED", "COMPLETED", "COMPLETED"]
    assert "failed: RuntimeError: no room" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="2 trials in a row failed"):
        searched(tuning.GridSearch(fragile, directory=tmp_path / "b", max_consecutive_failed_trials=2))
    assert len(tuning.GridSearch(build, directory=tmp_path).trials) == 2  # what failed is tried again


def test_an_objective_that_is_not_there_ends_the_search(tmp_path: Path) -> None:
    for workers in (1, 2):
        with pytest.raises(ValueError, match='expected "val_gain" in the logs'):
            searched(tuning.GridSearch(build, "val_gain", directory=tmp_path), workers=workers)
    with pytest.raises(ValueError, match=r"expected .* to hold a search of"):
        tuning.GridSearch(build, "val_loss", directory=tmp_path)
    assert searched(tuning.GridSearch(build, "val_loss", directory=tmp_path, overwrite=True)).trials


def test_a_line_that_was_not_written_to_its_end_costs_no_other(tmp_path: Path) -> None:
    tuner = searched(tuning.GridSearch(build, max_trials=2, directory=tmp_path))
    path = tmp_path / "untitled_project" / "trials.jsonl"
    with path.open("a") as file:
        file.write('\n{"trial_id": "0002", "val')
    resumed = searched(tuning.GridSearch(build, directory=tmp_path))
    again = tuning.GridSearch(build, directory=tmp_path)
    assert len(scores(again)) == 4
    assert scores(tuner).items() <= scores(resumed).items() == scores(again).items()


@pytest.mark.parametrize("workers", [1, 2])
def test_trials_worse_than_the_median_are_pruned(tmp_path: Path, capsys: Any, workers: int) -> None:
    def slower_and_slower(hp: tuning.HyperParameters) -> Any:
        rate = hp.Choice("rate", [0.02, 0.019, 0.018, 0.0, 0.021])
        model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
        model.compile(dlnative.optimizers.SGD(rate), "mse")
        return model

    tuner = tuning.GridSearch(slower_and_slower, directory=tmp_path, pruner=tuning.MedianPruner(2, n_warmup_steps=1))
    searched(tuner, epochs=4, shuffle=False, verbose=1, workers=workers)
    by_rate = {trial.values["rate"]: trial for trial in tuner.trials.values()}
    assert by_rate[0.0].status == "PRUNED"
    assert by_rate[0.0].score is None
    assert by_rate[0.0].epochs == 2
    assert by_rate[0.021].status == "COMPLETED"
    assert "pruned after 2 epochs" in capsys.readouterr().out
    assert 0.0 not in [row["rate"] for row in tuner.results()]
    resumed = tuning.GridSearch(slower_and_slower, directory=tmp_path)
    assert resumed.trials.keys() == tuner.trials.keys()  # one that was pruned has ended
    with pytest.raises(ValueError, match="GridSearch: expected pruner to be None or a MedianPruner, got 'median'"):
        tuning.GridSearch(slower_and_slower, directory=tmp_path, pruner="median")


def test_a_missing_optuna_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'BayesianOptimization: .* not installed: pip install "dlnative\[optuna\]"'):
        tuning.BayesianOptimization(build, directory=tmp_path)
    assert not list(tmp_path.iterdir())


PROGRAM = """
import sys, time
from dlnative import tuning
class Slow(tuning.GridSearch):
    def run_trial(self, trial, hp, *args, **kwargs):
        time.sleep(0.02)
        return hp.Int("x", 1, 1000)
Slow(lambda hp: None, "x", directory=sys.argv[1]).search(workers=2)
"""


@pytest.mark.process
def test_a_search_that_is_killed_loses_no_trial_that_was_reported(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline() for _ in range(5)]
        os.kill(process.pid, signal.SIGKILL)
    seen = {line.split("x=")[1].rstrip("]\n") for line in reported}
    time.sleep(0.1)  # what its processes were at ends
    _, ended = Journal(str(tmp_path / "untitled_project" / "trials.jsonl")).read()
    assert seen <= {str(trial.values["x"]) for trial in ended}


@pytest.mark.parametrize("drawn_by", ["matplotlib", "itself"])
def test_results_are_printed_and_drawn(tmp_path: Path, capsys: Any, monkeypatch: Any, drawn_by: str) -> None:
    if drawn_by == "itself":
        monkeypatch.setattr(charts, "has_matplotlib", lambda: False)
    else:
        pytest.importorskip("matplotlib")
    tuner = searched(tuning.GridSearch(build, directory=tmp_path))
    tuner.results_summary(2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "the best 2 of 4 trials"
    assert lines[2].split() == ["trial", "units", "rate", "val_loss", "epochs", "seconds"]
    assert len(lines) == 5
    path = tuner.plot(tmp_path / "results.png")
    if drawn_by == "matplotlib":
        assert Path(path).read_bytes()[:4] == b"\x89PNG"
    else:
        assert path.endswith("results.svg")
        texts = {element.text for element in ElementTree.parse(path).iter() if element.text}
        assert {"val_loss by trial", "by units", "by rate"} <= texts
