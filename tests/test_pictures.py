"""What a model does in numbers and pictures, diagrams of models, and learning curves."""

from __future__ import annotations

import builtins
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, utils, visualization
from dlnative.utils import charts, model_plot

X = np.random.RandomState(0).randn(60, 2).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def trained(outputs: int = 2) -> Any:
    dlnative.utils.set_random_seed(0)
    last = layers.Dense(outputs, activation="softmax" if outputs > 1 else "sigmoid")
    model = dlnative.Sequential([dlnative.Input((2,)), layers.Dense(8, activation="relu"), last])
    loss = "sparse_categorical_crossentropy" if outputs > 1 else "binary_crossentropy"
    model.compile(dlnative.optimizers.Adam(0.05), loss)
    model.fit(X, Y, epochs=20, verbose=0)
    return model


def branched() -> Any:
    inputs = dlnative.Input((4,), name="start")
    inner = dlnative.Sequential([dlnative.Input((8,)), layers.Dense(8, activation="relu", name="deep")], name="inner")
    hidden = layers.Dense(8, name="hidden")(inputs)
    joined = layers.Concatenate(name="joined")([inputs, inner(hidden), hidden])
    return dlnative.Model(
        inputs, [layers.Dense(1, name="one")(joined), layers.Dense(2, name="two")(joined)], name="net"
    )


def texts(path: Any) -> list[str]:
    return [element.text for element in ElementTree.parse(path).iter() if element.tag.endswith("text") and element.text]


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_a_model_is_drawn_without_graphviz(tmp_path: Path, rankdir: str) -> None:
    model = branched()
    utils.plot_model(model, tmp_path / "net.svg", show_shapes=True, show_layer_names=True, rankdir=rankdir)
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    boxes = {}
    found = [(element.tag.split("}")[1], element.attrib, element.text) for element in root.iter()]
    frames = [attributes for tag, attributes, _ in found if tag == "rect"][1:]
    titles = [text for tag, attributes, text in found if tag == "text" and attributes.get("font-weight")]
    for attributes, title in zip(frames, titles, strict=True):
        boxes[title] = [float(attributes[name]) for name in ("x", "y", "width", "height")]
    assert set(boxes) == {
        "start (InputLayer)", "hidden (Dense)", "inner (Sequential)", "joined (Concatenate)", "one (Dense)", "two (Dense)",
    }  # fmt: skip
    assert sum(tag == "polyline" for tag, *_ in found) == 7
    axis = 1 if rankdir in ("TB", "BT") else 0
    order = [
        boxes[name][axis] for name in ("start (InputLayer)", "hidden (Dense)", "inner (Sequential)", "one (Dense)")
    ]
    assert order == sorted(order, reverse=rankdir in ("BT", "RL"))
    placed = list(boxes.values())
    for first in range(len(placed)):  # no box lies on another one, nor outside of the picture
        x, y, width, height = placed[first]
        assert x >= 0
        assert x + width <= float(root.attrib["width"]) + 1
        for a, b, w, h in placed[first + 1 :]:
            assert x + width <= a or a + w <= x or y + height <= b or b + h <= y
    assert "input: (None, 4), (None, 8), (None, 8)" in texts(tmp_path / "net.svg")


def test_models_inside_are_expanded_and_boxes_say_what_is_asked(tmp_path: Path) -> None:
    model = branched()
    model.get_layer("hidden").trainable = False
    utils.plot_model(
        model, tmp_path / "net.svg", expand_nested=True, show_layer_names=True, show_layer_activations=True, show_dtype=True,
        show_trainable=True,
    )  # fmt: skip
    found = texts(tmp_path / "net.svg")
    assert "inner/deep (Dense)" in found
    assert "inner (Sequential)" not in found
    assert {"activation: relu", "dtype: float32", "not trainable"} <= set(found)


def test_other_models_and_wrong_arguments(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    class Own(dlnative.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Own()
    with pytest.raises(ValueError, match="expected a built model"):
        utils.plot_model(model, tmp_path / "own.svg")
    model(np.ones((1, 2), "float32"))
    monkeypatch.setattr(model_plot, "_has_graphviz", lambda: False)
    utils.plot_model(model, tmp_path / "own.png")
    assert "written as" in capsys.readouterr().out
    assert texts(tmp_path / "own.svg") == ["Dense"]
    with pytest.raises(ValueError, match="rankdir"):
        utils.plot_model(branched(), tmp_path / "x.svg", rankdir="up")
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match="pydot"):
        utils.model_to_dot(branched())


def test_a_graph_of_pydot_has_the_same_lines() -> None:
    pytest.importorskip("pydot")
    dot = utils.model_to_dot(branched(), expand_nested=True)
    assert len(dot.get_edges()) == 7
    assert [cluster.get_label() for cluster in dot.get_subgraphs()] == ['"inner"']


def test_learning_curves_are_drawn(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(charts, "has_matplotlib", lambda: False)
    model = trained()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0)
    chart = history.plot(tmp_path / "curves.png")
    found = texts(tmp_path / "curves.svg")
    assert {"loss", "accuracy", "epoch"} <= set(found)
    assert found.count("training") == found.count("validation") == 2
    assert chart._repr_svg_().count("<polyline") == 4
    with pytest.raises(ValueError, match="at least one epoch"):
        dlnative.callbacks.History().plot()


def test_a_model_and_a_profile_show_themselves_in_notebooks() -> None:
    model = trained()
    assert "Param #" in model._repr_html_()
    assert "&lt;" not in model._repr_html_().replace("<pre>", "")
    assert "GFLOP/s" in model.profile(X[:32])._repr_html_()
    plan = model.plan(32)
    assert all(step.op in plan._repr_html_() for step in plan.program.instructions)
    assert "\n" not in repr(plan)


def test_a_confusion_matrix_counts() -> None:
    counts = visualization.confusion_matrix([0, 2, 2, 1], [0, 2, 1, 1])
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert visualization.confusion_matrix([0.0, 1.0], [[0.7], [0.6]]).tolist() == [[0, 1], [0, 1]]
    assert visualization.confusion_matrix(np.eye(3)[[0, 1]], np.eye(3)[[0, 0]]).tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 0, 0],
    ]
    with pytest.raises(ValueError, match="as many answers"):
        visualization.confusion_matrix([0, 1], [0])
    with pytest.raises(ValueError, match=r"in \[0, 2\)"):
        visualization.confusion_matrix([0, 2], [0, 1], num_classes=2)


def test_activations_are_those_of_the_layers() -> None:
    model = branched()
    x = np.random.RandomState(1).rand(3, 4).astype("float32")
    found = visualization.activations(model, x)
    assert list(found) == ["hidden", "inner", "joined", "one", "two"]
    np.testing.assert_allclose(found["hidden"], model.get_layer("hidden")(x), rtol=1e-6)
    np.testing.assert_allclose(found["two"], model.predict(x, verbose=0)[1], rtol=1e-6)


def test_input_gradients_are_differences() -> None:
    model = trained()
    gradients = visualization.input_gradients(model, X[:4], output=1)
    for axis in range(2):
        step = np.zeros(2, "float32")
        step[axis] = 1e-2
        slope = (model(X[:4] + step)[:, 1] - model(X[:4] - step)[:, 1]) / 2e-2
        np.testing.assert_allclose(gradients[:, axis], slope, atol=2e-2)


def test_importance_finds_the_feature_that_matters() -> None:
    model = trained()
    by_loss = visualization.permutation_importance(model, X, Y)
    wrong = visualization.permutation_importance(model, X, Y, metric=lambda y, p: float(np.mean(p.argmax(1) != y)))
    for importance in (by_loss, wrong):
        assert importance[0] > 5 * abs(importance[1])
    np.testing.assert_array_equal(by_loss, visualization.permutation_importance(model, X, Y))


def test_gradient_norms_by_step(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(charts, "has_matplotlib", lambda: False)
    model = dlnative.Sequential([dlnative.Input((2,)), layers.Dense(1, use_bias=False, name="last")])
    model.compile(dlnative.optimizers.SGD(0.0), "mse")
    norms = visualization.GradientNorms(X, Y[:, None], every=2)
    model.fit(X, Y, batch_size=10, epochs=1, verbose=0, callbacks=[norms])
    assert norms.steps == [2, 4, 6]
    expected = np.linalg.norm(2 * X.T @ (model.predict(X, verbose=0) - Y[:, None]) / len(X))
    np.testing.assert_allclose(next(iter(norms.norms.values())), [expected] * 3, rtol=1e-4)
    visualization.plot_gradient_norms(norms, tmp_path / "norms.svg")
    assert "norms of gradients" in texts(tmp_path / "norms.svg")


PICTURES: dict[str, Any] = {
    "confusion": lambda path: visualization.plot_confusion_matrix([0, 1, 2], [0, 1, 1], normalize=True, path=path),
    "regions": lambda path: visualization.plot_decision_regions(trained(), X, Y, path, resolution=20),
    "boundary": lambda path: visualization.plot_decision_regions(trained(1), X, Y, path, resolution=20),
    "filters": lambda path: visualization.plot_filters(trained().layers[0], path),
    "activations": lambda path: visualization.plot_activations(trained(), X[0], path),
    "importance": lambda path: visualization.plot_importance([0.1, 0.5], ["a", "b"], path),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_drawn_or_say_what_is_missing(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("matplotlib")
    PICTURES[name](tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"
    real = builtins.__import__

    def without(module: str, *args: Any, **kwargs: Any) -> Any:
        if module.startswith("matplotlib"):
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"install \"dlnative\[plot\]\""):
        PICTURES[name](None)


def test_pictures_of_images(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    images = np.random.RandomState(0).rand(3, 6, 6, 1).astype("float32")
    model = dlnative.Sequential([dlnative.Input((6, 6, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    visualization.plot_filters(model.layers[0], tmp_path / "filters.png")
    visualization.plot_activations(model, images[0], tmp_path / "activations.png")
    visualization.plot_input_gradients(model, images, tmp_path / "gradients.png")
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(ValueError, match="with a kernel"):
        visualization.plot_filters(model.layers[1])


def test_logarithmic_axes_have_round_ticks(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(charts, "has_matplotlib", lambda: False)
    chart = charts.Chart([charts.Panel("", "", "", [charts.Series([1, 2, 3], [0.03, 0.2, 0.3])], log_y=True)])
    written = chart.save(tmp_path / "chart.png")
    assert written == str(tmp_path / "chart.svg")
    assert 'install "dlnative[plot]"' in capsys.readouterr().out
    assert {"0.05", "0.1", "0.2"} <= set(texts(written))


def test_progress_does_not_flood_notebooks(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", type(sys)("ipykernel"))
    clock = iter(np.arange(0, 100, 0.01))
    monkeypatch.setattr("dlnative.utils.progbar.time.perf_counter", lambda: next(clock))
    bar = utils.Progbar(100)
    for _ in range(100):
        bar.add(1)
    assert 4 <= capsys.readouterr().out.count("\r") <= 6  # in a second; the last one is always drawn
