"""Models from ONNX files: they compute what ONNX Runtime computes, may be trained, and damaged files are refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from tests.test_onnx import MODELS, SHAPES, floats, with_weights

import dlnative as keras
from dlnative import layers

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper = onnx.helper

rng = np.random.default_rng(0)


def graph_file(path, nodes, inputs, outputs, weights=None, opset=18):
    """Writes a graph whose inputs have the types and ranks of arrays, by name."""
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), [None] * x.ndim)
        for name, x in inputs.items()
    ]
    made = [onnx.ValueInfoProto(name=name) for name in outputs]  # of the type that the operators give
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "g", given, made, initializer=arrays)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def run(path, *inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    return session.run(None, {given.name: x for given, x in zip(session.get_inputs(), inputs, strict=True)})


def assert_same(path, *inputs, atol=2e-5):
    model = keras.onnx.load(path)
    made = model(inputs[0] if len(inputs) == 1 else list(inputs))
    for got, want in zip(made if isinstance(made, list) else [made], run(path, *inputs), strict=True):
        got = np.asarray(got)
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=atol)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_what_was_exported_comes_back(name, tmp_path):
    model = with_weights(MODELS[name]())
    model.export(tmp_path / "m.onnx", verbose=False)
    back = keras.onnx.load(tmp_path / "m.onnx")
    for shape in SHAPES[name]:
        x = rng.integers(0, 5, shape).astype("int32") if model.inputs[0].dtype == "int32" else floats(*shape)
        np.testing.assert_allclose(back.predict(x, verbose=0), model.predict(x, verbose=0), atol=2e-6)


def test_a_model_that_was_loaded_is_exported(tmp_path):
    model = with_weights(MODELS["cnn"]())
    model.export(tmp_path / "m.onnx", verbose=False)
    keras.onnx.load(tmp_path / "m.onnx").export(tmp_path / "again.onnx", verbose=False)
    x = floats(2, 12, 12, 3)
    np.testing.assert_allclose(run(tmp_path / "again.onnx", x)[0], model(x), atol=1e-5)


def test_a_model_that_was_loaded_is_trained(tmp_path):
    model = with_weights(keras.Sequential([keras.Input((8,)), layers.Dense(16, "relu"), layers.Dense(1)]))
    model.export(tmp_path / "m.onnx", verbose=False)
    back = keras.onnx.load(tmp_path / "m.onnx")
    assert len(back.trainable_weights) == 4
    x, y = floats(64, 8), floats(64, 1)
    histories = []
    for each in (model, back):
        each.compile(keras.optimizers.SGD(0.01), "mse")
        histories.append(each.fit(x, y, epochs=5, batch_size=16, shuffle=False, verbose=0).history["loss"])
    assert histories[0][-1] < histories[0][0]
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-5)


def images(*shape):
    return [floats(*shape)]


def ints(*values):
    return np.asarray(values, np.int64)


# Operator, attributes, inputs that are fed, constants, and the number of results.
CALLS = [
    ("Gemm", {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}, [floats(3, 4)], [floats(5, 3), floats(5)], 1),
    ("Conv", {"pads": [1, 0, 2, 1], "strides": [2, 1]}, images(2, 4, 9, 7), [floats(6, 4, 3, 2), floats(6)], 1),
    ("Conv", {"group": 2, "dilations": [2, 2]}, images(1, 4, 9, 9), [floats(6, 2, 3, 3)], 1),
    ("Conv", {"group": 4, "auto_pad": "SAME_LOWER", "strides": [2, 2]}, images(1, 4, 8, 9), [floats(8, 1, 3, 3)], 1),
    ("ConvTranspose", {"strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 0]}, images(2, 4, 5, 4),
     [floats(4, 3, 3, 3), floats(3)], 1),
    ("ConvTranspose", {"group": 2, "auto_pad": "SAME_UPPER", "strides": [2, 2]}, images(1, 4, 5, 4), [floats(4, 3, 3, 3)], 1),
    ("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}, images(2, 3, 8, 7), [], 1),
    ("MaxPool", {"kernel_shape": [3], "dilations": [2], "pads": [2, 1]}, images(2, 3, 12), [], 1),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, images(2, 3, 8, 8), [], 1),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1},
     images(2, 3, 8, 8), [], 1),
    ("GlobalAveragePool", {}, images(2, 3, 4, 5), [], 1),
    ("GlobalMaxPool", {}, images(2, 3, 4, 5), [], 1),
    ("BatchNormalization", {"epsilon": 0.01}, images(2, 3, 4, 5), [floats(3), floats(3), floats(3), np.abs(floats(3))], 1),
    ("InstanceNormalization", {}, images(2, 3, 4, 5), [floats(3), floats(3)], 1),
    ("LayerNormalization", {"axis": 2}, images(2, 3, 4, 5), [floats(4, 5), floats(4, 5)], 1),
    ("LRN", {"size": 3, "alpha": 0.1}, images(2, 6, 3, 3), [], 1),
    ("PRelu", {}, images(2, 3, 4, 4), [floats(3, 1, 1)], 1),
    ("Softmax", {"axis": 1}, images(2, 3, 4), [], 1),
    ("LogSoftmax", {}, images(2, 3, 4), [], 1),
    ("HardSigmoid", {}, images(3, 4), [], 1),
    ("ThresholdedRelu", {"alpha": 0.3}, images(3, 4), [], 1),
    ("Selu", {"alpha": 1.5, "gamma": 2.0}, images(3, 4), [], 1),
    ("Shrink", {"lambd": 0.4, "bias": 0.1}, images(3, 4), [], 1),
    ("Clip", {}, images(3, 4), [np.float32(-0.3), np.float32(0.4)], 1),
    ("Mod", {"fmod": 1}, [floats(3, 4), floats(3, 4)], [], 1),
    ("Mod", {}, [ints(-7, 7, -7, 7)], [ints(3, 3, -3, -3)], 1),
    ("Div", {}, [ints(-7, 7, -7, 6)], [ints(3, -3, -3, 4)], 1),
    ("Pow", {}, images(3, 4), [np.float32(2)], 1),
    ("Sum", {}, [floats(3, 4), floats(4), floats(3, 1)], [], 1),
    ("Mean", {}, [floats(3, 4), floats(4)], [], 1),
    ("Reshape", {}, images(2, 3, 4), [ints(0, -1, 2)], 1),
    ("Flatten", {"axis": -1}, images(2, 3, 4), [], 1),
    ("Transpose", {}, images(2, 3, 4), [], 1),
    ("Squeeze", {}, images(2, 1, 3, 1), [ints(1, -1)], 1),
    ("Unsqueeze", {}, images(2, 3), [ints(0, -1)], 1),
    ("Split", {"axis": 1}, images(2, 7), [ints(1, 4, 2)], 3),
    ("Split", {"axis": 1, "num_outputs": 3}, images(2, 7), [], 3),
    ("Slice", {}, images(5, 6, 7), [ints(4, -100, 1), ints(-100, 100, -1), ints(0, 1, -1), ints(-2, 1, 2)], 1),
    ("Expand", {}, images(3, 1), [ints(2, 1, 4)], 1),
    ("Tile", {}, images(2, 3), [ints(2, 3)], 1),
    ("Pad", {}, images(2, 3), [ints(1, 0, 2, -1), np.float32(0.5)], 1),
    ("Pad", {"mode": "reflect"}, images(1, 2, 5, 4), [ints(0, 0, 2, 1, 0, 0, 1, 3)], 1),
    ("Pad", {"mode": "edge"}, images(1, 2, 3, 4), [ints(0, 0, 2, 1, 0, 0, 4, 3)], 1),
    ("Gather", {"axis": 1}, images(3, 5), [ints(4, -1, 0)], 1),
    ("GatherElements", {"axis": 1}, images(3, 5), [np.array([[0, -1], [2, 3], [4, 4]])], 1),
    ("GatherND", {}, images(3, 5, 2), [np.array([[0, 1], [-1, 4]])], 1),
    ("ScatterND", {"reduction": "add"}, images(3, 5), [np.array([[0], [2], [0]]), floats(3, 5)], 1),
    ("ScatterElements", {"axis": 1}, images(3, 5), [np.array([[0, 4], [1, -1], [2, 3]]), floats(3, 2)], 1),
    ("OneHot", {"axis": 0}, [ints(0, 2, -1)], [np.int64(4), np.array([0.5, 2.0], np.float32)], 1),
    ("Trilu", {"upper": 0}, images(2, 4, 4), [np.int64(1)], 1),
    ("CumSum", {"exclusive": 1, "reverse": 1}, images(3, 5), [np.int64(1)], 1),
    ("TopK", {"axis": 0}, images(6, 3), [ints(2)], 2),
    ("TopK", {"largest": 0}, images(3, 6), [ints(3)], 2),
    ("ArgMax", {"axis": 1, "keepdims": 0}, images(3, 6), [], 1),
    ("ArgMin", {"select_last_index": 1}, [ints(3, 1, 1, 2)], [], 1),
    ("ReduceSum", {"keepdims": 0}, images(2, 3, 4, 5), [ints(2, 3)], 1),
    ("ReduceMean", {}, images(2, 3, 4, 5), [ints(-1)], 1),
    ("ReduceL2", {}, images(2, 3), [], 1),
    ("ReduceLogSumExp", {"keepdims": 0}, images(2, 3), [ints(1)], 1),
    ("ReduceSumSquare", {"noop_with_empty_axes": 0}, images(2, 3), [], 1),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, images(1, 8, 2, 3), [], 1),
    ("SpaceToDepth", {"blocksize": 2}, images(1, 2, 4, 6), [], 1),
    ("Where", {}, [floats(3, 4) > 0, floats(3, 4), floats(4)], [], 1),
    ("Cast", {"to": 7}, images(3, 4), [], 1),
    ("Cast", {"to": 9}, images(3, 4), [], 1),
    ("IsInf", {"detect_negative": 0}, [np.array([1, np.inf, -np.inf], np.float32)], [], 1),
    ("Einsum", {"equation": "bij,bkj->bik"}, [floats(2, 3, 4), floats(2, 5, 4)], [], 1),
    ("Hardmax", {"axis": 1}, images(3, 5), [], 1),
    ("LpNormalization", {"p": 1}, images(3, 5), [], 1),
    ("Shape", {"start": 1}, images(3, 5, 2), [], 1),
    ("Erf", {}, images(3, 5), [], 1),
    ("LSTM", {"hidden_size": 3, "direction": "bidirectional"}, images(5, 2, 4),
     [floats(2, 12, 4), floats(2, 12, 3), floats(2, 24)], 3),
    ("GRU", {"hidden_size": 3, "direction": "reverse"}, images(5, 2, 4), [floats(1, 9, 4), floats(1, 9, 3), floats(1, 18)], 2),
    ("GRU", {"hidden_size": 3, "linear_before_reset": 1}, images(5, 2, 4), [floats(1, 9, 4), floats(1, 9, 3), floats(1, 18)], 2),
    ("RNN", {"hidden_size": 3}, images(5, 2, 4), [floats(1, 3, 4), floats(1, 3, 3)], 2),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(CALLS)), ids=[f"{call[0]} {number}" for number, call in enumerate(CALLS)])
def test_operators(place, tmp_path):
    op_type, attributes, inputs, constants, results = CALLS[place]
    fed = {f"x{number}": x for number, x in enumerate(inputs)}
    known = {f"c{number}": np.asarray(x) for number, x in enumerate(constants)}
    outputs = [f"y{number}" for number in range(results)]
    node = helper.make_node(op_type, [*fed, *known], outputs, **attributes)
    assert_same(graph_file(tmp_path / "m.onnx", [node], fed, outputs, known), *inputs)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("kind", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
def test_resize(mode, kind, tmp_path):
    x = floats(1, 2, 5, 6)
    attributes = {"mode": mode, "coordinate_transformation_mode": kind, "nearest_mode": "floor"}
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **attributes)
    assert_same(graph_file(tmp_path / "m.onnx", [node], {"x": x}, ["y"], {"sizes": ints(1, 2, 9, 4)}), x)


def test_lengths_of_sequences(tmp_path):
    x, lengths = floats(5, 3, 4), np.array([5, 2, 3], np.int32)
    weights = {"w": floats(2, 12, 4), "r": floats(2, 12, 3)}
    node = helper.make_node("LSTM", ["x", "w", "r", "", "n"], ["y", "h", "c"], hidden_size=3, direction="bidirectional")
    path = graph_file(tmp_path / "m.onnx", [node], {"x": x, "n": lengths}, ["y", "h", "c"], weights)
    assert_same(path, x, lengths)


def test_branches_and_loops(tmp_path):
    x = floats(3, 4)
    kind = onnx.TensorProto
    then = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["a"])], "then", [], [helper.make_tensor_value_info("a", 1, None)]
    )
    other = helper.make_graph(
        [helper.make_node("Exp", ["x"], ["b"])], "other", [], [helper.make_tensor_value_info("b", 1, None)]
    )
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Add", ["v", "v"], ["w"]),
            helper.make_node("ReduceSum", ["w"], ["s"], keepdims=0),
            helper.make_node("Less", ["s", "limit"], ["go"]),
        ],
        "body",
        [info("i", kind.INT64, []), info("c", kind.BOOL, []), info("v", 1, None)],
        [info("go", kind.BOOL, []), info("w", 1, None)],
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["total"], keepdims=0),
        helper.make_node("Less", ["total", "zero"], ["negative"]),
        helper.make_node("If", ["negative"], ["y"], then_branch=then, else_branch=other),
        helper.make_node("Loop", ["", "true", "y"], ["z"], body=body),
    ]
    weights = {"zero": np.float32(0), "limit": np.float32(100), "true": np.asarray(True)}
    path = graph_file(tmp_path / "m.onnx", nodes, {"x": x}, ["y", "z"], weights)
    for given in (np.abs(x), -np.abs(x)):
        assert_same(path, given, atol=1e-4)


def test_a_branch_that_is_known_takes_what_is_not_from_around_it(tmp_path):
    """As PyTorch writes squeeze: whether the rank is 1 is known when the model is traced."""
    info = helper.make_tensor_value_info
    then = helper.make_graph([helper.make_node("Neg", ["x"], ["a"])], "then", [], [info("a", 1, None)])
    other = helper.make_graph([helper.make_node("Exp", ["x"], ["b"])], "other", [], [info("b", 1, None)])
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Size", ["shape"], ["rank"]),
        helper.make_node("Less", ["rank", "two"], ["flat"]),
        helper.make_node("If", ["flat"], ["y"], then_branch=then, else_branch=other),
    ]
    for x in (floats(3), floats(3, 4)):
        assert_same(graph_file(tmp_path / "m.onnx", nodes, {"x": x}, ["y"], {"two": np.asarray(2)}), x)


def test_what_scikit_learn_writes(tmp_path):
    x = floats(5, 3)
    scaler = helper.make_node(
        "Scaler", ["x"], ["a"], domain="ai.onnx.ml", offset=[0.1, 0.2, 0.3], scale=[1.0, 2.0, 3.0]
    )
    linear = helper.make_node(
        "LinearClassifier", ["a"], ["label", "scores"], domain="ai.onnx.ml", coefficients=floats(9).tolist(),
        intercepts=[0.1, 0.2, 0.3], classlabels_ints=[3, 5, 7], post_transform="SOFTMAX", multi_class=1,
    )  # fmt: skip
    assert_same(graph_file(tmp_path / "m.onnx", [scaler, linear], {"x": x}, ["label", "scores"]), x)


# What is refused.


def simple(path, **changes):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return graph_file(path, [changes.get("node", node)], {"x": floats(2, 3)}, ["y"], {"w": floats(3, 4)})


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        keras.onnx.load(path)
    assert "\n" not in str(caught.value)


def test_an_operator_that_is_not_there_is_named(tmp_path):
    refused(simple(tmp_path / "m.onnx", node=helper.make_node("QLinearMatMul", ["x", "w"], ["y"])), "QLinearMatMul")
    refused(
        simple(tmp_path / "m.onnx", node=helper.make_node("MatMul", ["x", "w"], ["y"], domain="mine")), "mine.MatMul"
    )


def test_names_that_nothing_makes(tmp_path):
    refused(simple(tmp_path / "m.onnx", node=helper.make_node("MatMul", ["x", "v"], ["y"])), '"v"')
    refused(simple(tmp_path / "m.onnx", node=helper.make_node("MatMul", ["x", "w"], ["z"])), '"y"')


def test_sizes_are_those_of_the_data(tmp_path):
    path = simple(tmp_path / "m.onnx")
    proto = onnx.load(path)
    proto.graph.initializer[0].dims[0] = 2**40
    path.write_bytes(proto.SerializeToString())
    refused(path, "bytes")


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link", "nothing", "data"])
def test_data_in_other_files_lie_in_the_folder(location, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    path = simple(folder / "m.onnx")
    secret = tmp_path / "secret"
    secret.write_bytes(np.ones((3, 4), np.float32).tobytes())
    (folder / "link").symlink_to(secret)
    (folder / "data").write_bytes(np.ones((3, 4), np.float32).tobytes())
    proto = onnx.load(path)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(proto.SerializeToString())
    if location == "data":
        x = floats(2, 3)
        np.testing.assert_allclose(keras.onnx.load(path)(x), x @ np.ones((3, 4), np.float32), atol=1e-6)
        tensor.external_data.add(key="offset", value="16")
        path.write_bytes(proto.SerializeToString())
    refused(path, "expected data in|bytes from")


def test_damaged_files_end_in_one_error(tmp_path):
    model = with_weights(MODELS["cnn"]())
    model.export(tmp_path / "m.onnx", verbose=False)
    contents = (tmp_path / "m.onnx").read_bytes()
    bad = tmp_path / "bad.onnx"
    generator = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(contents)
        for _ in range(int(generator.integers(1, 4))):
            damaged[int(generator.integers(len(contents)))] ^= 1 << int(generator.integers(8))
        bad.write_bytes(
            bytes(damaged[: int(generator.integers(1, len(contents)))] if generator.integers(2) else damaged)
        )
        with contextlib.suppress(ValueError):
            keras.onnx.load(bad)(floats(1, 12, 12, 3))
    for nothing in (b"", b"hello", b"\0" * 100):
        bad.write_bytes(nothing)
        refused(bad, "onnx.load")


@pytest.mark.parametrize("op_type", ["ConstantOfShape", "Tile"])
def test_constants_go_with_the_file(op_type, tmp_path):
    given = ["shape"] if op_type == "ConstantOfShape" else ["one", "shape"]
    nodes = [
        helper.make_node(op_type, given, ["many"]),
        helper.make_node("ReduceSum", ["many"], ["sum"]),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    path = graph_file(tmp_path / "m.onnx", nodes, {"x": floats(2, 3)}, ["y"], {"shape": ints(2**27), "one": floats(1)})
    with pytest.raises(ValueError, match="constants go with the size of the file"):
        keras.onnx.load(path)(floats(2, 3))


def test_messages_are_short_however_long_names_are(tmp_path):
    path = simple(tmp_path / "m.onnx", node=helper.make_node("MatMul", ["x", "long" * 5000], ["y"]))
    with pytest.raises(ValueError, match="long") as caught:
        keras.onnx.load(path)
    assert len(str(caught.value)) < 1000


def test_shapes_that_do_not_fit_are_named_when_it_is_called(tmp_path):
    model = keras.onnx.load(simple(tmp_path / "m.onnx"))
    with pytest.raises(ValueError, match="MatMul"):
        model(floats(2, 5))
    with pytest.raises(ValueError, match="shape"):
        model(floats(2, 3, 1))
    with pytest.raises(NotImplementedError, match="export"):
        model.save(tmp_path / "m.keras")
