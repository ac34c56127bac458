"""The calls that train, evaluate and predict, and the callbacks around them."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from programs.common import Program, fill, fit, labels_data, mlp, register, regression_data

PROGRAMS: dict[str, Program] = {}


def compiled(keras: Any, **arguments: Any) -> Any:
    model = mlp(keras, 1)
    model.compile(**({"optimizer": keras.optimizers.SGD(0.05), "loss": "mse", "metrics": ["mae"]} | arguments))
    return model


@register(PROGRAMS)
def batches(keras: Any) -> dict[str, Any]:
    """train_on_batch, test_on_batch and predict_on_batch, lists and dictionaries."""
    x, y = regression_data()
    model = compiled(keras)
    results: dict[str, Any] = {"train": [model.train_on_batch(x[:16], y[:16]) for _ in range(50)]}
    results["train_dictionary"] = model.train_on_batch(x[:16], y[:16], return_dict=True)
    results["test"] = model.test_on_batch(x[16:40], y[16:40])
    results["test_dictionary"] = model.test_on_batch(x[16:40], y[16:40], return_dict=True)
    results["predict"] = model.predict_on_batch(x[:4])
    results["other_size"] = model.train_on_batch(x[:5], y[:5])
    return results


@register(PROGRAMS)
def batch_sizes(keras: Any) -> dict[str, Any]:
    """The default of 32, one batch of everything, single samples, and one larger than the data."""
    x, y = regression_data()
    results: dict[str, Any] = {}
    for size in [None, 70, 1, 35, 1000]:
        model = compiled(keras)
        history = model.fit(x, y, batch_size=size, epochs=3, shuffle=False, verbose=0)
        results[str(size)] = [history.history, int(model.optimizer.iterations), history.params]
    return results


@register(PROGRAMS)
def evaluate_forms(keras: Any) -> dict[str, Any]:
    x, y = regression_data()
    model = compiled(keras)
    return {
        "default": model.evaluate(x, y, verbose=0),
        "batches": model.evaluate(x, y, batch_size=16, verbose=0),
        "dictionary": model.evaluate(x, y, verbose=0, return_dict=True),
        "steps": model.evaluate(x, y, batch_size=16, steps=2, verbose=0),
        "names": model.metrics_names,
        "no_metrics": compiled(keras, metrics=None).evaluate(x, y, verbose=0),
        "no_metrics_dictionary": compiled(keras, metrics=None).evaluate(x, y, verbose=0, return_dict=True),
    }


@register(PROGRAMS)
def predict_forms(keras: Any) -> dict[str, Any]:
    x, _ = regression_data()
    model = mlp(keras, 2)  # predict needs no compile
    return {
        "default": model.predict(x, verbose=0),
        "batches": model.predict(x[:20], batch_size=7, verbose=0),
        "single": model.predict(x[:1], verbose=0),
        "steps": model.predict(x, batch_size=8, steps=2, verbose=0),
        "float64": model.predict(x[:3].astype("float64"), verbose=0),
        "integers": model.predict(np.arange(12).reshape(2, 6), verbose=0),
        "call": model(x[:3]),
    }


@register(PROGRAMS)
def two_outputs(keras: Any) -> dict[str, Any]:
    """Two outputs with losses and metrics of their own; keys in Keras's order."""
    x, y = regression_data(outputs=2)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(5, activation="tanh")(inputs)
    first = keras.layers.Dense(1, name="first")(hidden)
    second = keras.layers.Dense(1, name="second")(hidden)
    model = keras.Model(inputs, [first, second])
    fill(model)
    model.compile("sgd", loss=["mse", "mae"], loss_weights=[1.0, 0.5], metrics=[["mae"], ["mse"]])
    targets = [y[:, :1], y[:, 1:]]
    return {
        "history": fit(model, x, targets).history,
        "evaluate": model.evaluate(x, targets, verbose=0),
        "dictionary": model.evaluate(x, targets, verbose=0, return_dict=True),
        "predict": model.predict(x[:3], verbose=0),
    }


@register(PROGRAMS)
def early_stopping(keras: Any) -> dict[str, Any]:
    """Stops on the validation loss; the best weights come back; with and without restoring them."""
    x, y = labels_data()
    y = np.roll(y, 1)  # nothing to learn: the validation loss soon rises
    results: dict[str, Any] = {}
    choices: dict[str, dict[str, Any]] = {
        "restored": {"patience": 4, "restore_best_weights": True},
        "last": {"patience": 4},
        "accuracy": {"monitor": "val_accuracy", "patience": 5, "restore_best_weights": True},
        "training_loss": {"monitor": "loss", "min_delta": 0.01, "patience": 1},
        "baseline": {"monitor": "val_loss", "baseline": 0.1, "patience": 2},
        "start": {"patience": 1, "start_from_epoch": 7, "mode": "min"},
        "never": {"patience": 1000, "restore_best_weights": True},
    }
    for name, arguments in choices.items():
        model = mlp(keras, 3, "softmax")
        model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
        stop = keras.callbacks.EarlyStopping(**arguments)
        history = fit(model, x, y, validation_split=0.3, callbacks=[stop], epochs=30)
        results[name] = {
            "history": history.history,
            "epoch": history.epoch,
            "stopped": [stop.stopped_epoch, stop.best_epoch, stop.patience],
            "evaluate": model.evaluate(x, y, verbose=0),
            "predict": model.predict(x[:3], verbose=0),
        }
    return results


@register(PROGRAMS)
def callback_order(keras: Any) -> dict[str, Any]:
    """Every method of a callback, in order, with the keys that it is given."""
    x, y = regression_data(samples=20)
    calls: list[Any] = []

    class Spy(keras.callbacks.Callback):
        pass

    def note(method: str) -> Any:
        def noted(self: Any, *arguments: Any, **named: Any) -> None:
            values = list(arguments) + list(named.values())
            calls.append([method, *[sorted(v) if isinstance(v, dict) else v for v in values]])

        return noted

    moments = ["train_begin", "train_end", "epoch_begin", "epoch_end", "test_begin", "test_end"]
    moments += ["train_batch_begin", "train_batch_end", "test_batch_begin", "test_batch_end"]
    moments += ["predict_begin", "predict_end", "predict_batch_begin", "predict_batch_end"]
    for moment in moments:
        setattr(Spy, "on_" + moment, note(moment))
    spy = Spy()
    model = compiled(keras)
    fit(model, x, y, epochs=2, batch_size=8, validation_split=0.4, callbacks=[spy])
    results: dict[str, Any] = {"fit": list(calls), "params": spy.params, "model": spy.model is model}
    calls.clear()
    model.evaluate(x, y, batch_size=16, verbose=0, callbacks=[spy])
    results["evaluate"] = list(calls)
    calls.clear()
    model.predict(x, batch_size=16, verbose=0, callbacks=[spy])
    results["predict"] = list(calls)
    return results


@register(PROGRAMS)
def batch_logs(keras: Any) -> dict[str, Any]:
    """What a callback is told after each batch: the mean since the epoch began."""
    x, y = regression_data()
    logs_seen: list[Any] = []

    def seen(batch: int, logs: Any) -> None:
        logs_seen.append([batch, {name: float(value) for name, value in logs.items()}])

    fit(compiled(keras), x, y, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=seen)])
    return {"logs": logs_seen}


@register(PROGRAMS)
def stop_training(keras: Any) -> dict[str, Any]:
    """A callback that sets stop_training at the end of an epoch, and one that does it within."""
    x, y = regression_data()
    results: dict[str, Any] = {}
    model = compiled(keras)

    def after_epoch(epoch: int, logs: Any) -> None:
        model.stop_training = epoch == 2

    history = fit(model, x, y, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=after_epoch)])
    results["epoch"] = [history.history, history.epoch, int(model.optimizer.iterations)]
    inner = compiled(keras)

    def after_batch(batch: int, logs: Any) -> None:
        inner.stop_training = batch == 1

    history = fit(inner, x, y, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=after_batch)])
    results["batch"] = [history.epoch, int(inner.optimizer.iterations)]
    return results


@register(PROGRAMS)
def csv_logger(keras: Any) -> dict[str, Any]:
    """The file's header and the number of its lines, written afresh and appended to."""
    x, y = regression_data()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.csv")
        logger = keras.callbacks.CSVLogger(path)
        fit(compiled(keras), x, y, epochs=3, validation_split=0.2, callbacks=[logger])
        with open(path) as file:
            first = file.read().splitlines()
        appended = keras.callbacks.CSVLogger(path, separator=",", append=True)
        fit(compiled(keras), x, y, epochs=2, validation_split=0.2, callbacks=[appended])
        with open(path) as file:
            second = file.read().splitlines()
    rows = [[float(value) for value in line.split(",")] for line in first[1:]]
    return {"header": first[0], "rows": rows, "lines": len(second), "epochs": [line.split(",")[0] for line in second]}


@register(PROGRAMS)
def terminate_on_nan(keras: Any) -> dict[str, Any]:
    """A diverging run is stopped by TerminateOnNaN."""
    x, y = regression_data()
    model = compiled(keras, optimizer=keras.optimizers.SGD(1e30), metrics=None)
    history = fit(model, x, y, callbacks=[keras.callbacks.TerminateOnNaN()])
    return {"epoch": history.epoch, "stopped": bool(model.stop_training)}


@register(PROGRAMS)
def history_object(keras: Any) -> dict[str, Any]:
    x, y = regression_data()
    model = compiled(keras)
    history = fit(model, x, y, epochs=2)
    return {
        "class": type(history).__name__,
        "same": history is model.history,
        "params": history.params,
        "types": [type(value).__name__ for values in history.history.values() for value in values],
        "callback": isinstance(history, keras.callbacks.Callback),
        "no_epochs": fit(model, x, y, epochs=0).history,
    }


@register(PROGRAMS)
def weights_in_and_out(keras: Any) -> dict[str, Any]:
    """get_weights gives copies; set_weights copies; a model trains on from what was set."""
    x, y = regression_data()
    model = compiled(keras)
    start = model.get_weights()
    first = fit(model, x, y, epochs=3).history
    kept = [weight.copy() for weight in start]
    unchanged = all((a == b).all() for a, b in zip(start, kept, strict=True))
    model.set_weights(start)
    start[0][:] = 0.0
    untouched = bool((model.get_weights()[0] == kept[0]).all())
    second = fit(model, x, y, epochs=3).history
    layer = model.layers[0]
    layer.set_weights([np.ones((6, 8), "float32"), np.zeros(8, "float32")])
    return {
        "first": first,
        "second": second,
        "copies": [unchanged, untouched],
        "types": [type(weight).__name__ for weight in model.get_weights()],
        "layer": [layer.get_weights()[0][0], [list(w.shape) for w in model.get_weights()]],
        "kernel": [list(layer.kernel.shape), layer.kernel.name, bool(layer.kernel.trainable)],
    }
