"""A recurrent network that reads handwritten digits row by row.

    python examples/mnist_lstm.py [mnist.npz] [epochs]

With MNIST it comes to 98.5 % and more after 10 epochs; without a file it learns the small digits that come with the package.
"""

import sys

import dlnative as keras
from dlnative import layers

path = next((argument for argument in sys.argv[1:] if argument.endswith(".npz")), None)
epochs = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 10 if path else 30)
if path:
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data(path)
    largest, units = 255.0, 128
else:
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    largest, units = 16.0, 32
x_train = (x_train / largest).astype("float32")
x_test = (x_test / largest).astype("float32")

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input(x_train.shape[1:]), layers.LSTM(units), layers.Dropout(0.2), layers.Dense(10, activation="softmax")]
)
steps = -(-len(x_train) * 9 // 10 // 64) * epochs
rate = keras.optimizers.schedules.CosineDecay(2e-3 if path else 1e-2, steps)
model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_split=0.1, verbose=2 if path else 0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"held out: loss {loss:.4f}, accuracy {accuracy:.2%}")
