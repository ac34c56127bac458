"""Runs the programs with two libraries in one process and prints how far apart the answers are.

    python tests/keras/side_by_side.py [--left keras] [--right dlnative] [group | group.program ...]

Each side is "keras", "dlnative" or "fixtures" (what the generator wrote). A deviation is relative; "differs" means that
a type, a shape, a name or an order is not the same, and the line below says where.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from programs import GROUPS
from record import differences, encode, largest_deviation, load


def answer(library: str, group: str, name: str) -> Any:
    if library == "fixtures":
        return load(group)[name]
    return encode(GROUPS[group][name](importlib.import_module(library)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", default="keras", choices=["keras", "dlnative", "fixtures"])
    parser.add_argument("--right", default="dlnative", choices=["keras", "dlnative", "fixtures"])
    parser.add_argument("chosen", nargs="*", help="groups, or group.program")
    arguments = parser.parse_args()
    apart = 0
    for group, programs in GROUPS.items():
        for name in programs:
            title = f"{group}.{name}"
            if arguments.chosen and group not in arguments.chosen and title not in arguments.chosen:
                continue
            try:
                left, right = (answer(library, group, name) for library in (arguments.left, arguments.right))
            except Exception as error:
                print(f"{title:45} fails: {type(error).__name__}: {str(error).splitlines()[0]}", flush=True)
                apart += 1
                continue
            deviation = largest_deviation(left, right)
            print(f"{title:45} {'differs' if deviation > 1 else f'{deviation:.0e}'}", flush=True)
            found = differences(left, right)
            apart += bool(found)
            for line in found[:4]:
                print(f"    {line}")
    print(f"{apart} programs apart" if apart else "no difference")
    raise SystemExit(bool(apart))


if __name__ == "__main__":
    main()
