"""A variational autoencoder: digits as two numbers each, and digits drawn from any two numbers (Kingma and Welling, 2013)."""

import numpy as np

import dlnative as keras
from dlnative import layers, ops


class Sampling(layers.Layer):
    """Draws z from a normal distribution, given its mean and the logarithm of its variance."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, inputs):
        mean, log_variance = inputs
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(mean.shape, seed=self.seeds)


class VAE(keras.Model):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", "reconstruction", "divergence")}

    def call(self, x):
        return self.decoder(self.encoder(x)[0])

    def train_step(self, x):
        def losses():
            mean, log_variance, z = self.encoder(x, training=True)
            drawn = self.decoder(z, training=True)
            reconstruction = ops.mean(ops.sum(keras.losses.binary_crossentropy(x[..., None], drawn[..., None]), axis=1))
            divergence = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
            divergence = ops.mean(ops.sum(divergence, axis=1))
            return reconstruction + divergence, (reconstruction, divergence)

        compute = keras.value_and_grad(losses, variables=self.trainable_variables, has_aux=True)
        (loss, parts), gradients = compute()
        self.optimizer.apply(gradients, self.trainable_variables)
        for tracker, value in zip(self.trackers.values(), (loss, *parts), strict=True):
            tracker.update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}


keras.utils.set_random_seed(0)
(x, _), (x_test, y_test) = keras.datasets.digits.load_data()
x, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x, x_test))

image = keras.Input((64,))
hidden = layers.Dense(128, activation="relu")(image)
mean, log_variance = layers.Dense(2, name="mean")(hidden), layers.Dense(2, name="log_variance")(hidden)
encoder = keras.Model(image, [mean, log_variance, Sampling()([mean, log_variance])], name="encoder")
decoder = keras.Sequential(
    [keras.Input((2,)), layers.Dense(128, activation="relu"), layers.Dense(64, activation="sigmoid")], name="decoder"
)
vae = VAE(encoder, decoder)
vae.compile(keras.optimizers.Adam(0.003))
vae.build((None, 64))
history = vae.fit(x, batch_size=64, epochs=60, verbose=0)
print({name: round(values[-1], 2) for name, values in history.history.items()})

codes = encoder.predict(x_test, verbose=0)[0]
for digit in range(10):
    center = codes[y_test == digit].mean(axis=0)
    print(f"{digit} lies around ({center[0]:5.2f}, {center[1]:5.2f})")
grid = np.array([[a, b] for b in (1.0, 0.0, -1.0) for a in np.linspace(-2, 2, 7)], "float32")
for line in decoder.predict(grid, verbose=0).reshape(3, 7, 8, 8):
    for row in range(8):
        print("  ".join("".join(" .:-=+*#%@"[int(9.99 * v)] for v in drawn[row]) for drawn in line))
    print()
