"""DropoutRNNCell: the masks of a cell's dropout, the same ones in all steps of a call."""

from __future__ import annotations

import weakref
from typing import Any

from dlnative import ops
from dlnative import random as draws
from dlnative.graph.trace import current_trace


class _Masks:
    """Masks that were drawn in a trace, and whether a layer around the cell keeps them for its steps."""

    def __init__(self) -> None:
        self.kept = False
        self.trace: Any = lambda: None
        self.by_name: dict[str, Any] = {}


class DropoutRNNCell:
    """What a cell with dropout inherits beside `Layer`.

    The cell has the attributes `dropout`, `recurrent_dropout` and `seed_generator`, and perhaps `dropout_mask_count`, the
    number of masks for one input, which are then a list. All steps of one call of the layer around it see the same masks.
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: Any

    def get_dropout_mask(self, step_input: Any) -> Any:
        """Returns the mask of the inputs, zeros and `1 / (1 - dropout)`; `None` without dropout."""
        return self._dropout_mask_of("dropout", step_input)

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """Returns the mask of the states; `None` without dropout of the states."""
        return self._dropout_mask_of("recurrent_dropout", step_input)

    def reset_dropout_mask(self) -> None:
        """Forgets the mask of the inputs: the next one is drawn anew."""
        self._masks().by_name.pop("dropout", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forgets the mask of the states."""
        self._masks().by_name.pop("recurrent_dropout", None)

    def _masks(self) -> _Masks:
        found: _Masks | None = self.__dict__.get("_dropout_masks")
        if found is None:
            found = self.__dict__["_dropout_masks"] = _Masks()
        return found

    def _keep_masks(self, kept: bool) -> None:
        """Says that what is drawn from now on is for all steps, or that these are over."""
        masks = self._masks()
        masks.by_name.clear()
        masks.kept = kept

    def _dropout_mask_of(self, name: str, like: Any) -> Any:
        rate = getattr(self, name)
        if rate <= 0:
            return None
        masks, trace = self._masks(), current_trace()
        if not masks.kept and masks.trace() is not trace:
            masks.by_name.clear()
            masks.trace = weakref.ref(trace) if trace is not None else lambda: None
        found = masks.by_name.get(name)
        if found is None:
            count = getattr(self, "dropout_mask_count", None)
            drawn = [self._drawn(like, rate) for _ in range(1 if count is None else count)]
            found = masks.by_name[name] = drawn[0] if count is None else drawn
        return found

    def _drawn(self, like: Any, rate: float) -> Any:
        if rate >= 1:
            return ops.zeros_like(like)
        return draws.dropout(ops.ones_like(like), rate, seed=self.seed_generator)
