"""Matrix products in float32: GFLOP/s, and per cent of what multiply-adds alone reach."""

from __future__ import annotations

import product
from processes import Worker
from report import Page, Table
from turns import Options, measure

TOLERANCE = 1e-5
LIMIT = "Limit"
TEXT = (
    "GFLOP/s of c = a b in float32, a (M, K), b (K, N), row-major, or of a batch of such products; in brackets per cent\n"
    "of the multiply-add limit, and how many times dlnative's. The limit was measured by turns with the products, on\n"
    "registers, on all the cores at once: a core whose clock falls while it multiplies matrices cannot reach it\n"
    "(benchmarks/cpp/gemm_benchmark measures what it can do right after a product). dlnative: a plan of one instruction,\n"
    "repeated by the native loop, without Python between two products; `dlnative ops.matmul` and all others are called\n"
    "from Python for each product. PyTorch, NumPy and ONNX Runtime write into an array that is there already. Each\n"
    "computes from both operands as they are: nothing was packed before. Entries were compared with those computed in\n"
    f"float64, to {TOLERANCE:g} of the largest."
)


def limit(threads: int) -> list[Worker]:
    """Returns the process that measures the multiply-add limit."""
    worker = Worker("dlnative", threads)
    worker.meet()
    worker.title = LIMIT
    return [worker]


def run(options: Options) -> Page:
    tables, versions = [], {}
    for measured in measure("Gemm", product.CASES, options, TOLERANCE, limit):
        rows, limits = [], {}
        for case, times in measured.rows:
            limits[case.name] = 1 / times.pop(LIMIT)
            rows.append((case.name, {title: case.flops / 1e9 / seconds for title, seconds in times.items()}))
        reached = ", ".join(f"{name} {limit:.0f}" for name, limit in limits.items())
        note = f"The limit during each, GFLOP/s: {reached}."
        tables.append(Table(f"GFLOP/s, threads: {measured.threads}", "M×N×K", rows, limits, note))
        versions |= measured.versions
    return Page("Matrix products in float32", TEXT, tables, versions)
