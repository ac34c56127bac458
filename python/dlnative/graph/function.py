"""Functions of arrays, compiled once for each signature."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.backends.program import Array
from dlnative.graph.plans import Compiled, Plans
from dlnative.graph.tree import flatten_structure, form, refill
from dlnative.graph.variable import Variable

_PLAIN = frozenset({bool, int, str, type(None)})


class WeakMethod:
    """A method of an object that this does not keep alive: what an object holds had better not hold the object."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = weakref.WeakMethod(method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        method = self._method()
        assert method is not None
        return method(*args, **kwargs)


class Function:
    """A Python function of nested arrays that runs as a plan.

    Args:
        function: a function written in `dlnative.ops`. Arrays and variables may be passed by position or by keyword;
            other keyword arguments are taken as they are, and a plan is made for each value of them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.plans = Plans()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        compiled, feeds = self.compiled(args, kwargs)
        if len(args) == 1 and len(feeds) == 1 and feeds[0] is args[0] and feeds[0].__class__ is np.ndarray:
            self.plans.also(_direct_signature(feeds[0], kwargs), compiled)
        return compiled.run(feeds)

    def direct(self, x: Array, **static: Any) -> Compiled | None:
        """Returns the plan of an earlier call with one array of this shape, type and layout, which can be fed as it is.

        Args:
            x: the array.
            **static: the keyword arguments, in the order of that call.
        """
        return self.plans.find(_direct_signature(x, static))

    def compiled(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Compiled, list[Array]]:
        """Returns the plan for these arguments, and its feeds."""
        fed = {name: value for name, value in kwargs.items() if _is_fed(value)} if kwargs else kwargs
        static = {name: value for name, value in kwargs.items() if name not in fed} if fed else kwargs
        feeds = [to_feed(leaf) for leaf in flatten_structure((args, fed) if fed else args)]
        signature = (
            tuple([(feed.shape, feed.dtype.num) for feed in feeds]),
            form(args),
            form(fed) if fed else None,
            static_key(static) if static else None,
        )
        found = self.plans.find(signature)
        if found is None:
            found = self.plans.get(
                signature,
                lambda trace, symbols: self._traced(args, fed, static, symbols),
                [(feed.shape, dtypes.of_array(feed)) for feed in feeds],
            )
        return found, feeds

    def _traced(self, args: Any, fed: dict[str, Any], static: dict[str, Any], symbols: list[Any]) -> Any:
        positional, named = refill((args, fed), symbols)
        return self.function(*positional, **named, **static)


def _is_fed(value: Any) -> bool:
    """Whether an array or a variable is in a nested structure."""
    if isinstance(value, (list, tuple, dict)):
        return any(_is_fed(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, (np.ndarray, Variable)) or dtypes.lies_on_a_device(value)


def _direct_signature(x: Array, static: dict[str, Any]) -> Hashable:
    if not static:
        return x.shape, x.dtype, x.flags.c_contiguous
    if len(static) == 1:  # most often `training`
        for name, value in static.items():
            if value is True or value is False:
                return x.shape, x.dtype, x.flags.c_contiguous, name, value
    return x.shape, x.dtype, x.flags.c_contiguous, static_key(static)


def static_key(value: Any) -> Hashable:
    """Returns what tells an argument that is no array from others that make another plan.

    Numbers that are equal but of other types differ, as do 0.0 and -0.0; lists and dicts count by what is in them.
    """
    kind = value.__class__
    if kind in _PLAIN:
        return kind, value
    if kind is float:
        return kind, value or str(value)
    if kind is list or kind is tuple:
        return kind, *map(static_key, value)
    if kind is dict:
        return kind, *[(key, static_key(item)) for key, item in value.items()]
    return kind, value


def to_feed(x: Any) -> Array:
    """Returns a C-contiguous array of a supported dtype; Python floats become the default float type."""
    if isinstance(x, Variable):
        return x.value
    array = dtypes.as_array(x)
    return np.asarray(array, order="C") if isinstance(array, np.ndarray) else array  # of a device: it is dense
