"""The state of a training in a file: everything that the next step depends on.

A weights file as Keras has it, which also holds the metrics, the random generators and the place in the data. It is one
file, so that all its parts are of one moment.
"""

from __future__ import annotations

import json
from typing import Any

from dlnative.saving import files, keras_file
from dlnative.saving.state import load_state, save_state
from dlnative.saving.stores import Hdf5Reader, Writer
from dlnative.utils import random_seed

_METRICS = "training/metrics"
_PLACE = "training"  # the attribute with everything but arrays


def save(model: Any, path: str, epoch: int, done: int) -> None:
    """Writes the state of a model that is being trained.

    Args:
        model: the model.
        path: where.
        epoch: the epoch to go on in.
        done: how many of its batches have been run.
    """
    writer = Writer()
    save_state(model, writer)
    values = writer.make(_METRICS, None)
    for place, variable in enumerate(model.metrics_variables):
        values[str(place)] = variable.numpy()
    passes = model._steps.passes
    writer.tree.attrs[_PLACE] = json.dumps(
        {"epoch": epoch, "place": None if passes is None else passes.place(done), "random": random_seed.get_state()}
    )
    with files.replacing(path) as file:
        writer.write_hdf5(file)


def restore(model: Any, path: str) -> dict[str, Any]:
    """Gives a model that is about to be trained the state of a file, and lets `fit` go on where that was.

    Args:
        model: the model.
        path: the file. One that Keras has written has the weights, and no more.

    Returns:
        `epoch`, the epoch to go on in.

    Raises:
        ValueError: if the file is damaged, or that of another model; nothing is then changed.
    """
    reader = Hdf5Reader(files.mapped(path), f'"{path}"')
    text = reader.root.attrs.get(_PLACE)
    found = {"epoch": 0} if text is None else keras_file.parsed(str(text).encode(), f'"{path}"')
    if not isinstance(found, dict) or not isinstance(found.get("epoch"), int):
        raise ValueError(f'"{path}": expected the epoch to go on in, got {found!r}')
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    metrics, values = model.metrics_variables, reader.get(_METRICS)
    fitting = [str(place) in values and values.shape(str(place)) == v.shape for place, v in enumerate(metrics)]
    load_state(model, reader)
    if all(fitting):
        for place, variable in enumerate(metrics):
            variable.assign(values.view(str(place)))
    if text is not None:
        random_seed.set_state(found["random"])
        if found["place"] is not None and model._steps.passes is not None:
            model._steps.passes.resume(found["epoch"], found["place"])
    return found


def write_text(path: str, text: str) -> None:
    """Writes a file of text as a whole: one for the curious."""
    with files.replacing(path, durable=False) as file:
        file.write(text.encode("utf-8"))
