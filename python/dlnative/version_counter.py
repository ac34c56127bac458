"""A counter that moves whenever something changes that compiled plans depend on beside their arguments.

That is the backend, the default float type, the memory of a variable, what is trainable, an attribute of a layer. As long
as it stands still, a plan that was good is good; when it has moved, each plan looks at what it depends on.
"""

from __future__ import annotations

import itertools

current = [0]  # read often, and on the shortest ways
_numbers = itertools.count(1)


def bump() -> None:
    """Moves the counter to a number that was never there before, whatever other threads do."""
    current[0] = next(_numbers)
