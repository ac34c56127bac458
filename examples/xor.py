"""XOR with two hidden units: the smallest problem that a single layer cannot solve."""

import numpy as np

import dlnative as keras

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
y = np.array([[0], [1], [1], [0]], "float32")

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [keras.Input((2,)), keras.layers.Dense(2, activation="tanh"), keras.layers.Dense(1, activation="sigmoid")]
)
model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
history = model.fit(x, y, batch_size=4, epochs=1000, verbose=0)
print("loss", history.history["loss"][-1])
print(model(x).round(3))
