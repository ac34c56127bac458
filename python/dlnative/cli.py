"""The command `dlnative`: a demonstration, and what is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from dlnative.utils import terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: quietly, if nobody reads its output any more, or Ctrl-C ends it."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        # What is left in the buffer would end in another error when Python closes the output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # as a program that the signal SIGPIPE has ended
    except KeyboardInterrupt:
        return 128 + 2  # SIGINT


def show(text: str) -> None:
    """Writes a line; raises BrokenPipeError if it cannot be written."""
    if not terminal.show(text):
        raise BrokenPipeError


def _run(arguments: Sequence[str] | None) -> int:
    import argparse

    from dlnative import __version__

    parser = argparse.ArgumentParser(prog="dlnative", description="Deep learning with a native core and Keras's API.")
    parser.add_argument("--version", action="version", version=f"dlnative {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="train on handwritten digits and show what happens")
    demo.add_argument("--epochs", type=_count(1), default=50, help="passes over the training images (default: 50)")
    demo.add_argument(
        "--seed", type=_count(0), default=0, help="of the weights and the order of the images (default: 0)"
    )
    demo.add_argument("--plot", default="learning_curves.png", help="where the learning curves go (a PNG file)")
    demo.add_argument("--backend", choices=("cpu", "reference"), help="what runs the plans (default: cpu)")
    commands.add_parser("info", help="show versions, compiler, instruction sets and threads")
    commands.add_parser("selftest", help="compare every kernel of this installation with the reference")
    options = parser.parse_args(arguments)
    if options.command == "info":
        from dlnative.config import build_config

        show(repr(build_config()))
        return 0
    if options.command == "selftest":
        from dlnative.verification import selftest

        return 0 if selftest().passed else 1
    folder = os.path.dirname(options.plot) or "."
    if not os.path.isdir(folder):
        demo.error(f"argument --plot: expected a path in an existing folder, got {options.plot}")
    return _demo(options)


def _count(low: int) -> Callable[[str], int]:
    """Returns a function that reads an integer of at least `low`."""

    def integer(text: str) -> int:
        from argparse import ArgumentTypeError

        if not text.strip().isdecimal() or int(text) < low:
            raise ArgumentTypeError(f"expected an integer of at least {low}, got {text!r}")
        return int(text)

    return integer


def _demo(options: Any) -> int:
    import dlnative

    if options.backend:
        dlnative.backend.set_backend(options.backend)
    dlnative.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = dlnative.datasets.digits.load_data()
    x_train, x_test = x_train.astype("float32") / 16, x_test.astype("float32") / 16
    layers = dlnative.layers
    model = dlnative.Sequential(
        [
            dlnative.Input((8, 8)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile(dlnative.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    show("")
    model.plan(batch_size=32)
    show("")
    history = model.fit(x_train, y_train, batch_size=32, epochs=options.epochs, validation_split=0.1)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    predicted = model.predict(x_test, verbose=0).argmax(axis=-1)
    show(f"\nHeld out: {len(x_test)} images, loss {loss:.4f}, accuracy {accuracy:.2%}\n")
    show(_confusion(y_test, predicted, 10))
    show(f"\nLearning curves written to {history.plot().save(options.plot)}.")
    return 0


def _confusion(labels: Any, predicted: Any, classes: int) -> str:
    """Returns the confusion matrix as text: a row for each digit, a column for each answer."""
    from dlnative.visualization.insight import confusion_matrix

    counts = confusion_matrix(labels.astype(int), predicted, classes)
    lines = ["Confusion matrix (rows: the digit, columns: the answer)"]
    lines.append("     " + "".join(f"{digit:>4}" for digit in range(classes)))
    for digit, row in enumerate(counts):
        lines.append(f"{digit:>4} " + "".join(f"{count or '.':>4}" for count in row))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
