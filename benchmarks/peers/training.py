"""A training step: forward, loss, backward, Adam; a multilayer perceptron with ReLU."""

from __future__ import annotations

import workload
from report import Page, Table
from turns import Options, measure

TOLERANCE = 1e-4
TEXT = (
    "Microseconds a step of forward, loss, backward and Adam; in brackets how many times dlnative's. dlnative, Keras and\n"
    "scikit-learn run `fit`, which shuffles and gathers the batches; PyTorch, torch.compile and JAX loop over batches that\n"
    f"are their arrays already. The losses of {workload.STEPS_COMPARED} steps from equal weights agreed to {TOLERANCE:g}."
)


def run(options: Options) -> Page:
    tables, versions = [], {}
    for measured in measure("Training", workload.CASES, options, TOLERANCE):
        rows = [
            (case.name, {title: seconds * 1e6 for title, seconds in times.items()}) for case, times in measured.rows
        ]
        tables.append(Table(f"µs a training step, threads: {measured.threads}", "network, batch", rows))
        versions |= measured.versions
    return Page("One training step", TEXT, tables, versions)
