"""Which network predicts house prices best: 648 settings of a network of two hidden layers, tried one after the other.

The data are sales of houses in Ames, Iowa (De Cock, 2011), as a CSV file with a column Sale_Price:

    python examples/tuning.py ames_housing.csv                      # all 648 settings
    python examples/tuning.py ames_housing.csv --sample 0.05        # a twentieth of them, drawn at random

Stopped at any moment and started again, it goes on where it was.
"""

import argparse
import csv
import os

import numpy as np

import dlnative as keras
from dlnative import layers, tuning


def load(path):
    """Returns the features, one column for each number and for each value of the others, and the logarithm of the price."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    columns = []
    for name in rows[0]:
        if name != "Sale_Price":
            values = [row[name] for row in rows]
            try:
                columns.append(np.array(values, float))
            except ValueError:
                kinds = sorted(set(values) - {"", "None"})
                columns += [np.array([value == kind for value in values], float) for kind in kinds]
    x = np.stack(columns, axis=1)
    y = np.log([[float(row["Sale_Price"])] for row in rows])
    order = np.random.default_rng(0).permutation(len(x))  # the file is sorted by place
    x, y = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-3), (y - y.mean()) / y.std()
    return x[order].astype("float32"), y[order].astype("float32")


class Network(tuning.HyperModel):
    def __init__(self, features):
        self.features = features

    def build(self, hp):
        model = keras.Sequential(
            [
                keras.Input((self.features,)),
                layers.Dense(hp.Choice("units1", [64, 128, 256]), activation="relu"),
                layers.Dropout(hp.Choice("dropout1", [0.2, 0.3, 0.4])),
                layers.Dense(hp.Choice("units2", [64, 128, 256]), activation="relu"),
                layers.Dropout(hp.Choice("dropout2", [0.2, 0.3, 0.4])),
                layers.Dense(1),
            ]
        )
        model.compile(hp.Choice("optimizer", ["rmsprop", "adam"]), "mse", metrics=["mae"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32, 64, 128]), **kwargs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="the CSV file")
    parser.add_argument(
        "--sample", type=float, default=1.0, help="the share of the settings that is tried (default: 1)"
    )
    parser.add_argument("--epochs", type=int, default=500, help="the most epochs of a setting (default: 500)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="settings at once (default: one a core)"
    )
    parser.add_argument("--folder", default="tuning", help="where the results go (default: tuning)")
    options = parser.parse_args()

    x, y = load(options.data)
    print(f"{len(x)} houses, {x.shape[1]} features")
    search = tuning.GridSearch if options.sample == 1 else tuning.RandomSearch
    tuner = search(Network(x.shape[1]), "val_loss", max_trials=round(648 * options.sample), directory=options.folder,
                   project_name="grid" if options.sample == 1 else "sample")  # fmt: skip
    patience = keras.callbacks.EarlyStopping("val_loss", patience=25)
    tuner.search(x, y, epochs=options.epochs, validation_split=0.2, callbacks=[patience], workers=options.workers)
    tuner.results_summary()
    print("drawn into", tuner.plot(os.path.join(options.folder, "tuning.png")))
