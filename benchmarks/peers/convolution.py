"""Convolutions in float32: GFLOP/s, and per cent of what multiply-adds alone reach."""

from __future__ import annotations

import window
from gemm import LIMIT, limit
from report import Page, Table
from turns import Options, measure

TOLERANCE = 1e-5
TEXT = (
    f"GFLOP/s of convolutions with windows of 3×3, `same`, batch {window.BATCH}, and of the gradients by images and windows\n"
    "together; in brackets per cent of the multiply-add limit, measured by turns, and how many times dlnative's. Each is\n"
    "called from Python. PyTorch: `conv2d` and `convolution_backward`; JAX: jitted, waiting for the answer. Entries of\n"
    f"the results agreed to {TOLERANCE:g} of the largest."
)


def run(options: Options) -> Page:
    tables, versions = [], {}
    for measured in measure("Convolution", window.CASES, options, TOLERANCE, limit):
        rows, limits = [], {}
        for case, times in measured.rows:
            limits[case.name] = 1 / times.pop(LIMIT)
            rows.append((case.name, {title: case.flops / 1e9 / seconds for title, seconds in times.items()}))
        tables.append(Table(f"GFLOP/s, threads: {measured.threads}", "channels→filters, image", rows, limits))
        versions |= measured.versions
    return Page("Convolutions in float32", TEXT, tables, versions)
