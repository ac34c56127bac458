"""From the first neuron to the network that solves XOR. With an argument, a file that decision regions are drawn into."""

import sys

import numpy as np

import dlnative as keras
from dlnative.classic import McCullochPittsNeuron, Perceptron, gate_data

x, _ = gate_data("and", "int64")
print("McCulloch and Pitts: AND fires at 2, OR at 1:", McCullochPittsNeuron(2)(x), McCullochPittsNeuron(1)(x))

neurons = {}
for name in ("and", "or", "nand", "xor"):
    x, y = gate_data(name)
    neurons[name] = Perceptron()
    history = neurons[name].fit(x, y)
    found = "no line separates it: the weights repeat" if history.never else "learned"
    print(f"perceptron, {name.upper()}: errors by epoch {history.errors}, {found}")

keras.utils.set_random_seed(1)
network = keras.Sequential(
    [keras.Input((2,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1, activation="sigmoid")]
)
network.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
network.fit(x, y, batch_size=4, epochs=500, verbose=0)
print("two layers, XOR:", network.predict(x, verbose=0).ravel().round(3))

if len(sys.argv) > 1 and sys.argv[1].endswith((".png", ".svg", ".pdf")):
    from dlnative.utils.charts import new_figure

    axis = np.linspace(-0.5, 1.5, 201, dtype="float32")
    plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    titles = [*(f"perceptron, {name.upper()}" for name in neurons), "two layers, XOR"]
    answers = [neuron.predict(plane) for neuron in neurons.values()]
    answers.append(network.predict(plane, verbose=0).ravel() > 0.5)
    figure = new_figure("perceptron", 3 * len(titles), 3.2)
    panels = figure.subplots(1, len(titles))
    for panel, title, name, answer in zip(panels, titles, [*neurons, "xor"], answers, strict=True):
        panel.contourf(axis, axis, answer.reshape(len(axis), -1), levels=1, colors=["#cfe2f3", "#f9cb9c"])
        points, classes = gate_data(name)
        for value, color in ((0, "#0b5394"), (1, "#b45f06")):
            panel.scatter(*points[classes == value].T, c=color, edgecolors="white", s=80, label=str(value))
        panel.set(title=title, xlabel="x1", ylabel="x2", aspect="equal")
    panels[0].legend(title="class", loc="upper left")
    figure.savefig(sys.argv[1])
    print("decision regions:", sys.argv[1])
