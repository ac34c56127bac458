"""Helpers: one-hot rows, norms, seeds, names, the progress bar and the summary."""

from __future__ import annotations

import ast
import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, regularizers, utils
from dlnative.utils import checks, naming, progbar
from dlnative.utils.random_seed import next_seed


def test_to_categorical() -> None:
    np.testing.assert_array_equal(utils.to_categorical([0, 2, 1]), np.eye(3)[[0, 2, 1]])
    np.testing.assert_array_equal(utils.to_categorical([[1], [0]], 3), np.eye(3)[[1, 0]])
    assert utils.to_categorical([[0, 2], [1, 1]], 3).shape == (2, 2, 3)
    for wrong in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=r"to_categorical: expected class numbers in \[0, 3\), got"):
            utils.to_categorical(wrong, 3)


def test_normalize() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(utils.normalize(x), [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(utils.normalize(x, axis=0, order=1), [[1.0, 1.0], [0.0, 0.0]])


def test_a_seed_sets_all_generators() -> None:
    import random

    def drawn() -> tuple[Any, ...]:
        utils.set_random_seed(42)
        return random.random(), np.random.rand(), next_seed(), next_seed()  # noqa: NPY002

    first = drawn()
    assert first == drawn()
    assert first[2] != first[3]
    assert 0 <= first[2] < 2**63
    for wrong in (-1, 1.5, "1", None, True):
        with pytest.raises(ValueError, match="set_random_seed: expected an integer of 0 or more"):
            utils.set_random_seed(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Dense", "dense"), ("BatchNormalization", "batch_normalization"), ("LSTM", "lstm"), ("Conv2D", "conv2d")],
)
def test_snake_case(name: str, expected: str) -> None:
    assert naming.to_snake_case(name) == expected


def test_names_are_counted_until_the_session_is_cleared() -> None:
    utils.clear_session()
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert layers.Flatten().name == "flatten"
    utils.clear_session()
    assert layers.Dense(1).name == "dense"


def bare(text: str) -> str:
    """Without colours and without what was written over."""
    text = re.sub(r"\x1b\[[0-9;]*m|\x08", "", text)
    return "\n".join(line.rsplit("\r", 1)[-1].rstrip() for line in text.split("\n")).rstrip("\n")


def test_a_bar_is_drawn_at_intervals_and_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progbar, "redraws", lambda: True)
    clock = iter([100.0, 100.01, 100.02, 100.07, 100.2])
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: next(clock))
    bar = utils.Progbar(10)
    bar.update(1, [("loss", 2.0)])
    assert bare(capsys.readouterr().out).endswith("0s 10ms/step - loss: 2.0000")
    bar.update(2, [("loss", 2.0)])
    assert capsys.readouterr().out == ""
    bar.update(5, [("loss", 0.5)])  # the mean of five steps
    assert bare(capsys.readouterr().out) == " 5/10 " + 20 * "━" + " 0s 14ms/step - loss: 1.1000"
    bar.update(10, [("loss", 0.0001)])
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert bare(out) == "10/10 " + 20 * "━" + " 0s 20ms/step - loss: 1.0000e-04"


def test_each_update_is_shown_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    bar = utils.Progbar(3, interval=0.0)
    for step in range(1, 4):
        bar.update(step, [("value", 2.0 * step)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["1/3", "2/3", "3/3"]
    assert lines[1].endswith("value: 3.0000")


def test_a_line_instead_of_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    bar = utils.Progbar(4, verbose=2)
    for step in range(1, 5):
        bar.update(step, [("loss", 1.5), ("accuracy", 0.25)])
    out = capsys.readouterr().out
    assert re.fullmatch(r"4/4 - \d+s - \d+[um]s/step - loss: 1\.5000 - accuracy: 0\.2500\n", out), out


class Stream(io.StringIO):
    """An output of some encoding, which may be a terminal."""

    def __init__(self, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        return super().write(text)


@pytest.mark.parametrize(
    ("terminal", "environment", "redraws", "colors"),
    [
        (True, {}, True, True),
        (True, {"NO_COLOR": "1"}, True, False),
        (True, {"NO_COLOR": ""}, True, True),
        (True, {"TERM": "dumb"}, False, False),
        (False, {}, False, False),
    ],
)
def test_escape_codes_go_to_terminals_only(
    terminal: bool, environment: dict[str, str], redraws: bool, colors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bar = utils.Progbar(2, interval=1e-9)
    bar.update(1)
    bar.update(2, [("loss", np.array([1.0, 2.0]))])
    text = stream.getvalue()
    assert ("\x1b[" in text) is colors
    assert ("\r" in text) is ("\b" in text) is redraws
    assert bare(text).count("2/2") == 1
    assert text.endswith("- loss: 1.5000\n")
    assert text.count("/2") == (2 if redraws else 1)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_output_that_lacks_characters_gets_others(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    model = dlnative.Sequential([dlnative.Input((2,)), layers.Dense(1)], name="näme")
    model.compile("sgd", "mse")
    model.summary()
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), epochs=2, verbose=1)
    text = stream.getvalue()
    assert "Epoch 2/2\n1/1 " in text
    assert "━" not in text
    assert ("näme" in text) is (encoding != "ascii")


def test_without_an_output_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    model = dlnative.Sequential([dlnative.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.summary()
    assert len(model.fit(np.zeros((4, 2)), np.zeros((4, 1)), epochs=2, verbose=1).epoch) == 2


def test_messages_can_go_to_a_logger(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    utils.disable_interactive_logging()
    try:
        assert not utils.is_interactive_logging_enabled()
        with caplog.at_level("INFO"):
            utils.Progbar(2).update(2, [("loss", 1.0)])
    finally:
        utils.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert "2/2" in caplog.text
    assert "loss: 1.0000" in caplog.text


def test_a_bar_averages_what_it_is_told_to() -> None:
    with pytest.raises(ValueError, match="expected stateful_metrics or stateless_metrics, got both"):
        utils.Progbar(2, stateful_metrics=["a"], stateless_metrics=["b"])


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), dlnative.Variable(0.5)])
def test_numbers_of_any_kind_are_numbers(value: Any) -> None:
    assert checks.number("x", "y", value, 0, 1) == 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "0.5", None, np.array([0.5]), 1.5, 10**400])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"x: expected y in \[0, 1\], got"):
        checks.number("x", "y", value, 0, 1)


def test_integers_and_flags() -> None:
    assert checks.integer("x", "y", np.int64(3), 1) == 3
    assert checks.flag("x", "y", np.bool_(True)) is True
    for wrong in (0, 1.0, True, "1"):
        with pytest.raises(ValueError, match="x: expected y to be an integer of 1 or more, got"):
            checks.integer("x", "y", wrong, 1)
    for wrong in (1, "yes", None):
        with pytest.raises(ValueError, match="x: expected y to be True or False, got"):
            checks.flag("x", "y", wrong)


def test_nothing_is_shown_when_nothing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    bar = utils.Progbar(2, verbose=0)
    bar.update(2, [("loss", 1.0)])
    assert capsys.readouterr().out == ""


def summary(model: Any, **arguments: Any) -> list[str]:
    lines: list[str] = []
    model.summary(print_fn=lines.append, **arguments)
    return [line.rstrip() for line in lines]


def test_summary_as_keras_prints_it() -> None:
    """Word for word what Keras 3.15 prints for this model on a terminal of 80 columns."""
    model = dlnative.Sequential(
        [dlnative.Input((4,)), layers.Dense(8, name="hidden"), layers.Dense(2, name="out")], name="net"
    )
    assert summary(model) == [
        'Model: "net"',
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓",
        "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃",
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩",
        "│ hidden (Dense)                  │ (None, 8)              │            40 │",
        "├─────────────────────────────────┼────────────────────────┼───────────────┤",
        "│ out (Dense)                     │ (None, 2)              │            18 │",
        "└─────────────────────────────────┴────────────────────────┴───────────────┘",
        " Total params: 58 (232.00 B)",
        " Trainable params: 58 (232.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


def test_summary_s_arguments() -> None:
    inner = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(3, name="deep")], name="inner")
    frozen = layers.Dense(2, name="frozen")
    frozen.trainable = False
    model = dlnative.Sequential([dlnative.Input((4,)), inner, frozen, layers.Flatten(name="plain")], name="outer")
    flat, expanded = "\n".join(summary(model)), "\n".join(summary(model, expand_nested=True, show_trainable=True))
    assert "deep" not in flat
    assert "│    └ deep (Dense) " in expanded
    for name, told in (("deep", "Y"), ("frozen", "N"), ("plain", "-")):
        row = next(line for line in expanded.splitlines() if name in line)
        assert row.split("│")[-2].strip() == told
    assert "Non-trainable params: 8 (32.00 B)" in flat
    only = "\n".join(summary(model, layer_range=["frozen", "frozen"]))
    assert "inner" not in only
    with pytest.raises(ValueError, match="layer_range"):
        summary(model, layer_range=["nothing", "frozen"])


def test_summary_counts_the_optimizer_s_parameters() -> None:
    model = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(2)])
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((2, 4), "float32"), np.zeros((2, 2), "float32"))
    assert any("Optimizer params: 22" in line for line in summary(model))


@pytest.mark.parametrize("name", ["layers", "losses", "metrics", "ops", "optimizers"])
def test_type_checkers_see_what_loads_later(name: str) -> None:
    package = getattr(dlnative, name)
    tree = ast.parse(Path(package.__file__).read_text())
    (block,) = [item for item in tree.body if isinstance(item, ast.If) and ast.unparse(item.test) == "TYPE_CHECKING"]
    seen = {
        (part.module, alias.name) for part in block.body if isinstance(part, ast.ImportFrom) for alias in part.names
    }
    later = set()
    for module, names in package._LATER.items():
        for own in names.split() if isinstance(names, str) else names:
            later.add((f"dlnative.{name}.{module}", own))
        if not names:
            later.add((f"dlnative.{name}", module))
    assert seen == later


def test_the_form_of_keras_2_for_objects() -> None:
    legacy = utils.legacy

    class Scaled(layers.Layer):
        def __init__(self, inner: Any = None, function: Any = None, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner, self.function = inner, function

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "inner": self.inner, "function": self.function}

    def double(x: Any) -> Any:
        return 2 * x

    made = legacy.serialize_keras_object(Scaled(regularizers.L1(0.5), double, name="double"))
    assert made["class_name"] == "Scaled"
    assert made["config"]["inner"] == {"class_name": "L1", "config": {"l1": 0.5}, "__passive_serialization__": True}
    assert made["config"]["function"] == "double"
    own = {"Scaled": Scaled, "double": double}
    again = legacy.deserialize_keras_object(made, vars(regularizers), own)
    assert (again.function, again.name, float(again.inner.l1)) == (double, "double", 0.5)
    assert legacy.deserialize_keras_object("double", {}, own) is double
    assert type(legacy.deserialize_keras_object("L1", vars(regularizers))) is regularizers.L1
    assert legacy.deserialize_keras_object({"class_name": "double", "config": {"x": 3}}, own) == 6
    assert legacy.serialize_keras_object(None) is legacy.deserialize_keras_object(None) is None
    with pytest.raises(ValueError, match="Unknown layer: 'Scaled'"):
        legacy.deserialize_keras_object(made, vars(regularizers), printable_module_name="layer")
    for wrong in (3, {"class_name": "L1"}):
        with pytest.raises(ValueError, match="class_name"):
            legacy.deserialize_keras_object(wrong, {})
    with pytest.raises(ValueError, match="get_config"):
        legacy.serialize_keras_object(3)
