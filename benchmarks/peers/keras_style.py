"""The part that dlnative and Keras share: the same program, the module given."""

from __future__ import annotations

import time
from typing import Any

import keras_networks
import sample
import stopwatch
import workload as w
from network import Network


class KerasStyleTraining:
    """Trains by `fit` with its defaults: shuffling on, the loss averaged, no progress bar."""

    def __init__(self, module: Any, workload: w.Workload | Network) -> None:
        self.workload = workload
        self.x, self.y = workload.data()
        self.model = keras_networks.build(module, workload)
        if workload.loss == w.CLASSES:
            loss = module.losses.SparseCategoricalCrossentropy(from_logits=True)
        else:
            loss = module.losses.MeanSquaredError()
        adam = module.optimizers.Adam(w.LEARNING_RATE, beta_1=w.BETA_1, beta_2=w.BETA_2, epsilon=workload.epsilon)
        self.model.compile(optimizer=adam, loss=loss)

    def values(self) -> list[float]:
        """Returns the losses of the first steps."""
        batch, losses = self.workload.batch, []
        for start in range(0, w.STEPS_COMPARED * batch, batch):
            self.model.reset_metrics()  # else Keras returns the mean of the steps so far
            losses.append(
                float(self.model.train_on_batch(self.x[start : start + batch], self.y[start : start + batch]))
            )
        return losses

    def time(self, steps: int) -> tuple[float, int]:
        """Returns the seconds of whole epochs of about so many steps, and how many steps they were."""
        epochs = max(1, round(steps / self.workload.steps_per_epoch))
        start = time.perf_counter()
        self.model.fit(self.x, self.y, batch_size=self.workload.batch, epochs=epochs, verbose=0)
        return time.perf_counter() - start, epochs * self.workload.steps_per_epoch


class KerasStyleLatency:
    """Calls the model on a NumPy array, or asks it to predict one, without a progress bar."""

    def __init__(self, module: Any, case: sample.Sample | sample.NetworkSample) -> None:
        model, x = keras_networks.build(module, case.network), case.x()
        if case.way == sample.CALL:
            self.run = lambda: model(x)
        else:
            self.run = lambda: model.predict(x, verbose=0)
        self.to_numpy = module.ops.convert_to_numpy

    def values(self) -> list[float]:
        return sample.centred(self.to_numpy(self.run()))

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)
