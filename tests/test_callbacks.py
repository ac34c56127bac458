"""Callbacks: when they are called, and what they do, as Keras 3.15 does it."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import callbacks, layers

X = np.arange(20, dtype="float32").reshape(10, 2) / 20


Y = X.sum(axis=1, keepdims=True)


def network() -> Any:
    model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(dlnative.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model


def test_every_hook_is_called_in_keras_s_order(backend: str) -> None:
    log: list[tuple[Any, ...]] = []

    def hook(name: str) -> Any:
        return lambda self, *args: log.append((name.removeprefix("on_"), *(a for a in args if isinstance(a, int))))

    names = [name for name in vars(callbacks.Callback) if name.startswith("on_")]
    recorder: Any = type(
        "Recorder", (callbacks.Callback,), {name: hook(name) for name in names if "on_batch" not in name}
    )
    model = network()
    model.fit(X, Y, batch_size=5, epochs=2, validation_data=(X, Y), verbose=0, callbacks=[recorder()])
    batches = [("batch_begin", 0), ("batch_end", 0), ("batch_begin", 1), ("batch_end", 1)]
    train = [(f"train_{name}", number) for name, number in batches]
    test = [("test_begin",), *((f"test_{name}", number) for name, number in batches), ("test_end",)]
    epochs = [[("epoch_begin", epoch), *train, *test, ("epoch_end", epoch)] for epoch in (0, 1)]
    assert log == [("train_begin",), *epochs[0], *epochs[1], ("train_end",)]
    log.clear()
    model.predict(X, batch_size=5, verbose=0, callbacks=[recorder()])
    assert log == [("predict_begin",), *((f"predict_{name}", number) for name, number in batches), ("predict_end",)]


def test_only_written_hooks_are_called() -> None:
    class Counting(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None: ...

    class Batches(callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None: ...

    quiet = callbacks.CallbackList([Counting(), callbacks.CSVLogger("unused")], add_history=False, model=None)
    assert not quiet.wants_batches("train")
    loud = callbacks.CallbackList([Batches()], model=None)
    assert loud.wants_batches("train")
    assert not loud.wants_batches("test")
    function = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    assert callbacks.CallbackList([function], model=None).wants_batches("train")


def test_batch_logs_are_running_means(backend: str) -> None:
    seen: list[float] = []
    model = network()
    collect = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    history = model.fit(X, Y, batch_size=3, verbose=0, callbacks=[collect]).history
    assert len(seen) == 4
    assert seen[-1] == history["loss"][0]


def test_a_callback_can_stop_an_epoch_at_a_batch() -> None:
    model = network()
    numbers: list[int] = []

    def stop(batch: int, logs: dict[str, float]) -> None:
        numbers.append(batch)
        model.stop_training = batch == 1

    history = model.fit(
        X, Y, batch_size=2, epochs=3, verbose=0, callbacks=[callbacks.LambdaCallback(on_train_batch_end=stop)]
    )
    assert len(history.history["loss"]) == 1
    assert numbers[:2] == [0, 1]


def test_csv_logger(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model = network()
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.CSVLogger(path)]).history
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,mae,val_loss,val_mae"
    assert lines[1] == f"0,{history['loss'][0]},{history['mae'][0]},NA,NA"
    more = [callbacks.CSVLogger(path, separator=";", append=True)]
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0, validation_data=(X, Y), callbacks=more)
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    assert lines[3].startswith("2;")
    assert len(lines[3].split(";")) == 5


def test_learning_rates() -> None:
    model = network()
    history = model.fit(
        X, Y, epochs=3, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)]
    ).history
    np.testing.assert_allclose(history["learning_rate"], [0.05, 0.025, 0.0125], rtol=1e-6)
    model = network()
    reducing = callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=10.0, cooldown=1, min_lr=0.02)
    history = model.fit(X, Y, epochs=6, verbose=0, callbacks=[reducing]).history
    # These are Keras's numbers.
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.1, 0.05, 0.025, 0.02, 0.02], rtol=1e-6)
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau: expected factor in \[0, 1\), got 2"):
        callbacks.ReduceLROnPlateau(factor=2)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch: 0.1 / (1 + epoch),
        lambda epoch, rate: 0.1 / (1 + epoch),
        lambda epoch, *rest: np.float32(0.1 / (1 + epoch)),
    ],
)
def test_a_schedule_may_ignore_the_present_rate(schedule: Any) -> None:
    scheduler = callbacks.LearningRateScheduler(schedule)
    history = network().fit(X, Y, epochs=3, verbose=0, callbacks=scheduler).history
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, None, "0.1", [0.1, 0.2]])
def test_a_schedule_returns_a_number(rate: Any) -> None:
    with pytest.raises(ValueError, match="LearningRateScheduler: expected what the schedule returns"):
        network().fit(X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(lambda epoch: rate))


def test_an_error_in_a_schedule_is_that_error() -> None:
    def wrong(epoch: int, rate: float) -> float:
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        network().fit(X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(wrong))


def test_training_ends_where_the_loss_does(capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    history = model.fit(X, Y * 1e30, batch_size=5, epochs=3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(history.history["loss"]) == 1
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 0"):
        network().fit(X, Y * 1e30, batch_size=5, verbose=0, callbacks=callbacks.TerminateOnNaN(raise_error=True))


def test_data_that_are_not_finite_are_left_to_who_looks_for_them() -> None:
    y = Y.copy()
    y[7] = np.inf
    ended: list[int] = []
    watching = callbacks.LambdaCallback(on_train_end=lambda logs: ended.append(1))
    with pytest.raises(ValueError, match="fit: y: expected finite numbers, got inf"):
        network().fit(X, y, verbose=0, callbacks=watching)
    with pytest.raises(RuntimeError, match="at batch 1"):
        network().fit(
            X,
            y,
            batch_size=5,
            shuffle=False,
            verbose=0,
            callbacks=[watching, [callbacks.TerminateOnNaN(raise_error=True)]],
        )
    assert not ended


def test_the_short_names_of_the_hooks_of_training_steps() -> None:
    """They are called unless the long ones are written, as in Keras; a callback may be given alone, or in nested lists."""
    seen: list[Any] = []

    class Short(callbacks.Callback):
        def on_batch_begin(self, batch: int, logs: Any = None) -> None:
            seen.append(("begin", batch))

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(("end", batch, sorted(logs)))

    class Both(Short):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append("long")

    expected = [("begin", 0), ("end", 0, ["loss", "mae"]), ("begin", 1), ("end", 1, ["loss", "mae"])]
    for given in (Short(), [Short()], [[Short()], ()], callbacks.CallbackList([Short()])):
        seen.clear()
        network().fit(X, Y, batch_size=5, verbose=0, callbacks=given)
        assert seen == expected
    seen.clear()
    network().fit(X, Y, batch_size=5, verbose=0, callbacks=Both())
    assert seen == [("begin", 0), "long", ("begin", 1), "long"]
    seen.clear()
    function = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch), extra=lambda: 7)
    network().fit(X, Y, batch_size=5, verbose=0, callbacks=function)
    assert seen == [0, 1]
    assert function.extra() == 7  # type: ignore[attr-defined]


def test_a_list_of_callbacks_is_a_callback() -> None:
    seen: list[Any] = []
    function = callbacks.LambdaCallback(on_batch_begin=lambda batch, logs: seen.append((batch, logs)))
    model = network()
    listed = callbacks.CallbackList(function, add_history=True, model=model, epochs=3)
    assert isinstance(listed, callbacks.Callback)
    assert function.model is model
    assert function.params == {"epochs": 3}
    assert model.history is listed.callbacks[1]
    listed.on_train_batch_begin(2, {"loss": np.float32(0.5), "vector": np.ones(2)})
    listed.on_batch_begin(3)
    (first, logs), second = seen
    assert (first, second) == (2, (3, {}))
    assert type(logs["loss"]) is float
    assert logs["vector"].shape == (2,)


def test_a_model_is_gone_with_its_last_use_though_it_has_a_history() -> None:
    model = network()
    history = model.fit(X, Y, verbose=0)
    assert history.model is model
    gone = weakref.ref(model)
    del model
    assert gone() is None
    assert history.model is None


@pytest.mark.parametrize("each_epoch", [False, True])
def test_a_model_is_looked_at_with_its_running_means(each_epoch: bool, backend: str) -> None:
    """Validation sees the means; what stands there after an epoch depends on the argument, and after fit it is the means."""
    model = network()
    model.compile(dlnative.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    weights: dict[str, list[Any]] = {"batch": [], "test": [], "epoch": []}
    values = lambda: model.get_weights()[0].copy()  # noqa: E731
    watching = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: weights["batch"].append(values()),
        on_test_batch_end=lambda batch, logs: weights["test"].append(values()),
        on_epoch_end=lambda epoch, logs: weights["epoch"].append(values()),
    )
    swapping = callbacks.SwapEMAWeights(swap_on_epoch=each_epoch)
    model.fit(X, Y, batch_size=5, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[swapping, watching])
    batches = weights["batch"]
    means = [batches[0]]
    for value in batches[1:]:
        means.append(0.5 * means[-1] + 0.5 * value)
    np.testing.assert_allclose([weights["test"][0], weights["test"][2]], [means[1], means[3]], rtol=1e-5)
    ends = means if each_epoch else batches
    np.testing.assert_allclose(weights["epoch"], [ends[1], ends[3]], rtol=1e-5)
    np.testing.assert_allclose(values(), means[3], rtol=1e-5)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="SwapEMAWeights must be used when `use_ema=True` is set"):
        model.fit(X, Y, verbose=0, callbacks=callbacks.SwapEMAWeights())


def test_history_begins_anew_with_each_fit() -> None:
    model = network()
    first = model.fit(X, Y, epochs=2, verbose=0)
    second = model.fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert first.epoch == [0, 1]
    assert second.epoch == [3, 4]
    assert model.history is second
    assert len(second.history["loss"]) == 2


def test_what_is_wrong_is_said_in_one_line() -> None:
    with pytest.raises(ValueError, match='EarlyStopping: expected mode "auto", "min" or "max", got \'up\''):
        callbacks.EarlyStopping(mode="up")
    with pytest.raises(ValueError, match='LambdaCallback: expected a hook of Callback, got "on_lunch"'):
        callbacks.LambdaCallback(on_lunch=print)
    for name, wrong in (("patience", -1), ("patience", 1.5), ("start_from_epoch", None)):
        with pytest.raises(ValueError, match=f"EarlyStopping: expected {name} to be an integer of 0 or more, got"):
            callbacks.EarlyStopping(**{name: wrong})
    for name in ("min_delta", "baseline"):
        with pytest.raises(ValueError, match=f"EarlyStopping: expected {name} to be a finite number, got nan"):
            callbacks.EarlyStopping(**{name: float("nan")})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callbacks: expected callbacks, got 'early'"):
        network().fit(X, Y, verbose=0, callbacks=["early"])


def test_an_exception_while_means_are_in_the_variables() -> None:
    class Interrupting(callbacks.Callback):
        def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
            if self.model.optimizer.iterations.value == 2:
                raise KeyboardInterrupt

    model = dlnative.Sequential([dlnative.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(dlnative.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), "mae")
    x, swapping = np.ones((1, 1), "float32"), callbacks.SwapEMAWeights()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, 9 * x, validation_data=(x, x), callbacks=[swapping, Interrupting()], epochs=2, verbose=0)
    assert model.get_weights()[0].item() == 1.5  # the mean of 1 and 2
    swapping.set_model(model)
    assert model.get_weights()[0].item() == 2.0


def test_remote_monitor_sends_each_epoch_and_outlives_its_server() -> None:
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.parse import parse_qs

    received: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        root = f"http://127.0.0.1:{server.server_port}"
        monitors = [
            callbacks.RemoteMonitor(root),
            callbacks.RemoteMonitor(root, "/json", send_as_json=True),
        ]
        history = network().fit(X, Y, epochs=1, verbose=0, callbacks=monitors)
        server.shutdown()
        thread.join()
    expected = {"epoch": 0, **{name: values[0] for name, values in history.history.items()}}
    assert [(path, kind) for path, kind, _ in received] == [
        ("/publish/epoch/end/", "application/x-www-form-urlencoded"),
        ("/json", "application/json"),
    ]
    assert json.loads(parse_qs(received[0][2].decode())["data"][0]) == expected == json.loads(received[1][2])
    with pytest.warns(UserWarning, match="could not reach the server"):
        network().fit(X, Y, epochs=1, verbose=0, callbacks=monitors[:1])


class Writer:
    """Stands for tensorboardX's writer, and keeps what it is given."""

    written: list[tuple[Any, ...]] = []  # noqa: RUF012

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder).name

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self.written.append((self.folder, name, *args))


def test_tensorboard_writes_what_keras_writes(monkeypatch: Any, tmp_path: Path) -> None:
    import sys
    import types

    module: Any = types.ModuleType("tensorboardX")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    monkeypatch.setattr(Writer, "written", [])
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2, update_freq=2, write_images=True)
    history = network().fit(X, Y, batch_size=2, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[board])
    scalars = {item[:1] + item[2:] for item in Writer.written if item[1] == "add_scalar"}
    for epoch in (0, 1):
        assert ("train", "epoch_loss", history.history["loss"][epoch], epoch) in scalars
        assert ("validation", "epoch_mae", history.history["val_mae"][epoch], epoch) in scalars
        assert ("train", "epoch_learning_rate", np.float32(0.1), epoch) in scalars
        steps = 5 * (epoch + 1)
        assert ("validation", "evaluation_loss_vs_iterations", history.history["val_loss"][epoch], steps) in scalars
    assert sorted(item[3] for item in scalars if item[1] == "batch_loss") == [0, 2, 4, 6, 8]
    kinds = [item[:3:2] for item in Writer.written if item[1] == "add_histogram"]
    assert len(kinds) == 2  # kernel and bias, in the first epoch only
    assert sum(item[1] == "add_image" for item in Writer.written) == 2
    assert sum(item[1] == "close" for item in Writer.written) == 2


def test_tensorboard_without_batches_does_not_stop_at_them(monkeypatch: Any) -> None:
    import sys
    import types

    module: Any = types.ModuleType("tensorboardX")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    assert not callbacks.CallbackList([callbacks.TensorBoard("unused")], model=None).wants_batches("train")
    assert callbacks.CallbackList([callbacks.TensorBoard("unused", update_freq=3)], model=None).wants_batches("train")
    with pytest.raises(ValueError, match="embeddings_freq=0"):
        callbacks.TensorBoard("unused", embeddings_freq=1)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"install \"dlnative\[tensorboard\]\""):
        callbacks.TensorBoard("unused")
