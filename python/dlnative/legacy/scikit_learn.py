"""`KerasClassifier(build_fn)` and `KerasRegressor(build_fn)`: the estimators of scikit-learn that Keras 2 had."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.models import Model
from dlnative.utils import to_categorical

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # type: ignore[import-not-found,import-untyped,unused-ignore]

    _is_installed = True
except ImportError:  # the classes are there, and say what is missing when one is made
    _is_installed = False
    BaseEstimator, ClassifierMixin, RegressorMixin = (type("Missing", (), {}) for _ in range(3))


class _Estimator(BaseEstimator):  # type: ignore[misc,unused-ignore]
    """What both share.

    Args:
        build_fn: a function that returns a compiled model.
        **sk_params: its arguments, and those of the model's `fit`, `predict` and `evaluate`, which a search may set.

    Raises:
        ValueError: for an argument that none of these take.
    """

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any) -> None:
        cls = type(self).__name__
        if not _is_installed:
            raise ImportError(f'{cls}: expected scikit-learn 1.6 or newer, found none; install "dlnative[sklearn]"')
        if build_fn is None and not hasattr(self, "__call__"):  # noqa: B004
            raise ValueError(f"{cls}: expected build_fn, a function that returns a compiled model, got none")
        self.build_fn = build_fn
        self.sk_params = sk_params
        self._check(sk_params)

    def _builder(self) -> Callable[..., Any]:
        made: Callable[..., Any] = self.__call__ if self.build_fn is None else self.build_fn
        return made

    def _check(self, params: dict[str, Any]) -> None:
        known = {
            "nb_epoch",
            *(n for f in (Model.fit, Model.predict, Model.evaluate) for n in inspect.signature(f).parameters),
        }
        taken = inspect.signature(self._builder()).parameters
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values()):
            return
        for name in params:
            if name not in known and name not in taken:
                raise ValueError(
                    f"{type(self).__name__}: {name} is not a legal parameter: neither build_fn nor fit takes it"
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the arguments.

        Args:
            deep: changes nothing.
        """
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Sets arguments.

        Args:
            **params: the arguments.
        """
        own = {name: value for name, value in params.items() if name != "build_fn"}
        self.build_fn = params.get("build_fn", self.build_fn)
        self._check(own)
        self.sk_params = {**self.sk_params, **own}
        return self

    def _taken_by(self, function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        names = inspect.signature(function).parameters
        return {name: value for name, value in {**self.sk_params, **given}.items() if name in names}

    def _fit(self, x: Any, y: Any, given: dict[str, Any]) -> Any:
        build = self._builder()
        self.model = build(**self._taken_by(build, {}))
        if self.model.loss == "categorical_crossentropy" and np.ndim(y) < 2:
            y = to_categorical(y)
        arguments = self._taken_by(Model.fit, given)
        if "nb_epoch" in self.sk_params:
            arguments["nb_epoch"] = self.sk_params["nb_epoch"]
        self.history = self.model.fit(np.asarray(x), np.asarray(y), **arguments)
        return self

    def _predict(self, x: Any, given: dict[str, Any]) -> Any:
        return self.model.predict(np.asarray(x), **self._taken_by(Model.predict, given))


class KerasClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc,unused-ignore]
    """A classifier of scikit-learn whose model a function makes.

    Args:
        build_fn: a function that returns a compiled model.
        **sk_params: its arguments, and those of `fit`, `predict` and `evaluate`, which a search may set.
    """

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Trains a new model.

        Args:
            x: the inputs.
            y: classes, of any names, or one-hot vectors.
            **kwargs: arguments of the model's `fit`.
        """
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_, y = np.unique(y.reshape(-1), return_inverse=True)
        return self._fit(x, y, kwargs)

    def predict_proba(self, x: Any, **kwargs: Any) -> Any:
        """Returns the probability of each class.

        Args:
            x: the inputs.
            **kwargs: arguments of the model's `predict`.
        """
        found = self._predict(x, kwargs)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Returns the most probable classes.

        Args:
            x: the inputs.
            **kwargs: arguments of the model's `predict`.
        """
        return self.classes_[np.argmax(self.predict_proba(x, **kwargs), axis=1)]

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Returns the share of the samples whose class is found.

        Args:
            x: the inputs.
            y: classes, or one-hot vectors.
            **kwargs: arguments of the model's `predict`.
        """
        y = np.asarray(y)
        known = self.classes_[np.argmax(y, axis=1)] if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
        return float(np.mean(self.predict(x, **kwargs) == known))


class KerasRegressor(RegressorMixin, _Estimator):  # type: ignore[misc,unused-ignore]
    """A regressor of scikit-learn whose model a function makes.

    Args:
        build_fn: a function that returns a compiled model.
        **sk_params: its arguments, and those of `fit`, `predict` and `evaluate`, which a search may set.
    """

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Trains a new model.

        Args:
            x: the inputs.
            y: the targets.
            **kwargs: arguments of the model's `fit`.
        """
        return self._fit(x, y, kwargs)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Returns the predictions, without axes of extent 1.

        Args:
            x: the inputs.
            **kwargs: arguments of the model's `predict`.
        """
        return np.squeeze(self._predict(x, kwargs), axis=-1)

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Returns the negative loss: greater is better.

        Args:
            x: the inputs.
            y: the targets.
            **kwargs: arguments of the model's `evaluate`.
        """
        given = self._taken_by(Model.evaluate, kwargs)
        found = self.model.evaluate(np.asarray(x), np.asarray(y), **given)
        return -float(found[0] if isinstance(found, list) else found)
