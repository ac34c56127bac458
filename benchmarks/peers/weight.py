"""What it costs to have a library at all: seconds and memory of its import, megabytes on disk."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

import installed
from report import Page, Table
from turns import Options

TEXT = """Each import runs in a new process, by turns; medians, after one round that fills the disk cache. Memory is the peak of
what is resident when the import is done. "Beyond NumPy" is what remains when the time and memory of `import numpy` in a
process of its own are taken off. Installed: the files of the library's distributions and of all that they require, in
10⁶ bytes, from the records that pip keeps; compiled Python does not count, but it is there when imports are timed. After
it was measured, each library did a small piece of work."""

# Measures first; the peak is of this program alone, where ru_maxrss would have that of the process that started it.
PROGRAM = """
import sys, time
start = time.perf_counter()
exec(sys.argv[1])
seconds = time.perf_counter() - start
try:
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert float(eval(sys.argv[2])) == 3
print(seconds, int(peak) * 1024 / 1e6)
"""


@dataclass(frozen=True)
class Library:
    """How a library is imported, made to say 3, and called by pip."""

    title: str
    statement: str
    three: str
    distributions: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def measure(self, cache: str) -> tuple[float, float]:
        """Returns the seconds of the import in a new process, and its peak of resident megabytes.

        Args:
            cache: the folder for compiled Python, so that all find theirs, also one that was never compiled.

        Raises:
            ImportError: if it cannot be imported, or does not work.
        """
        environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPYCACHEPREFIX": cache} | self.environment
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, self.statement, self.three],
            capture_output=True,
            text=True,
            env=environment,
        )
        if done.returncode:
            raise ImportError((done.stderr.strip().splitlines() or ["it failed"])[-1])
        seconds, megabytes = done.stdout.split()[-2:]
        return float(seconds), float(megabytes)


def _keras(backend: str, *distributions: str) -> Library:
    add = "keras.ops.convert_to_numpy(keras.ops.add(1.0, 2.0))"
    return Library(f"Keras/{backend}", "import keras", add, ["keras", *distributions], {"KERAS_BACKEND": backend})


LIBRARIES = {
    "numpy": Library("NumPy", "import numpy", "numpy.add(1, 2)", ["numpy"]),
    "dlnative": Library("dlnative", "import dlnative", "dlnative.ops.add(1.0, 2.0)", ["dlnative"]),
    "torch": Library("PyTorch", "import torch", "torch.tensor(1) + 2", ["torch"]),
    "jax": Library("JAX", "import jax", "jax.numpy.add(1, 2)", ["jax"]),
    "keras-tensorflow": _keras("tensorflow", "tensorflow", "tensorflow-cpu"),
    "keras-jax": _keras("jax", "jax"),
    "keras-torch": _keras("torch", "torch"),
    "sklearn": Library(
        "scikit-learn",
        "from sklearn.neural_network import MLPClassifier",
        "MLPClassifier(max_iter=3).max_iter",
        ["scikit-learn"],
    ),
    "onnxruntime": Library(
        "ONNX Runtime",
        "import onnxruntime",
        "onnxruntime.OrtValue.ortvalue_from_numpy(__import__('numpy').array(3.0)).numpy()",
        ["onnxruntime"],
    ),
}


def _measure(chosen: list[Library], rounds: int, cache: str) -> list[tuple[Library, list[tuple[float, float]]]]:
    """Returns the seconds and megabytes of each round, of those libraries that are there."""
    measured: dict[str, tuple[Library, list[tuple[float, float]]]] = {}
    for library in chosen:
        try:
            library.measure(cache)
            measured[library.title] = library, []
        except ImportError as error:
            if library.title == "dlnative":
                raise SystemExit(f"dlnative cannot be used: {error}") from error
            print(f"left out: {library.title}: {error}", flush=True)
    for _ in range(rounds):
        for library, pairs in measured.values():
            pairs.append(library.measure(cache))
    return list(measured.values())


def run(options: Options) -> Page:
    chosen = [LIBRARIES[name] for name in dict.fromkeys(["numpy", *options.peers]) if name in LIBRARIES]
    with tempfile.TemporaryDirectory() as cache:
        found = _measure(chosen, options.rounds, cache)
    present = [library for library, _ in found]
    measured = {library.title: pairs for library, pairs in found}
    seconds = {title: statistics.median(pair[0] for pair in pairs) for title, pairs in measured.items()}
    peak = {title: statistics.median(pair[1] for pair in pairs) for title, pairs in measured.items()}
    disk = {library.title: installed.megabytes(library.distributions) for library in present}

    versions = {library.title: installed.versions(library.distributions) for library in present}

    def beyond(values: dict[str, float]) -> dict[str, float]:
        return {title: value - values["NumPy"] for title, value in values.items() if title != "NumPy"}

    rows = [
        ("import, s", seconds),
        ("import beyond NumPy, s", beyond(seconds)),
        ("peak memory of the import, MB", peak),
        ("peak memory beyond NumPy, MB", beyond(peak)),
        ("installed with NumPy, MB", disk),
        ("installed beyond NumPy, MB", beyond(disk)),
    ]
    return Page("Weight: import and installation", TEXT, [Table("Import and installation", "", rows)], versions)
