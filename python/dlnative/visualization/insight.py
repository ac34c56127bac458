"""What a model does, in numbers: what it mistakes, what it looks at, what its layers make of an input, how it learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.callbacks.callback import Callback
from dlnative.gradient import grad, value_and_grad
from dlnative.models.model import Model
from dlnative.utils.checks import integer

Array = np.ndarray[Any, Any]


def confusion_matrix(y_true: Any, y_pred: Any, num_classes: int | None = None) -> Array:
    """Returns how often each class was taken for each.

    Args:
        y_true: class numbers, or rows with a 1 for the class.
        y_pred: class numbers, or rows of probabilities.
        num_classes: how many classes there are; by default as many as are there.

    Returns:
        A matrix of counts: a row for each true class, a column for each answer.

    Raises:
        ValueError: if there are not as many answers as classes, or a number is out of range.

    Example:
        >>> confusion_matrix([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]).tolist()
        [[1, 0], [1, 1]]
    """
    true, pred = (classes_of(y) for y in (y_true, y_pred))
    if true.shape != pred.shape:
        raise ValueError(f"confusion_matrix: expected as many answers as classes, got {len(pred)} and {len(true)}")
    widths = [array.shape[-1] for array in map(np.asarray, (y_true, y_pred)) if array.ndim > 1 and array.shape[-1] > 1]
    count = max([*widths, *(int(labels.max(initial=-1)) + 1 for labels in (true, pred))])
    count = count if num_classes is None else integer("confusion_matrix", "num_classes", num_classes, 1)
    for labels in (true, pred):
        if labels.size and (labels.min() < 0 or labels.max() >= count):
            raise ValueError(
                f"confusion_matrix: expected classes in [0, {count}), got {labels.min()} to {labels.max()}"
            )
    counts = np.zeros((count, count), np.int64)
    np.add.at(counts, (true, pred), 1)
    return counts


def classes_of(y: Any) -> Array:
    """Returns class numbers, given as such, as rows of probabilities, or as probabilities of class 1."""
    array = np.asarray(y)
    if array.ndim > 1 and array.shape[-1] > 1:
        return array.reshape(-1, array.shape[-1]).argmax(axis=-1)
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):  # probabilities of class 1
        array = array > 0.5
    return array.reshape(-1).astype(np.int64)


def activations(model: Any, x: Any) -> dict[str, Array]:
    """Returns what each layer makes of inputs.

    Args:
        model: a functional or Sequential model.
        x: the inputs.

    Returns:
        Arrays by the layer's name, in order; of a layer that is called more than once, of the first call.

    Raises:
        ValueError: if the model's layers are not known.
    """
    if getattr(model, "inputs", None) is None:
        raise ValueError(f'activations: expected a functional or Sequential model, got "{model.name}"')
    outputs: dict[str, Any] = {}
    for call in model._graph.calls:
        name = getattr(call.function, "name", getattr(call.function, "__name__", "op"))
        if len(call.outputs) == 1:
            outputs.setdefault(name, call.outputs[0])
    found: Any = Model(model.input, list(outputs.values())).predict(x, verbose=0)
    listed = found if isinstance(found, list) else [found]
    return dict(zip(outputs, listed, strict=True))


def input_gradients(model: Any, x: Any, output: int | None = None) -> Array:
    """Returns the gradient of an output with respect to each input: what the answer would change with.

    Args:
        model: a model of one input.
        x: the inputs.
        output: the number of the output; by default each sample's largest.

    Returns:
        An array of the shape of `x`.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(1, kernel_initializer="ones")])
        >>> input_gradients(model, np.array([[1.0, 2.0]], "float32")).tolist()
        [[1.0, 1.0]]
    """

    def chosen(inputs: Any) -> Any:
        outputs = model(inputs, training=False)
        if output is not None:
            return ops.sum(outputs[..., output])
        return ops.sum(ops.max(outputs, axis=-1))

    gradients: Array = grad(chosen)(np.asarray(x, model.compute_dtype))
    return gradients


def permutation_importance(
    model: Any, x: Any, y: Any, metric: Callable[[Any, Any], float] | None = None, repeats: int = 5, seed: int = 0
) -> Array:
    """Returns how much worse a model becomes when the values of one feature are exchanged among the samples.

    Args:
        model: a compiled model.
        x: inputs of shape `(samples, features)`.
        y: the targets.
        metric: a function of targets and predictions, larger where they are worse; by default the model's loss.
        repeats: how often each feature is permuted.
        seed: of the permutations.

    Returns:
        The mean change for each feature. 0: the model does not look at it.

    Raises:
        ValueError: if `x` has not two axes.
    """
    x = np.asarray(x)
    if x.ndim != 2:
        raise ValueError(f"permutation_importance: expected x of shape (samples, features), got {x.shape}")
    repeats = integer("permutation_importance", "repeats", repeats, 1)
    random = np.random.default_rng(seed)

    def judged(inputs: Array) -> float:
        if metric is not None:
            return float(metric(y, model.predict(inputs, verbose=0)))
        return float(model.evaluate(inputs, y, verbose=0, return_dict=True)["loss"])

    before = judged(x)
    changes = np.zeros((x.shape[1], repeats))
    for feature in range(x.shape[1]):
        for turn in range(repeats):
            changed = x.copy()
            changed[:, feature] = random.permutation(x[:, feature])
            changes[feature, turn] = judged(changed) - before
    means: Array = changes.mean(axis=1)
    return means


class GradientNorms(Callback):
    """Computes the norms of the gradients of the loss on given data, every so many steps of training.

    Args:
        x, y: the data; some dozens of samples will do.
        every: after how many steps.

    Attributes:
        steps: the steps.
        norms: the norms at these steps, by the variable's path.
    """

    def __init__(self, x: Any, y: Any, every: int = 10) -> None:
        super().__init__()
        self.x, self.y = np.asarray(x), np.asarray(y)
        self.every = integer("GradientNorms", "every", every, 1)
        self.steps: list[int] = []
        self.norms: dict[str, list[float]] = {}
        self._done = 0
        self._compute: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        model = self.model

        def loss(x: Any, y: Any) -> Any:
            return model.compute_loss(x, y, model(x, training=False), training=False)

        self._compute = value_and_grad(loss, variables=model.trainable_variables)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._done += 1
        if self._done % self.every:
            return
        _, gradients = self._compute(self.x, self.y)
        self.steps.append(self._done)
        for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True):
            norm = 0.0 if gradient is None else float(np.linalg.norm(np.asarray(gradient, np.float64)))
            self.norms.setdefault(variable.path, []).append(norm)
