"""Random models: trained on both backends, and on one thread and two."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlnative
from dlnative import layers
from dlnative.backends import selection

from .values import Generator, laid_out, pick

_OPTIMIZERS = ("sgd", "adam", "rmsprop", "adamw")


def _network(random: Generator, features: int, outputs: int, last: str | None) -> Any:
    stack: list[Any] = [dlnative.Input((features,))]
    for _ in range(int(random.integers(0, 4))):
        activation = pick(random, ("relu", "tanh", "gelu", "elu", "sigmoid", None, "leaky_relu", "softplus"))
        stack.append(
            layers.Dense(
                int(pick(random, (1, 2, 7, 8, 16, 33, 65))),
                activation=activation,
                use_bias=bool(random.integers(4)),
                kernel_regularizer=pick(random, (None, None, "l2", "l1")),
                kernel_constraint=pick(random, (None, None, None, dlnative.constraints.MaxNorm(1.0))),
            )
        )
        if random.random() < 0.3:
            stack.append(layers.Dropout(float(pick(random, (0.0, 0.2, 0.5)))))
    stack.append(layers.Dense(outputs, activation=last))
    return dlnative.Sequential(stack)


def check(random: Generator) -> str | None:
    """Trains a model in several ways; returns what is wrong, or `None`."""
    rows = int(pick(random, (1, 2, 5, 16, 33, 100)))
    features, outputs = (int(pick(random, (1, 2, 3, 8, 31))) for _ in range(2))
    loss, last = pick(
        random,
        (("mse", None), ("mae", None), ("categorical_crossentropy", "softmax"), ("binary_crossentropy", "sigmoid"),
         ("sparse_categorical_crossentropy", "softmax"), ("huber", None)),
    )  # fmt: skip
    x = laid_out(
        random, random.uniform(-1, 1, (rows, features)).astype(pick(random, ("float32", "float64", "float16")))
    )
    if loss == "sparse_categorical_crossentropy":
        y: Any = random.integers(0, outputs, rows)
    elif loss == "categorical_crossentropy":
        y = np.eye(outputs)[random.integers(0, outputs, rows)]
    else:
        y = random.uniform(0, 1, (rows, outputs))
    options: dict[str, Any] = {
        "batch_size": int(pick(random, (1, 3, 16, 64))),
        "epochs": int(random.integers(1, 3)),
        "shuffle": bool(random.integers(2)),
        "sample_weight": pick(random, (None, random.uniform(0, 2, rows))),
        "verbose": 0,
    }
    optimizer = pick(random, _OPTIMIZERS)
    seed = int(random.integers(2**31))
    threads = dlnative.num_threads()
    found = []
    for backend, count in (("cpu", 2), ("cpu", 1), ("reference", 1)):
        dlnative.utils.set_random_seed(seed)
        dlnative.set_num_threads(count)
        try:
            with selection.use_backend(backend):
                model = _network(np.random.Generator(np.random.Philox(seed)), features, outputs, last)
                model.compile(optimizer, loss, metrics=["accuracy"] if loss.startswith("sparse") else ["mae"])
                history = model.fit(x, y, **options).history
                found.append([*model.get_weights(), model.predict(x, verbose=0), np.array(history["loss"])])
        finally:
            dlnative.set_num_threads(threads)
    told = f"{loss}, {optimizer}, {rows} rows, {features} -> {outputs}, {x.dtype}"
    if any(a.tobytes() != b.tobytes() for a, b in zip(found[0], found[1], strict=True)):
        return f"{told}: other bits on one thread than on two"
    # A weight that L1 pulls to 0 gets there a step earlier or later by its rounding: then it is a step away.
    pulled = any(
        isinstance(getattr(layer, "kernel_regularizer", None), dlnative.regularizers.L1) for layer in model.layers
    )
    for a, b in zip(found[0], found[2], strict=True):
        if not np.allclose(a, b, rtol=2e-2, atol=1e-2 if pulled else 2e-3):
            return f"{told}: cpu and reference differ by {np.abs(a - b).max()}"
    return None
