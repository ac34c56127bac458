"""How far a student is from its teacher."""

from __future__ import annotations

from typing import Any

from dlnative import losses, ops, tree
from dlnative.saving.serialization import deserialize_keras_object, serialize_keras_object
from dlnative.utils.checks import number


class DistillationLoss:
    """The base of all distillation losses: a subclass writes `compute_loss`, and `get_config` if it is to be saved."""

    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Returns a scalar: how far the student is from the teacher.

        Args:
            teacher_outputs, student_outputs: tensors, or several in lists, tuples or dicts.
            **kwargs: for subclasses.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method compute_loss, found none")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises ValueError if the outputs are not nested alike."""
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises ValueError if the loss cannot be computed of these models."""


class _OfOutputs(DistillationLoss):
    """A distillation loss that is the sum of losses of the outputs.

    Args:
        loss: a loss, or several, nested as the outputs are; `None` leaves an output out.
    """

    def __init__(self, loss: Any) -> None:
        self.loss = tree.map_structure(lambda item: losses.get(item) if isinstance(item, str) else item, loss)
        if all(item is None for item in tree.flatten(self.loss)):
            raise ValueError(f"{type(self).__name__}: expected at least one loss that is not None, got {loss!r}")

    def _sum(self, teacher_outputs: Any, student_outputs: Any) -> Any:
        teachers, students = tree.flatten(teacher_outputs), tree.flatten(student_outputs)
        values = [
            self._of(loss, teacher, student)
            for loss, teacher, student in zip(tree.flatten(self.loss), teachers, students, strict=True)
            if loss is not None
        ]
        return sum(values[1:], values[0])

    def _of(self, loss: Any, teacher: Any, student: Any) -> Any:
        return ops.mean(loss(teacher, student))

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        super().validate_outputs(teacher_outputs, student_outputs)
        try:
            tree.assert_same_structure(self.loss, teacher_outputs)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: Loss structure mismatch: {error}") from None

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a loss again."""
        return {"loss": serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a loss from what `get_config` returned."""
        return cls(**{**config, "loss": deserialize_keras_object(config["loss"])})


class LogitsDistillation(_OfOutputs):
    """The distance of the outputs before a softmax, divided by a temperature.

        loss = temperature**2 * mean(KL(softmax(teacher / temperature), softmax(student / temperature)))

    Other losses than the Kullback-Leibler divergence are computed on the divided outputs themselves.

    Args:
        temperature: above 0; the larger, the more the small probabilities count.
        loss: a loss or its name, or several, nested as the outputs are; `None` leaves an output out.

    Raises:
        ValueError: for another temperature, or without a loss.

    Example:
        >>> import numpy as np
        >>> logits = np.array([[1.0, 2.0]], "float32")
        >>> float(LogitsDistillation(2.0).compute_loss(logits, logits))
        0.0
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        super().__init__(loss)
        self.temperature = number("LogitsDistillation", "temperature", temperature, 0, open_low=True)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        cooled = [
            tree.map_structure(lambda x: x / self.temperature, outputs)
            for outputs in (teacher_outputs, student_outputs)
        ]
        return self._sum(*cooled)

    def _of(self, loss: Any, teacher: Any, student: Any) -> Any:
        if isinstance(loss, losses.KLDivergence) or loss is losses.kl_divergence:
            return super()._of(loss, ops.softmax(teacher), ops.softmax(student)) * self.temperature**2
        return super()._of(loss, teacher, student)

    def get_config(self) -> dict[str, Any]:
        return {"temperature": self.temperature, **super().get_config()}


class FeatureDistillation(_OfOutputs):
    """The distance of what a layer of the teacher and one of the student make of an input.

    Args:
        loss: a loss or its name, or several, nested as the outputs are; `None` leaves an output out.
        teacher_layer_name, student_layer_name: the layers; `None` for the outputs of the models.

    Raises:
        ValueError: without a loss.
    """

    def __init__(
        self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None
    ) -> None:
        super().__init__(loss)
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        return self._sum(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        names = {"teacher": self.teacher_layer_name, "student": self.student_layer_name}
        for (role, name), model in zip(names.items(), (teacher, student), strict=True):
            if any(names.values()) and getattr(model, "inputs", None) is None:
                raise ValueError(
                    f"FeatureDistillation: expected the {role} to be a functional or Sequential model, whose layers can be "
                    f"named, got a subclassed one (no symbolic inputs/outputs): {model!r}"
                )
            if name is not None:
                try:
                    model.get_layer(name)
                except ValueError as error:
                    raise ValueError(f"FeatureDistillation: In {role} model: {error}") from None

    def get_config(self) -> dict[str, Any]:
        names = {"teacher_layer_name": self.teacher_layer_name, "student_layer_name": self.student_layer_name}
        return {**super().get_config(), **names}
