"""A small convolutional network for handwritten digits.

    python examples/cnn.py [mnist.npz] [epochs]

With MNIST it comes to 99.2 % after 25 epochs; without a file it learns the small digits that come with the package.
"""

import sys

import dlnative as keras
from dlnative import layers

path = next((argument for argument in sys.argv[1:] if argument.endswith(".npz")), None)
epochs = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 25 if path else 60)
if path:
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data(path)
    padding, largest = "valid", 255.0
else:
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    padding, largest = "same", 16.0
x_train = (x_train / largest).astype("float32")[..., None]
x_test = (x_test / largest).astype("float32")[..., None]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input(x_train.shape[1:]),
        layers.Conv2D(32, 3, activation="relu", padding=padding),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu", padding=padding),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=epochs, validation_split=0.1, verbose=2 if path else 0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"held out: loss {loss:.4f}, accuracy {accuracy:.2%}")
