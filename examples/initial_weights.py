"""What the first weights do to a deep network: histograms of the activations of ten layers, before any training.

With an argument, a file that the histograms are drawn into.
"""

import sys

import numpy as np

import dlnative as keras
from dlnative import initializers, layers

UNITS, DEPTH = 100, 10
ACTIVATIONS = ("sigmoid", "tanh", "relu")
INITIALIZERS = {
    "standard deviation 1": lambda: initializers.RandomNormal(stddev=1.0),
    "standard deviation 0.01": lambda: initializers.RandomNormal(stddev=0.01),
    "Xavier (Glorot)": initializers.GlorotNormal,
    "He": initializers.HeNormal,
}

x = np.random.default_rng(0).normal(size=(1000, UNITS)).astype("float32")
outputs = {}
for activation in ACTIVATIONS:
    for name, initializer in INITIALIZERS.items():
        keras.utils.set_random_seed(0)
        inputs = tensor = keras.Input((UNITS,))
        hidden = []
        for _ in range(DEPTH):
            tensor = layers.Dense(UNITS, activation, kernel_initializer=initializer())(tensor)
            hidden.append(tensor)
        outputs[activation, name] = keras.Model(inputs, hidden)(x)
        deviations = " ".join(f"{y.std():7.3g}" for y in outputs[activation, name])
        print(f"{activation:8} {name:24} {deviations}")
print("standard deviations of the activations, layer after layer")

if len(sys.argv) > 1 and sys.argv[1].endswith((".png", ".svg", ".pdf")):
    from dlnative.utils.charts import new_figure

    shown = (0, 2, 4, 6, 9)
    figure = new_figure("initial_weights", 12, 18)
    panels = figure.subplots(len(outputs), len(shown), sharex="row")
    for row, ((activation, name), values) in zip(panels, outputs.items(), strict=True):
        row[0].set_ylabel(f"{activation}\n{name}", fontsize=8)
        for panel, layer in zip(row, shown, strict=True):
            low, high = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, max(float(y.max()) for y in values))}[
                activation
            ]
            panel.hist(values[layer].ravel(), bins=40, range=(low, high or 1), color="#3d85c6")
            panel.set_yticks([])
    for panel, layer in zip(panels[0], shown, strict=True):
        panel.set_title(f"layer {layer + 1}")
    figure.savefig(sys.argv[1])
    print("histograms:", sys.argv[1])
