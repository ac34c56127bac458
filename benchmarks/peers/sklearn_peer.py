"""scikit-learn: `fit` of MLPClassifier or MLPRegressor, which loops over the batches itself."""

from __future__ import annotations

import time
import warnings
from typing import Any

import sklearn
import workload as w
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

TITLE = "scikit-learn"


def version() -> str:
    return sklearn.__version__


class Peer:
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

    def losses(self, steps: int) -> list[float]:
        model = self._model()
        first = {"classes": list(range(self.workload.sizes[-1]))} if self.workload.loss == w.CLASSES else {}
        batch = self.workload.batch
        model.partial_fit(self.x[:batch], self.y[:batch], **first)  # allocates; what it learned is overwritten
        weights = self.workload.weights()
        model.coefs_ = weights[::2]
        model.intercepts_ = weights[1::2]
        del model._optimizer
        result = []
        for start in range(0, steps * batch, batch):
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
