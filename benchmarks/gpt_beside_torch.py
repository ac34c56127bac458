"""Trains a character GPT in dlnative and in PyTorch, from the same weights on the same batches, and compares the losses.

    python benchmarks/gpt_beside_torch.py [text.txt] [--steps 200] [--context 64]

Without a file the text is that of this project's documents. Ends with an error where the losses are more than 1e-3 apart.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks" / "peers"))

import keras_networks  # noqa: E402
import network as n  # noqa: E402
import torch  # noqa: E402
import torch_networks  # noqa: E402
import workload as w  # noqa: E402

import dlnative as keras  # noqa: E402

BATCH = 16
TOLERANCE = 1e-3


def batches(text: str, steps: int, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns tokens and the ones after them, (steps, batch, context); rare characters are one token."""
    frequent = [character for character, _ in Counter(text).most_common(n.VOCABULARY - 1)]
    numbers = {character: number for number, character in enumerate(frequent)}
    tokens = np.array([numbers.get(character, n.VOCABULARY - 1) for character in text], np.int32)
    starts = np.random.default_rng(0).integers(0, len(tokens) - context - 1, (steps, BATCH))
    windows = tokens[starts[..., None] + np.arange(context + 1)]
    return windows[..., :-1], windows[..., 1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, nargs="?", help="a text file")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--context", type=int, default=64)
    arguments = parser.parse_args()
    files = [arguments.text] if arguments.text else sorted((ROOT / "docs").glob("*.md"))
    x, y = batches("\n".join(file.read_text() for file in files), arguments.steps, arguments.context)
    network = n.Network("gpt", "GPT", BATCH, 1, 0.0, arguments.context)

    own = keras_networks.build(keras, network)
    adam = keras.optimizers.Adam(w.LEARNING_RATE, epsilon=w.EPSILON)
    own.compile(adam, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model = torch_networks.build(network)
    optimizer = torch.optim.Adam(model.parameters(), w.LEARNING_RATE)
    losses = []
    for step in range(arguments.steps):
        own.reset_metrics()
        ours = float(own.train_on_batch(x[step], y[step]))
        # PyTorch adds epsilon to the corrected second moment, Keras to the moment itself.
        optimizer.param_groups[0]["eps"] = w.EPSILON / (1 - w.BETA_2 ** (step + 1)) ** 0.5
        optimizer.zero_grad()
        logits = model(torch.from_numpy(x[step]).long())
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(y[step]).long().flatten())
        loss.backward()
        optimizer.step()
        losses.append((ours, loss.item()))
        if step % 20 == 0 or step == arguments.steps - 1:
            print(f"step {step}: dlnative {ours:.6f}, PyTorch {loss.item():.6f}", flush=True)
    apart = max(abs(a - b) for a, b in losses)
    print(f"largest distance of {len(losses)} losses: {apart:.1e}")
    if not apart <= TOLERANCE:
        raise SystemExit(f"the losses are more than {TOLERANCE:g} apart")


if __name__ == "__main__":
    main()
