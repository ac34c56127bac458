"""Holds what each kernel takes of a multiprocessor against cuda/budget.txt: registers, stack, spills.

usage: budget.py LOG [...]           the output of a build by nvcc with -Xptxas=-v, a file at a time (make --output-sync)
       budget.py --write LOG [...]   writes the table anew, with what the kernels take now

A line of the table is for a family of kernels: architecture, registers, bytes of stack, name. A kernel that takes more
than its family may, that spills, or that has no line, is an error.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("budget.txt")
HEADER = "# arch  registers  stack  kernel; written by budget.py --write, read when the kernels are compiled\n"


@dataclass(frozen=True)
class Usage:
    """What ptxas says of one kernel."""

    architecture: str
    name: str
    registers: int
    stack: int
    spilled: int

    @property
    def family(self) -> str:
        """The kernel without the formula that it applies: its template's name, the tile of a product, the width of its type."""
        base = self.name.split("<", 1)[0]
        if tile := re.search(r"Tile<[^>]*>", self.name):
            return f"{base} {tile[0]}"
        traits = [f"{match[0]}" for match in [re.search(r"RowGroup<\w+, \d+, \d+, \d+>", self.name)] if match]
        wide = "double" if re.search(r"\bdouble\b|chain_kernel<8>", self.name) else "single"
        special = re.search(r"\b(Sin|Cos)\b", self.name)
        return " ".join([base, *(traits or [wide]), *([special[0]] if special else [])])


def shorten(demangled: str) -> str:
    name = re.sub(r"\(anonymous namespace\)::|dlnative::|cuda::|check::", "", demangled)
    return name.removeprefix("void ").split("(", 1)[0]


def demangle(names: list[str]) -> list[str]:
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def usages(log: str) -> Iterator[Usage]:
    found = re.findall(
        r"Compiling entry function '(\w+)' for '(\w+)'.*?"
        r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers",
        log,
        re.DOTALL,
    )
    if len(found) != log.count("Compiling entry function"):
        raise SystemExit("the lines of two compilers are mixed in the log: build with make --output-sync, or one job")
    for name, (_, architecture, stack, stores, loads, registers) in zip(
        demangle([row[0] for row in found]), found, strict=True
    ):
        yield Usage(architecture, shorten(name), int(registers), int(stack), int(stores) + int(loads))


def write(measured: list[Usage]) -> None:
    granularity = 8  # registers are given to a thread by so many
    families: dict[tuple[str, str], tuple[int, int]] = {}
    for usage in measured:
        key = usage.family, usage.architecture
        registers, stack = families.get(key, (0, 0))
        families[key] = max(registers, -(-usage.registers // granularity) * granularity), max(stack, usage.stack)
    lines = [f"{arch}  {used[0]:3}  {used[1]:3}  {family}\n" for (family, arch), used in sorted(families.items())]
    TABLE.write_text(HEADER + "".join(lines))


def read() -> dict[tuple[str, str], tuple[int, int]]:
    budget = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            architecture, registers, stack, family = line.split(maxsplit=3)
            budget[family, architecture] = int(registers), int(stack)
    return budget


def main(arguments: list[str]) -> int:
    logs = [argument for argument in arguments if argument != "--write"]
    measured = sorted({usage for log in logs for usage in usages(Path(log).read_text())}, key=lambda usage: usage.name)
    if not measured:
        print("no kernel in the log: was it built with -Xptxas=-v?")
        return 1
    if "--write" in arguments:
        write(measured)
    budget = read()
    errors = 0
    for usage in measured:
        if (usage.family, usage.architecture) not in budget:
            print(f"{usage.architecture} {usage.name}: no line in {TABLE.name} for {usage.family!r}")
            errors += 1
            continue
        registers, stack = budget[usage.family, usage.architecture]
        for what, used, most in (
            ("registers", usage.registers, registers),
            ("bytes of stack", usage.stack, stack),
            ("bytes spilled", usage.spilled, 0),
        ):
            if used > most:
                print(f"{usage.architecture} {usage.name}: {used} {what}, at most {most}")
                errors += 1
    print(f"{len(measured)} kernels, {errors} errors; at most {max(usage.registers for usage in measured)} registers")
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
