"""The base of all layers."""

from __future__ import annotations

from _thread import _local as ThreadLocal  # as in threading, which takes 3 ms to import
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes, ops, regularizers
from dlnative.backends.selection import changes
from dlnative.graph.function import Function, WeakMethod
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import current_trace, recording
from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.graph.variable import Variable
from dlnative.layers.weights import Weights
from dlnative.ops.core import record
from dlnative.symbolic import Call, KerasTensor, has_keras_tensor, keras_tensors
from dlnative.utils.naming import auto_name

_context = ThreadLocal()


def training_now() -> bool:
    """Returns the `training` argument of the innermost layer call that was given one; `False` outside of any."""
    return bool(getattr(_context, "training", None))


class Layer(Weights):
    """A function with weights.

    A layer makes its weights in `build(input_shape)`, when it first sees an input, and computes in `call`, written in
    `dlnative.ops`. Called on a `KerasTensor` it becomes part of a functional model; called on arrays it is compiled for
    their shapes and runs as a plan.

    Args:
        activity_regularizer: a function of the output that is added to the loss, divided by the batch size.
        trainable: whether an optimizer may change the weights.
        dtype: the type of weights and results, by default float32.
        autocast: whether float inputs are converted to that type.
        name: a name, unique in a model; by default made of the class name.
        input_shape: the shape of an input without the batch, for the first layer of a `Sequential` model.
        input_dim: the same for inputs that are vectors.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> class Scale(dlnative.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.array([[1.0, 2.0]], "float32"))
        array([[1., 2.]], dtype=float32)
    """

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise ValueError(f'{type(self).__name__}: unknown argument "{next(iter(unknown))}"')
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{type(self).__name__}: expected a name that is a string, got {name!r}")
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._dtype = dtypes.standardize(dtype)
        self._trainable = trainable
        self._own_weights: list[Variable] = []
        self._losses: list[Any] = []
        self._function: Function | None = None
        self._first_input_shape = (input_dim,) if input_dim is not None else input_shape
        self._output_shape: Any = None
        self._last_call: tuple[Any, Any] | None = None

    # What a subclass writes.

    def build(self, input_shape: Any) -> None:
        """Makes the weights.

        Args:
            input_shape: the shape of the input, the batch first (`None` where it is not known); a list for several.
        """

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output from the inputs, in `dlnative.ops`."""
        raise NotImplementedError(f'{type(self).__name__} "{self.name}": expected a method `call`, found none')

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a layer again."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self._dtype}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """Makes a layer from what `get_config` returned."""
        return cls(**config)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the output for the shape of an input."""
        shapes = input_shape if _is_list_of_shapes(input_shape) else [input_shape]
        inputs = [KerasTensor(shape, self._dtype) for shape in shapes]
        output = self(inputs if _is_list_of_shapes(input_shape) else inputs[0])
        return map_structure(lambda tensor: tensor.shape, output)

    # Losses.

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar to the loss of the model, from within `call`."""
        trace = current_trace()
        for item in loss if isinstance(loss, (list, tuple)) else [loss]:
            if trace is not None and isinstance(item, Tensor):
                trace.losses.append(item)
            else:
                self._losses.append(item)

    @property
    def losses(self) -> list[Any]:
        """What regularizers and `add_loss` add to the loss."""
        trace = current_trace()
        found = list(trace.losses) if trace is not None else list(self._losses)
        for weight in self.trainable_weights:
            if weight.regularizer is not None:
                found.append(weight.regularizer(weight))
        return found

    # Calling.

    def __getattr__(self, name: str) -> Any:
        cls = type(self).__name__
        if name.startswith("__"):
            raise AttributeError(name)
        if "built" not in self.__dict__:
            raise RuntimeError(
                f"{cls}: expected super().__init__() to be called before anything else, got a bare object"
            )
        if not self.__dict__["built"]:
            raise AttributeError(f'{cls} "{self.__dict__["name"]}": has no "{name}" yet: the layer is not built')
        raise AttributeError(f'{cls} "{self.__dict__["name"]}": has no attribute "{name}"')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # One array of a shape that was seen before needs no checks: a small network runs for less time than they take.
        function = self._function
        if function is not None and len(args) == 1:
            shortest = function.shortest
            if shortest is not None and shortest[0] == changes[0] and not kwargs and not recording:
                result = shortest[1](args[0])
                if result is not None:
                    return result
        if function is not None and len(args) == 1 and args[0].__class__ is np.ndarray and current_trace() is None:
            if not kwargs or (len(kwargs) == 1 and "training" in kwargs):
                found = function.direct(args[0], **kwargs, _trainable=self._trainable)
                if found is not None:
                    if not kwargs:
                        function.keep_shortest(found)
                    return found.run([args[0]])
        if has_keras_tensor(args) or (kwargs and has_keras_tensor(tuple(kwargs.values()))):
            return self._call_keras_tensors(args, kwargs)
        if current_trace() is not None:
            return self._call_symbols(*args, **kwargs)
        return self._call_arrays(args, kwargs)

    def _call_keras_tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._prepare(args)
        call = Call(self, args, kwargs)
        outputs = record(call, self._call_symbols)
        for tensor in keras_tensors(outputs):
            tensor.name = self.name
        self._output_shape = map_structure(lambda tensor: tensor.shape, outputs)
        self._last_call = (args[0] if len(args) == 1 else args, outputs)
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic input of the layer's last call in a functional model."""
        return self._symbolic(0)

    @property
    def output(self) -> Any:
        """The symbolic output of the layer's last call in a functional model."""
        return self._symbolic(1)

    def _symbolic(self, which: int) -> Any:
        if self._last_call is None:
            raise AttributeError(
                f"{self._label}: expected a layer of a functional model, got one never called on an Input"
            )
        return self._last_call[which]

    def _call_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args:
            raise TypeError(f"{self._label}: expected an input, got none")
        args = tuple(map_structure(self._entering, arg) for arg in args)
        arrays = {key: value for key, value in kwargs.items() if isinstance(value, np.ndarray)}
        if arrays:
            raise TypeError(
                f'{self._label}: expected arrays as positional arguments, got "{next(iter(arrays))}" by name'
            )
        self._prepare(args)
        if self._function is None:
            self._function = Function(WeakMethod(self._call_symbols), capacity=16)
        return self._function(*args, **kwargs, _trainable=self._trainable)

    def _entering(self, leaf: Any) -> Any:
        """An input that is not symbolic: an array, in the layer's type if it holds floats."""
        if leaf is None or isinstance(leaf, (Tensor, Variable)):
            return leaf
        try:
            array = dtypes.as_array(leaf)
        except (OverflowError, TypeError) as error:
            raise type(error)(f"{self._label}: {error}") from None
        return (
            array.astype(self._dtype, copy=False)
            if self.autocast and dtypes.is_float(dtypes.of_array(array))
            else array
        )

    def _prepare(self, args: tuple[Any, ...]) -> None:
        """Checks the shapes of the inputs and builds the layer if it is not built yet."""
        if not args:
            return
        first = args[0]
        shape: Any = None
        if hasattr(first, "shape"):
            shape = tuple(first.shape)
        elif isinstance(first, (list, tuple)):
            shape = [tuple(item.shape) for item in first if hasattr(item, "shape")]
        elif isinstance(first, dict):
            shape = {key: tuple(item.shape) for key, item in first.items()}
        self.check_input_shape(shape)
        if not self.built:
            self.build(shape)
            self.built = True

    def check_input_shape(self, input_shape: Any) -> None:
        """Refuses inputs that the layer cannot take.

        Raises:
            ValueError: in one line that names the layer, what it expected and what came.
        """

    def _call_symbols(self, *args: Any, _trainable: Any = None, **kwargs: Any) -> Any:
        """Runs `call` while tracing."""
        self._prepare(args)
        if self.autocast:
            args = tuple(map_structure(self._cast, arg) for arg in args)
        previous = getattr(_context, "training", None)
        takes_training = _takes_training(type(self))
        training = kwargs.get("training")
        if training is None:
            training = previous
        if takes_training:
            kwargs["training"] = training
        else:
            kwargs.pop("training", None)
        _context.training = training
        try:
            outputs = self.call(*args, **kwargs)
        finally:
            _context.training = previous
        if not flatten_structure(outputs):
            raise ValueError(f"{self._label}: expected call to return a tensor, got {outputs!r}")
        if self.activity_regularizer is not None:
            for leaf in flatten_structure(outputs):
                penalty = self.activity_regularizer(leaf)
                batch = leaf.shape[0] if leaf.shape else None
                self.add_loss(penalty if batch is None else penalty / float(batch))
        return outputs

    def _cast(self, leaf: Any) -> Any:
        if isinstance(leaf, Tensor) and leaf.dtype != self._dtype and dtypes.is_float(leaf.dtype):
            return ops.cast(leaf, self._dtype)
        return leaf

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a layer share no compiled functions with it."""
        return {**self.__dict__, "_function": None}


_takes: dict[type, bool] = {}


def _takes_training(cls: type) -> bool:
    """Tells whether a layer's `call` has an argument `training`."""
    found = _takes.get(cls)
    if found is None:
        code = getattr(cls.call, "__code__", None)  # type: ignore[attr-defined]
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
        found = _takes[cls] = "training" in names
    return found


def _is_list_of_shapes(shape: Any) -> bool:
    return isinstance(shape, (list, tuple)) and len(shape) > 0 and isinstance(shape[0], (list, tuple))
