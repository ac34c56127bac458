"""Memory for variables: zeroed, on cache lines, used again; and who holds it."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.graph import arena, storage
from dlnative.graph.function import Function


@pytest.mark.parametrize("nbytes", [1, 64, 65, 65535, 65536, 100_000, 3 << 20, (5 << 20) + 1])
def test_zeroed_bytes_on_cache_lines(nbytes: int) -> None:
    for _ in range(3):
        block = storage.zeroed(nbytes)
        assert block.nbytes == nbytes
        assert block.__array_interface__["data"][0] % arena.ALIGNMENT == 0
        assert not block.any()
        block[...] = 255
        del block


def test_the_rest_of_a_block_is_zeroed() -> None:
    for _ in range(3):
        block = storage.zeroed(1 << 18, unset=1 << 17)
        assert not block[1 << 17 :].any()
        block[...] = 255
        del block


@pytest.mark.skipif(sys.platform != "linux", reason="memory is retained on Linux only")
def test_dropped_memory_is_used_again() -> None:
    block = storage.zeroed(1 << 20)
    address = block.__array_interface__["data"][0]
    view = block[5:50]
    del block
    other = storage.zeroed(1 << 20)
    assert other.__array_interface__["data"][0] != address, "a view keeps its memory"
    del view
    again = storage.zeroed((1 << 20) - 4096)
    assert again.__array_interface__["data"][0] == address


@pytest.mark.skipif(sys.platform != "linux", reason="memory is retained on Linux only")
def test_what_is_retained_is_bounded() -> None:
    gc.collect()
    small = [storage.zeroed(1 << 17) for _ in range(5)]
    between = storage._pool.retained()  # what other tests left between blocks in use may stay
    blocks = [storage.zeroed(size << 20) for size in (8, 3, 40, 1, 20, 7, 90)] + [
        storage.zeroed(8 << 20) for _ in range(12)
    ]
    del blocks
    assert 0 < storage._pool.retained() <= storage._MOST_RETAINED + between
    del small


@pytest.mark.skipif(sys.platform != "linux", reason="memory is retained on Linux only")
def test_a_chunk_of_its_own_for_a_large_block() -> None:
    block = storage.zeroed(storage._CHUNK + 1)
    block[-1] = 1
    beside = storage.zeroed(1 << 20)
    assert not np.shares_memory(block, beside)
    assert not beside.any()
    del block


@pytest.mark.skipif(sys.platform != "linux", reason="memory is retained on Linux only")
def test_blocks_of_many_threads_do_not_overlap() -> None:
    def work(mark: int) -> None:
        random = np.random.RandomState(mark)
        held: list[np.ndarray] = []
        for _ in range(300):
            block = storage.zeroed(int(random.randint(1 << 16, 1 << 20)))
            assert not block.any()
            block[...] = mark
            held.append(block)
            if len(held) > 4:
                dropped = held.pop(random.randint(4))
                assert (dropped == mark).all()

    with ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(work, mark) for mark in range(1, 5)]:
            result.result()


def test_models_do_not_share_memory() -> None:
    def trained(seed: int) -> list[np.ndarray]:
        dlnative.utils.set_random_seed(seed)
        model = dlnative.Sequential([dlnative.Input((64,)), dlnative.layers.Dense(400), dlnative.layers.Dense(300)])
        model.compile("adam", "mse")
        x = np.random.RandomState(0).uniform(size=(32, 64)).astype("float32")
        model.fit(x, np.ones((32, 300), "float32"), epochs=2, verbose=0)
        return model.get_weights()

    first = trained(1)
    gc.collect()
    trained(2)
    gc.collect()
    for before, after in zip(first, trained(1), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("used", ["compile", "train_on_batch", "fit", "predict"])
def test_a_dropped_model_gives_its_memory_back_at_once(used: str) -> None:
    """Not only when Python looks for cycles: a tuning run would hold the memory of many models."""
    x, y = np.zeros((8, 4), "float32"), np.zeros((8, 2), "float32")
    model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(3, "relu"), dlnative.layers.Dense(2)])
    model.compile("adam", "mse")
    if used != "compile":
        model.train_on_batch(x, y)
    if used == "fit":
        model.fit(x, y, epochs=2, validation_split=0.25, verbose=0, callbacks=[dlnative.callbacks.EarlyStopping()])
    if used == "predict":
        model(x)
        model.predict(x, verbose=0)
    gone = weakref.ref(model), weakref.ref(model.optimizer)
    enabled = gc.isenabled()
    gc.disable()
    try:
        del model
        assert [reference() for reference in gone] == [None, None]
    finally:
        if enabled:
            gc.enable()


def pickled(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


def test_what_models_are_made_of_can_be_pickled() -> None:
    found = {
        f"{module.__name__}.{name}": thing
        for module in (dlnative.activations, dlnative.ops, dlnative.losses, dlnative.metrics, dlnative.layers)
        for name, thing in ((name, getattr(module, name)) for name in dir(module) if not name.startswith("_"))
        if callable(thing) and thing.__module__.startswith("dlnative")
    }
    assert {"dlnative.ops.tanh", "dlnative.losses.MeanSquaredError", "dlnative.metrics.MeanSquaredError"} <= set(found)
    assert [name for name, thing in found.items() if pickled(thing) is not thing] == []


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2},
        {"global_clipnorm": 0.1},
    ],
)
def test_a_copy_of_a_trained_model_trains_on_by_itself(options: dict[str, Any], copied: Callable[[Any], Any]) -> None:
    x, y = np.eye(8, 4, dtype="float32"), np.ones((8, 2), "float32")
    layers = [dlnative.layers.Dense(3, "tanh"), dlnative.layers.Dropout(0.3), dlnative.layers.Dense(2)]
    model = dlnative.Sequential([dlnative.Input((4,)), *layers])
    model.compile(dlnative.optimizers.Adam(0.01, **options), "mse")
    model.fit(x, y, verbose=0)
    before = model(x)
    twin = copied(model)
    assert all(variable.root.ctypes.data % 64 == 0 for variable in twin.variables)
    losses = twin.fit(x, y, epochs=5, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_array_equal(model(x), before)
    assert np.abs(twin(x) - before).max() > 1e-4
    assert model.fit(x, y, epochs=5, shuffle=False, verbose=0).history["loss"] == losses
    np.testing.assert_array_equal(model(x), twin(x))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_of_a_functional_model_trains_on_by_itself(copied: Callable[[Any], Any]) -> None:
    x, y = np.eye(8, 4, dtype="float32"), np.ones((8, 2), "float32")
    inputs = dlnative.Input((4,))
    hidden = dlnative.layers.Dense(3, "sigmoid")(inputs)
    outputs = dlnative.layers.Dense(2)(dlnative.ops.leaky_relu(hidden * 2.0 - 1.0, negative_slope=0.1)[:, :2])
    model = dlnative.Model(inputs, outputs)
    model.compile("sgd", dlnative.losses.Huber(), metrics=["mae", dlnative.metrics.MeanSquaredError()])
    callback = dlnative.callbacks.EarlyStopping(patience=3)
    model.fit(x, y, validation_data=(x, y), callbacks=[callback], verbose=0)
    twin = copied(model)
    trained = [each.fit(x, y, epochs=3, shuffle=False, verbose=0).history for each in (model, twin)]
    assert trained[0] == trained[1]
    assert trained[0]["loss"][0] > trained[0]["loss"][-1]
    np.testing.assert_array_equal(model.predict(x, verbose=0), twin.predict(x, verbose=0))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copied_optimizer_and_its_variables_go_their_own_way(copied: Callable[[Any], Any]) -> None:
    variable, optimizer, gradient = (
        dlnative.Variable([1.0, 1.0]),
        dlnative.optimizers.SGD(0.5),
        np.ones(2, "float32"),
    )
    optimizer.apply_gradients([(gradient, variable)])
    other, other_variable = copied((optimizer, variable))
    other.apply_gradients([(gradient, other_variable)])
    np.testing.assert_array_equal(variable.numpy(), [0.5, 0.5])
    np.testing.assert_array_equal(other_variable.numpy(), [0.0, 0.0])
    assert (int(optimizer.iterations), int(other.iterations)) == (1, 2)


def test_what_variables_begin_with_says_their_type() -> None:
    for value, dtype in ((5, "int32"), ([1, 2], "int32"), (True, "bool"), (5.0, "float32"), (np.zeros(2), "float32")):
        assert dlnative.Variable(value).dtype == dtype
    assert dlnative.Variable(5, dtype="float32").dtype == "float32"
    assert dlnative.Variable(np.zeros(2, "int8")).dtype == "int8"
    assert not dlnative.Variable(1.0, autocast=False, aggregation="mean", synchronization="on_read").autocast
    for options in ({"name": "a/b"}, {"name": 5}, {"aggregation": "all"}, {"synchronization": "never"}):
        with pytest.raises(ValueError, match="Variable: expected a"):
            dlnative.Variable(1.0, **options)  # type: ignore[arg-type]


def test_what_is_asked_and_set_of_variables() -> None:
    variable = dlnative.Variable([1.0, 2.0])
    assert variable.assign([3.0, 4.0]).tolist() == [3.0, 4.0]
    assert variable.assign_add(1.0).tolist() == [4.0, 5.0]
    assert variable.assign_sub([1.0, 0.0]).tolist() == [3.0, 5.0]
    assert Function(lambda x: variable.assign_add(x) * 2.0)(np.float32(1.0)).tolist() == [8.0, 12.0]
    for of_one in (variable, dlnative.Variable(1.0)):
        with pytest.raises(TypeError, match="cannot be used as a boolean"):
            bool(of_one)
    for attribute in ("regularizer", "constraint"):
        with pytest.raises(ValueError, match=f'`{attribute}` of variable "variable": expected a function'):
            setattr(variable, attribute, "l2")
        with pytest.raises(ValueError, match=f"`{attribute}`"):
            dlnative.Variable(1.0, **{attribute: 0.5})
    with pytest.raises(TypeError, match="overwrite_with_gradient must be a boolean, got 'yes'"):
        variable.overwrite_with_gradient = "yes"  # type: ignore[assignment]
    assert variable.treatment == (True, None, None, False)


@pytest.mark.parametrize("kind", [int, float])
def test_a_variable_of_several_elements_is_no_number(kind: Any) -> None:
    assert kind(dlnative.Variable(3.0)) == 3
    with pytest.raises(TypeError, match=r'Variable "pair": expected a scalar .* shape \(2,\)'):
        kind(dlnative.Variable([1.0, 2.0], name="pair"))


def test_a_step_follows_a_variable_that_its_gradient_overwrites_from_now_on() -> None:
    model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(1, use_bias=False)])
    model.compile(dlnative.optimizers.SGD(0.0), lambda y, y_pred: y_pred)
    x, y = np.array([[2.0, 3.0]], "float32"), np.zeros((1, 1), "float32")
    before = model.get_weights()[0]
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    model.layers[0].kernel.overwrite_with_gradient = True
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], x.T)
