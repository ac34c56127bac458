"""A siamese network: two images, one network, and how far apart it puts them (Hadsell, Chopra and LeCun, 2006).

It is trained on pairs of the digits 0 to 7, equal and different ones, and then asked about 8 and 9 too, which it has never seen.
"""

import numpy as np

import dlnative as keras
from dlnative import layers, ops


class Siamese(keras.Model):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding
        self.tracker = keras.metrics.Mean(name="loss")

    def call(self, pair):
        first, second = self.embedding(pair[0]), self.embedding(pair[1])
        return ops.sqrt(ops.sum(ops.square(first - second), axis=1) + 1e-9)

    def train_step(self, data):
        pair, different = data

        def contrastive():  # equal ones together, different ones at least 1 apart
            distance = self(pair, training=True)
            apart = ops.square(ops.maximum(1.0 - distance, 0.0))
            return ops.mean(different * apart + (1.0 - different) * ops.square(distance))

        loss, gradients = keras.value_and_grad(contrastive, variables=self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


def pairs(x, y, digits, count, random):
    """Returns pairs of images of some digits, half of them of equal ones, and whether they differ."""
    places = [np.flatnonzero(y == digit) for digit in digits]
    different = (np.arange(count) % 2).astype("float32")
    first = random.integers(len(digits), size=count)
    second = np.where(different, (first + random.integers(1, len(digits), size=count)) % len(digits), first)
    left, right = ([random.choice(places[digit]) for digit in side] for side in (first, second))
    return [x[left], x[right]], different


keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
(x, y), (x_test, y_test) = keras.datasets.digits.load_data()
x, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x, x_test))
embedding = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(128, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(8),
    ]
)
model = Siamese(embedding)
model.compile(keras.optimizers.Adam(0.001))
inputs, different = pairs(x, y, range(8), 8000, random)
model(inputs)
history = model.fit(inputs, different, batch_size=64, epochs=12, verbose=0)
print(f"loss {history.history['loss'][0]:.3f}, after {len(history.epoch)} epochs {history.history['loss'][-1]:.3f}")
for name, digits in (("digits it has seen", range(8)), ("8 and 9, which it has not", (8, 9))):
    inputs, different = pairs(x_test, y_test, digits, 1000, random)
    found = model.predict(inputs, verbose=0) > 0.5
    print(f"{name}: {np.mean(found == (different > 0)):.1%} of the pairs are told right")
