"""Models as ONNX files: ONNX Runtime computes what the model computes, for any sizes of the axes that it leaves open."""

from __future__ import annotations

import numpy as np
import pytest

import dlnative as keras
from dlnative import layers, ops
from dlnative.generation import GPT
from dlnative.graph.tree import flatten

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

rng = np.random.default_rng(0)


def floats(*shape):
    return rng.normal(size=shape).astype("float32")


def with_weights(model):
    """Gives all weights values of which none is that of another, statistics among them."""
    for variable in model.variables:
        value = rng.normal(size=variable.shape) * 0.3
        variable.assign((np.abs(value) + 0.5 if "variance" in variable.name else value).astype(variable.dtype))
    return model


def computed(path, *inputs):
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    return session.run(None, {given.name: x for given, x in zip(session.get_inputs(), inputs, strict=True)})


def assert_same(path, model, *inputs):
    """Compares with ONNX Runtime, to 1e-5 of the largest element."""
    wanted = flatten(model(inputs[0] if len(inputs) == 1 else list(inputs)))
    for got, want in zip(computed(path, *inputs), wanted, strict=True):
        want = np.asarray(want)
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * max(1.0, np.abs(want).max(initial=0)))


def network(shape, *parts, dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *parts])


def residual_network():
    x = keras.Input((16, 16, 3))
    y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    for filters, strides in ((8, 1), (16, 2)):
        short = layers.Conv2D(filters, 1, strides=strides)(y)
        y = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(filters, 3, strides, "same")(y)))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        y = layers.ReLU()(layers.add([y, short]))
    weight = layers.Dense(16, activation="sigmoid")(layers.GlobalAveragePooling2D()(y))
    y = layers.multiply([y, layers.Reshape((1, 1, 16))(weight)])
    return keras.Model(x, layers.Dense(5, activation="softmax")(layers.GlobalMaxPooling2D()(y)))


def transformer():
    x = keras.Input((None,), dtype="int32")
    y = layers.Embedding(30, 8)(x)
    y = layers.LayerNormalization()(y + layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True))
    y = layers.LayerNormalization()(y + layers.Dense(8)(layers.Dense(16, activation="gelu")(y)))
    return keras.Model(x, layers.Dense(30)(y))


def merging():
    a, b = keras.Input((None, 4), name="a"), keras.Input((None, 4), name="b")
    joined = layers.concatenate([a, b], axis=-1)
    return keras.Model([a, b], {"sum": layers.add([a, b]), "joined": layers.Dense(3)(joined)})


RECURRENT = (
    layers.LSTM(4, return_sequences=True),
    layers.Bidirectional(layers.GRU(4, return_sequences=True)),
    layers.GRU(3, reset_after=False, go_backwards=True, return_sequences=True),
    layers.SimpleRNN(5),
)

MODELS = {
    "mlp": lambda: network(
        (8,), layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3, "softmax")
    ),
    "cnn": lambda: network(
        (12, 12, 3),
        layers.Conv2D(6, 3, padding="same", strides=2, activation="relu"),
        layers.MaxPooling2D(2),
        layers.DepthwiseConv2D(2, depth_multiplier=2, padding="same"),
        layers.AveragePooling2D(3, strides=2, padding="same"),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        layers.SeparableConv2D(5, 3),
        layers.Flatten(),
        layers.Dense(3),
    ),
    "residual network": residual_network,
    "1D": lambda: network(
        (None, 3), layers.Conv1D(4, 3, padding="causal", dilation_rate=2), layers.GlobalMaxPooling1D()
    ),
    "3D": lambda: network((4, 5, 6, 2), layers.Conv3D(3, 2, groups=1), layers.MaxPooling3D(2), layers.Flatten()),
    "U-net": lambda: network(
        (None, None, 3),
        layers.Conv2D(4, 3, padding="same", strides=2, activation="relu"),
        layers.MaxPooling2D(2, padding="same"),
        layers.Conv2DTranspose(3, 2, strides=2),
        layers.UpSampling2D(2),
        layers.ZeroPadding2D(1),
    ),
    "recurrent": lambda: network((None, 3), *RECURRENT),
    "masked": lambda: network((None, 3), layers.Masking(), *RECURRENT),
    "cells": lambda: network((None, 3), layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True)),
    "embedding": lambda: network((5,), layers.Embedding(20, 4, mask_zero=True), layers.LSTM(3), dtype="int32"),
    "transformer": transformer,
    "groups": lambda: network((6, 6, 8), layers.GroupNormalization(4), layers.UnitNormalization(), layers.PReLU()),
    "einsum": lambda: network((5, 4), layers.EinsumDense("abc,cde->abde", (None, 2, 3))),
    "ops": lambda: network(
        (6, 4),
        layers.Lambda(lambda x: ops.cumsum(ops.sort(x, axis=1), axis=1)),
        layers.Lambda(lambda x: ops.where(x > 0, ops.roll(x, 1, axis=1), ops.flip(x, axis=2))),
        layers.Lambda(lambda x: ops.concatenate([x[:, ::2], ops.pad(x[:, :2], ((0, 0), (1, 1), (0, 0)))], axis=1)),
        layers.Lambda(lambda x: ops.logsumexp(x, axis=-1) + ops.var(x, axis=-1) + ops.max(ops.abs(x), axis=-1)),
    ),
}
SHAPES = {
    "mlp": ((4, 8), (1, 8)),
    "cnn": ((4, 12, 12, 3), (1, 12, 12, 3)),
    "residual network": ((2, 16, 16, 3),),
    "1D": ((3, 7, 3), (1, 12, 3)),
    "3D": ((2, 4, 5, 6, 2),),
    "U-net": ((2, 8, 9, 3), (1, 33, 20, 3)),
    "recurrent": ((3, 7, 3), (1, 4, 3)),
    "masked": ((3, 7, 3), (1, 4, 3)),
    "cells": ((3, 7, 3), (1, 4, 3)),
    "embedding": ((4, 5),),
    "transformer": ((3, 7), (1, 12)),
    "groups": ((2, 6, 6, 8),),
    "einsum": ((3, 5, 4),),
    "ops": ((3, 6, 4), (1, 6, 4)),
}


@pytest.mark.parametrize("name", MODELS)
def test_runtime_computes_the_same(name, tmp_path):
    model = with_weights(MODELS[name]())
    path = tmp_path / "m.onnx"
    model.export(path, verbose=False)
    for shape in SHAPES[name]:
        whole = model.inputs[0].dtype == "int32"
        x = rng.integers(0, 5, shape).astype("int32") if whole else floats(*shape)
        if name == "masked":
            x[0, 2:] = 0
            x[-1, :1] = 0
        assert_same(path, model, x)


ACTIVATIONS = [
    "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "softplus", "elu", "celu", "selu", "hard_sigmoid", "hard_silu",
    "silu", "gelu", "mish", "softsign", "exponential", "log_sigmoid", "hard_tanh", "hard_shrink", "soft_shrink",
    "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid", "softmax", "log_softmax", "glu",
]  # fmt: skip
FUNCTIONS = [
    "negative", "absolute", "sign", "square", "exp", "expm1", "erf", "sin", "cos", "tan", "arctan", "sinh", "cosh",
    "arcsinh", "floor", "ceil", "round", "trunc", "isfinite", "isnan", "logical_not", "argmax", "argsort", "any",
    "all", "std", "median",
]  # fmt: skip
POSITIVE = [
    "sqrt", "rsqrt", "log", "log1p", "log2", "log10", "reciprocal", "arccosh",
]  # fmt: skip
PAIRS = [
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "equal", "not_equal", "less", "less_equal",
    "greater", "greater_equal", "arctan2", "hypot", "mod", "floor_divide", "logical_and", "logical_or",
    "logical_xor", "power",
]  # fmt: skip


def test_activations_and_functions(tmp_path):
    x = keras.Input((8,))
    outputs = [layers.Activation(name)(x) for name in ACTIVATIONS]
    outputs += [getattr(ops, name)(x) for name in FUNCTIONS]
    outputs += [getattr(ops, name)(ops.abs(x) + 1.0) for name in POSITIVE]
    outputs += [getattr(ops, name)(x, ops.flip(x, axis=1)) for name in PAIRS if name != "power"]
    outputs += [ops.power(ops.abs(x), x), ops.arcsin(ops.tanh(x)), ops.arccos(ops.tanh(x)), ops.arctanh(ops.tanh(x))]
    whole = ops.cast(x * 10, "int32")
    other = ops.where(ops.equal(ops.flip(whole, axis=1), 0), 3, ops.flip(whole, axis=1))
    outputs += [whole + other, whole * other, whole // other, whole % other, ops.bitwise_xor(whole, other)]
    outputs += [ops.one_hot(ops.abs(whole), 5), ops.take(x, [1, 0, 3], axis=1), ops.softmax(x, axis=0)]
    outputs += [ops.prod(x, axis=1), ops.cumprod(x, axis=1)]
    model = keras.Model(x, outputs)
    model.export(tmp_path / "m.onnx", verbose=False)
    assert_same(tmp_path / "m.onnx", model, floats(5, 8))


def test_control_flow(tmp_path):
    class Loops(keras.Model):
        def call(self, x):
            total = ops.while_loop(lambda n, y: ops.sum(y) < 100.0, lambda n, y: (n + 1, y * 2.0), (0, x))[1]
            chosen = ops.cond(ops.sum(x) > 3.0, lambda: x + 1.0, lambda: x - 1.0)
            return total, chosen, ops.fori_loop(0, 4, lambda n, y: y + ops.cast(n, "float32"), x)

    model = Loops()
    x = np.abs(floats(3, 4))
    model(x)
    model.export(tmp_path / "m.onnx", verbose=False)
    for given in (x, 5 * x[:1], 0.1 * x):
        assert_same(tmp_path / "m.onnx", model, given)


def test_inputs_and_results_have_names_and_open_axes(tmp_path):
    model = with_weights(merging())
    model.export(tmp_path / "m.onnx", verbose=False)
    graph = onnx.load(tmp_path / "m.onnx").graph

    def axes(value):
        return [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]

    assert [(given.name, axes(given)) for given in graph.input] == [
        ("a", ["batch", "axis_1", 4]),
        ("b", ["batch", "axis_1", 4]),
    ]
    assert [axes(result) for result in graph.output] == [["batch", "axis_1", 3], ["batch", "axis_1", 4]]
    x = floats(2, 7, 4), floats(2, 7, 4)
    joined, total = computed(tmp_path / "m.onnx", *x)
    made = model(list(x))
    np.testing.assert_allclose(joined, made["joined"], atol=1e-6)
    np.testing.assert_allclose(total, made["sum"], atol=1e-6)


def test_a_subclass_takes_its_signature(tmp_path):
    model = GPT(vocabulary_size=20, sequence_length=16, num_layers=2, num_heads=2, hidden_dim=8)
    tokens = rng.integers(0, 20, (3, 7)).astype("int32")
    model(tokens)
    with_weights(model).export(
        tmp_path / "m.onnx", verbose=False, input_signature=[keras.InputSpec("int32", (None, None))]
    )
    assert_same(tmp_path / "m.onnx", model, tokens)
    assert_same(tmp_path / "m.onnx", model, tokens[:1, :2])
    model.export(tmp_path / "fixed.onnx", verbose=False, input_signature=[tokens])
    assert_same(tmp_path / "fixed.onnx", model, tokens)


def test_double_precision(tmp_path):
    model = with_weights(network((8,), layers.Dense(4, "tanh", dtype="float64"), dtype="float64"))
    model.export(tmp_path / "m.onnx", verbose=False)
    x = rng.normal(size=(3, 8))
    np.testing.assert_allclose(computed(tmp_path / "m.onnx", x)[0], model(x), rtol=1e-12)


@pytest.mark.parametrize("version", [18, 21])
def test_opset_version(version, tmp_path):
    model = with_weights(MODELS["transformer"]())
    model.export(tmp_path / "m.onnx", verbose=False, opset_version=version)
    assert onnx.load(tmp_path / "m.onnx").opset_import[0].version == version
    assert_same(tmp_path / "m.onnx", model, np.array([[1, 2, 3]], "int32"))


def test_it_says_where_the_file_is(tmp_path, capsys):
    network((2,), layers.Dense(1)).export(tmp_path / "m.onnx", format="onnx")
    assert "m.onnx" in capsys.readouterr().out


def assert_refused(model, path, match, kind=ValueError, **options):
    with pytest.raises(kind, match=match) as caught:
        model.export(path, verbose=False, **options)
    assert "\n" not in str(caught.value)
    assert not path.exists()


def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path, monkeypatch):
    model = network((4,), layers.Dense(1))
    path = tmp_path / "m.onnx"
    assert_refused(model, tmp_path / "m.pb", "Unrecognized format=pb: expected the format")
    assert_refused(model, path, "openvino", format="openvino")
    assert_refused(model, path, "is_static", TypeError, is_static=True)
    assert_refused(model, path, "opset_version", opset_version=9)
    assert_refused(model, path, "input_signature", input_signature=[np.ones(3), np.ones(3)])
    assert_refused(keras.Sequential([layers.Dense(1)]), path, "built")
    assert_refused(network((4, 4), layers.Lambda(lambda x: ops.qr(x)[0])), path, '"qr"')
    assert_refused(
        keras.Sequential([keras.Input(batch_shape=(1, 3, 2)), layers.LSTM(2, stateful=True)]), path, "assigns"
    )
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert_refused(model, path, "pip install", ImportError)
