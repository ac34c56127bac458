"""Plans as files: what a C++ program computes with one is what the model computes, and a damaged one is refused."""

from __future__ import annotations

import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest

import dlnative as keras
from dlnative import layers, ops
from dlnative.export.plan_file import checksum
from dlnative.graph.tree import flatten

rng = np.random.default_rng(0)

# examples/cpp, as .ci/run builds it.
PROGRAM = os.environ.get("DLNATIVE_RUN_PLAN", "")
needs_program = pytest.mark.skipif(not PROGRAM, reason="DLNATIVE_RUN_PLAN names no build of examples/cpp")


def network(shape, *parts, dtype="float32"):
    model = keras.Sequential([keras.Input(shape, dtype=dtype), *parts])
    for variable in model.variables:
        value = rng.normal(size=variable.shape) * 0.3
        variable.assign((np.abs(value) + 0.5 if "variance" in variable.name else value).astype(variable.dtype))
    return model


def run_program(*arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=60, check=False
    )


def written(model, path, **options):
    model.export(path, verbose=False, **options)
    return path.read_bytes()


def mlp():
    return network((8,), layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dense(3, "softmax"))


def several():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), dtype="int32", name="b")
    return keras.Model([a, b], [layers.Embedding(9, 4)(b), ops.abs(a) * 2.0])


MODELS = {
    "mlp": (mlp, ((5, 8),)),
    "cnn": (
        lambda: network(
            (12, 12, 3), layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(3)
        ),
        ((2, 12, 12, 3),),
    ),
    "recurrent": (lambda: network((7, 3), layers.LSTM(4, return_sequences=True), layers.GRU(5)), ((2, 7, 3),)),
    "scan": (lambda: network((7, 3), layers.RNN(layers.LSTMCell(4))), ((2, 7, 3),)),
    "loop": (
        lambda: network((3,), layers.Lambda(lambda x: ops.while_loop(lambda y: ops.sum(y) < 50.0, lambda y: y * 2 + 1, x))),
        ((2, 3),),
    ),
    "chain": (
        lambda: network((300,), layers.Lambda(lambda x: ops.exp(ops.tanh(x) * 2.0) + ops.sqrt(ops.abs(x)))),
        ((200, 300),),
    ),
    "attention": (lambda: attention(), ((2, 5, 8),)),
    "double": (lambda: network((4,), layers.Dense(3, dtype="float64"), dtype="float64"), ((2, 4),)),
    "several": (several, ((2, 3), (2, 2))),
}  # fmt: skip


def attention():
    x = keras.Input((5, 8))
    return keras.Model(x, layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)))


@needs_program
@pytest.mark.parametrize("name", MODELS)
def test_cpp_computes_the_same_and_allocates_nothing(name, tmp_path):
    make, shapes = MODELS[name]
    model = make()
    inputs = [
        rng.integers(0, 9, shape).astype("int32")
        if given.dtype == "int32"
        else rng.normal(size=shape).astype(given.dtype)
        for shape, given in zip(shapes, model.inputs, strict=True)
    ]
    written(model, tmp_path / "m.dlplan", batch_size=shapes[0][0])
    wanted = [np.asarray(y) for y in flatten(model(inputs[0] if len(inputs) == 1 else inputs))]
    files = [tmp_path / f"in{number}" for number in range(len(inputs))]
    for file, x in zip(files, inputs, strict=True):
        file.write_bytes(x.tobytes())
    results = [tmp_path / f"out{number}" for number in range(len(wanted))]
    made = run_program(tmp_path / "m.dlplan", *files, *results)
    assert made.returncode == 0, made.stderr
    assert "\n0 allocations" in made.stdout
    for file, want in zip(results, wanted, strict=True):
        got = np.frombuffer(file.read_bytes(), want.dtype).reshape(want.shape)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * max(1.0, np.abs(want).max()))


@needs_program
def test_cpp_describes_a_network(tmp_path):
    written(several(), tmp_path / "m.dlplan")
    made = run_program(tmp_path / "m.dlplan")
    assert "input a: float32 (1, 3)\ninput b: int32 (1, 2)\n" in made.stdout
    assert "float32 (1, 2, 4)" in made.stdout
    assert "\n0 allocations" in made.stdout


@needs_program
def test_damaged_files_are_refused(tmp_path):
    contents = written(mlp(), tmp_path / "m.dlplan")
    generator = np.random.default_rng(1)
    damaged = [b"", contents[:20], contents[:-1], contents + b"\0", b"x" + contents[1:]]
    for _ in range(20):
        place = int(generator.integers(len(contents)))
        flipped = contents[place] ^ 1 << int(generator.integers(8))
        damaged.append(contents[:place] + bytes([flipped]) + contents[place + 1 :])
    for bad in damaged:
        (tmp_path / "bad.dlplan").write_bytes(bad)
        made = run_program(tmp_path / "bad.dlplan")
        assert made.returncode == 1
        assert made.stderr.startswith("load: ")
        assert made.stderr.count("\n") == 1
    assert run_program(tmp_path / "nothing.dlplan").returncode == 1


@needs_program
def test_files_whose_checksum_is_right_are_checked_all_the_same(tmp_path):
    """Fields that are changed to something absurd: places outside of the memory, sizes beyond the file, other types."""
    contents = written(mlp(), tmp_path / "m.dlplan")
    generator = np.random.default_rng(2)
    for value in (-1, 2**31 - 1, 2**62, 7):
        for place in generator.integers(4, 40, 8).tolist():
            body = bytearray(contents[32:])
            body[8 * place : 8 * place + 8] = struct.pack("<q", value)
            (tmp_path / "bad.dlplan").write_bytes(
                contents[:16] + struct.pack("<QQ", len(body) + 32, checksum(bytes(body))) + body
            )
            assert run_program(tmp_path / "bad.dlplan").returncode in (0, 1)


def test_weights_are_those_that_the_program_reads(tmp_path):
    small, large = mlp(), mlp()
    spare = keras.Sequential([keras.Input((512,)), layers.Dense(512)])  # it may lie beside them in memory
    assert abs(len(written(small, tmp_path / "a.dlplan")) - len(written(large, tmp_path / "b.dlplan"))) < 256
    assert len((tmp_path / "a.dlplan").read_bytes()) < 8000
    assert spare.count_params() > 0


def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path):
    path = tmp_path / "m.dlplan"

    def refused(model, match, **options):
        with pytest.raises((ValueError, TypeError), match=match) as caught:
            model.export(path, verbose=False, **options)
        assert "\n" not in str(caught.value)
        assert not pathlib.Path(path).exists()

    refused(network((None, 3), layers.LSTM(2)), "the size of axis 1")
    refused(network((4, 4), layers.Lambda(lambda x: ops.qr(x)[0])), "native kernel")
    refused(mlp(), "batch_size", batch_size=0)
    refused(mlp(), "opset_version", opset_version=20)


def test_an_open_axis_has_the_size_of_the_signature(tmp_path):
    model = network((None, 3), layers.LSTM(2))
    written(model, tmp_path / "m.dlplan", input_signature=[keras.InputSpec("float32", (1, 7, 3))])
