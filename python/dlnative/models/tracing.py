"""The steps of a model as they are traced: its own, or those that a subclass has written instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from dlnative import ops
from dlnative.data.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from dlnative.graph.autodiff import gradients
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import Trace, current_trace
from dlnative.graph.tree import flatten, flatten_structure, map_structure
from dlnative.graph.variable import Variable
from dlnative.layers.layer import Layer


def train(model: Any, x: Any, y: Any, sample_weight: Any) -> list[Any]:
    """Forward, loss, backward, optimizer, metrics."""
    if model._overrides("train_step"):
        return _custom(model, "train", model.train_step, x, y, sample_weight)
    return own_train(model, x, y, sample_weight)


def own_train(model: Any, x: Any, y: Any, sample_weight: Any) -> list[Any]:
    """The training step of models that do not write their own."""
    trace = _trace()
    y_pred, loss = forward(model, x, y, sample_weight, training=True)
    variables = model.trainable_variables
    found = []
    if variables:
        sources = [trace.first(variable) for variable in variables]
        found = gradients(model.optimizer.scale_loss(loss), sources, trace.scalar(1.0, loss.dtype), ops.add)
    update_metrics(model, "train", x, y, y_pred, sample_weight, loss)
    if variables:
        model.optimizer.apply(found, variables)
    return []


def test(model: Any, x: Any, y: Any, sample_weight: Any) -> list[Any]:
    """Forward, loss, metrics."""
    if model._overrides("test_step"):
        return _custom(model, "test", model.test_step, x, y, sample_weight)
    return own_test(model, x, y, sample_weight)


def own_test(model: Any, x: Any, y: Any, sample_weight: Any) -> list[Any]:
    """The test step of models that do not write their own."""
    y_pred, loss = forward(model, x, y, sample_weight, training=False)
    update_metrics(model, "test", x, y, y_pred, sample_weight, loss)
    return []


def predict(model: Any, x: Any, y: Any, sample_weight: Any) -> Any:
    """Forward."""
    del y, sample_weight
    if model._overrides("predict_step"):
        build(model, x)
        data = pack_x_y_sample_weight(x)
        if takes_state(model.predict_step):
            state = state_of(model, "predict")
            outputs, after = model.predict_step(state, data)
            set_state(model, "predict", (state[0], after), state)
        else:
            outputs = model.predict_step(data)
    else:
        outputs = model(x, training=False)
    model.output_structure = _specification(outputs)
    return flatten_structure(outputs)


def forward(model: Any, x: Any, y: Any, sample_weight: Any, training: bool) -> tuple[Any, Any]:
    """Returns the outputs and the loss."""
    y_pred = model(x, training=training)
    model.output_structure = _specification(y_pred)
    model._objective.name_outputs(model._output_names())
    arguments = {"training": training} if takes(model.compute_loss, "training") else {}
    loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **arguments)
    if loss is None:
        raise ValueError(f"{model._label}: expected a loss in compile() or from add_loss, got none")
    if isinstance(loss, (int, float)) and not isinstance(loss, bool):
        loss = _trace().scalar(float(loss), "float32")
    if not isinstance(loss, Tensor) or loss.shape != ():
        raise ValueError(f"{model._label}: expected a scalar loss, got {loss!r}")
    return y_pred, loss


def update_metrics(model: Any, mode: str, x: Any, y: Any, y_pred: Any, sample_weight: Any, loss: Any) -> None:
    """Lets the metrics see a batch; what `compute_metrics` of a subclass returns becomes the logs of the step."""
    rows = next(leaf.shape[0] for leaf in flatten(x) if leaf is not None)
    model._objective.tracker.update_state(loss, sample_weight=float(rows))
    if not model._overrides("compute_metrics"):
        model._objective.update_metrics(y, y_pred, sample_weight)
        return
    results = model.compute_metrics(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
    if results is not None:
        keep_logs(model, mode, flat_logs(model, "compute_metrics", results))


# Steps that a subclass has written.


def _custom(model: Any, mode: str, step: Callable[..., Any], x: Any, y: Any, sample_weight: Any) -> list[Any]:
    build(model, x)
    data = pack_x_y_sample_weight(x, y, sample_weight)
    model._objective.name_outputs(model._output_names())
    if takes_state(step):
        state = state_of(model, mode)
        logs, after = step(state, data)
        set_state(model, mode, after, state)
    else:
        logs = step(data)
    keep_logs(model, mode, flat_logs(model, f"{mode}_step", logs))
    return []


def build(model: Any, x: Any) -> None:
    """Builds a model that is not built yet, as its steps take its variables for given.

    It is called in a trace that is thrown away. A model without `call` has nothing to build here.
    """
    if model.built or type(model).call is Layer.call:
        return
    trace = Trace()
    feeds = map_structure(lambda leaf: None if leaf is None else trace.feed(leaf.shape, leaf.dtype), x)
    trace.record(lambda: model(feeds, training=False))
    trace.release()


def flat_logs(model: Any, method: str, logs: Any) -> dict[str, Any]:
    """Returns the values of a dict by name, those of dicts in it under their own names."""
    if not isinstance(logs, dict):
        raise ValueError(f"{model._label}: expected {method} to return a dict of values by name, got {logs!r}")
    found: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            found.update(flat_logs(model, method, value))
        elif value is not None:
            found[str(name)] = value
    return found


def keep_logs(model: Any, mode: str, logs: dict[str, Any]) -> None:
    """Assigns what a step returns to variables: so that many steps can run before somebody looks."""
    held = model._steps.logs.setdefault(mode, {})
    for name in [name for name in held if name not in logs]:
        del held[name]
    for name, value in logs.items():
        value = ops.convert_to_tensor(value)
        shape, dtype = tuple(value.shape), str(value.dtype)
        variable = held.get(name)
        if variable is None or variable.shape != shape or variable.dtype != dtype:
            variable = Variable("zeros", shape, dtype, trainable=False, name=name)
        held[name] = variable
        variable.assign(value)


def takes_state(step: Callable[..., Any]) -> bool:
    """Tells whether a step is written as `(self, state, data)`: a function of the state that returns the new one."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [
        parameter
        for parameter in inspect.signature(step).parameters.values()
        if parameter.kind in kinds and parameter.default is inspect.Parameter.empty
    ]
    return len(required) >= 2


def takes(function: Callable[..., Any], name: str) -> bool:
    """Tells whether a function has an argument."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters.values())


_STATE = {
    "train": ("trainable_variables", "non_trainable_variables", "optimizer", "metrics_variables"),
    "test": ("trainable_variables", "non_trainable_variables", "metrics_variables"),
    "predict": ("trainable_variables", "non_trainable_variables"),
}


def _state_variables(model: Any, mode: str) -> list[list[Variable]]:
    found = []
    for name in _STATE[mode]:
        if name == "optimizer":
            model._build_optimizer()
            found.append(list(model.optimizer.variables))
        else:
            found.append(list(getattr(model, name)))
    return found


class State(tuple[list[Any], ...]):
    """The values of a model's variables, in lists, and the variables that they belong to."""

    variables: list[list[Variable]]


def state_of(model: Any, mode: str) -> State:
    """Returns the values of a model's variables at this point of the trace, as Keras's steps on JAX are given them."""
    trace = _trace()
    variables = _state_variables(model, mode)
    state = State([trace.read(variable) for variable in group] for group in variables)
    state.variables = variables
    return state


def set_state(model: Any, mode: str, state: Any, before: State) -> None:
    """Assigns those values of a state that are others than those before.

    Args:
        model: the model.
        mode: the step.
        state: the lists of values; of the variables there were before, or of those that the step has made as well.
        before: the state that the step began with.
    """
    trace = _trace()
    for group, olds, now, values in zip(before.variables, before, _state_variables(model, mode), state, strict=True):
        variables = group if len(values) == len(group) else now
        if len(values) != len(variables):
            raise ValueError(f"{model._label}: expected a state of {len(variables)} values, got {len(values)}")
        known = dict(zip(group, olds, strict=True))
        for variable, value in zip(variables, values, strict=True):
            if value is not known.get(variable) and value is not trace.read(variable):
                variable.assign(value)


def run_own(model: Any, mode: str, own: Callable[..., Any], data: Any, more: tuple[Any, ...]) -> Any:
    """Runs the step of models that do not write their own, for a subclass whose step calls it.

    Args:
        model: the model.
        mode: `"train"` or `"test"`.
        own: `own_train` or `own_test`.
        data: the batch, or the state if the batch follows.
        more: the batch, if a state came first.

    Returns:
        The values of the metrics by name; with a state, also the new one.
    """
    if more:
        state = data
        (data,) = more
        set_state(model, mode, state, state_of(model, mode))
    own(model, *unpack_x_y_sample_weight(data))
    logs = model.get_metrics_result()
    return (logs, state_of(model, mode)) if more else logs


def _specification(outputs: Any) -> Any:
    """Returns outputs without what makes them, which a model need not keep."""
    return map_structure(lambda tensor: Tensor(tensor.shape, tensor.dtype), outputs)


def _trace() -> Trace:
    trace = current_trace()
    assert trace is not None
    return trace
