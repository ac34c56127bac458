"""A training step of a CNN, a residual network, separable blocks, LSTM, GRU and GPT."""

from __future__ import annotations

import network
import workload
from gemm import LIMIT, limit
from report import Page, Table
from turns import Options, measure

TOLERANCE = (
    3e-4  # Adam divides small gradients by their own size, so rounding grows with the steps: up to 1e-4 in TensorFlow
)
TEXT = (
    "Milliseconds a step of forward, loss, backward and Adam; in brackets the share of the multiply-add limit, and how many\n"
    "times dlnative's. The limit was measured by turns with the steps, on registers, on all the cores at once; what is\n"
    "counted are the products: those of the forward pass and of the gradients that are needed (none by images and rows),\n"
    "half of the scores of causal attention. dlnative and Keras run `fit`, which shuffles and gathers the batches; the\n"
    "others loop over batches that are their arrays already. CNN: convolutions of 32 and 64 filters of 3×3, each with a\n"
    "pooling, 128, 10. Separable blocks: a convolution of 32 filters and five depthwise-separable blocks up to 256 at 32×32.\n"
    "LSTM, GRU: 28 rows, 128 units, 10. GPT: 4 layers, width 128, 4 heads, 65 tokens. Where there are normalisations, Adam's\n"
    "epsilon is 1e-3: with 1e-7 it amplifies rounding so much that no two libraries agree. The losses of\n"
    f"{workload.STEPS_COMPARED} steps from equal weights agreed to {TOLERANCE:g}."
)


def run(options: Options) -> Page:
    tables, versions = [], {}
    for measured in measure("Networks", network.CASES, options, TOLERANCE, limit):
        rows, limits = [], {}
        for case, times in measured.rows:
            limits[case.name] = case.flops / 1e6 * times.pop(LIMIT)
            rows.append((case.name, {title: seconds * 1e3 for title, seconds in times.items()}))
        reached = ", ".join(f"{case.name} {case.flops / 1e9:.3g}" for case, _ in measured.rows)
        note = f"Multiplications and additions of a step, 10⁹: {reached}."
        title = f"ms a training step, threads: {measured.threads}"
        tables.append(Table(title, "network, batch", rows, note=note, shares=limits))
        versions |= measured.versions
    return Page("One training step of larger networks", TEXT, tables, versions)
