"""Batches on their way to the native loop: arrays, ranges of their rows, passes over all of them, and epochs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from dlnative.backends import selection
from dlnative.graph.tree import flatten, form, is_nested, pack

Array = np.ndarray[Any, Any]


class Data:
    """Arrays with one row for each sample, nested as they were given.

    Args:
        x: the inputs.
        y: the targets, `None` where there are none.
        sample_weight: the weights, one for each sample, or nested as the targets; `None` where there are none.
        call: who was given them, for messages.
    """

    __slots__ = ("_placed", "arrays", "call", "form", "prepared", "reused", "signature", "size", "structure")

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, call: str = "fit") -> None:
        self.call = call
        self.structure = (x, y, sample_weight)
        self.arrays: list[Array]
        self.form: Any
        if is_nested(x) or is_nested(y) or is_nested(sample_weight):
            self.arrays = [leaf for leaf in flatten(self.structure) if leaf is not None]
            self.form = form(self.structure)
        else:
            self.arrays = [leaf for leaf in self.structure if leaf is not None]
            self.form = (y is None, sample_weight is None)
        self.size = len(self.arrays[0]) if self.arrays else 0
        # What a plan for batches of these arrays depends on.
        self.signature = (self.form, *[(array.shape[1:], array.dtype) for array in self.arrays])
        self.prepared = False  # whether a model has looked at all of it
        self.reused = False  # whether batches are taken from it for longer than a call of the native loop
        self._placed: tuple[Any, list[Any]] | None = None

    @property
    def x(self) -> Any:
        """The inputs."""
        return self.structure[0]

    @property
    def y(self) -> Any:
        """The targets."""
        return self.structure[1]

    @property
    def sample_weight(self) -> Any:
        """The weights."""
        return self.structure[2]

    @property
    def sources(self) -> list[Any]:
        """The arrays as the native loop takes them; what is used again, as it was when it was first used, where it computes."""
        if not self.reused and all(array.__class__ is np.ndarray for array in self.arrays):
            return self.arrays
        backend = selection.current()
        if self._placed is None or self._placed[0] is not backend:
            self._placed = backend, backend.place(self.arrays)
        return self._placed[1]

    def nested(self, leaves: Any) -> tuple[Any, Any, Any]:
        """Returns inputs, targets and weights with other leaves than arrays, given in their order."""
        pending = iter(leaves)
        found: tuple[Any, Any, Any] = pack(
            self.structure, [None if leaf is None else next(pending) for leaf in flatten(self.structure)]
        )
        return found

    def rows(self, start: int, stop: int) -> Data:
        """Returns some of the samples, as views."""
        return Data(*self.nested([array[start:stop] for array in self.arrays]), self.call)


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Returns a batch as steps are given it: `x` (in a tuple if it is a list), `(x, y)` or `(x, y, sample_weight)`.

    Example:
        >>> pack_x_y_sample_weight(1, 2)
        (1, 2)
    """
    if y is None and sample_weight is None:
        return x if not isinstance(x, (list, tuple)) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Returns the inputs, the targets and the weights of a batch; `None` for what it does not have.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)

    Raises:
        ValueError: if it has more than three parts.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"expected a batch (x,), (x, y) or (x, y, sample_weight), got {len(data)} parts")
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


class Chunk:
    """Rows that batches are cut from, one after the other, without a look at Python in between.

    Args:
        data: the arrays.
        start, stop: the first row and the one behind the last, as places in `order`.
        batch_size: rows in a batch; the last may have fewer.
        order: the rows in the order of the batches; `None`: as they lie.
    """

    __slots__ = ("batch_size", "data", "order", "start", "stop")

    def __init__(self, data: Data, start: int, stop: int, batch_size: int, order: Array | None = None) -> None:
        self.data = data
        self.start = start
        self.stop = stop
        self.batch_size = batch_size
        self.order = order

    @property
    def num_batches(self) -> int:
        """The number of batches."""
        return -(-(self.stop - self.start) // self.batch_size)

    def split(self, batches: int) -> tuple[Chunk, Chunk | None]:
        """Returns the first batches, and what is left."""
        middle = self.start + batches * self.batch_size
        if middle >= self.stop:
            return self, None
        first = Chunk(self.data, self.start, middle, self.batch_size, self.order)
        return first, Chunk(self.data, middle, self.stop, self.batch_size, self.order)


class Batches(Protocol):
    """What `fit`, `evaluate` and `predict` take batches from."""

    @property
    def num_batches(self) -> int | None:
        """How many batches a pass has; `None` if that is not known."""

    def chunks(self) -> Iterator[Chunk]:
        """Begins a new pass and yields its batches, as many in a chunk as lie ready."""

    def on_epoch_begin(self) -> None:
        """Is called before each epoch."""

    def on_epoch_end(self) -> None:
        """Is called after each epoch."""

    @property
    def order(self) -> tuple[int | None, int]:
        """What the orders of passes are drawn from, and the number of the next pass."""

    @order.setter
    def order(self, value: tuple[int | None, int]) -> None: ...


class Passes:
    """Cuts passes over the data into epochs, as Keras does.

    Without `steps`, an epoch is a pass. With it, an epoch goes on where the one before stopped; one in which the data run
    out is shorter, with a warning, and the next begins a new pass.

    Args:
        batches: where the batches come from.
        steps: how many batches make an epoch.
    """

    def __init__(self, batches: Batches, steps: int | None = None) -> None:
        self.batches = batches
        self.steps = steps
        self.num_batches = batches.num_batches
        self._pass: Iterator[Chunk] | None = None
        self._rest: Chunk | None = None
        self._seen = 0
        self._ended = 0  # batches of passes that are over
        self._inside = False  # whether an epoch is running
        self._start = 0  # batches of the pass before the epoch
        self.resumed: int | None = None  # the epoch that training goes on in, and how many of its batches have been run
        self.first = 0
        # Where a pass is one chunk and an epoch a pass, nothing has to be counted.
        self._whole: Callable[[], Chunk] | None = None if steps else getattr(batches, "whole", None)

    @property
    def expected(self) -> int | None:
        """How many batches an epoch has, as far as that is known."""
        return self.steps or self.num_batches

    def _next(self) -> Chunk | None:
        rest, self._rest = self._rest, None
        if rest is not None:
            return rest
        return next(self._pass, None) if self._pass is not None else None

    def _begin(self) -> None:
        self._ended += self._seen
        self._pass, self._rest, self._seen = self.batches.chunks(), None, 0

    def place(self, done: int) -> dict[str, Any]:
        """Returns where the data are: what a later run of the program needs to go on with the next batch.

        Args:
            done: how many batches of the epoch that is running have been run; 0 after an epoch.
        """
        seed, number = self.batches.order
        going = self._inside or (self.steps is not None and self._pass is not None)
        seen = self._start + done if self._inside else self._seen if going else 0
        total = self._ended + (self._start + done if self._inside else self._seen)
        return {"seed": seed, "pass": number - 1 if going else number, "batches": seen, "total": total, "done": done}

    def resume(self, epoch: int, place: dict[str, Any]) -> None:
        """Goes on where an earlier run of the program was; after `ready`, and before the first epoch.

        Args:
            epoch: the epoch to go on in.
            place: what `place` returned.
        """
        self.resumed, self.first = epoch, int(place["done"])
        if getattr(self.batches, "one_pass", False):
            self._skip(int(place["total"]))
            return
        self.batches.order = place["seed"], int(place["pass"])
        seen = int(place["batches"])
        if self._whole is not None:
            whole = self._whole()
            self._rest = whole.split(seen)[1] if seen else whole
            return
        self._begin()
        self._skip(seen)
        if self._rest is None and not self.first:
            self._begin()
            self._rest = self._next()

    def _skip(self, count: int) -> None:
        """Leaves out batches that have been run before."""
        left = count
        while left > 0:
            chunk = self._next()
            if chunk is None:
                return
            taken, self._rest = chunk.split(left)
            left -= taken.num_batches
            self._seen += taken.num_batches
        if self._rest is None:
            self._rest = self._next()

    @property
    def head(self) -> Chunk | None:
        """The first chunk of the next epoch, after `ready`."""
        return self._rest

    def ready(self) -> bool:
        """Tells whether there is a batch left for another epoch; a generator may have none."""
        if self._whole is not None:
            self._rest = self._whole()
            return True
        if self.steps is None or self._pass is None:
            self._begin()
        self._rest = self._next()
        if self._rest is None and self._seen:
            self._begin()
            self._rest = self._next()
        return self._rest is not None

    def epoch(self) -> Iterable[Chunk]:
        """Returns the chunks of the next epoch, one after the other; `ready` has been asked before."""
        self._inside, self._start = True, self._seen - self.first if self._whole is None else 0
        if self._whole is not None and self._rest is not None:
            return (self._rest,)
        return self._counted()

    def end_epoch(self) -> None:
        """Is called when the batches of an epoch have been run."""
        self._inside, self.first = False, 0

    def _counted(self) -> Iterator[Chunk]:
        taken = self.first
        while self.steps is None or taken < self.steps:
            chunk = self._next()
            if chunk is None:
                if self.num_batches is None:
                    self.num_batches = self._seen
                if self.steps is not None:
                    self.warn()
                break
            if self.steps is not None:
                chunk, self._rest = chunk.split(self.steps - taken)
            taken += chunk.num_batches
            self._seen += chunk.num_batches
            yield chunk
        if self._rest is None and self.num_batches is not None and self._seen >= self.num_batches:
            self._pass = None

    def warn(self) -> None:
        """Says that the data ran out."""
        warnings.warn(
            f"the data ran out after {self._seen} batches: expected at least {self.steps or 1} for each epoch; the "
            "epoch ends here",
            stacklevel=4,
        )
