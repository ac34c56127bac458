"""The graph of calls between symbolic inputs and outputs: what a functional model is made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from dlnative.graph import function as compiled
from dlnative.graph.trace import current_trace
from dlnative.graph.tree import flatten, flatten_structure, form, is_nested, map_structure, ordered_keys, pack, paths
from dlnative.layers.input import InputLayer
from dlnative.layers.layer import Layer
from dlnative.models.ordering import calls_between, layers_by_depth
from dlnative.symbolic import Call, KerasTensor, has_keras_tensor
from dlnative.utils.naming import auto_name


class Function:
    """A function of the calls that lead from symbolic inputs to symbolic outputs.

    Called on arrays, on symbolic tensors or on `KerasTensor`s it makes these calls again, with the same layers.

    Args:
        inputs: a `KerasTensor`, or nested lists or dicts of them.
        outputs: a `KerasTensor`, or nested lists or dicts of them, made from the inputs.
        name: a name.

    Raises:
        ValueError: if the outputs do not come from the inputs alone.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> x = dlnative.KerasTensor((None, 2))
        >>> square = dlnative.Function(x, dlnative.ops.square(x))
        >>> square(np.array([[2.0, 3.0]], "float32"))
        array([[4., 9.]], dtype=float32)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, *, label: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.label = label or f'{type(self).__name__} "{self.name}"'
        check_symbolic(self.label, inputs, outputs)
        self.input_structure = inputs
        self.output_structure = outputs
        self.inputs: list[KerasTensor] = flatten(inputs)
        self.outputs: list[KerasTensor] = flatten(outputs)
        self.calls = calls_between(self.label, self.inputs, self.outputs, outputs)
        self._compiled: compiled.Function | None = None
        self._warned = False

    @property
    def operations(self) -> list[Any]:
        """What is called: the inputs' layers, and then layers and functions in the order of their first calls."""
        return list(dict.fromkeys([*_input_layers(self.inputs), *[call.function for call in self.calls]]))

    @property
    def layers(self) -> list[Layer]:
        """The layers, those farthest from the outputs first."""
        return layers_by_depth(self.inputs, self.outputs, self.calls)

    def __call__(self, inputs: Any) -> Any:
        """Makes the calls on other inputs, nested as the symbolic ones."""
        if current_trace() is not None or has_keras_tensor([inputs]):
            return self._run_checked(inputs)
        if self._compiled is None:
            self._compiled = compiled.Function(compiled.WeakMethod(self._run_checked))
        return self._compiled(inputs)

    def _run_checked(self, inputs: Any) -> Any:
        for index, (leaf, tensor) in enumerate(zip(self.leaves(inputs), self.inputs, strict=True)):
            if leaf is None and self._optional(index):
                continue
            found = tuple(getattr(leaf, "shape", ()))
            if len(found) != len(tensor.shape) or any(
                a != b for a, b in zip(found, tensor.shape, strict=True) if None not in (a, b)
            ):
                raise ValueError(
                    f"{self.label}: incompatible inputs: expected shape {tensor.shape} for input {index}, got {found}"
                )
        return self.run(inputs)

    def run(self, inputs: Any, call: Callable[..., Any] | None = None) -> Any:
        """Makes the calls on symbolic tensors.

        Args:
            inputs: nested as the symbolic ones.
            call: what makes a call of a layer or function: `call(function, *args, **kwargs)`.
        """
        values: dict[int, Any] = dict(zip(map(id, self.inputs), self.leaves(inputs), strict=True))
        for made in self.calls:
            args, kwargs = map_structure(lambda leaf: values.get(id(leaf), leaf), (made.args, made.kwargs))
            outputs = made.function(*args, **kwargs) if call is None else call(made.function, *args, **kwargs)
            results = [item for item in flatten_structure(outputs) if hasattr(item, "shape")]
            values.update(zip(map(id, made.outputs), results, strict=True))
        return map_structure(lambda tensor: values[id(tensor)], self.output_structure)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Returns `KerasTensor`s for the outputs of other `KerasTensor`s."""
        return self.run(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shapes of the outputs for the shapes of the inputs."""
        shapes = [input_shape] if len(self.inputs) == 1 else list(_shapes(input_shape))
        made = [KerasTensor(shape, tensor.dtype) for shape, tensor in zip(shapes, self.inputs, strict=True)]
        return map_structure(lambda tensor: tensor.shape, self.run(pack(self.input_structure, made)))

    # Inputs.

    def leaves(self, x: Any) -> list[Any]:
        """Returns what is given for the inputs, in their order: nested as they are, by their names, or in a list.

        Raises:
            ValueError: if something is missing, or it is not clear what belongs to what.
        """
        structure, count = self.input_structure, len(self.inputs)
        if isinstance(structure, KerasTensor):
            return [self._single(x)]
        if form(_tuples(x)) == form(_tuples(structure)):
            return flatten(x)
        if isinstance(x, dict):
            return self._by_key(x)
        if count == 1 and not is_nested(x):
            return [x]
        leaves = flatten(x)
        if isinstance(structure, dict) and all(isinstance(item, KerasTensor) for item in structure.values()):
            if not is_nested(x):
                raise ValueError(
                    f"{self.label}: expects {count} named input(s) with keys {list(structure)}, got {_described(x)}"
                )
            if len(leaves) == count and list(structure) != ordered_keys(structure):
                raise ValueError(f"{self.label}: {self._mismatch(x)}")
        if len(leaves) != count:
            raise ValueError(f"{self.label}: invalid input structure: expects {count} inputs, got {len(leaves)}")
        self._warn(x)
        return leaves

    def _single(self, x: Any) -> Any:
        name = self.inputs[0].name
        if isinstance(x, dict):
            if name not in x:
                raise ValueError(f'{self.label}: expected an input "{name}", got {", ".join(map(str, x))}')
            return x[name]
        if isinstance(x, (list, tuple)):
            if len(x) == 1:
                return x[0]
            if any(hasattr(item, "shape") for item in x):
                raise ValueError(f"{self.label}: expects 1 input, got {len(x)}")
        return x

    def _by_key(self, x: dict[Any, Any]) -> list[Any]:
        structure = self.input_structure
        flat = isinstance(structure, dict) and not any(is_nested(item) for item in structure.values())
        if isinstance(structure, dict) and not flat:
            raise ValueError(f"{self.label}: {self._mismatch(x)}")
        keys = ordered_keys(structure) if flat else [tensor.name for tensor in self.inputs]
        missing = [key for key in keys if key not in x and not self._optional(keys.index(key))]
        if missing:
            raise ValueError(f'{self.label}: expected an input "{missing[0]}", got {", ".join(map(str, x))}')
        if len(x) > len(keys) and flat:
            self._warn(x)
        return [x.get(key) for key in keys]

    def _optional(self, index: int) -> bool:
        history = self.inputs[index].history
        return history is not None and getattr(history.function, "optional", False)

    def _warn(self, x: Any) -> None:
        """Says once that the inputs are nested in another way, but can be told apart."""
        if not self._warned:
            self._warned = True
            warnings.warn(self._mismatch(x), stacklevel=5)

    def _mismatch(self, x: Any) -> str:
        expected = map_structure(lambda tensor: tensor.name, self.input_structure)
        return (
            "The structure of `inputs` doesn't match the expected structure: "
            f"expected {expected}, got {map_structure(_described, x)}"
        )

    def fitted(self, leaves: list[Any], squeeze: Callable[[Any], Any], expand: Callable[[Any], Any]) -> list[Any]:
        """Returns inputs with the ranks of the symbolic ones: a last axis of extent 1 may be all that differs.

        Args:
            leaves: the inputs, in order; `None` for an optional one that is not there.
            squeeze, expand: what takes the last axis away, and adds it.

        Raises:
            ValueError: if a shape does not fit, or an input that is not optional is not there.
        """
        found = []
        for index, (leaf, tensor) in enumerate(zip(leaves, self.inputs, strict=True)):
            if leaf is None:
                if not self._optional(index):
                    raise ValueError(
                        f"{self.label}: the input '{tensor.name}' is not optional: expected an array, got None"
                    )
            else:
                self.check(index, tuple(leaf.shape))
                rank = len(tensor.shape)
                leaf = expand(leaf) if len(leaf.shape) < rank else squeeze(leaf) if len(leaf.shape) > rank else leaf
            found.append(leaf)
        return found

    def check(self, index: int, shape: tuple[Any, ...]) -> None:
        """Refuses an input of another shape than the symbolic input has; the batch may have any size."""
        expected = self.inputs[index].shape
        if len(shape) == len(expected):
            if all(a is None or b is None or a == b for a, b in zip(shape[1:], expected[1:], strict=True)):
                return
        elif _same_but_for_one_axis(shape[1:], expected[1:]) and shape:
            return
        wanted = (None, *expected[1:]) if expected else ()
        raise ValueError(
            f"{self.label}: input with name '{self.inputs[index].name}' and path '{self._path(index)}': expected "
            f"shape={wanted}, found shape={shape}"
        )

    def _path(self, index: int) -> str:
        return ".".join(map(str, paths(self.input_structure)[index]))

    # Copies: a table instead of tensors that lead to calls that lead to tensors.

    def __getstate__(self) -> dict[str, Any]:
        tensors = [*self.inputs, *[tensor for call in self.calls for tensor in call.outputs]]
        places = {id(tensor): _Place(index) for index, tensor in enumerate(tensors)}

        def placed(structure: Any) -> Any:
            return map_structure(lambda leaf: places.get(id(leaf), leaf), structure)

        return {
            "name": self.name,
            "label": self.label,
            "inputs": placed(self.input_structure),
            "outputs": placed(self.output_structure),
            "tensors": [(tensor.shape, tensor.dtype, tensor.name) for tensor in tensors],
            "makers": [tensor.history and tensor.history.function for tensor in self.inputs],
            "calls": [
                (call.function, placed(call.args), placed(call.kwargs), len(call.outputs)) for call in self.calls
            ],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.name, self.label, self._compiled, self._warned = state["name"], state["label"], None, False
        tensors = [KerasTensor(*specification) for specification in state["tensors"]]

        def found(structure: Any) -> Any:
            return map_structure(lambda leaf: tensors[leaf.index] if isinstance(leaf, _Place) else leaf, structure)

        self.input_structure, self.output_structure = found(state["inputs"]), found(state["outputs"])
        self.inputs, self.outputs = flatten(self.input_structure), flatten(self.output_structure)
        for tensor, maker in zip(tensors, state["makers"], strict=False):
            if maker is not None:
                _join(Call(maker, (), {}), [tensor], (tensor, tensor))
        self.calls = []
        begin = len(state["makers"])
        for function, args, kwargs, count in state["calls"]:
            call = Call(function, found(args), found(kwargs))
            outputs = tensors[begin : begin + count]
            given = call.args[0] if len(call.args) == 1 else call.args
            _join(call, outputs, (given, outputs[0] if count == 1 else outputs))
            self.calls.append(call)
            begin += count


class _Place:
    """The place of a tensor in a table."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def _join(call: Call, outputs: list[KerasTensor], first: tuple[Any, Any]) -> None:
    """Makes tensors the outputs of a call; of a layer's first call also what its `input` and `output` are."""
    call.outputs = outputs
    for tensor in outputs:
        tensor.history = call
    own = getattr(call.function, "__dict__", {})
    if isinstance(call.function, InputLayer) or (isinstance(call.function, Layer) and own.get("_last_call") is None):
        own["_last_call"] = first


def check_symbolic(label: str, inputs: Any, outputs: Any) -> None:
    """Refuses inputs and outputs that are no nested `KerasTensor`s, or none at all."""
    for role, structure in (("inputs", inputs), ("outputs", outputs)):
        leaves = flatten(structure)
        for leaf in leaves:
            if not isinstance(leaf, KerasTensor):
                raise ValueError(f"{label}: All `{role}` values must be KerasTensors, got {leaf!r}")
        if not leaves:
            raise ValueError(f"{label}: `{role}` argument cannot be empty: expected a KerasTensor or more, got none")


def with_own_inputs(label: str, inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Returns inputs and outputs of which no input is the output of a layer: such a one gets an input of its own.

    Args:
        label: what messages call the model.
        inputs, outputs: nested `KerasTensor`s.
    """
    check_symbolic(label, inputs, outputs)
    leaves = flatten(inputs)
    begins = [tensor.history is None or isinstance(tensor.history.function, InputLayer) for tensor in leaves]
    if all(begins):
        for tensor in leaves:
            if tensor.history is None:
                InputLayer(input_tensor=tensor, name=tensor.name)
        return inputs, outputs
    graph = Function(inputs, outputs, "sliced", label=label)
    own = [
        tensor
        if begin
        else InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, name=auto_name("input_layer")).output
        for tensor, begin in zip(leaves, begins, strict=True)
    ]
    made = pack(inputs, own)
    return made, graph.run(made)


def _tuples(structure: Any) -> Any:
    """Returns the nesting with tuples for lists, and nothing in it: which one was given makes no difference."""
    if isinstance(structure, dict):
        return {key: _tuples(item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return tuple(_tuples(item) for item in structure)
    return ""


def _described(leaf: Any) -> str:
    return f"Tensor(shape={tuple(leaf.shape)})" if hasattr(leaf, "shape") else type(leaf).__name__


def _shapes(structure: Any) -> Any:
    """Yields the shapes in nested lists and dicts."""
    if isinstance(structure, dict):
        for key in ordered_keys(structure):
            yield from _shapes(structure[key])
    elif isinstance(structure, (list, tuple)) and any(is_nested(item) for item in structure):
        for item in structure:
            yield from _shapes(item)
    else:
        yield structure


def _input_layers(inputs: list[KerasTensor]) -> list[Any]:
    made = [tensor.history.function for tensor in inputs if tensor.history is not None]
    return [function for function in made if isinstance(function, InputLayer)]


def _same_but_for_one_axis(shape: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    """Tells whether two shapes differ only by a last axis of extent 1."""
    longer, shorter = (shape, expected) if len(shape) > len(expected) else (expected, shape)
    return (
        len(longer) == len(shorter) + 1
        and longer[-1] == 1
        and all(a is None or b is None or a == b for a, b in zip(longer, shorter, strict=False))
    )
