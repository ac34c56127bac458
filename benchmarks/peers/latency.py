"""One sample: how long the answer takes, from Python and back."""

from __future__ import annotations

import sample
from report import Page, Table
from turns import Options, measure

TOLERANCE = 1e-5
TEXT = (
    "Microseconds for one row, called from Python; in brackets how many times dlnative's. `model(x)`: dlnative, Keras, ONNX\n"
    "Runtime (`session.run`) and NumPy (the forward pass written out) take a NumPy array; PyTorch (in inference mode),\n"
    "torch.compile and JAX (jitted, waiting for the answer) an array of their own. `predict`: dlnative, Keras, and\n"
    "scikit-learn's `predict_proba`. Tokens: a GPT of 4 layers, width 128 and 4 heads goes on from one token, each time with\n"
    "the likeliest (`generate`; loops in Python over a step of ONNX Runtime's or PyTorch's with its keys and values); all\n"
    "wrote the same. The outputs were compared with those computed in float64, to\n"
    f"{TOLERANCE:g} of the largest."
)


def run(options: Options) -> Page:
    tables, versions = [], {}
    for measured in measure("Latency", sample.CASES, options, TOLERANCE):
        rows = [
            (case.name, {title: seconds * 1e6 for title, seconds in times.items()}) for case, times in measured.rows
        ]
        tables.append(Table(f"µs a sample, threads: {measured.threads}", "network, how", rows))
        versions |= measured.versions
    for measured in measure("Generation", sample.TOKENS, options, TOLERANCE):
        rows = [
            (case.name, {title: seconds * 1e6 for title, seconds in times.items()}) for case, times in measured.rows
        ]
        tables.append(Table(f"µs a token, threads: {measured.threads}", "network", rows))
        versions |= measured.versions
    return Page("One sample", TEXT, tables, versions)
