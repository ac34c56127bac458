"""Training that is saved and goes on: with the same bits as if nothing had happened."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
import killed_training
from dlnative import callbacks, layers

X = np.random.default_rng(0).normal(size=(22, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(22, 2)).astype("float32")


class Cut(callbacks.Callback):
    """Ends training after so many batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _a_fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def made() -> Any:
    dlnative.utils.set_random_seed(7)
    model = dlnative.Sequential(
        [
            dlnative.Input((4,)),
            layers.Dense(5, "relu"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )
    model.compile(dlnative.optimizers.Adam(0.01, use_ema=True), "mse", metrics=["mae"])
    return model


class Batches(dlnative.utils.PyDataset):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]


def endless() -> Any:
    return ((X[i % 20 : i % 20 + 2], Y[i % 20 : i % 20 + 2]) for i in itertools.count())


SOURCES: dict[str, Callable[[], dict[str, Any]]] = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 4},
    "steps": lambda: {"x": X, "y": Y, "batch_size": 4, "steps_per_epoch": 4},
    "data set": lambda: {"x": Batches()},
    "generator": lambda: {"x": endless(), "steps_per_epoch": 5},
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("save_freq", ["epoch", 2])
@pytest.mark.parametrize("after", [3, 8, 11])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path, source: str, save_freq: Any, after: int) -> None:
    def run(*also: Any) -> tuple[Any, Any]:
        model = made()
        backup = callbacks.BackupAndRestore(tmp_path / "backup", save_freq)
        history = model.fit(**SOURCES[source](), epochs=4, verbose=0, callbacks=[backup, *also])
        assert not (tmp_path / "backup").exists()
        return model, history

    runs_out = pytest.warns(UserWarning, match="ran out") if source == "steps" else contextlib.nullcontext()
    with runs_out:
        model, whole = run()
        with pytest.raises(KeyboardInterrupt):
            run(Cut(after))
        again, rest = run()
    for variable, found in zip(
        [*model.variables, *model.optimizer.variables], [*again.variables, *again.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(variable.numpy(), found.numpy(), err_msg=variable.path)
    for name, values in rest.history.items():
        assert values == whole.history[name][-len(values) :], name


def test_a_damaged_backup_and_the_one_before(tmp_path: Path) -> None:
    backup = callbacks.BackupAndRestore(tmp_path / "b", double_checkpoint=True)
    with pytest.raises(KeyboardInterrupt):
        made().fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[backup, Cut(14)])
    latest = tmp_path / "b" / "latest.weights.h5"
    latest.write_bytes(latest.read_bytes()[:1000])
    model = made()
    assert model.fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[backup]).epoch == [1, 2, 3]


def test_a_backup_of_another_model(tmp_path: Path) -> None:
    backup = callbacks.BackupAndRestore(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        made().fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[backup, Cut(14)])
    model = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(2)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="could not be loaded"):
        model.fit(X, Y, verbose=0, callbacks=[backup])


@pytest.mark.process
def test_a_training_that_is_killed_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    assert killed_training.run(2, 0, tmp_path, epochs=3) == 2


def test_checkpoints_of_epochs_batches_and_the_best(tmp_path: Path) -> None:
    each = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{loss:.2f}.keras")
    third = callbacks.ModelCheckpoint(
        tmp_path / "w" / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=3
    )
    best = callbacks.ModelCheckpoint(tmp_path / "best.keras", "loss", save_best_only=True, initial_value_threshold=-1.0)
    model = made()
    losses = model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[each, third, best]).history["loss"]
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["w", *[f"0{i + 1}-{loss:.2f}.keras" for i, loss in enumerate(losses)]]
    )
    assert sorted(os.listdir(tmp_path / "w")) == [
        "1-3.weights.h5",
        "1-6.weights.h5",
        "2-3.weights.h5",
        "2-6.weights.h5",
    ]


@pytest.mark.parametrize("save_freq", [0, -1, True, False, 0.5, "batch"])
def test_frequencies_that_cannot_be(save_freq: Any) -> None:
    for make in (
        callbacks.BackupAndRestore,
        lambda path, save_freq: callbacks.ModelCheckpoint(path, save_freq=save_freq),
    ):
        with pytest.raises(ValueError, match="save_freq"):
            make("m.keras", save_freq=save_freq)
