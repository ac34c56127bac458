"""The peers' processes, seen from outside: which there are, starting them, asking them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
OWN = "dlnative"

EVERYTHING = {"Training", "Networks", "Gemm", "Convolution", "Latency"}
KERAS = {"Training", "Networks", "Latency"}

# name: module, environment, tasks (classes of the module)
PEERS: dict[str, tuple[str, dict[str, str], set[str]]] = {
    OWN: ("dlnative_peer", {}, EVERYTHING | {"Memory", "Generation"}),
    "torch": ("torch_peer", {}, EVERYTHING | {"Memory", "Generation"}),
    "torch-channels-last": ("torch_channels_last_peer", {}, {"Networks", "Convolution", "Latency"}),
    "torch-compile": ("torch_compile_peer", {}, {"Training", "Networks", "Latency"}),
    "jax": ("jax_peer", {}, EVERYTHING | {"Memory"}),
    "keras-tensorflow": ("keras_peer", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}, KERAS),
    "keras-jax": ("keras_peer", {"KERAS_BACKEND": "jax"}, KERAS),
    "keras-torch": ("keras_peer", {"KERAS_BACKEND": "torch"}, KERAS),
    "sklearn": ("sklearn_peer", {}, {"Training", "Latency"}),
    "onnxruntime": ("onnxruntime_peer", {}, {"Gemm", "Latency", "Generation"}),
    "numpy": ("numpy_peer", {}, {"Gemm", "Latency"}),
    "numpy-skylakex": ("numpy_peer", {"OPENBLAS_CORETYPE": "SkylakeX"}, {"Gemm", "Latency"}),
    "dlnative-ops": ("dlnative_ops_peer", {}, {"Gemm"}),
}


class PeerError(Exception):
    """A peer cannot go on; the others can."""


class Worker:
    """A peer in its own process."""

    def __init__(self, name: str, threads: int) -> None:
        module, environment, _ = PEERS[name]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER / "worker.py"), module, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=os.environ | environment,
        )
        self.name = self.title = name
        self.version = self.missing = ""

    def meet(self) -> bool:
        """Waits until the process has loaded its library; returns whether there is one."""
        hello = self._read()
        self.missing = hello.get("missing", "")
        self.title = hello.get("title", self.name)
        self.version = str(hello.get("version", ""))
        return not self.missing

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.errors.seek(0)
        last = (self.errors.read().strip().splitlines() or [""])[-1]
        return {"missing": f"its process ended with {code}: {last}"}

    def _ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # reading says what happened
        answer = self._read()
        reason = isinstance(answer, dict) and (answer.get("failed") or answer.get("missing"))
        if reason and self.name == OWN:
            raise SystemExit(f"{self.title}: {reason}")
        if reason:
            raise PeerError(reason)
        return answer

    def open(self, task: str, number: int) -> bool:
        """Makes the peer ready for a case; returns whether it has such a thing."""
        return bool(self._ask(open=[task, number]))

    def call(self, method: str, *arguments: Any) -> Any:
        return self._ask(call=[method, *arguments])

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def has_avx512() -> bool:
    try:
        return " avx512f " in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def start(names: list[str], threads: int, task: str) -> list[Worker]:
    """Starts those peers that have such a task and are installed; says in one line why another is left out."""
    names = [name for name in names if task in PEERS[name][2]]
    if "numpy-skylakex" in names and not has_avx512():
        print("left out: numpy-skylakex: this CPU has no AVX-512", flush=True)
        names = [name for name in names if name != "numpy-skylakex"]
    present = []
    for worker in [Worker(name, threads) for name in names]:
        if worker.meet():
            present.append(worker)
            continue
        worker.close()
        if worker.name == OWN:
            raise SystemExit(f"dlnative cannot be used: {worker.missing}")
        print(f"left out: {worker.name}: {worker.missing}", flush=True)
    return present
