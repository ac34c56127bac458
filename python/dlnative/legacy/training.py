"""Methods and arguments of models that Keras has given up: `fit_generator`, `predict_classes`, `nb_epoch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.legacy.warning import renamed

# Arguments with another name today; of those without one, nothing depends on them but how generators were run.
_ARGUMENTS = {
    "generator": "x", "nb_epoch": "epochs", "nb_val_samples": "validation_steps", "samples_per_epoch": "steps_per_epoch",
    "val_samples": "steps",
}  # fmt: skip
_QUEUES = ("max_q_size", "max_queue_size", "nb_worker", "pickle_safe", "use_multiprocessing", "workers")


def modern(method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a method by the names of today, without those of queues, which a `PyDataset` has itself.

    Args:
        method: whose arguments they are, for messages.
        arguments: arguments by name.

    Raises:
        TypeError: for names that were never ones.
    """
    made: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in _QUEUES:
            renamed(f"{method}({name}=)", "the arguments `workers` and `max_queue_size` of a PyDataset")
        elif name in _ARGUMENTS:
            renamed(f"{method}({name}=)", f"{_ARGUMENTS[name]}=")
            made[_ARGUMENTS[name]] = value
        else:
            raise TypeError(f"{method}: unknown argument {name!r}")
    return made


def _with_generator(today: str) -> Callable[..., Any]:
    """Returns a method that takes batches from a generator: what `fit`, `evaluate` and `predict` do of themselves."""
    positions = ("steps_per_epoch", "epochs") if today == "fit" else ("steps",)

    def call(model: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) > len(positions):
            raise TypeError(f"{today}_generator: expected at most {1 + len(positions)} arguments by position")
        older = {name: kwargs.pop(name) for name in [*kwargs] if name in _QUEUES or name in _ARGUMENTS}
        given = {**dict(zip(positions, args, strict=False)), **modern(f"{today}_generator", older), **kwargs}
        return getattr(model, today)(generator, **given)

    return call


def _predict_classes(model: Any, x: Any, batch_size: int | None = 32, verbose: Any = 0) -> Any:
    found = model.predict(x, batch_size=batch_size, verbose=verbose)
    return np.argmax(found, -1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


def _reset_states(model: Any) -> None:
    for layer in model._flatten_layers():
        reset = getattr(layer, "reset_state", None)
        if reset is not None and getattr(layer, "stateful", False) and hasattr(layer, "cell"):
            reset()


# Each with what is used instead.
METHODS: dict[str, tuple[Callable[..., Any], str]] = {
    "fit_generator": (_with_generator("fit"), "fit"),
    "evaluate_generator": (_with_generator("evaluate"), "evaluate"),
    "predict_generator": (_with_generator("predict"), "predict"),
    "predict_classes": (_predict_classes, "np.argmax(model.predict(x), axis=-1), or model.predict(x) > 0.5"),
    "predict_proba": (lambda model, x, *args, **kwargs: model.predict(x, *args, **kwargs), "predict"),
    "reset_states": (_reset_states, "reset_state() of the recurrent layers"),
}


def method(model: Any, name: str) -> Any:
    """Returns one of these methods of a model, which warns when it is called."""
    function, today = METHODS[name]

    def call(*args: Any, **kwargs: Any) -> Any:
        renamed(f"model.{name}", today)
        return function(model, *args, **kwargs)

    call.__name__ = name
    return call
