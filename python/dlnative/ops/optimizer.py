"""The updates of the optimizers: ops that change parameters and slots in place, one pass over all parameters.

They run as the last instructions of a plan; `dlnative.optimizers` decides on what memory. `learning_rate` is a scalar
variable, so that it can change between steps; `iterations` is the number of finished steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import Arg, Op, Sample, Spec, register, size_of
from dlnative.graph.tensor import Tensor

_SIZES = (1, 7, 130, 5000)
_RATE = Arg((), low=0.01, high=0.1, dtype="float32")
_ITERATIONS = Arg((), "integer", 0, 20, "int64")


def _slot(size: int, low: float = -1.0, high: float = 1.0) -> Arg:
    return Arg((size,), "slot", low, high)


def _update(
    name: str, written: Sequence[int], attributes: tuple[tuple[str, str], ...], flops: int, samples: Any
) -> None:
    """Registers an update whose outputs are the inputs at the places `written`, as far as they are there."""

    def infer(inputs: Sequence[Tensor], values: tuple[Any, ...]) -> list[Spec]:
        return [(inputs[index].shape, inputs[index].dtype) for index in written if index < len(inputs)]

    register(
        Op(
            name,
            "optimizer",
            infer,
            attributes=attributes,
            inplace=lambda values, output: (written[output],),  # the gradient is read while the others are written
            flops=lambda ins, outs: flops * size_of(ins[0]),
            operands={2: ("float32", "float64"), **({3: ("int64",)} if name == "adam" else {})},
            samples=samples,
            # Adam divides by 1 - beta^step in the type of the parameters, as Keras does: in float32, 1 - 0.999 is off by 1e-5.
            tolerance=128.0 if name == "adam" else 32.0,
            size="update",
        )
    )


_update(
    "sgd",
    (0, 3),
    (("nesterov", "bool"), ("momentum", "float"), ("weight_decay", "float")),
    6,
    lambda: [
        Sample(
            _slot(size), (size,), _RATE, *([_slot(size)] if momentum else []),
            nesterov=nesterov, momentum=momentum, weight_decay=decay,
        )
        for size in _SIZES
        for momentum, nesterov, decay in ((0.0, False, 0.0), (0.9, False, 0.01), (0.9, True, 0.0))
    ],
)  # fmt: skip
_update(
    "adam",
    (0, 4, 5, 6),
    (("amsgrad", "bool"), ("beta_1", "float"), ("beta_2", "float"), ("epsilon", "float"), ("weight_decay", "float")),
    14,
    lambda: [
        Sample(
            _slot(size), (size,), _RATE, _ITERATIONS, _slot(size), _slot(size, 0.0), *([_slot(size, 0.0)] if amsgrad else []),
            amsgrad=amsgrad, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=decay,
        )
        for size in _SIZES
        for amsgrad, decay in ((False, 0.0), (True, 0.01))
    ],
)  # fmt: skip
_update(
    "rmsprop",
    (0, 3, 4, 5),
    (("centered", "bool"), ("rho", "float"), ("momentum", "float"), ("epsilon", "float"), ("weight_decay", "float")),
    10,
    lambda: [
        Sample(
            _slot(size), (size,), _RATE, _slot(size, 1.0, 2.0), *([_slot(size)] if momentum else []),
            *([_slot(size, -0.5, 0.5)] if centered else []),
            centered=centered, rho=0.9, momentum=momentum, epsilon=1e-7, weight_decay=decay,
        )
        for size in _SIZES
        for momentum, centered, decay in ((0.0, False, 0.0), (0.9, False, 0.01), (0.0, True, 0.0), (0.9, True, 0.0))
    ],
)  # fmt: skip
