"""Networks that PyTorch has written as ONNX files: they compute what PyTorch did, are trained, and are written again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dlnative

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("path", sorted(FILES.glob("*.onnx")), ids=lambda path: path.stem)
def test_networks_of_pytorch(path: Path, tmp_path: Path) -> None:
    with np.load(FILES / f"{path.stem.rpartition('_')[0]}.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    network = dlnative.onnx.load(path)
    np.testing.assert_allclose(network.predict(x, verbose=0), y, atol=1e-5)
    network.compile(dlnative.optimizers.Adam(0.01), "mse")
    losses = network.fit(x, np.ones_like(y), epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    network.export(tmp_path / "m.onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (again,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(again, network.predict(x, verbose=0), atol=1e-5)
