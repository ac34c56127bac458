"""Models as estimators of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers

X = np.random.RandomState(0).randn(120, 4)
Y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")


def network(X: Any, y: Any, units: int = 8, activation: str = "softmax", loss: str = "categorical_crossentropy") -> Any:
    model = dlnative.Sequential(
        [dlnative.Input(X.shape[1:]), layers.Dense(units, activation="relu"), layers.Dense(y.shape[1], activation)]
    )
    model.compile(dlnative.optimizers.Adam(0.03), loss)
    return model


def test_without_scikit_learn_one_line_says_what_to_install(python: Any) -> None:
    program = """
import sys
sys.modules["sklearn"] = None
import dlnative
for name in dlnative.wrappers.__all__:
    try:
        getattr(dlnative.wrappers, name)(print)
    except ImportError as error:
        print(error)
"""
    lines = python(program).splitlines()
    assert len(lines) == 3
    assert all(line.endswith('install "dlnative[sklearn]"') for line in lines)


def test_a_classifier_works_in_pipelines_and_searches() -> None:
    pytest.importorskip("sklearn")
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    dlnative.utils.set_random_seed(0)
    classifier = dlnative.wrappers.SKLearnClassifier(network, fit_kwargs={"epochs": 30})
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, Y)
    assert set(pipeline.predict(X)) == {"up", "down"}
    assert pipeline.score(X, Y) > 0.9
    assert cross_val_score(classifier, X, Y, cv=3).mean() > 0.8
    search = GridSearchCV(classifier, {"model_kwargs": [{"units": 2}, {"units": 8}]}, cv=2).fit(X, Y)
    assert search.best_estimator_.model_.layers[0].units in (2, 8)
    scores = search.best_estimator_.decision_function(X)
    np.testing.assert_array_equal(search.predict(X), search.classes_[scores.argmax(axis=1)])


def test_a_model_that_is_given_is_cloned_and_left_alone() -> None:
    pytest.importorskip("sklearn")
    from sklearn.base import clone

    model = network(X, np.zeros((120, 1)), activation="linear", loss="mse")
    before = [np.array(w) for w in model.get_weights()]
    regressor = dlnative.wrappers.SKLearnRegressor(model, fit_kwargs={"epochs": 2})
    regressor.fit(X, X[:, 0])
    assert regressor.predict(X).shape == (120,)
    assert regressor.epoch_ == [0, 1]
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert clone(regressor).get_params()["fit_kwargs"] == {"epochs": 2}
    warm = dlnative.wrappers.SKLearnRegressor(model, warm_start=True).fit(X, X[:, 0])
    assert warm.model_ is model
    assert warm.fit(X, X[:, 0]).model_ is model


def test_a_transformer_gives_what_the_model_makes() -> None:
    pytest.importorskip("sklearn")
    model = network(X, np.zeros((120, 3)), activation="linear", loss="mse")
    model.compile("sgd", lambda y_true, y_pred: (y_true - y_pred) ** 2)
    transformer = dlnative.wrappers.SKLearnTransformer(model, warm_start=True).fit(X, X[:, 0], epochs=1)
    np.testing.assert_array_equal(transformer.transform(X), model.predict(X, verbose=0))


def test_what_cannot_be_trained_is_refused() -> None:
    pytest.importorskip("sklearn")
    raw = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(1)])
    with pytest.raises(RuntimeError, match="needs to be compiled"):
        dlnative.wrappers.SKLearnRegressor(raw).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="only one class"):
        dlnative.wrappers.SKLearnClassifier(network).fit(X, np.ones(120))
