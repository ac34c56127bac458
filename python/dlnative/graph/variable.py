"""Variables: named memory that layers, optimizers and metrics own and that plans read and write in place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative import dtypes
from dlnative import version_counter as version
from dlnative.backends.selection import invalidate, invalidators, read, readers
from dlnative.graph import name_scope
from dlnative.graph.arena import padded
from dlnative.graph.op import size_of
from dlnative.graph.storage import Memory, check_budget, zeroed
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import constant, current_trace
from dlnative.utils.devices import check_devices

Array = np.ndarray[Any, Any]

# What wants to know of a variable before something outside of a trace writes to it: see `StatelessScope`.
keepers: list[Callable[[Any], None]] = []

# How a name becomes an initializer; dlnative.initializers sets it.
named_initializers: list[Callable[[str], Any]] = []


class Variable:
    """A tensor with memory of its own, which keeps its value between calls.

    In a traced function, a variable reads as a symbolic tensor and `assign` becomes part of the plan; outside, both
    happen at once.

    Args:
        initializer: an array, a number, the name of an initializer, or a function of `(shape, dtype=...)` that gives the
            first value.
        shape: the shape; needed when `initializer` is a function.
        dtype: the element type; by default that of an array, but the default float type of float64, int32 of Python integers,
            and float32 of what a function gives.
        trainable: whether an optimizer may change it.
        name: a name, unique within its layer.
        regularizer: a function of the variable whose value is added to the loss.
        constraint: a function of the variable that an optimizer applies after each step.
        autocast: whether layers read it in the type that they compute in.
        aggregation, synchronization: how devices combine their values, and when; there is one device.

    Raises:
        ValueError: if the shape is not known, or the initializer gives another one, or for a name with a slash.

    Example:
        >>> v = Variable([1.0, 2.0])
        >>> v.assign_add([10.0, 10.0])
        array([11., 12.], dtype=float32)
    """

    __array_priority__ = 1000  # NumPy arrays leave arithmetic with a variable to the variable
    autocast = True  # whether layers read it in the type that they compute in
    _overwrite_with_gradient = False

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        regularizer: Callable[[Any], Any] | None = None,
        constraint: Callable[[Any], Any] | None = None,
        *,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
    ) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"Variable: expected a name without slashes, got {name!r}")
        check_devices("Variable", aggregation, synchronization)
        if not autocast:
            self.autocast = False
        self.name = name or "variable"
        self.path = name_scope.prefix() + self.name
        self._check_callable("regularizer", regularizer)
        self._check_callable("constraint", constraint)
        self._treatment = (trainable, regularizer, constraint)
        if isinstance(initializer, str):
            initializer = named_initializers[0](initializer)
        if callable(initializer):
            if shape is None:
                raise ValueError(f'Variable "{self.name}": expected a shape beside an initializer function, got None')
            self.own_dtype = dtypes.standardize(dtype)
            check_budget(size_of(tuple(shape)) * dtypes.ITEM_SIZES[self.own_dtype])
            value = np.asarray(initializer(tuple(shape), dtype=self.own_dtype))
        else:
            if dtype is None:
                found = dtypes.of_array(dtypes.as_array(initializer))
                dtype = dtypes.floatx() if found == "float64" else found
            self.own_dtype = dtypes.standardize(dtype)
            value = _numbers(initializer, self.own_dtype)
        self.shape: tuple[int, ...] = tuple(int(extent) for extent in (value.shape if shape is None else shape))
        if value.shape != self.shape:
            raise ValueError(
                f'Variable "{self.name}": expected an initial value of shape {self.shape}, got {value.shape}'
            )
        self.nbytes = size_of(self.shape) * dtypes.ITEM_SIZES[self.own_dtype]
        self.place(zeroed(padded(self.nbytes)), 0)
        self._value[...] = value

    def place(self, root: Memory, offset: int) -> None:
        """Makes `nbytes` bytes of `root` from `offset` on the variable's memory; the value there becomes its value."""
        self.root = root
        self.offset = offset
        self._value: Array = np.ndarray(self.shape, dtypes.NUMPY[self.own_dtype], root, offset)
        self._reading = self._value.view()
        self._reading.flags.writeable = False
        version.bump()

    # What optimizers and losses do with it. Plans depend on it, through the layer that has the variable.

    @property
    def treatment(self) -> tuple[bool, Any, Any, bool]:
        """Whether it is trainable, its regularizer, its constraint, and whether it takes its gradient as its value."""
        return (*self._treatment, self._overwrite_with_gradient)

    def _treat(self, trainable: bool, regularizer: Any, constraint: Any) -> None:
        self._treatment = (trainable, regularizer, constraint)
        version.bump()

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change it."""
        return self._treatment[0]

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if value != self._treatment[0]:
            self._treat(bool(value), *self._treatment[1:])

    @property
    def regularizer(self) -> Callable[[Any], Any] | None:
        """A function of the variable whose value is added to the loss."""
        return self._treatment[1]

    @regularizer.setter
    def regularizer(self, value: Callable[[Any], Any] | None) -> None:
        self._check_callable("regularizer", value)
        self._treat(self._treatment[0], value, self._treatment[2])

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        """A function of the variable that an optimizer applies after each step."""
        return self._treatment[2]

    @constraint.setter
    def constraint(self, value: Callable[[Any], Any] | None) -> None:
        self._check_callable("constraint", value)
        self._treat(*self._treatment[:2], value)

    def _check_callable(self, attribute: str, value: Any) -> None:
        if value is not None and not callable(value):
            raise ValueError(
                f'Invalid value for attribute `{attribute}` of variable "{self.path}": expected a function of the variable '
                f"or None, got {value!r}"
            )

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether an optimizer sets it to its gradient instead of making a step."""
        return self._overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f'Variable "{self.path}": overwrite_with_gradient must be a boolean, got {value!r}')
        self._overwrite_with_gradient = value
        version.bump()

    @property
    def value(self) -> Array:
        """The value, as a read-only NumPy view of the variable's memory: no copy, and it changes when the variable does.

        What a GPU has computed comes back when this is read, and not before.
        """
        if readers:
            read(self._reading)
        return self._reading

    @property
    def is_viewed(self) -> bool:
        """Whether somebody holds a view of the memory: an array that `value` returned, or a part of it."""
        # NumPy makes all views refer to the one array that has the memory: the block, `_value`, `_reading`, parts of them.
        # One reference more is that of the call.
        return sys.getrefcount(self._value.base) > 4 or sys.getrefcount(self._reading) > 2

    @property
    def dtype(self) -> str:
        """The element type; while a layer computes in another float type, the one in which the layer reads it."""
        trace = current_trace()
        if trace is not None and trace.autocast is not None and self.autocast and dtypes.is_float(self.own_dtype):
            return trace.autocast
        return self.own_dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return size_of(self.shape)

    def numpy(self) -> Array:
        """Returns a copy of the value."""
        return self.value.copy()

    def _checked(self, value: Any) -> Any:
        """Returns a value to assign, of the variable's shape (or one that broadcasts to it) and dtype."""
        if value.__class__ is np.ndarray and value.dtype is self._value.dtype and value.shape == self.shape:
            return value
        if isinstance(value, Variable):
            value = value._symbol() if current_trace() is not None else value.value
        if not isinstance(value, Tensor):
            value = dtypes.converted(_numbers(value, self.own_dtype), self.own_dtype)
        if value.shape != self.shape:
            try:
                fits = np.broadcast_shapes(value.shape, self.shape) == self.shape
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f'Variable "{self.path}": expected a value of shape {self.shape}, got shape {tuple(value.shape)}'
                )
        return value

    def _symbol(self) -> Tensor:
        trace = current_trace()
        assert trace is not None
        return trace.read(self)

    def assign(self, value: Any) -> Any:
        """Sets the value.

        Args:
            value: an array or tensor of the variable's shape, or one that broadcasts to it.

        Returns:
            The new value: in a trace a tensor, otherwise what `value` returns.

        Raises:
            ValueError: if the shape does not fit; the variable is then unchanged.
        """
        trace = current_trace()
        value = self._checked(value)
        if trace is None:
            if keepers:
                self._tell_keepers()
            self._value[...] = value
            for each in invalidators:
                each(self._value)
            return self._reading
        if not isinstance(value, Tensor):
            value = constant(np.array(np.broadcast_to(value, self.shape), order="C"))
        if value.dtype != self.own_dtype or value.shape != self.shape:
            value = self._convert(value)
        trace.assign(self, value)
        return value

    def fill(self, value: float) -> None:
        """Sets every element to one number, at once: not in a traced function."""
        if keepers:
            self._tell_keepers()
        self._value.fill(value)
        for each in invalidators:
            each(self._value)

    def _tell_keepers(self) -> None:
        for keep in keepers:
            keep(self)

    def restore(self, value: Array) -> None:
        """Puts back what the value was, at once and without telling those who keep values."""
        self._value[...] = value
        invalidate(self._value)

    if TYPE_CHECKING:  # dlnative.ops.operators gives tensors and variables their arithmetic

        def _convert(self, value: Tensor) -> Tensor: ...
        def __getitem__(self, key: Any) -> Any: ...
        def __add__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...

    def assign_add(self, value: Any) -> Any:
        """Adds to the value; see `assign`."""
        if current_trace() is not None:
            return self.assign(self + self._checked(value))
        value = self._checked(value)
        if keepers:
            self._tell_keepers()
        np.add(self.value, value, out=self._value)
        invalidate(self._value)
        return self._reading

    def assign_sub(self, value: Any) -> Any:
        """Subtracts from the value; see `assign`."""
        if current_trace() is not None:
            return self.assign(self - self._checked(value))
        value = self._checked(value)
        if keepers:
            self._tell_keepers()
        np.subtract(self.value, value, out=self._value)
        invalidate(self._value)
        return self._reading

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if current_trace() is not None:
            raise TypeError(
                f'Variable "{self.path}" has no value while tracing: use dlnative.ops instead of NumPy here'
            )
        return np.array(self.value, dtype=dtype, copy=copy is not False)

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        raise TypeError(f'Variable "{self.path}" cannot be used as a boolean: look at its value, or use ops.where')

    def __float__(self) -> float:
        return self._number(float)

    def __int__(self) -> int:
        return self._number(int)

    def _number(self, kind: Callable[[Any], Any]) -> Any:
        try:
            return kind(self.value)
        except TypeError:
            raise TypeError(
                f'Variable "{self.path}": expected a scalar to convert to a Python number, got shape {self.shape}'
            ) from None

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.own_dtype}, value={self.value}>"

    def __getstate__(self) -> dict[str, Any]:
        """Copies lie in a copy of the memory, with all others that lie there: an optimizer updates it as a whole."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_value", "_reading")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.place(self.root, self.offset)


def _numbers(value: Any, dtype: str) -> Array:
    """Returns an array; Python integers must fit in the type of a variable of integers."""
    if isinstance(value, (int, list, tuple)) and dtypes.is_integer(dtype):
        return dtypes.as_array(value, dtype)
    return np.asarray(value)
