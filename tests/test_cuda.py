"""The CUDA executor: memory that stays on the device, data sets there, recordings, regions, errors."""

from __future__ import annotations

import re
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from cuda_samples import classifier, samples
from dlnative import ops
from dlnative.backends import selection
from dlnative.graph.eager import evaluate
from dlnative.graph.op import OPS

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif("cuda" not in selection.known(), reason="no CUDA kernels were built"),
]


def history(backend: str, **options: Any) -> Any:
    with selection.use_backend(backend):
        model = classifier()
        x, y = samples()
        dlnative.utils.set_random_seed(2)
        found = model.fit(x, y, batch_size=8, epochs=3, verbose=0, **options).history
        return found, model.get_weights(), model.predict(x, batch_size=16, verbose=0)


def test_training_of_a_data_set_on_the_device_gives_the_losses_of_the_cpu() -> None:
    found, weights, outputs = history("cuda", validation_split=0.2)
    expected, expected_weights, expected_outputs = history("cpu", validation_split=0.2)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    for weight, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-5)
    np.testing.assert_allclose(outputs, expected_outputs, atol=1e-5)


def test_several_steps_are_one_recording(native: Any) -> None:
    model = classifier()
    model.fit(*samples(), batch_size=8, verbose=0)
    assert max(plan.executor.steps_together for plan in model._steps.plans) > 1


def test_a_slice_of_time_ends_between_recordings(native: Any) -> None:
    model = classifier()
    x, y = samples(1000)
    model.fit(x, y, batch_size=8, verbose=0)
    (plan,) = model._steps.plans
    sources = [native.DeviceArray.upload(x), native.DeviceArray.upload(y)]
    steps = plan.executor.run_steps(sources, [], None, 8, 1000, 8, 1e-9) // 8 - 1
    assert steps in (1, plan.executor.steps_together)


def test_variables_stay_on_the_device_from_one_epoch_to_the_next(native: Any) -> None:
    model = classifier()
    x, y = samples()
    model.fit(x, y, batch_size=8, verbose=0)
    model.get_weights()
    before = native.mirror_traffic()
    model.fit(x, y, batch_size=8, epochs=5, verbose=0)
    up, down = (after - earlier for after, earlier in zip(native.mirror_traffic(), before, strict=True))
    assert 0 < up <= 5 * 64  # the metrics are reset
    assert 0 < down <= 5 * 1024  # and read


def test_what_the_host_writes_counts_beside_what_the_device_has(native: Any) -> None:
    model = classifier()
    x, y = samples(16)
    kernel, bias = model.layers[0].kernel, model.layers[0].bias
    model.train_on_batch(x, y)
    first = kernel.numpy()
    model.train_on_batch(x, y)
    bias.assign(np.full(7, 5.0, "float32"))  # while only the device has the latest kernel, in the same block
    second = kernel.numpy()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(bias.numpy(), np.full(7, 5.0))
    hidden = np.maximum(x @ second + 5.0, 0)
    outputs = dlnative.Model(model.inputs, model.layers[0].output)(x)
    np.testing.assert_allclose(outputs, hidden, rtol=1e-5)


def test_orders_are_those_of_the_cpu() -> None:
    state = np.array([5, 1], "int64")
    orders = []
    for name in ("cpu", "cuda"):
        with selection.use_backend(name):
            orders.append(evaluate(OPS["random_permutation"], (state,), ((50,), "int64")))
    np.testing.assert_array_equal(*orders)


def test_a_learning_rate_that_is_set_between_runs(native: Any) -> None:
    model = classifier()
    x, y = samples(16)
    model.train_on_batch(x, y)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    model.train_on_batch(x, y)
    for weight, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_other_backends_go_on_where_this_one_stopped() -> None:
    x, y = samples(16)
    model = classifier()
    other = classifier()
    for name in ("cuda", "cpu", "cuda", "reference"):
        with selection.use_backend(name):
            found = model.train_on_batch(x, y)
        expected = other.train_on_batch(x, y)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_copies_of_variables_have_what_the_device_has(native: Any) -> None:
    import copy
    import pickle

    model = classifier()
    model.train_on_batch(*samples(16))
    kernel = model.layers[0].kernel
    copied, loaded = copy.deepcopy(kernel), pickle.loads(pickle.dumps(kernel))
    np.testing.assert_array_equal(copied.numpy(), kernel.numpy())
    np.testing.assert_array_equal(loaded.numpy(), kernel.numpy())


@pytest.mark.parametrize("dtype", ["float64", "uint8", "float32"])
def test_data_of_other_types_is_converted_on_the_device(dtype: str) -> None:
    x = (np.random.RandomState(0).rand(90, 5) * 200).astype(dtype)
    results = []
    for name in ("cuda", "cpu"):
        with selection.use_backend(name):
            model = classifier()
            model.fit(x, samples(90)[1], batch_size=8, epochs=1, verbose=0)
            results.append(model.predict(x, batch_size=8, verbose=0))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-6)


def test_loops_and_branches_by_what_is_computed(native: Any) -> None:
    def collatz(n: Any) -> Any:
        def turn(n: Any, count: Any) -> Any:
            halved = ops.cond(ops.equal(n % 2, 0), lambda: n // 2, lambda: 3 * n + 1)
            return halved, count + 1

        return ops.while_loop(lambda n, count: n > 1, turn, (n, ops.zeros((), "int64")))

    for start, steps in ((1, 0), (6, 8), (27, 111)):
        n, count = collatz(np.int64(start))
        assert (int(n), int(count)) == (1, steps)


def test_too_much_memory_says_how_much(native: Any) -> None:
    with pytest.raises(MemoryError, match=r"expected \d{17,} bytes of device memory for the arena"):
        native.Plan(1 << 60, [], [], [], [], [])


def test_an_op_without_a_kernel_is_named(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = selection.current()
    monkeypatch.setattr(backend, "_codes", {})
    with pytest.raises(NotImplementedError, match='the cuda backend has no kernel for the op "tanh"'):
        ops.tanh(np.ones((3, 11), "float32"))


def test_debugging_runs_op_by_op(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLNATIVE_CUDA_DEBUG", "1")
    model = classifier()
    x, y = samples()
    model.fit(x, y, batch_size=8, verbose=0)
    assert all(plan.executor.steps_together == 0 for plan in model._steps.plans)
    expected = classifier()
    monkeypatch.delenv("DLNATIVE_CUDA_DEBUG")
    assert model.evaluate(x, y, verbose=0)[0] < expected.evaluate(x, y, verbose=0)[0]


def test_the_self_test_and_the_configuration_say_what_is_there(
    native: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dlnative import verification

    backend: Any = selection.current()
    codes = {name: code for name, code in backend._codes.items() if name != "tanh"}
    monkeypatch.setattr(backend, "_codes", codes)
    monkeypatch.setattr(verification, "OPS", {name: OPS[name] for name in ("tanh", "exp")})
    report = dlnative.selftest("cuda")
    assert report.passed
    assert report.missing == ["tanh"]
    assert "no kernel on cuda: tanh" in capsys.readouterr().out
    assert dlnative.build_config()["gpu"] is not None


def test_without_a_gpu_a_line_says_what_is_needed(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlnative.backends import cuda

    def device() -> Any:
        raise RuntimeError("cuda: the device: CUDA driver version is insufficient for CUDA runtime version")

    monkeypatch.setattr(cuda, "native_module", lambda: type("Native", (), {"device": staticmethod(device)}))
    with pytest.raises(RuntimeError, match=r"expected a GPU with a driver for CUDA 13 .*insufficient.*; the backend"):
        cuda.CudaBackend()


EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not beside the tests")
# With fewer steps where an example takes long; that of many normalised layers, which magnify what is rounded otherwise, in
# float64. Without trajectories, which takes six minutes, most of them to forecast step by step.
@pytest.mark.parametrize(
    ("name", "arguments", "floatx"),
    [
        ("augmentation", ["1"], "float32"),
        ("blocks", ["1"], "float64"),
        ("character_gpt", ["10"], "float32"),
        ("cnn", ["1"], "float32"),
        ("custom_layer", [], "float32"),
        ("digits", [], "float32"),
        ("distillation", [], "float32"),
        ("gan", [], "float32"),
        ("initial_weights", [], "float32"),
        ("mnist_lstm", ["1"], "float32"),
        ("perceptron", [], "float32"),
        ("siamese", [], "float32"),
        ("training_by_hand", [], "float32"),
        ("underfitting", [], "float32"),
        ("vae", [], "float32"),
        ("xor", [], "float32"),
    ],
)
def test_examples_train_as_on_the_cpu(
    name: str, arguments: list[str], floatx: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = dlnative.Model.fit
    histories: list[Any] = []

    def observed(*args: Any, **kwargs: Any) -> Any:
        made = fit(*args, **kwargs)
        histories.append(made.history)
        return made

    monkeypatch.setattr(dlnative.Model, "fit", observed)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    before = dlnative.config.floatx()
    dlnative.config.set_floatx(floatx)
    dlnative.config.set_max_epochs(2)
    found = []
    try:
        for backend in ("cpu", "cuda"):
            histories.clear()
            dlnative.utils.set_random_seed(0)
            with selection.use_backend(backend):
                runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
            lines = [
                line for line in capsys.readouterr().out.splitlines() if not re.search(r"\bms\b|/step|\ds\b", line)
            ]
            printed = [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", "\n".join(lines))]
            losses = [value for history in histories for values in history.values() for value in values]
            found.append((losses, printed))
    finally:
        dlnative.config.set_max_epochs(None)
        dlnative.config.set_floatx(before)
    assert found[0][0] or found[0][1]
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-3, atol=1e-3)  # printed with a few digits


def test_what_the_host_computes_goes_there_and_back(native: Any) -> None:
    """Between kernels, in a training step, and of a data set on the device."""
    with selection.use_backend("cuda"):
        inputs = dlnative.Input((3, 3))
        squares = dlnative.layers.Dense(3)(inputs)
        definite = dlnative.ops.matmul(squares, dlnative.ops.transpose(squares, (0, 2, 1))) + dlnative.ops.eye(3)
        outputs = dlnative.layers.Dense(1)(dlnative.ops.reshape(dlnative.ops.cholesky(definite), (-1, 9)))
        model = dlnative.Model(inputs, outputs)
        x = np.random.default_rng(0).standard_normal((24, 3, 3)).astype("float32")
        y = x[:, 0, :1]
        weights = model.get_weights()
        found = []
        for backend in ("cpu", "cuda"):
            with selection.use_backend(backend):
                model.set_weights(weights)
                model.compile("sgd", "mse")
                fitted = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
                found.append((fitted, model.predict(x, verbose=0)))
        np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
        np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-5)


def test_an_error_of_what_the_host_computes_is_itself(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlnative.backends import host

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with selection.use_backend("cuda"):
        dlnative.ops.qr(np.eye(3, dtype="float32"))
        native.set_host_function(interrupted)
        try:
            with pytest.raises(KeyboardInterrupt):
                dlnative.ops.qr(np.eye(3, dtype="float32"))
        finally:
            native.set_host_function(host._compute)
        q, r = dlnative.ops.qr(np.eye(3, dtype="float32"))
        np.testing.assert_allclose(np.matmul(q, r), np.eye(3), atol=1e-6)


def test_plans_that_the_host_computes_for_run_beside_others(native: Any) -> None:
    """Threads that hold the device and ask for the interpreter, and the other way round."""
    x = np.eye(4, dtype="float32") * 4

    def work(number: int) -> float:
        with selection.use_backend("cuda"):
            total = 0.0
            for turn in range(20):
                of = x[: 2 + (turn + number) % 3, : 2 + (turn + number) % 3]
                total += float(np.sum(dlnative.ops.cholesky(of) if number % 2 else dlnative.ops.add(of, of)))
            return total

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == list(map(work, range(4)))
