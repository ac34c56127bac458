"""A generative adversarial network: one network draws digits, another tells them from real ones (Goodfellow et al., 2014)."""

import numpy as np

import dlnative as keras
from dlnative import layers, ops

NOISE = 16


class GAN(keras.Model):
    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.drawn_loss, self.told_loss = keras.metrics.Mean(name="generator"), keras.metrics.Mean(name="discriminator")
        self.seeds = keras.random.SeedGenerator(0)

    def compile(self, generator_optimizer, discriminator_optimizer):
        super().compile(discriminator_optimizer)
        self.generator_optimizer = generator_optimizer
        self.entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, noise):
        return self.generator(noise)

    def train_step(self, real):
        count = real.shape[0]
        ones, zeros = ops.ones((count, 1)), ops.zeros((count, 1))

        def told():  # real digits apart from drawn ones
            drawn = self.generator(keras.random.normal((count, NOISE), seed=self.seeds), training=True)
            real_loss = self.entropy(0.9 * ones, self.discriminator(real, training=True))
            return 0.5 * (real_loss + self.entropy(zeros, self.discriminator(drawn, training=True)))

        def drawn():  # digits that are taken for real ones
            noise = keras.random.normal((count, NOISE), seed=self.seeds)
            return self.entropy(ones, self.discriminator(self.generator(noise, training=True), training=True))

        loss, gradients = keras.value_and_grad(told, variables=self.discriminator.trainable_variables)()
        self.optimizer.apply(gradients, self.discriminator.trainable_variables)
        self.told_loss.update_state(loss)
        loss, gradients = keras.value_and_grad(drawn, variables=self.generator.trainable_variables)()
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
        self.drawn_loss.update_state(loss)
        return {metric.name: metric.result() for metric in (self.drawn_loss, self.told_loss)}


keras.utils.set_random_seed(0)
(x, _), _ = keras.datasets.digits.load_data()
x = (x / 8.0 - 1.0).reshape(-1, 64).astype("float32")
generator = keras.Sequential(
    [
        keras.Input((NOISE,)),
        layers.Dense(128, activation="leaky_relu"),
        layers.Dense(128, activation="leaky_relu"),
        layers.Dense(64, activation="tanh"),
    ],
    name="generator",
)
discriminator = keras.Sequential(
    [keras.Input((64,)), layers.Dense(128, activation="leaky_relu"), layers.Dropout(0.3), layers.Dense(1)],
    name="discriminator",
)
gan = GAN(generator, discriminator)
gan.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5))
gan.build((None, NOISE))
history = gan.fit(x, batch_size=64, epochs=100, verbose=0)
print({name: round(values[-1], 3) for name, values in history.history.items()})

drawn = gan.predict(np.random.default_rng(0).normal(size=(6, NOISE)).astype("float32"), verbose=0)
for row in range(8):
    print("  ".join("".join(" .:-=+*#%@"[int(4.99 * (v + 1))] for v in image.reshape(8, 8)[row]) for image in drawn))
