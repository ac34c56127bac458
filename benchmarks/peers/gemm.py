"""Matrix products in float32: GFLOP/s, and per cent of what multiply-adds alone reach."""

from __future__ import annotations

import product
from processes import Worker
from report import Page, Table
from turns import Options, measure

TOLERANCE = 1e-5
LIMIT = "Limit"
TEXT = (
    "GFLOP/s of c = a b in float32, a (M, K), b (K, N), row-major; in brackets per cent of the multiply-add limit, and how\n"
    "many times dlnative's. The limit was measured by turns with the products, on registers, on all the cores at once: a\n"
    "core whose clock falls while it multiplies matrices cannot reach it (benchmarks/cpp/gemm_benchmark measures what it\n"
    "can do right after a product). dlnative: a plan of one instruction, repeated by the native loop, without Python\n"
    "between two products; `dlnative ops.matmul` and all others are called from Python for each product. PyTorch, NumPy\n"
    "and ONNX Runtime write into an array that is there already. Each computes from both operands as they are: nothing\n"
    f"was packed before. Entries were compared with those computed in float64, to {TOLERANCE:g} of the largest."
)


def _limit(threads: int) -> list[Worker]:
    worker = Worker("dlnative", threads)
    worker.meet()
    worker.title = LIMIT
    return [worker]


def run(options: Options) -> Page:
    tables, versions = [], {}
    for measured in measure("Gemm", product.CASES, options, TOLERANCE, _limit):
        rows, limits = [], {}
        for case, times in measured.rows:
            limits[case.name] = 1 / times.pop(LIMIT)
            rows.append((case.name, {title: case.flops / 1e9 / seconds for title, seconds in times.items()}))
        reached = ", ".join(f"{name} {limit:.0f}" for name, limit in limits.items())
        note = f"The limit during each, GFLOP/s: {reached}."
        tables.append(Table(f"GFLOP/s, threads: {measured.threads}", "M×N×K", rows, limits, note))
        versions |= measured.versions
    return Page("Matrix products in float32", TEXT, tables, versions)
