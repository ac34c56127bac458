"""scikit-learn: `fit` of MLPClassifier or MLPRegressor, which loops over the batches itself, and `predict_proba`."""

from __future__ import annotations

import time
import warnings
from functools import partial
from typing import Any

import numpy as np
import sample
import sklearn
import stopwatch
import workload as w
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

TITLE = "scikit-learn"


def version() -> str:
    return sklearn.__version__


def _set_weights(model: Any, weights: list[np.ndarray]) -> None:
    model.coefs_ = weights[::2]
    model.intercepts_ = weights[1::2]


class Training:
    def __init__(self, workload: w.Workload, threads: int) -> None:
        self.workload = workload
        self.x, self.y = workload.data()
        # scikit-learn halves the squared error, and with it the gradient; half the epsilon makes Adam's step the same.
        self.scale = 1.0 if workload.loss == w.CLASSES else 2.0
        if workload.loss == w.SQUARES:
            self.y = self.y[:, 0]

    def _model(self, **arguments: Any) -> Any:
        kind = MLPClassifier if self.workload.loss == w.CLASSES else MLPRegressor
        return kind(
            hidden_layer_sizes=self.workload.sizes[1:-1],
            alpha=0.0,
            batch_size=self.workload.batch,
            learning_rate_init=w.LEARNING_RATE,
            beta_1=w.BETA_1,
            beta_2=w.BETA_2,
            epsilon=w.EPSILON / self.scale,
            tol=0.0,
            n_iter_no_change=10**9,
            **arguments,
        )

    def values(self) -> list[float]:
        """Returns the losses of the first steps."""
        model = self._model()
        first = {"classes": list(range(self.workload.sizes[-1]))} if self.workload.loss == w.CLASSES else {}
        batch = self.workload.batch
        model.partial_fit(self.x[:batch], self.y[:batch], **first)  # allocates; what it learned is overwritten
        _set_weights(model, self.workload.weights())
        del model._optimizer
        result = []
        for start in range(0, w.STEPS_COMPARED * batch, batch):
            model.partial_fit(self.x[start : start + batch], self.y[start : start + batch])
            result.append(float(model.loss_) * self.scale)
        return result

    def time(self, steps: int) -> tuple[float, int]:
        epochs = max(1, round(steps / self.workload.steps_per_epoch))
        model = self._model(max_iter=epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = time.perf_counter()
            model.fit(self.x, self.y)
            return time.perf_counter() - start, epochs * self.workload.steps_per_epoch


class Latency:
    def __init__(self, case: sample.Sample | sample.NetworkSample, threads: int) -> None:
        if case.way != sample.PREDICT or isinstance(case, sample.NetworkSample):
            raise NotImplementedError
        x, classes = case.x(), np.arange(case.sizes[-1])
        model = MLPClassifier(case.sizes[1:-1], batch_size=1)
        model.partial_fit(x, classes[:1], classes=classes)  # allocates; what it learned is overwritten
        _set_weights(model, case.weights())
        self.run = partial(model.predict_proba, x)

    def values(self) -> list[float]:
        return sample.centred(np.log(self.run()))

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)
