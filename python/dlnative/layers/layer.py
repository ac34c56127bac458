"""The base of all layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from dlnative import dtype_policies, ops, regularizers
from dlnative import version_counter as version
from dlnative.dtype_policies import DTypePolicy, DTypePolicyMap
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import current_trace
from dlnative.layers import effects
from dlnative.layers.calling import Calling
from dlnative.layers.configuration import Arguments, automatic_config, recorded
from dlnative.layers.remat_scope import current_scope
from dlnative.layers.signature import call_signature, is_tensor, shape_arguments, shapes_of, tensor_arguments
from dlnative.layers.stateless import Stateless
from dlnative.legacy.warning import renamed
from dlnative.ops.core import record
from dlnative.symbolic import Call, KerasTensor, map_shapes, with_tuples, without_history
from dlnative.utils.naming import auto_name, shortened

_Layer = TypeVar("_Layer", bound="Layer")


class Layer(Stateless):
    """A function with weights.

    A layer makes its weights in `build(input_shape)`, when it first sees an input, and computes in `call`, written in
    `dlnative.ops`. Called on a `KerasTensor` it becomes part of a functional model; called on arrays it is compiled for
    their shapes and runs as a plan.

    Args:
        activity_regularizer: a function of the output that is added to the loss, divided by the batch size.
        trainable: whether an optimizer may change the weights.
        dtype: the type of weights and results, or a `DTypePolicy`; by default float32.
        autocast: whether float inputs are converted to that type.
        name: a name without slashes, unique in a model; by default made of the class name.
        input_shape: the shape of an input without the batch, for the first layer of a `Sequential` model.
        input_dim: the same for inputs that are vectors.

    Raises:
        ValueError: for an argument that is none of these, or a wrong one.

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

    def __new__(cls: type[_Layer], *args: Any, **kwargs: Any) -> _Layer:
        layer = super().__new__(cls)
        if cls.get_config is Layer.get_config:
            layer.__dict__["_arguments"] = recorded(args, kwargs)
        return layer

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_dim = kwargs.pop("input_dim", None)
        input_shape = kwargs.pop("input_shape", None)
        cls = type(self).__name__
        first = (input_dim,) if input_dim is not None else input_shape
        first_shape = None if first is None else (None, *([first] if hasattr(first, "__index__") else first))
        if "input_length" in kwargs and input_dim is not None:
            renamed(f"{cls}(input_length=)", "Input((length, dim)) before the layer")
            first_shape = (None, kwargs.pop("input_length"), input_dim)
        if "batch_input_shape" in kwargs:
            renamed(f"{cls}(batch_input_shape=)", "Input(batch_shape=) before the layer")
            first_shape = tuple(kwargs.pop("batch_input_shape"))
        if kwargs:
            raise ValueError(f'{cls}: unknown argument "{next(iter(kwargs))}" (Unrecognized keyword arguments)')
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"{cls}: expected a name that is a string without a slash, got {name!r}")
        if not isinstance(trainable, bool):
            raise ValueError(f"{cls}: expected trainable to be a boolean, got {trainable!r}")
        policy = dtype_policies.get(dtype)
        own = self.__dict__
        own.setdefault("_variables", {})  # a subclass may have set attributes before
        own.update(
            name=name or auto_name(cls),
            built=False,
            autocast=autocast,
            input_spec=None,
            activity_regularizer=regularizers.get(activity_regularizer),
            supports_masking=type(self)._makes_masks,
            _added=set(),
            _build_shapes=None,
            _building=False,
            _compute_dtype=policy.compute_dtype,
            _dtype_policy=policy,
            _first_shape=first_shape,
            _function=None,
            _is_mixed=policy.compute_dtype != policy.variable_dtype,
            _last_call=None,
            _locked=False,
            _output_shape=None,
            _path=None,
            _remat=current_scope(),
            _trainable=trainable,
        )
        version.bump()  # it may become part of a list that a model holds

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        order = cls.__mro__
        homes = {
            name: next(index for index, base in enumerate(order) if name in base.__dict__)
            for name in ("call", "compute_output_shape", "compute_output_spec")
        }
        saying = min(homes["compute_output_shape"], homes["compute_output_spec"])
        cls._makes_masks = cls.compute_mask is not Calling.compute_mask
        # What this library's own layers give is found by tracing them: that knows the type as well.
        cls._says_output = saying <= homes["call"] and not order[saying].__module__.startswith("dlnative.")

    def rematerialized_call(self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Returns a function as the `RematScope` that the layer was made in wants it to be called.

        Args:
            layer_call: the layer's `call`.
            *args, **kwargs: what it will be called with; only there for subclasses that look at them.
        """
        return layer_call if self._remat is None else self._remat.applied(self, layer_call)

    @property
    def computes_outside(self) -> bool:
        """Whether the layer computes outside of the graph, and so stands at the entry of a model."""
        return False

    # What a subclass writes.

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output from the inputs, in `dlnative.ops`."""
        raise self._not_implemented("call")

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the shape of the output for the shape of an input.

        Raises:
            NotImplementedError: if there is no `call` that could be traced.
        """
        if type(self).call is Layer.call:
            raise self._not_implemented("compute_output_shape")
        shapes = [*args, *kwargs.values()]
        inputs = [map_shapes(lambda shape: KerasTensor(shape, self._compute_dtype), shape) for shape in shapes]
        names = [name.removesuffix("_shape") for name in kwargs]
        found = self.compute_output_spec(*inputs[: len(args)], **dict(zip(names, inputs[len(args) :], strict=True)))
        return map_shapes(lambda tensor: tensor.shape, found)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns what a call on `KerasTensor`s gives, without making it a part of a model.

        Args:
            *args, **kwargs: as for a call.

        Returns:
            `KerasTensor`s, nested as the outputs: of the shape that `compute_output_shape` says, in the layer's type, if
            a subclass wrote it; otherwise `call` is traced.
        """
        if not self._says_output:
            return without_history(record(Call(self, args, kwargs), self._call_symbols, computes_with_extents=True))
        bound = call_signature(self).bind(args, kwargs)
        shapes = shapes_of(tensor_arguments(self._label, bound))
        shape = self.compute_output_shape(**shape_arguments(self._label, type(self).compute_output_shape, self, shapes))
        return map_shapes(lambda extents: KerasTensor(extents, self._compute_dtype), shape)

    def _not_implemented(self, method: str) -> NotImplementedError:
        return NotImplementedError(
            f"{self._label}: expected a method `{method}`, found none: "
            f"Layer {type(self).__name__} does not have a `{method}` method implemented."
        )

    # Configuration.

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a layer again.

        A class that takes other arguments than text and numbers adds them to what this returns.

        Raises:
            NotImplementedError: if the class does not, although the layer was made with such arguments.
        """
        base: dict[str, Any] = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": dtype_policies.serialize(self._dtype_policy),
        }
        if self.activity_regularizer is not None:
            base["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is not Layer.get_config:
            return base
        arguments: Arguments | None = self.__dict__.get("_arguments")
        return automatic_config(self, arguments, base)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer from what `get_config` returned."""
        if isinstance(config.get("dtype"), dict):
            policy = dtype_policies.deserialize(config["dtype"])
            config = {**config, "dtype": policy if isinstance(policy, DTypePolicyMap) else policy.name}
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"{cls.__name__}: expected a config that makes such a layer, got {shortened(config)}: {error}"
            ) from error

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shapes that the layer was built with, as `build_from_config` takes them; `None` before."""
        shapes = self._build_shapes
        if shapes is None:
            return None
        return {"input_shape": next(iter(shapes.values()))} if len(shapes) == 1 else {"shapes_dict": dict(shapes)}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layer with the shapes that `get_build_config` returned."""
        if config and "input_shape" in config:
            self.build(with_tuples(config["input_shape"]))
        elif config and "shapes_dict" in config:
            self.build(**{name: with_tuples(shape) for name, shape in config["shapes_dict"].items()})

    # Types.

    @property
    def dtype_policy(self) -> DTypePolicy:
        """Which type the layer computes in, and which type its weights have."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy, policies = dtype_policies.get(value), self._dtype_policy
        if isinstance(policies, DTypePolicyMap) and self._path is not None:
            if self._path in policies:
                del policies[self._path]
            policies[self._path] = policy
            self._dtype_policy = policies  # plans that were made by the policy before are no longer good
        else:
            self._dtype_policy = policy
        self._settle_policy()

    def _own_policy(self) -> DTypePolicy:
        """Returns the policy, or what a map of policies has for the layer's path."""
        policy = self._dtype_policy
        return policy[self._path] if isinstance(policy, DTypePolicyMap) and self._path is not None else policy

    def _settle_policy(self) -> None:
        """Notes what the policy says, which may depend on the layer's path."""
        policy = self._own_policy()
        self.__dict__["_compute_dtype"] = policy.compute_dtype
        self.__dict__["_is_mixed"] = policy.compute_dtype != policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The type of the weights."""
        return self._own_policy().variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of the weights."""
        return self._own_policy().variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The type of what the layer computes."""
        return self._own_policy().compute_dtype

    @property
    def input_dtype(self) -> str:
        """The type that float inputs are converted to."""
        return self._own_policy().compute_dtype

    # Losses.

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar, or several in a list, to the loss of the model, from within `call`.

        Raises:
            ValueError: if it is no tensor.
        """
        trace = current_trace()
        for item in loss if isinstance(loss, (list, tuple)) else [loss]:
            if not is_tensor(item) and not hasattr(item, "dtype"):
                raise ValueError(f"{self._label}: expected tensors in add_loss(), in build() or call(), got {item!r}")
            if trace is not None:
                trace.losses.append((self, item if isinstance(item, Tensor) else ops.convert_to_tensor(item)))
            else:
                effects.add_loss(self, item)

    @property
    def losses(self) -> list[Any]:
        """What `add_loss` and penalties on outputs added in the latest call, here and in the layers inside, and what
        regularizers of weights add."""
        trace = current_trace()
        layers = self._flatten_layers() if trace is None or trace.losses else []
        if trace is not None:
            owners = set(layers)
            found = [loss for owner, loss in trace.losses if owner in owners]
        else:
            found = [loss for layer in layers for loss in effects.losses_of(layer)]
        for weight in self.trainable_weights:
            if weight.regularizer is not None:
                found.append(weight.regularizer(weight))
        return found

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Refuses: metrics belong into `compile(metrics=...)`, or are made in `__init__` and updated in `call`."""
        raise NotImplementedError(
            f"{self._label}: expected a metric as an attribute, updated in call, or in compile(), got add_metric()"
        )

    # Symbolic calls.

    @property
    def input(self) -> Any:
        """The symbolic input of the layer's first call in a functional model."""
        return self._symbolic(0)

    @property
    def output(self) -> Any:
        """The symbolic output of the layer's first call in a functional model."""
        return self._symbolic(1)

    def _symbolic(self, which: int) -> Any:
        if self._last_call is None:
            raise AttributeError(
                f"{self._label}: expected a layer of a functional model, got one never called on an Input"
            )
        return self._last_call[which]

    # As an object.

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

    def _stored_variables(self) -> list[Any]:
        """Returns the layer's own weights in the order in which files have them."""
        return [*self._trainable_variables, *self._non_trainable_variables]

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the values of the layer's own weights into a dict, by their places: those made to be trained first."""
        for place, variable in enumerate(self._stored_variables()):
            store[str(place)] = variable.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Takes the values of the layer's own weights out of a dict.

        Raises:
            ValueError: if there are more or fewer, the layer is not built, or a shape is another; nothing is then changed.
        """
        variables = self._stored_variables()
        self._check_load_own_variables(store)
        arrays = [variable._checked(store[str(place)]) for place, variable in enumerate(variables)]
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def _check_load_own_variables(self, store: dict[str, Any]) -> None:
        count = len(self._stored_variables())
        if len(store.keys()) != count:
            state = "" if self.built else ", for the layer was never built"
            raise ValueError(
                f"{self._label}: expected {count} variables to load{state}, received {len(store.keys())} variables"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a layer share no compiled functions with it, and are called in no model but the one that is copied."""
        return {**self.__dict__, "_function": None, "_held": None, "_last_call": None}
