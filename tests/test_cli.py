"""The command `dlnative`, and the programs in examples/."""

from __future__ import annotations

import io
import os
import re
import runpy
import sys
from pathlib import Path

import pytest

import dlnative
from dlnative import _native
from dlnative.backends import selection
from dlnative.cli import main

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


def test_demo_shows_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    curves = tmp_path / "curves.png"
    assert main(["demo", "--plot", str(curves)]) == 0
    out = capsys.readouterr().out
    accuracy = re.search(r"Held out: 359 images, loss [\d.]+, accuracy ([\d.]+)%", out)
    assert accuracy
    assert float(accuracy[1]) >= 97
    for part in ('Model: "digits"', "Plan of", "Epoch 50/50", "Confusion matrix"):
        assert part in out
    rows = re.findall(r"^ +\d ((?: +(?:\d+|\.)){10})$", out, re.MULTILINE)
    counts = [[int(count) if count != "." else 0 for count in row.split()] for row in rows]
    assert len(counts) == 10
    assert sum(map(sum, counts)) == 359
    assert curves.read_bytes()[:4] == b"\x89PNG"


def test_demo_without_matplotlib_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    path = tmp_path / "curves.png"
    with dlnative.backend.use_backend(dlnative.backend.backend()):
        assert main(["demo", "--epochs", "1", "--backend", "reference", "--plot", str(path)]) == 0
    printed = capsys.readouterr().out
    assert f"no matplotlib to draw {path} with" in printed
    assert f"Learning curves written to {tmp_path / 'curves.svg'}." in printed
    assert (tmp_path / "curves.svg").read_text().count("<polyline") == 4
    assert not path.exists()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"dlnative {dlnative.__version__}\n"


def test_when_nobody_reads_any_more_it_ends_quietly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in `dlnative demo | head`."""

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def fileno(self) -> int:
            return file.fileno()

    with open(tmp_path / "out", "w") as file:
        monkeypatch.setattr(sys, "stdout", Closed())
        assert main(["info"]) == 141
        os.write(file.fileno(), b"what is still in the buffer")
    assert (tmp_path / "out").read_bytes() == b""
    assert capsys.readouterr().err == ""


def test_cuda_is_there_when_a_backend_has_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build with a CUDA compiler alone has none."""
    monkeypatch.setattr(_native, "build_info", lambda: {"compiler": "", "build_type": "", "cuda": True})
    assert dlnative.build_config()["cuda"] is False
    monkeypatch.setattr(selection, "known", lambda: ["cpu", "cuda"])
    assert dlnative.build_config()["cuda"] is True


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert dlnative.__version__ in out
    assert "threads" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["demo", "--epochs", "0"], "argument --epochs: expected an integer of at least 1, got '0'"),
        (["demo", "--seed", "-1"], "argument --seed: expected"),
        (["demo", "--plot", "/no/such/folder/x.png"], "expected a path in an existing folder"),
        (["demo", "--backend", "tpu"], "invalid choice"),
        ([], "required"),
    ],
)
def test_what_is_wrong_is_said_before_training(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert line in capsys.readouterr().err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments: list[str] = []
    if path.stem == "tuning":
        rows = [f"{number % 7},{'one' if number % 2 else 'two'},{1000 + number}" for number in range(64)]
        (tmp_path / "data.csv").write_text("\n".join(["Rooms,Floors,Sale_Price", *rows]))
        arguments = ["data.csv", "--sample", "0.003", "--epochs", "2", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
