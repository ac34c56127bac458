"""What a benchmark says about where it ran: machine, cores, compiler, instruction set, versions, commit."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path

import numpy as np


def cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe() -> list[tuple[str, str]]:
    """Returns what is known about the machine and the build, as (name, value) pairs."""
    facts = [
        ("date", datetime.date.today().isoformat()),
        ("machine", f"{cpu_name()}, {cores()} cores, {platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
        ("NumPy", np.__version__),
        ("commit", commit()),
    ]
    try:
        import dlnative
    except ImportError:
        return facts
    known = {name.lower() for name, _ in facts}
    return facts + [(key, str(value)) for key, value in dlnative.build_config().items() if key not in known]
