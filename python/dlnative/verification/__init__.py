"""Compares every kernel of an installation with the reference, on every sample of the op table."""

from __future__ import annotations

from dlnative.graph.op import OPS
from dlnative.utils.terminal import show
from dlnative.verification.checking import check
from dlnative.verification.samples import dtypes_of


class Report:
    """What a self-test found.

    `checked` counts calls of kernels; `failures` lists, for each that differs, a line with op, shapes and error; `missing`
    the ops that the backend has no kernel for.
    """

    def __init__(self) -> None:
        self.checked = 0
        self.failures: list[str] = []
        self.missing: list[str] = []

    @property
    def passed(self) -> bool:
        """Whether kernels were checked and all of them agree."""
        return self.checked > 0 and not self.failures


def selftest(backend: str = "cpu", verbose: bool = True) -> Report:
    """Compares every kernel of a backend with the reference in float64.

    Args:
        backend: the backend to test.
        verbose: whether the result is printed.

    Returns:
        A `Report`.
    """
    report = Report()
    for op in OPS.values():
        for sample in op.samples:
            for dtype in dtypes_of(op):
                try:
                    failure = check(op, sample, dtype, backend)
                except NotImplementedError:
                    if op.name not in report.missing:
                        report.missing.append(op.name)
                    continue
                report.checked += 1
                if failure:
                    report.failures.append(failure)
    if verbose:
        for line in report.failures:
            show(line)
        if report.missing:
            show(f"no kernel on {backend}: {', '.join(report.missing)}")
        show(f"{report.checked - len(report.failures)} passed, {len(report.failures)} failed")
    return report
