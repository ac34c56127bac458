"""Runs the programs with Keras and writes what they return to fixtures/, for machines that have no Keras.

    KERAS_BACKEND=jax python tests/keras/generate.py [group ...]

Keras 3 and one of its backends must be installed. Fixtures are checked in; CI needs neither.
"""

from __future__ import annotations

import sys
import time
import traceback

from programs import GROUPS
from record import encode, save


def main(chosen: list[str]) -> None:
    import keras

    print(f"Keras {keras.__version__} on {keras.backend.backend()}")
    failed: list[str] = []
    for group in chosen or list(GROUPS):
        start = time.perf_counter()
        records = {"versions": {"keras": keras.__version__, "backend": keras.backend.backend()}}
        for name, program in GROUPS[group].items():
            try:
                records[name] = encode(program(keras))
            except Exception:
                traceback.print_exc()
                failed.append(f"{group}.{name}")
        save(group, records)
        print(f"{group}: {len(records) - 1} programs, {time.perf_counter() - start:.0f} s")
    if failed:
        raise SystemExit(f"failed with Keras: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
