"""Handwritten digits: the functional API, early stopping, and which digits are taken for which."""

import numpy as np

import dlnative as keras
from dlnative import layers

(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = x_train / 16.0, x_test / 16.0

keras.utils.set_random_seed(0)
image = keras.Input((8, 8), name="image")
hidden = layers.Dense(64, activation="relu")(layers.Flatten()(image))
deeper = layers.Dense(64, activation="relu")(hidden)
digit = layers.Dense(10, activation="softmax", name="digit")(layers.Concatenate()([hidden, deeper]))
model = keras.Model(image, digit, name="digits")
model.summary()

model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
patience = keras.callbacks.EarlyStopping("val_loss", patience=8, restore_best_weights=True)
history = model.fit(x_train, y_train, epochs=100, validation_split=0.2, callbacks=[patience], verbose=0)
print(f"stopped after {len(history.epoch)} epochs, best was epoch {patience.best_epoch + 1}")

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"held out: loss {loss:.3f}, accuracy {accuracy:.1%}")
answers = model.predict(x_test, verbose=0).argmax(axis=1)
for true, answer in sorted({(int(t), int(a)) for t, a in zip(y_test, answers, strict=True) if t != a}):
    print(f"{true} taken for {answer}: {np.sum((y_test == true) & (answers == answer))}")
