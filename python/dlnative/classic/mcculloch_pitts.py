"""The neuron of McCulloch and Pitts: it fires or not, and learns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.utils.checks import integer


class McCullochPittsNeuron:
    """A neuron with binary inputs: 1 if no inhibitory input is 1 and at least `threshold` of the excitatory ones are.

    Args:
        threshold: how many excitatory inputs make it fire, 0 or more. With 0 it fires unless it is inhibited.
        inhibitory: which inputs inhibit it, by their place; the others excite it.

    Raises:
        ValueError: for a negative threshold or place.

    Source:
        McCulloch and Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.

    Example:
        >>> x = [[0, 0], [0, 1], [1, 0], [1, 1]]
        >>> AND, OR = McCullochPittsNeuron(2), McCullochPittsNeuron(1)
        >>> AND(x).tolist(), OR(x).tolist()
        ([0, 0, 0, 1], [0, 1, 1, 1])
        >>> McCullochPittsNeuron(1, inhibitory=[1])(x).tolist()  # the first, and not the second
        [0, 0, 1, 0]
    """

    def __init__(self, threshold: int, inhibitory: Sequence[int] = ()) -> None:
        self.threshold = integer("McCullochPittsNeuron", "threshold", threshold, 0)
        self.inhibitory = tuple(integer("McCullochPittsNeuron", "inhibitory", place, 0) for place in inhibitory)

    def __call__(self, inputs: Any) -> Any:
        """Returns 0 or 1 for each row of inputs.

        Args:
            inputs: zeros and ones (or booleans) of shape `(..., n)`.

        Returns:
            An array of int64 of shape `(...)`.

        Raises:
            ValueError: for another value than 0 and 1, or too few inputs for `inhibitory`.
        """
        x = np.asarray(inputs)
        if x.ndim == 0 or not np.isin(x, (0, 1)).all():
            raise ValueError(f"McCullochPittsNeuron: expected rows of zeros and ones, got {inputs!r}")
        if self.inhibitory and x.shape[-1] <= max(self.inhibitory):
            raise ValueError(
                f"McCullochPittsNeuron: expected more than {max(self.inhibitory)} inputs, got {x.shape[-1]}"
            )
        inhibits = np.zeros(x.shape[-1], bool)
        inhibits[list(self.inhibitory)] = True
        x = x.astype("int64")
        fires = (x[..., ~inhibits].sum(axis=-1) >= self.threshold) & ~x[..., inhibits].any(axis=-1)
        return fires.astype("int64")

    def __repr__(self) -> str:
        return f"McCullochPittsNeuron(threshold={self.threshold}, inhibitory={self.inhibitory})"
