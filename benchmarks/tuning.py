"""A sample of the course's tuning run (examples/tuning.py) with dlnative and with Keras 3, by turns, in one run.

    python benchmarks/tuning.py ames_housing.csv --peer /path/to/python/with/keras --settings 12

First both train one setting of each optimizer from equal weights, without dropout, in equal order: the losses must agree. Then the
settings, drawn at random, go to both in portions: Keras trains them one after the other, as a program of its own does
(on all cores), dlnative as `tuning` does, on as many processes as there are cores. The times are those of whole trials: the
model built and compiled, up to 500 epochs, patience 25, a fifth held out.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOLERANCE = 1e-4
EXAMPLE = Path(__file__).parent.parent / "examples" / "tuning.py"
NAMES = ("units1", "units2", "dropout1", "dropout2", "optimizer", "batch_size")
VALUES = ([64, 128, 256], [64, 128, 256], [0.2, 0.3, 0.4], [0.2, 0.3, 0.4], ["rmsprop", "adam"], [16, 32, 64, 128])


def load(path: str) -> Any:
    """Returns the features and the targets as the example has them."""
    return _example("load")(path)


def _example(name: str) -> Any:
    spec: Any = importlib.util.spec_from_file_location("example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def built(keras: Any, features: int, setting: dict[str, Any]) -> Any:
    """Returns the compiled network of a setting."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((features,)),
            layers.Dense(setting["units1"], activation="relu"),
            layers.Dropout(setting["dropout1"]),
            layers.Dense(setting["units2"], activation="relu"),
            layers.Dropout(setting["dropout2"]),
            layers.Dense(1),
        ]
    )
    model.compile(setting["optimizer"], "mse", metrics=["mae"])
    return model


def equal_losses(keras: Any, x: Any, y: Any, setting: dict[str, Any]) -> list[float]:
    """Returns the losses of three epochs without anything random."""
    import numpy as np

    model = built(keras, x.shape[1], setting | {"dropout1": 0.0, "dropout2": 0.0})
    random = np.random.RandomState(0)
    model.set_weights([random.randn(*w.shape).astype("float32") * 0.05 for w in model.get_weights()])
    history = model.fit(
        x, y, batch_size=setting["batch_size"], epochs=3, shuffle=False, validation_split=0.2, verbose=0
    )
    return [*map(float, history.history["loss"]), *map(float, history.history["val_loss"])]


def trained(keras: Any, x: Any, y: Any, settings: list[dict[str, Any]]) -> list[int]:
    """Trains settings one after the other, and returns their numbers of epochs."""
    epochs = []
    for setting in settings:
        keras.utils.set_random_seed(0)
        patience = keras.callbacks.EarlyStopping("val_loss", patience=25)
        history = built(keras, x.shape[1], setting).fit(
            x, y, batch_size=setting["batch_size"], epochs=500, validation_split=0.2, callbacks=[patience], verbose=0
        )
        epochs.append(len(history.epoch))
    return epochs


def tuned(x: Any, y: Any, settings: list[dict[str, Any]], workers: int) -> list[int]:
    """Trains settings as a search does, and returns their numbers of epochs."""
    import dlnative
    from dlnative import tuning

    class Listed(tuning.Tuner):
        def propose(self, running: list[tuning.Trial]) -> dict[str, Any] | None:
            begun = len(self.trials) + len(running)
            return settings[begun] if begun < len(settings) else None

    with tempfile.TemporaryDirectory() as folder:
        hp = tuning.HyperParameters()
        tuner = Listed(_example("Network")(x.shape[1]), max_trials=None, directory=folder, hyperparameters=hp)
        patience = dlnative.callbacks.EarlyStopping("val_loss", patience=25)
        tuner.search(x, y, epochs=500, validation_split=0.2, callbacks=[patience], workers=workers, verbose=0)
        return [trial.epochs for trial in tuner.trials.values()]


def serve(path: str) -> None:
    """Answers the questions of the program above, with Keras."""
    import keras

    x, y = load(path)
    print(f"Keras {keras.__version__} on {keras.backend.backend()}", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        start = time.perf_counter()
        answer = globals()[question["call"]](keras, x, y, question["given"])
        print(json.dumps([answer, time.perf_counter() - start]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--peer", default=sys.executable, help="the Python that has Keras (default: this one)")
    parser.add_argument("--backend", default="jax", help="Keras's backend (default: jax)")
    parser.add_argument("--settings", type=int, default=12, help="how many of the 648 are tried (default: 12)")
    parser.add_argument("--portion", type=int, default=4, help="settings in a turn (default: 4)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.data)
        return
    import numpy as np

    import dlnative

    x, y = load(options.data)
    everything = [dict(zip(NAMES, values, strict=True)) for values in itertools.product(*VALUES)]
    chosen = np.random.default_rng(options.seed).permutation(len(everything))[: options.settings]
    settings = [everything[index] for index in chosen]
    command = [options.peer, __file__, options.data, "--serve"]
    environment = os.environ | {"KERAS_BACKEND": options.backend}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as peer:  # fmt: skip
        assert peer.stdin is not None
        assert peer.stdout is not None
        print(
            peer.stdout.readline().strip(), f"beside dlnative {dlnative.__version__}: {dlnative.num_threads()} threads"
        )

        def ask(call: str, given: Any) -> Any:
            assert peer.stdin is not None
            assert peer.stdout is not None
            peer.stdin.write(json.dumps({"call": call, "given": given}) + "\n")
            peer.stdin.flush()
            return json.loads(peer.stdout.readline())

        for optimizer in ("rmsprop", "adam"):
            setting = everything[0] | {"optimizer": optimizer, "batch_size": 64}
            (theirs, _), ours = ask("equal_losses", setting), equal_losses(dlnative, x, y, setting)
            np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE)
            print(f"{optimizer}: losses of 3 epochs agree to {np.max(np.abs(np.divide(ours, theirs) - 1)):.1e}")
        total = np.zeros(2)
        all_epochs = np.zeros(2)
        for first in range(0, len(settings), options.portion):
            part = settings[first : first + options.portion]
            epochs, seconds = ask("trained", part)
            start = time.perf_counter()
            own = tuned(x, y, part, options.workers)
            total += seconds, time.perf_counter() - start
            all_epochs += sum(epochs), sum(own)
            each = total / all_epochs * 1e3
            print(
                f"{first + len(part):>4} settings: Keras {total[0]:7.1f} s, {all_epochs[0]:.0f} epochs; "
                f"dlnative {total[1]:6.2f} s, {all_epochs[1]:.0f} epochs, {options.workers} processes; "
                f"{total[0] / total[1]:5.1f} times as fast, by epoch {each[0] / each[1]:5.1f}",
                flush=True,
            )
        peer.stdin.close()


if __name__ == "__main__":
    main()
