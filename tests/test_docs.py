"""What the documents quote is what the code says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(path for path in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md") if path.exists())
NEEDS = {"tuning.md": "optuna"}  # what the examples of a document need beside NumPy

pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="needs the repository around the tests")


def test_the_loops_of_the_product_are_those_of_the_source() -> None:
    quoted = re.findall(r"```cpp\n(.*?)```", (ROOT / "docs" / "gemm.md").read_text(), re.DOTALL)
    assert quoted
    source = (ROOT / "csrc" / "gemm" / "core" / "blocked.h").read_text()
    for code in quoted:
        assert code in source


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if "\n>>> " in path.read_text()], ids=lambda path: path.name
)
def test_examples_run(document: Path) -> None:
    if document.name in NEEDS:
        pytest.importorskip(NEEDS[document.name])
    result = doctest.testfile(str(document), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target
