"""Models as estimators of scikit-learn."""

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.wrappers.estimators import SKLearnClassifier as SKLearnClassifier
    from dlnative.wrappers.estimators import SKLearnRegressor as SKLearnRegressor
    from dlnative.wrappers.estimators import SKLearnTransformer as SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

__getattr__ = lazily(__name__, {"estimators": ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]})
