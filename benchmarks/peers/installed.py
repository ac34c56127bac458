"""How large what pip installed is: a distribution and all it requires, from the files that each says it has."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata
from pathlib import Path


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: list[str]) -> set[str]:
    """Returns those distributions and what they require, as far as it is installed; extras are not followed."""
    found: set[str] = set()
    pending = [_normal(name) for name in names]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # required of other systems or other versions of Python
        found.add(name)
        for requirement in requires:
            required, _, marker = requirement.partition(";")
            match = re.match(r"[A-Za-z0-9._-]+", required)
            if match and "extra" not in marker:
                pending.append(_normal(match.group()))
    return found


def _bytes(paths: set[Path]) -> int:
    """Returns the size of files; compiled Python does not count, as it comes only when a program first runs."""
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")


def distribution_bytes(name: str) -> int:
    """Returns the size of a distribution's files."""
    distribution = metadata.distribution(name)
    return _bytes({Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or []})


def package_bytes(module: str) -> int:
    """Returns the size of a package's folder, for one that is imported from where it was built."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"no module {module}")
    return _bytes(set(Path(spec.origin).parent.rglob("*")))


def versions(names: list[str]) -> str:
    """Returns the versions of those that are installed, with their names if they are several."""
    found = {name: metadata.version(name) for name in names if closure([name])}
    return next(iter(found.values())) if len(found) == 1 else ", ".join(map(" ".join, found.items()))


def megabytes(names: list[str]) -> float:
    """Returns the size of distributions and all that they require, in 10⁶ bytes."""
    total = sum(map(distribution_bytes, closure(names)))
    # An editable dlnative has only a note of where it lies; one on the path has not even that.
    if "dlnative" in names:
        try:
            noted = distribution_bytes("dlnative")
        except metadata.PackageNotFoundError:
            noted = 0
            total += sum(map(distribution_bytes, closure(["numpy"])))
        if noted < 1e5:
            total += package_bytes("dlnative")
    return total / 1e6
