"""A model that trains a student with the help of a teacher."""

from __future__ import annotations

from typing import Any

from dlnative import losses, metrics, ops, tree
from dlnative.distillation.losses import DistillationLoss
from dlnative.models.model import Model
from dlnative.saving.serialization import deserialize_keras_object, serialize_keras_object
from dlnative.utils.checks import number


class Distiller(Model):
    """Trains a student on targets and on what a teacher makes of the inputs; the teacher stays as it is.

        loss = w * loss(y, student(x)) + (1 - w) * sum(distillation losses, each times its weight)

    Args:
        teacher: a trained model.
        student: the model to train, with inputs and outputs as the teacher's.
        distillation_losses: a distillation loss, or several in a list.
        distillation_loss_weights: what each of them counts; 1 by default.
        student_loss_weight: w, what the loss on the targets counts, in [0, 1].
        name: a name.
        **kwargs: of a model.

    Raises:
        ValueError: if the models do not fit together, or the weights not to the losses.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> from dlnative.distillation import LogitsDistillation
        >>> teacher, student = (
        ...     dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(3)]) for _ in range(2)
        ... )
        >>> distiller = Distiller(teacher, student, LogitsDistillation(3.0))
        >>> distiller.compile("adam", dlnative.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> history = distiller.fit(np.ones((8, 2), "float32"), np.zeros(8, "int32"), verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss']
    """

    def __init__(
        self, teacher: Any, student: Any, distillation_losses: Any, distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5, name: str = "distiller", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        for role, model in (("Teacher", teacher), ("Student", student)):
            if not isinstance(model, Model):
                raise ValueError(f"{role} must be a keras.Model, got {type(model)}")
        _check_fit(teacher, student)
        if not isinstance(student_loss_weight, (int, float)):
            raise ValueError(f"student_loss_weight must be a number, got {type(student_loss_weight)}")
        self.student_loss_weight = number(
            "Distiller: student_loss_weight must be between 0.0 and 1.0",
            "student_loss_weight",
            student_loss_weight,
            0,
            1,
        )
        listed = list(distillation_losses) if isinstance(distillation_losses, (list, tuple)) else [distillation_losses]
        for loss in listed:
            if not isinstance(loss, DistillationLoss):
                raise ValueError(f"Distiller: expected distillation_losses to be distillation losses, got {loss!r}")
            loss.validate_model_compatibility(teacher, student)
        weights = [1.0] * len(listed) if distillation_loss_weights is None else list(distillation_loss_weights)
        if len(weights) != len(listed):
            raise ValueError(
                f"Number of distillation_loss_weights ({len(weights)}) must match number of distillation_losses ({len(listed)})"
            )
        self.teacher = teacher
        self.student = student
        self.distillation_losses = listed
        self.distillation_loss_weights = weights
        self._teacher_features = _features(teacher, [loss.teacher_layer_name for loss in listed])
        self._student_features = _features(student, [loss.student_layer_name for loss in listed])
        self.teacher.trainable = False
        self.student_loss_tracker = metrics.Mean(name="student_loss")
        self.distillation_loss_tracker = metrics.Mean(name="distillation_loss")

    def compile(  # type: ignore[override]
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Prepares training; see `Model.compile`.

        Args:
            optimizer: of the student.
            loss: the loss on the targets.
            metrics: metrics of the student's outputs.
            **kwargs: of `Model.compile`.

        Raises:
            ValueError: without a loss, or if the metrics are no list.
        """
        if loss is None:
            raise ValueError("Distiller: expected a loss, got None: 'loss' cannot be `None`")
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise ValueError(f"metrics must be a list or tuple, got {type(metrics)}")
        self._student_loss = tree.map_structure(lambda item: losses.get(item) if isinstance(item, str) else item, loss)
        self._loss_given = loss
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.student(inputs, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the loss of the student; see the class."""
        if y_pred is None:
            y_pred = self(x, training=training)
        share = self.student_loss_weight
        student_loss: Any = 0.0
        distillation_loss: Any = 0.0
        if share > 0 and y is not None:
            pairs = zip(*(tree.flatten(item) for item in (self._student_loss, y, y_pred)), strict=True)
            values = [ops.mean(loss(true, pred)) for loss, true, pred in pairs]
            student_loss = sum(values[1:], values[0])
            self.student_loss_tracker.update_state(student_loss)
        if share < 1:
            teacher = self._of_layers(self.teacher, self._teacher_features, x, None, training=False)
            student = self._of_layers(self.student, self._student_features, x, y_pred, training=training)
            for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights, strict=True):
                theirs = ops.stop_gradient(teacher[loss.teacher_layer_name])
                own = student[loss.student_layer_name]
                loss.validate_outputs(theirs, own)
                distillation_loss = distillation_loss + weight * loss.compute_loss(theirs, own)
            self.distillation_loss_tracker.update_state(distillation_loss)
        return share * student_loss + (1.0 - share) * distillation_loss

    def _of_layers(self, model: Any, features: Any, x: Any, outputs: Any, training: bool) -> dict[str | None, Any]:
        """Returns what the named layers of a model make of inputs, and under `None` its outputs."""
        if features is None:
            return {None: model(x, training=training) if outputs is None else outputs}
        found = dict(features(x, training=training))
        own = found.pop("final_output")
        return {None: own if outputs is None else outputs, **found}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "teacher": serialize_keras_object(self.teacher),
            "student": serialize_keras_object(self.student),
            "distillation_losses": [serialize_keras_object(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": self.distillation_loss_weights,
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        made = {name: deserialize_keras_object(config[name], custom_objects) for name in ("teacher", "student")}
        listed = [deserialize_keras_object(loss, custom_objects) for loss in config["distillation_losses"]]
        return cls(**{**config, **made, "distillation_losses": listed})

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        return {**config, "loss": serialize_keras_object(self._loss_given)} if config else config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with what `get_compile_config` returned."""
        arguments = {name: deserialize_keras_object(config[name]) for name in ("optimizer", "loss", "metrics")}
        self.compile(**arguments)


def _check_fit(teacher: Any, student: Any) -> None:
    for kind in ("input", "output"):
        theirs, own = (getattr(model, f"{kind}s", None) for model in (teacher, student))
        if theirs is None or own is None:
            continue
        for first, second in zip(tree.flatten(theirs), tree.flatten(own), strict=True):
            if len(first.shape) != len(second.shape):
                raise ValueError(
                    f"Teacher and student {kind} shapes have different dimensions. Teacher: {first.shape}, Student: "
                    f"{second.shape}."
                )
            if any(None not in pair and pair[0] != pair[1] for pair in zip(first.shape, second.shape, strict=True)):
                raise ValueError(
                    f"Teacher and student {kind} shapes are incompatible. Teacher: {first.shape}, Student: {second.shape}."
                )
            if first.dtype != second.dtype:
                raise ValueError(
                    f"Teacher and student {kind} dtypes must match. Teacher: {first.dtype}, Student: {second.dtype}."
                )


def _features(model: Any, names: list[str | None]) -> Any:
    """Returns a model that gives the outputs of some layers by name beside its own; `None` if there are none."""
    wanted = [name for name in dict.fromkeys(names) if name is not None]
    if not wanted:
        return None
    outputs = {name: model.get_layer(name).output for name in wanted}
    return Model(
        model.inputs, {"final_output": model.outputs[0] if len(model.outputs) == 1 else model.outputs, **outputs}
    )
