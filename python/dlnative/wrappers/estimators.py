"""Models as classifiers, regressors and transformers of scikit-learn: for `Pipeline`, `GridSearchCV`, `cross_val_score`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.models.cloning import clone_model
from dlnative.models.model import Model

try:
    from sklearn.base import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        BaseEstimator,
        ClassifierMixin,
        RegressorMixin,
        TransformerMixin,
    )

    _is_installed = True
except ImportError:  # the classes are there, and say what is missing when one is made
    _is_installed = False
    BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin = (type("Missing", (), {}) for _ in range(4))


class _Estimator(BaseEstimator):  # type: ignore[misc,unused-ignore]
    """What the wrappers share.

    Args:
        model: a compiled model, which is left as it is (a clone is trained, unless `warm_start`), or a function of `X`, `y`
            and `model_kwargs` that returns one.
        warm_start: whether another `fit` goes on with the weights of the one before.
        model_kwargs: arguments of the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` returned.
    """

    def __init__(
        self, model: Any, warm_start: bool = False, model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        if not _is_installed:
            raise ImportError(
                f'{type(self).__name__}: expected scikit-learn 1.6 or newer, found none; install "dlnative[sklearn]"'
            )
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    @property
    def epoch_(self) -> list[int]:
        """The epochs of the last `fit`."""
        return list(self.history_.epoch) if hasattr(self, "history_") else []

    def _made(self, X: Any, y: Any) -> Any:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            model: Any = self.model if self.warm_start else clone_model(self.model)
            if model is not self.model and self.model.compiled:
                model.compile_from_config(self.model.get_compile_config())
        else:
            make: Callable[..., Any] = self.model
            model = make(X=X, y=y, **(self.model_kwargs or {}))
        if not getattr(model, "compiled", False) or model.loss is None:
            raise RuntimeError(
                f"{type(self).__name__}: expected a compiled model with a loss, got one that needs to be compiled: {model!r}"
            )
        return model

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Trains the model.

        Args:
            X: numbers, of shape `(samples, features)`.
            y: targets.
            **kwargs: of `Model.fit`; they come before `fit_kwargs`.
        """
        X, y = _validation().validate_data(self, X, y)
        y = self._encoded(y)
        model = self._made(X, y)
        self.history_ = model.fit(X, y, **{"verbose": 0, **(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _outputs(self, X: Any) -> Any:
        _validation().check_is_fitted(self)
        return self.model_.predict(_validation().validate_data(self, X, reset=False), verbose=0)

    def _encoded(self, y: Any) -> Any:
        """Returns targets as the model is trained on them."""
        _kind_of(y)
        self._rank = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def predict(self, X: Any) -> Any:
        """Returns predictions, of the shape of the targets.

        Args:
            X: numbers, of shape `(samples, features)`.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._rank == 1 and outputs.ndim == 2 and outputs.shape[1] == 1 else outputs


class SKLearnClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc,unused-ignore]
    """A model as a classifier: it is trained on rows with a 1 for the class, and its largest output is the answer.

    Args:
        model: a compiled model, or a function of `X`, `y` and `model_kwargs` that returns one.
        warm_start: whether another `fit` goes on with the weights of the one before.
        model_kwargs: arguments of the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        classes_: the classes.
        model_: the trained model.
        history_: what `Model.fit` returned.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _encoded(self, y: Any) -> Any:
        kind = _kind_of(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(f"Only binary and multiclass target types are supported. Target type: {kind}")
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError("Classifier can't train when only one class is present.")
        return np.eye(len(self.classes_))[places.reshape(-1)]

    def decision_function(self, X: Any) -> Any:
        """Returns the outputs of the model, a column for each class.

        Args:
            X: numbers, of shape `(samples, features)`.
        """
        return self._outputs(X)

    def predict(self, X: Any) -> Any:
        """Returns classes.

        Args:
            X: numbers, of shape `(samples, features)`.
        """
        places = self._outputs(X).argmax(axis=-1)
        return self.classes_[places]


class SKLearnRegressor(RegressorMixin, _Estimator):  # type: ignore[misc,unused-ignore]
    """A model as a regressor.

    Args:
        model: a compiled model, or a function of `X`, `y` and `model_kwargs` that returns one.
        warm_start: whether another `fit` goes on with the weights of the one before.
        model_kwargs: arguments of the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` returned.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):  # type: ignore[misc,unused-ignore]
    """A model as a transformer: what it makes of the data is what comes next.

    Args:
        model: a compiled model, or a function of `X`, `y` and `model_kwargs` that returns one.
        warm_start: whether another `fit` goes on with the weights of the one before.
        model_kwargs: arguments of the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` returned.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def transform(self, X: Any) -> Any:
        """Returns what the model makes of data.

        Args:
            X: numbers, of shape `(samples, features)`.
        """
        return self._outputs(X)


def _kind_of(y: Any) -> str:
    from sklearn.utils.multiclass import type_of_target  # type: ignore[import-not-found,import-untyped,unused-ignore]

    kind: str = type_of_target(y)
    if kind == "unknown":
        raise ValueError(f"Unknown label type for data: {y!r}")
    return kind


def _validation() -> Any:
    from sklearn.utils import validation  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return validation
