"""Distillation: a small network learns from what a large one makes of images that bear no labels (Hinton et al., 2015)."""

import numpy as np

import dlnative as keras
from dlnative import layers


class Distillation(keras.Model):
    """Trains a student on a teacher's answers at a temperature; `keras.distillation.Distiller` does it with labels, too."""

    def __init__(self, student, teacher, temperature=4.0):
        super().__init__()
        self.student, self.teacher = student, teacher
        self.teacher.trainable = False
        self.temperature = temperature
        self.divergence = keras.losses.KLDivergence()
        self.tracker = keras.metrics.Mean(name="loss")

    def call(self, x, training=None):
        return self.student(x, training=training)

    def train_step(self, x):
        soft = keras.activations.softmax(self.teacher(x, training=False) / self.temperature)

        def loss_of():
            softened = keras.activations.softmax(self(x, training=True) / self.temperature)
            return self.divergence(soft, softened) * self.temperature**2

        loss, gradients = keras.value_and_grad(loss_of, variables=self.student.trainable_variables)()
        self.optimizer.apply(gradients, self.student.trainable_variables)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


def network(*units):
    hidden = [layers.Dense(count, activation="relu") for count in units]
    return keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10)])


keras.utils.set_random_seed(0)
(x, y), (x_test, y_test) = keras.datasets.digits.load_data()
x, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x, x_test))
entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

teacher = network(256, 128)
teacher.compile("adam", entropy, metrics=["accuracy"])
teacher.fit(x, y, epochs=20, verbose=0)
print(f"teacher: {teacher.count_params():,} parameters, {teacher.evaluate(x_test, y_test, verbose=0)[1]:.1%}")

alone = network(10)
weights = [np.array(w) for w in alone.get_weights()]
alone.compile(keras.optimizers.Adam(0.005), entropy, metrics=["accuracy"])
alone.fit(x[:100], y[:100], epochs=200, verbose=0)
print(
    f"student alone, on 100 labels: {alone.count_params():,} parameters, {alone.evaluate(x_test, y_test, verbose=0)[1]:.1%}"
)

student = network(10)
student.set_weights(weights)
helped = Distillation(student, teacher)
helped.compile(keras.optimizers.Adam(0.005))
helped.build((None, 64))
helped.fit(x, epochs=20, verbose=0)
student.compile(loss=entropy, metrics=["accuracy"])
print(f"student of the teacher: {student.evaluate(x_test, y_test, verbose=0)[1]:.1%}")
