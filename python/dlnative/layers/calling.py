"""How a layer is called: on arrays, on symbolic tensors, on `KerasTensor`s; and how it is built when it first is."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dlnative import dtypes, ops
from dlnative import version_counter as version
from dlnative.graph.function import Function, WeakMethod, static_key
from dlnative.graph.plans import compiling
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import current_trace
from dlnative.graph.tree import flatten, flatten_structure, map_structure
from dlnative.graph.variable import Variable
from dlnative.layers import effects
from dlnative.layers.building import building
from dlnative.layers.call_context import Scope, context
from dlnative.layers.effects import Effects, get_mask, masks_of, set_mask, unwrap
from dlnative.layers.input_spec import check_inputs
from dlnative.layers.remat_scope import RematScope
from dlnative.layers.signature import (
    CallSignature,
    call_signature,
    is_tensor,
    shape_arguments,
    shape_names,
    shapes_of,
    tensor_arguments,
)
from dlnative.layers.weights import Weights
from dlnative.ops.core import record
from dlnative.symbolic import Call, attach, has_keras_tensor

masks, losses, now = effects.masks, effects.losses, version.current  # looked at in every call


class Calling(Weights):
    """The calls of a layer."""

    autocast: bool
    activity_regularizer: Any
    input_spec: Any
    supports_masking: bool
    _compute_dtype: str
    _function: Function | None
    _is_mixed: bool
    _remat: RematScope | None
    rematerialized_call: Callable[..., Callable[..., Any]]
    _last_call: tuple[Any, Any] | None
    _output_shape: Any

    # Whether `compute_output_shape` or `compute_output_spec` says what a symbolic call gives; `call` is traced otherwise.
    _says_output: ClassVar[bool] = False
    # Whether `compute_mask` may give a mask where the inputs have none.
    _makes_masks: ClassVar[bool] = False

    if TYPE_CHECKING:
        call: Callable[..., Any]
        compute_output_spec: Callable[..., Any]
        add_loss: Callable[..., Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        build = cls.build
        if not getattr(build, "_builds", False):
            cls.build = building(build)  # type: ignore[method-assign]

    @building
    def build(self, input_shape: Any) -> None:
        """Makes the weights.

        Args:
            input_shape: the shape of the input, the batch first (`None` where it is not known), nested as the input. With
                several arguments, each is named after one of `call`: `query_shape` for `query`.
        """

    def _build_at_init(self) -> None:
        """Says that the layer needs no building, unless a subclass builds."""
        if type(self).build is Calling.build:
            self.built = True

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Returns the mask that goes with the output.

        Args:
            inputs: the first argument of `call`.
            previous_mask: its mask, which by default goes with the output too.
        """
        del inputs
        return previous_mask

    def check_input_shape(self, input_shape: Any) -> None:
        """Refuses inputs that the layer cannot take.

        Raises:
            ValueError: in one line that names the layer, what it expected and what came.
        """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # One array of a shape that was seen before needs no checks: a small network runs for less time than they take.
        function = self._function
        if function is not None and len(args) == 1:
            known, call = function.plans.shortest
            if known == now[0] and not kwargs and current_trace() is None:
                result = call(args[0])
                if result is not None:
                    return result
        if function is not None and len(args) == 1 and args[0].__class__ is np.ndarray and current_trace() is None:
            if not masks and (not kwargs or (len(kwargs) == 1 and "training" in kwargs)):
                found = function.direct(args[0], **kwargs)
                if found is not None:
                    if losses:
                        effects.forget_losses(self)
                    if not kwargs:
                        function.plans.remember(found)
                    return unwrap(found.run([args[0]]))
        if has_keras_tensor(args) or (kwargs and has_keras_tensor(tuple(kwargs.values()))):
            return self._call_keras_tensors(args, kwargs)
        if current_trace() is not None:
            return self._call_symbols(*args, **kwargs)
        return self._call_arrays(args, kwargs)

    # On KerasTensors.

    def _call_keras_tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._refuse_by_position(args)
        given: Any = None
        if kwargs or len(args) != 1:
            _, kwargs, bound, tensors, first = self._bound(args, kwargs)
            given = bound.get("mask")
        else:
            first = args[0]
            tensors = {} if self.built else self._bound(args, kwargs)[3]
        if not self.built:
            self._prepare(tensors, first)
        call = Call(self, args, kwargs)
        if self._says_output:
            with Scope(self):
                outputs = attach(call, self.compute_output_spec(*args, **kwargs))
        else:
            outputs = record(call, self._call_symbols, computes_with_extents=True)
        if not call.outputs:
            raise ValueError(f"{self._label}: expected call to return a tensor, got {outputs!r}")
        for tensor in call.outputs:
            tensor.name = self.name
        mask = masks_of(first) if given is None else given
        if mask is not None or self._makes_masks:
            self._hand_on_mask(first, outputs, mask)
        own = self.__dict__
        one = isinstance(outputs, Tensor)
        own["_output_shape"] = (
            outputs.shape if one else map_structure(lambda leaf: getattr(leaf, "shape", None), outputs)
        )
        if own["_last_call"] is None:
            own["_last_call"] = (args[0] if len(args) == 1 else args, outputs)
        return outputs

    # On arrays.

    def _call_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._refuse_by_position(args)
        given = args
        args = tuple([map_structure(self._entering, arg) for arg in args])
        named: dict[str, Any] = {}
        static = kwargs
        if kwargs:
            tensors = tensor_arguments(self._label, kwargs)
            named = {name: map_structure(self._entering, value) for name, value in tensors.items()}
            static = {name: value for name, value in kwargs.items() if name not in named}
        if not self.built:  # a layer that is built checks its inputs when it is traced
            self._prepare(*self._bound(args, {**static, **named})[3:])
        if losses:
            effects.forget_losses(self)
        found: Any = None
        if masks:  # those of what was given: an array may have been converted
            found = masks_of((given, {name: kwargs[name] for name in named}))
        function = self._function
        if function is None:
            function = self._function = Function(WeakMethod(self._traced))
        if found is not None:
            named["_masks"] = found
        try:
            hash(static_key(static))
        except TypeError:  # a plan for this call alone
            return unwrap(Function(functools.partial(self._traced, **static))(*args, **named))
        return unwrap(function(*args, **named, **static))

    def _traced(self, *args: Any, _masks: Any = None, **kwargs: Any) -> Any:
        """The function that is compiled: the call, and what it leaves behind.

        Args:
            *args, **kwargs: as the layer takes them.
            _masks: the masks of the arrays among them, a nested pair of those by position and those by name.
        """
        if _masks is not None:
            _, by_name = _masks
            leaves = flatten((args, {name: kwargs[name] for name in by_name}))
            for leaf, mask in zip(leaves, flatten(_masks), strict=True):
                if mask is not None:
                    set_mask(leaf, mask)
        outputs = self._call_symbols(*args, **kwargs)
        trace = current_trace()
        assert trace is not None
        output_masks = map_structure(get_mask, outputs)
        if not trace.losses and not flatten_structure(output_masks):
            return outputs
        return Effects(
            [
                outputs,
                output_masks,
                [loss for _, loss in trace.losses],
                [weakref.ref(owner) for owner, _ in trace.losses],
            ]
        )

    def _refuse_by_position(self, args: tuple[Any, ...]) -> None:
        for arg in args:
            if not isinstance(arg, (Tensor, np.ndarray)):
                break
        else:
            return
        for leaf in flatten_structure(args):
            if not hasattr(leaf, "shape") and not hasattr(leaf, "__array__"):
                raise ValueError(
                    f"{self._label}: Only input tensors may be passed as positional arguments, got {leaf!r}: "
                    "pass it by keyword"
                )

    def _entering(self, leaf: Any) -> Any:
        """An input that is not symbolic: an array, in the layer's type if it holds floats."""
        if leaf is None or isinstance(leaf, (Tensor, Variable)):
            return leaf
        try:
            array = dtypes.as_array(leaf)
        except (OverflowError, TypeError) as error:
            raise type(error)(f"{self._label}: {error}") from None
        if self.autocast and dtypes.is_float(dtypes.of_array(array)) and dtypes.is_float(self._compute_dtype):
            return array.astype(dtypes.NUMPY[self._compute_dtype], copy=False)
        return array

    # Building.

    def _bound(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[CallSignature, dict[str, Any], dict[str, Any], dict[str, Any], Any]:
        """Returns the signature of `call`, the keyword arguments that it takes, all arguments by name, the tensors among
        them, and the first."""
        signature = call_signature(self)
        if "training" in kwargs and not signature.takes_training:
            kwargs = {name: value for name, value in kwargs.items() if name != "training"}
        bound = signature.bind(args, kwargs)
        if len(bound) == 1 and len(args) == 1 and isinstance(args[0], (Tensor, np.ndarray)):  # most often
            return signature, kwargs, bound, bound, args[0]
        return signature, kwargs, bound, tensor_arguments(self._label, bound), bound.get(signature.first)

    def _prepare(self, tensors: dict[str, Any], first: Any) -> None:
        """Checks the inputs and builds the layer if it is not built yet."""
        if not tensors:
            if not self.built:
                raise TypeError(f"{self._label}: expected an input, got none")
            return
        if self.input_spec is not None:
            check_inputs(self.input_spec, first, self._label)
        if isinstance(first, (Tensor, np.ndarray)):
            shape: Any = first.shape
        else:
            shape = map_structure(lambda leaf: tuple(leaf.shape) if hasattr(leaf, "shape") else None, first)
        self.check_input_shape(shape)
        if self.built and not self._building:
            return
        with compiling():
            if self.built:
                return
            build = type(self).build
            if len(shape_names(build)) == 1:
                self.build(shape)
            else:
                self.build(**shape_arguments(self._label, build, self, shapes_of(tensors)))
            if self.input_spec is not None:
                check_inputs(self.input_spec, first, self._label)
            self.built = self._locked = True

    # On symbolic tensors.

    def _call_symbols(self, *args: Any, **kwargs: Any) -> Any:
        """Runs `call` while tracing."""
        if self.autocast:
            args = tuple(map(self._cast, args))
            if kwargs:
                kwargs = {name: self._cast(value) for name, value in kwargs.items()}
        training = kwargs.get("training")
        signature, kwargs, bound, tensors, first = self._bound(args, kwargs)
        self._prepare(tensors, first)
        if training is None:
            training = bound.get("training")
        if training is None:
            training = context.training
        if training is None:
            training = signature.defaults.get("training")
        if training is not None and is_tensor(training):
            raise TypeError(f"{self._label}: expected training to be True or False, got {training!r}")
        if training is not None and signature.takes_training and ("training" in kwargs or "training" not in bound):
            kwargs["training"] = training
        mask = effects.fill_masks(signature, bound, tensors, kwargs) if signature.takes_masks else None
        if mask is None:
            mask = masks_of(first)
        trace = current_trace()
        if trace is not None:
            trace.depends_on(self)
        if trace is not None and trace.losses and context.layer is None:  # losses last until the next call
            layers = set(self._flatten_layers())
            trace.losses = [item for item in trace.losses if item[0] not in layers]
        before = context.training
        context.training = training
        outer = None if trace is None else trace.autocast
        if trace is not None and (outer is not None or self._is_mixed):
            casts = outer is None or (self.autocast and dtypes.is_float(self._compute_dtype))
            trace.autocast = self._compute_dtype if casts else None
        try:
            with Scope(self):
                if self._remat is None:
                    outputs = self.call(*args, **kwargs)
                else:
                    outputs = self.rematerialized_call(self.call, *args, **kwargs)(*args, **kwargs)
                if self.activity_regularizer is not None:
                    self._penalise(outputs)
        finally:
            context.training = before
            if trace is not None:
                trace.autocast = outer
        if mask is not None or self._makes_masks:
            self._hand_on_mask(first, outputs, mask)
        return outputs

    def _cast(self, structure: Any) -> Any:
        """Converts float tensors and arrays to the type that the layer computes in; masks go along."""
        if isinstance(structure, Tensor):
            if structure.dtype == self._compute_dtype:
                return structure
            if not (dtypes.is_float(structure.dtype) and dtypes.is_float(self._compute_dtype)):
                return structure
            made = ops.cast(structure, self._compute_dtype)
            mask = get_mask(structure)
            if mask is not None:
                set_mask(made, mask)
            return made
        if isinstance(structure, np.ndarray):
            return self._entering(structure)
        if isinstance(structure, (list, tuple, dict)):
            return map_structure(self._cast, structure)
        return structure

    def _penalise(self, outputs: Any) -> None:
        for leaf in flatten_structure(outputs):
            if isinstance(leaf, Tensor):
                penalty = self.activity_regularizer(leaf)
                batch = leaf.shape[0] if leaf.shape else None
                if batch is not None:
                    penalty = penalty / float(batch) if batch else penalty * 0.0
                self.add_loss(penalty)

    # Masks.

    def _hand_on_mask(self, first: Any, outputs: Any, mask: Any) -> None:
        """Lets masks travel with the outputs."""
        if self.supports_masking:
            leaves = flatten(outputs)
            if all(get_mask(leaf) is not None for leaf in leaves):
                return
            made = self.compute_mask(first, mask)
            if made is not None:
                for leaf, found in zip(leaves, flatten(made), strict=False):
                    if found is not None and get_mask(leaf) is None:
                        set_mask(leaf, found)
        elif mask is not None and not call_signature(self).takes_mask:  # who takes it may end it
            warnings.warn(
                f"{self._label}: got an input with a mask, which ends here: the layer does not support masking",
                stacklevel=3,
            )
