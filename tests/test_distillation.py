"""Distillation: the losses against their formulas, and a student that follows its teacher."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.distillation import DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation

X = np.random.RandomState(0).randn(64, 4).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
CROSSENTROPY = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(units: int, name: str) -> Any:
    return dlnative.Sequential(
        [dlnative.Input((4,)), layers.Dense(units, activation="relu", name=f"{name}_hidden"), layers.Dense(2)]
    )


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_losses_are_their_formulas(random: np.random.RandomState) -> None:
    teacher, student = random.randn(2, 5, 3).astype("float32")
    p, q = softmax(teacher / 2.0), softmax(student / 2.0)
    found = LogitsDistillation(2.0).compute_loss(teacher, student)
    np.testing.assert_allclose(found, 4.0 * (p * np.log(p / q)).sum(axis=-1).mean(), rtol=1e-5)
    found = FeatureDistillation(["mse", None]).compute_loss([teacher, teacher], [student, student])
    np.testing.assert_allclose(found, ((teacher - student) ** 2).mean(), rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_is_a_mean_of_both(share: float) -> None:
    teacher, student = network(8, "teacher"), network(3, "student")
    losses = [LogitsDistillation(3.0), FeatureDistillation("mse")]
    distiller = Distiller(teacher, student, losses, [1.0, 0.5], student_loss_weight=share)
    distiller.compile("sgd", CROSSENTROPY)
    before = [np.array(w) for w in teacher.get_weights()]
    theirs, own = teacher(X), student(X)
    hard = -np.log(softmax(own))[np.arange(64), Y].mean()
    soft = sum(weight * float(loss.compute_loss(theirs, own)) for loss, weight in zip(losses, [1.0, 0.5], strict=True))
    results = distiller.evaluate(X, Y, verbose=0, return_dict=True, batch_size=64)
    np.testing.assert_allclose(results["loss"], share * hard + (1 - share) * soft, rtol=1e-5)
    distiller.fit(X, Y, epochs=2, verbose=0)
    for old, new in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_student_follows_its_teacher_without_targets_that_help() -> None:
    dlnative.utils.set_random_seed(0)
    teacher = network(8, "teacher")
    student = network(8, "student")
    losses = [FeatureDistillation("mse", "teacher_hidden", "student_hidden"), FeatureDistillation("mse")]
    distiller = Distiller(teacher, student, losses, student_loss_weight=0.0)
    distiller.compile(dlnative.optimizers.Adam(0.02), CROSSENTROPY)
    history = distiller.fit(X, Y, epochs=60, verbose=0)
    assert history.history["distillation_loss"][-1] < 0.1 * history.history["distillation_loss"][0]


def test_a_distiller_comes_back_from_its_configuration() -> None:
    distiller = Distiller(network(8, "t"), network(3, "s"), LogitsDistillation(5.0), student_loss_weight=0.25)
    again = Distiller.from_config(distiller.get_config())
    assert (again.student_loss_weight, again.distillation_losses[0].temperature) == (0.25, 5.0)
    assert again.student.count_params() == distiller.student.count_params()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t, s: LogitsDistillation(0.0), "temperature"),
        (lambda t, s: FeatureDistillation([None]), "at least one loss"),
        (lambda t, s: Distiller(t, s, LogitsDistillation(), student_loss_weight=2.0), "between 0.0 and 1.0"),
        (lambda t, s: Distiller(t, s, [LogitsDistillation()], [1.0, 1.0]), "must match number"),
        (lambda t, s: Distiller(t, s, FeatureDistillation("mse", "absent")), "In teacher model"),
        (lambda t, s: Distiller(t, s, None), "distillation losses"),
        (lambda t, s: Distiller(t, dlnative.Sequential([dlnative.Input((5,)), layers.Dense(2)]), LogitsDistillation()),
         "incompatible"),
        (lambda t, s: DistillationLoss().compute_loss(1, 2), "compute_loss"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises((ValueError, NotImplementedError), match=message):
        make(network(8, "t"), network(3, "s"))
