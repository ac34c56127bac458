"""The part that dlnative and Keras share: the same program, the module given."""

from __future__ import annotations

import time
from typing import Any

import workload as w


class KerasStylePeer:
    """Trains by `fit` with its defaults: shuffling on, the loss averaged, no progress bar."""

    def __init__(self, module: Any, workload: w.Workload) -> None:
        self.workload = workload
        self.x, self.y = workload.data()
        layers = [module.layers.Dense(units, activation="relu") for units in workload.sizes[1:-1]]
        self.model = module.Sequential(
            [module.Input((workload.sizes[0],)), *layers, module.layers.Dense(workload.sizes[-1])]
        )
        if workload.loss == w.CLASSES:
            loss = module.losses.SparseCategoricalCrossentropy(from_logits=True)
        else:
            loss = module.losses.MeanSquaredError()
        adam = module.optimizers.Adam(w.LEARNING_RATE, beta_1=w.BETA_1, beta_2=w.BETA_2, epsilon=w.EPSILON)
        self.model.compile(optimizer=adam, loss=loss)
        self.model.set_weights(workload.weights())

    def losses(self, steps: int) -> list[float]:
        batch = self.workload.batch
        return [
            float(self.model.train_on_batch(self.x[start : start + batch], self.y[start : start + batch]))
            for start in range(0, steps * batch, batch)
        ]

    def time(self, steps: int) -> tuple[float, int]:
        """Returns the seconds of whole epochs of about so many steps, and how many steps they were."""
        epochs = max(1, round(steps / self.workload.steps_per_epoch))
        start = time.perf_counter()
        self.model.fit(self.x, self.y, batch_size=self.workload.batch, epochs=epochs, verbose=0)
        return time.perf_counter() - start, epochs * self.workload.steps_per_epoch
