"""Makes benchmarks/results/gpu.md of what cuda/on_gpu.sh left in a folder.

usage: report.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
Line = dict[str, Any]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def products(lines: list[Line]) -> str:
    rows = []
    for line in lines:
        mine = next(key for key in line if key.startswith("GFLOP/s, "))
        rows.append(
            [line["name"], number(line[mine]), mine.removeprefix("GFLOP/s, "), number(line.get("cuBLAS GFLOP/s")),
             number(line.get("% of cuBLAS"))]
        )  # fmt: skip
    return table(["M×N×K", "GFLOP/s", "tile", "cuBLAS", "% of cuBLAS"], rows)


def steps(lines: list[Line], torch: list[Line]) -> str:
    modes = list(dict.fromkeys(line["mode"] for line in torch))
    times = {(line["mode"], line["name"]): line["us"] for line in torch}
    rows = [
        [line["name"], number(line["kernels"]), number(line["us, dependent"]), number(line["us"])]
        + [number(times.get((mode, line["name"]))) for mode in modes]
        for line in lines
    ]
    head = ["network, batch", "kernels", "µs", "without dependent launch", *[f"PyTorch, {mode}" for mode in modes]]
    return table(head, rows)


def main(folder: Path) -> None:
    ours = json.loads((folder / "gpu.json").read_text())
    torch_file = folder / "torch.json"
    torch = json.loads(torch_file.read_text()) if torch_file.exists() else {"torch": "", "results": []}
    parts: dict[str, list[Line]] = {}
    for line in ours["results"]:
        parts.setdefault(line["part"], []).append(line)
    rates = [
        [line["name"], number(line["us"]), number(line["GB/s"]), number(line["% of copy"])]
        for part in ("elementwise", "rows", "random")
        for line in parts.get(part, [])
    ]
    launches = [[line["name"], number(line["us"])] for line in parts.get("launch", [])]
    text = f"""# The CUDA kernels on a GPU

{ours["device"]}, driver {ours["driver"] // 1000}.{ours["driver"] % 1000 // 10}, commit {ours["commit"][:7]}; by `cuda/on_gpu.sh`.

## Training steps

Microseconds a step: gather, forward, loss, backward, Adam in float32 without tensor cores, 16 steps in a recorded graph.
{"PyTorch " + torch["torch"] + ": fused Adam, the same precision." if torch["torch"] else ""}

{steps(parts.get("steps", []), torch["results"])}
## Products

float32 without tensor cores, random data; cuBLAS in its pedantic mode. float64 of cuBLAS uses tensor cores.

{products(parts.get("gemm", []))}
## Kernels that memory bounds

A copy of 256 MB moves {number(parts["copy"][0]["GB/s"])} GB/s, read and written; arrays of as much.

{table(["kernel", "µs", "GB/s", "% of the copy"], rates)}
## Launches

{table(["", "µs"], launches)}"""
    (RESULTS / "gpu.md").write_text(text)
    (RESULTS / "gpu.json").write_text(json.dumps({"cuda": ours, "torch": torch}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
