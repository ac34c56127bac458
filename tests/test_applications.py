"""Networks by name, beside Keras's with the same weights."""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import dlnative as keras
from dlnative import applications
from dlnative.applications import imagenet_utils

KERAS = Path(__file__).parent / "keras"
sys.path.insert(0, str(KERAS))
from deterministic_weights import images, weigh  # noqa: E402

# From Keras 3.15 on JAX, with the weights of `weigh` and the images of `images`: the number of parameters and some outputs.
FOUND = json.loads((KERAS / "applications.json").read_text())


@pytest.mark.parametrize("case", FOUND, ids=[case["name"] for case in FOUND])
def test_a_network_has_the_parameters_and_the_outputs_of_keras(case):
    keras.utils.clear_session()
    build = getattr(applications, case["name"])
    model = build(weights=None, input_shape=(case["size"], case["size"], 3), **case["arguments"])
    assert model.count_params() == case["parameters"]
    assert [layer.name for layer in model.layers if "_" in layer.name][:40:3] == case["layers"]
    weigh(model)
    outputs = np.asarray(model(images(case["size"]))).reshape(2, -1)
    expected = np.asarray(case["outputs"])
    np.testing.assert_allclose(outputs[:, :: case["step"]], expected, atol=1e-4 * np.abs(expected).max())


def test_every_network_is_reached_from_the_package_and_its_module():
    assert keras.applications.VGG16 is keras.applications.vgg16.VGG16
    assert keras.applications.ResNet50 is keras.applications.resnet50.ResNet50
    for name in applications.__all__:
        found = getattr(applications, name)
        if name.lower() == name:
            assert callable(found.preprocess_input)
            assert found.decode_predictions is imagenet_utils.decode_predictions
        else:
            assert found.__name__ == name


# By scikit-image's and the papers' formulas.
def test_pixels_are_scaled_as_the_networks_saw_them():
    x = np.array([[[[255.0, 127.5, 0.0]]]], np.float32)
    kept = x.copy()
    np.testing.assert_allclose(applications.mobilenet.preprocess_input(x), [[[[1, 0, -1]]]])
    np.testing.assert_allclose(
        applications.vgg16.preprocess_input(x), [[[[-103.939, 127.5 - 116.779, 255 - 123.68]]]], rtol=1e-6
    )
    scaled = applications.densenet.preprocess_input(x)
    np.testing.assert_allclose(scaled, [[[[(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225]]]], rtol=1e-6)
    np.testing.assert_array_equal(applications.efficientnet.preprocess_input(x), x)
    np.testing.assert_array_equal(x, kept)
    first = imagenet_utils.preprocess_input(x[0].transpose(2, 0, 1), "channels_first", "torch")
    np.testing.assert_allclose(first, scaled[0].transpose(2, 0, 1), rtol=1e-6)
    tensor = keras.Input((1, 1, 3))
    for mode in ("caffe", "tf", "torch"):
        model = keras.Model(tensor, imagenet_utils.preprocess_input(tensor, mode=mode))
        np.testing.assert_allclose(np.asarray(model(x)), imagenet_utils.preprocess_input(x, mode=mode), rtol=1e-5)


def test_classes_have_names_from_the_cached_file(tmp_path, monkeypatch):
    index = {str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}
    (tmp_path / "models").mkdir()
    text = json.dumps(index)
    (tmp_path / "models" / "imagenet_class_index.json").write_text(text)
    monkeypatch.setenv("KERAS_HOME", os.fspath(tmp_path))
    real = imagenet_utils.get_file
    hashed = hashlib.md5(text.encode()).hexdigest()
    monkeypatch.setattr(
        imagenet_utils, "get_file", lambda *args, **kwargs: real(*args, **{**kwargs, "file_hash": hashed})
    )
    monkeypatch.setattr(imagenet_utils, "_classes", {})
    scores = np.zeros((1, 1000), np.float32)
    scores[0, 7], scores[0, 3] = 0.75, 0.25
    found = applications.resnet.decode_predictions(scores, top=2)
    assert found == [[("n00000007", "thing_7", 0.75), ("n00000003", "thing_3", 0.25)]]
    with pytest.raises(ValueError, match=r"expects a batch of predictions .* got \(1, 10\)"):
        applications.resnet.decode_predictions(scores[:, :10])


def test_weights_come_from_a_file_of_keras_2(tmp_path):
    path = os.fspath(tmp_path / "weights.h5")
    arguments = {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 4}
    model = applications.MobileNet(weights=None, **arguments)
    with pytest.warns(FutureWarning, match="weights"):
        model.save_weights(path)
    again = applications.MobileNet(weights=path, **arguments)
    for mine, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_network_is_applied_to_the_tensor_that_is_given():
    inputs = keras.Input((32, 32, 3))
    scaled = keras.layers.Rescaling(1 / 255)(inputs)
    model = applications.MobileNet(weights=None, include_top=False, alpha=0.25, input_tensor=scaled, pooling="max")
    assert model.inputs[0] is inputs
    assert model.output_shape == (None, 256)
    assert any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"weights": "nowhere.h5"}, "existing file, got weights='nowhere.h5'"),
        ({"weights": "imagenet", "classes": 10}, "`classes` should be 1000, got classes=10"),
        ({"weights": None, "input_shape": (16, 16, 3)}, "at least 32x32"),
        ({"weights": None, "input_shape": (None, None, 3)}, "static `input_shape`"),
        ({"weights": None, "input_shape": (64, 64)}, "three integers"),
        ({"weights": None, "include_top": False, "pooling": "sum"}, 'pooling None, "avg" or "max"'),
        ({"weights": None, "input_tensor": 3}, "input_tensor"),
        ({"weights": "imagenet", "classifier_activation": "relu"}, "Only `None` and `softmax`"),
        ({"weights": "imagenet", "include_top": False, "input_shape": (64, 64, 1)}, "3 channels"),
    ],
)
def test_arguments_that_cannot_be_right_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        applications.VGG16(**arguments)


@pytest.mark.parametrize("file", ["convnext", "inception_resnet_v2"])
def test_layers_of_a_network_alone_come_back_from_files_and_have_keras_names(file, tmp_path):
    inputs = keras.Input((3,))
    module = getattr(applications, file)
    outputs = (
        module.LayerScale(0.5, 3)(inputs) if file == "convnext" else module.CustomScaleLayer(0.5)([inputs, inputs])
    )
    model = keras.Model(inputs, outputs)
    path = os.fspath(tmp_path / "model.keras")
    model.save(path)
    assert f"keras.src.applications.{file}" in model.to_json()
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(keras.models.load_model(path).predict(x, verbose=0), model.predict(x, verbose=0))
