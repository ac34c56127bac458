"""The base of all layers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlnative import constraints as constraints_module
from dlnative import dtypes, initializers, ops, regularizers
from dlnative.graph.function import Function
from dlnative.graph.tensor import (
    Call,
    KerasTensor,
    Tensor,
    flatten_structure,
    has_keras_tensor,
    keras_tensors,
    map_structure,
)
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.ops.core import record
from dlnative.utils.naming import auto_name

_context = threading.local()


def training_now() -> bool:
    """Returns the `training` argument of the innermost layer call that was given one; `False` outside of any."""
    return bool(getattr(_context, "training", None))


class Layer:
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

    # Weights.

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        name: str | None = None,
    ) -> Variable:
        """Makes a weight.

        Args:
            shape: its shape, a tuple or an int; `()` by default.
            initializer: how it begins; Glorot's uniform by default, zeros for integers.
            dtype: its type, by default the layer's.
            trainable: whether an optimizer may change it.
            autocast: accepted for Keras's sake; weights are used in their own type.
            regularizer: a function of the weight that is added to the loss.
            constraint: a function that an optimizer applies to it after each step.
            aggregation: accepted for Keras's sake.
            name: a name.
        """
        del autocast, aggregation
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ValueError(f"{self._label}: expected a weight shape without unknown extents, got {shape}")
        dtype = self._dtype if dtype is None else dtypes.standardize(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        variable = Variable(
            initializers.get(initializer),
            shape,
            dtype,
            trainable=trainable,
            name=name or auto_name("variable"),
            regularizer=regularizers.get(regularizer),
            constraint=constraints_module.get(constraint),
        )
        variable.path = f"{self.name}/{variable.name}"
        self._own_weights.append(variable)
        return variable

    def _attributes(self) -> Iterator[Any]:
        """Yields what the layer holds: values of its attributes, and of lists and dicts among them."""
        for name, value in self.__dict__.items():
            if value.__class__ not in _PLAIN and name not in _INTERNAL:
                yield from _leaves(value)

    def _sublayers(self) -> list[Layer]:
        return list(dict.fromkeys(item for item in self._attributes() if isinstance(item, Layer)))

    @property
    def variables(self) -> list[Variable]:
        """All variables of the layer and of the layers in it: weights, and states of random generators."""
        return list(dict.fromkeys(self._walk_variables()))

    def _walk_variables(self) -> Iterator[Variable]:
        yield from self._own(trainable=True)
        yield from self._own(trainable=False)
        for item in self._attributes():
            if isinstance(item, RandomState):
                yield item.state
        for layer in self._sublayers():
            yield from layer._walk_variables()

    def _own(self, trainable: bool) -> list[Variable]:
        held = [item for item in self._attributes() if isinstance(item, Variable)]
        return [variable for variable in dict.fromkeys(self._own_weights + held) if variable.trainable == trainable]

    @property
    def weights(self) -> list[Variable]:
        """The weights, trainable ones first, of the layer and then of the layers in it."""
        found = [*self._own(trainable=True), *self._own(trainable=False)]
        for layer in self._sublayers():
            found.extend(layer.weights)
        return list(dict.fromkeys(found))

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that an optimizer may change; none if the layer is frozen."""
        if not self._trainable:
            return []
        found = self._own(trainable=True)
        for layer in self._sublayers():
            found.extend(layer.trainable_weights)
        return list(dict.fromkeys(found))

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        trainable = set(self.trainable_weights)
        return [weight for weight in self.weights if weight not in trainable]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other variables."""
        trainable = set(self.trainable_weights)
        return [variable for variable in self.variables if variable not in trainable]

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change the weights; setting it sets it for the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._sublayers():
            layer.trainable = value

    @property
    def dtype(self) -> str:
        """The type of weights and results."""
        return self._dtype

    @property
    def path(self) -> str:
        """The name."""
        return self.name

    def count_params(self) -> int:
        """Returns the number of numbers in the weights.

        Raises:
            ValueError: if the layer is not built yet.
        """
        if not self.built:
            raise ValueError(f"{self._label}: expected a built layer to count its parameters, got one not yet built")
        return sum(weight.size for weight in self.weights)

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Returns copies of the weights, in the order of `weights`."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all weights.

        Args:
            weights: arrays with the shapes of `weights`, in order.

        Raises:
            ValueError: if the number or a shape differs; nothing is then changed.
        """
        own = self.weights
        if not self.built and not own:
            raise ValueError(f"{self._label}: expected a built layer to set weights, got one not yet built")
        if len(own) != len(weights):
            raise ValueError(f"{self._label}: expected {len(own)} weight arrays, got {len(weights)}")
        arrays = [np.asarray(array) for array in weights]
        for variable, array in zip(own, arrays, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f'{self._label}: expected shape {variable.shape} for the weight "{variable.path}", got {array.shape}'
                )
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)

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
        if has_keras_tensor(args) or (kwargs and has_keras_tensor(tuple(kwargs.values()))):
            return self._call_keras_tensors(args, kwargs)
        if current_trace() is not None:
            return self._call_symbols(*args, **kwargs)
        return self._call_arrays(args, kwargs)

    @property
    def _label(self) -> str:
        return f'{type(self).__name__} "{self.name}"'

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
            self._function = Function(self._call_symbols, capacity=16)
        return self._function(*args, **kwargs, _trainable=self._trainable)

    def _entering(self, leaf: Any) -> Any:
        """An input that is not symbolic: an array, in the layer's type if it holds floats."""
        if leaf is None or isinstance(leaf, (Tensor, Variable)):
            return leaf
        array = np.asarray(leaf)
        try:
            name = dtypes.of_array(array)
        except TypeError as error:
            raise TypeError(f"{self._label}: {error}") from None
        if not isinstance(leaf, (np.ndarray, np.generic)):
            name = {"float64": dtypes.floatx(), "int64": "int32"}.get(name, name)
        if self.autocast and dtypes.is_float(name):
            name = self._dtype
        return array.astype(name, copy=False)

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


class RandomState:
    """The state of a layer's random generator: a variable `[seed, counter]` whose counter goes up at each use.

    Args:
        seed: an int; by default one drawn from the generator that `utils.set_random_seed` sets.
    """

    def __init__(self, seed: int | None = None) -> None:
        from dlnative.utils.random_seed import next_seed

        self.seed = seed
        self.state = Variable(
            np.array([next_seed() if seed is None else seed, 0], np.int64), trainable=False, name="seed_generator_state"
        )

    def next(self) -> Any:
        """Returns the state to draw with, and moves on."""
        trace = current_trace()
        if trace is None:
            state = self.state.numpy()
            self.state.assign_add(np.array([0, 1], np.int64))
            return state
        tensor = trace.read(self.state)
        self.state.assign(ops.add(tensor, np.array([0, 1], np.int64)))
        return tensor


# What layers and models keep for themselves, where no weights or layers of a user's are looked for.
_INTERNAL = frozenset(
    {
        "_compile_arguments", "_compiled_loss", "_compiled_metrics", "_first_input_shape", "_function", "_last_call", "_losses",
        "_loss_tracker", "_output_shape", "_own_weights",
    }
)  # fmt: skip
_PLAIN = frozenset({str, int, float, bool, type(None), type(lambda: None)})
_takes: dict[type, bool] = {}


def _takes_training(cls: type) -> bool:
    """Tells whether a layer's `call` has an argument `training`."""
    found = _takes.get(cls)
    if found is None:
        code = getattr(cls.call, "__code__", None)  # type: ignore[attr-defined]
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
        found = _takes[cls] = "training" in names
    return found


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value


def _is_list_of_shapes(shape: Any) -> bool:
    return isinstance(shape, (list, tuple)) and len(shape) > 0 and isinstance(shape[0], (list, tuple))
