"""The three ways to write a model, and what each tells of itself."""

from __future__ import annotations

import re
from typing import Any

from programs.common import Program, fill, fit, fitted, labels_data, mlp, one_hot_data, register, regression_data

PROGRAMS: dict[str, Program] = {}


def stem(name: str) -> str:
    """A generated name without its number."""
    return re.sub(r"_\d+$", "", name)


@register(PROGRAMS)
def sequential(keras: Any) -> dict[str, Any]:
    x, y = labels_data()
    model = mlp(keras, 3, "softmax")
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    results = fitted(model, x, y)
    results["input_shape"] = model.input_shape
    results["output_shape"] = model.output_shape
    results["layers"] = [stem(layer.name) for layer in model.layers]
    results["classes"] = [type(layer).__name__ for layer in model.layers]
    results["parameters"] = [model.count_params()] + [layer.count_params() for layer in model.layers]
    results["weights"] = [[weight.name, list(weight.shape), str(weight.dtype)] for weight in model.weights]
    results["trainable"] = [len(model.trainable_weights), len(model.non_trainable_weights)]
    results["metrics_names"] = model.metrics_names
    return results


@register(PROGRAMS)
def sequential_added(keras: Any) -> dict[str, Any]:
    """Layers added one at a time, and one taken away."""
    x, y = regression_data()
    model = keras.Sequential(name="stack")
    model.add(keras.Input((6,)))
    model.add(keras.layers.Dense(5, activation="relu", name="first"))
    model.add(keras.layers.Dense(9, name="wrong"))
    model.pop()
    model.add(keras.layers.Dense(1, name="last"))
    fill(model)
    model.compile("sgd", "mse")
    results = fitted(model, x, y)
    results["names"] = [model.name] + [layer.name for layer in model.layers]
    return results


@register(PROGRAMS)
def sequential_built_late(keras: Any) -> dict[str, Any]:
    """Without an Input the model is built by the first data that it sees."""
    x, y = regression_data()
    model = keras.Sequential([keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    before = [model.built, len(model.weights)]
    model.build((None, 6))
    fill(model)
    model.compile("sgd", "mse", metrics=["mae"])
    results = fitted(model, x, y)
    results["built"] = [before, model.built, len(model.weights)]
    return results


@register(PROGRAMS)
def functional(keras: Any) -> dict[str, Any]:
    x, y = one_hot_data()
    inputs = keras.Input(shape=(6,), name="features")
    hidden = keras.layers.Dense(8, activation="tanh", name="hidden")(inputs)
    hidden = keras.layers.Dense(8, activation="sigmoid", name="deeper")(hidden)
    outputs = keras.layers.Dense(3, activation="softmax", name="classes")(hidden)
    model = keras.Model(inputs=inputs, outputs=outputs, name="classifier")
    fill(model)
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    results = fitted(model, x, y)
    results["names"] = [model.name] + [layer.name for layer in model.layers]
    results["shapes"] = [model.input_shape, model.output_shape]
    results["layer"] = model.get_layer("deeper").name
    results["by_index"] = model.get_layer(index=1).name
    results["symbolic"] = [outputs.shape, str(outputs.dtype)]
    return results


@register(PROGRAMS)
def functional_branches(keras: Any) -> dict[str, Any]:
    """Two inputs, a residual connection and a shared layer."""
    x, y = regression_data()
    left = keras.Input(shape=(4,), name="left")
    right = keras.Input(shape=(2,), name="right")
    narrow = keras.layers.Dense(4, activation="tanh", name="narrow")
    shared = keras.layers.Dense(4, activation="tanh", name="shared")
    first = shared(left)
    second = shared(narrow(right))
    summed = keras.layers.Add(name="residual")([first, second, left])
    joined = keras.layers.Concatenate(name="joined")([summed, right])
    outputs = keras.layers.Dense(1, name="output")(joined)
    model = keras.Model([left, right], outputs)
    fill(model)
    model.compile("rmsprop", "mse", metrics=["mae"])
    parts = [x[:, :4], x[:, 4:]]
    history = fit(model, parts, y)
    return {
        "history": history.history,
        "evaluate": model.evaluate(parts, y, verbose=0),
        "predict": model.predict([part[:5] for part in parts], verbose=0),
        "named": model.predict({"left": parts[0][:5], "right": parts[1][:5]}, verbose=0),
        "names": [layer.name for layer in model.layers],
        "input_shape": model.input_shape,
        "parameters": model.count_params(),
    }


@register(PROGRAMS)
def nested(keras: Any) -> dict[str, Any]:
    """A model used as a layer of another."""
    x, y = regression_data()
    encoder = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(4, activation="tanh")],
        name="encoder",
    )
    inputs = keras.Input((6,))
    outputs = keras.layers.Dense(1, name="head")(encoder(inputs))
    model = keras.Model(inputs, outputs)
    fill(model)
    model.compile("adam", "mse")
    results = fitted(model, x, y)
    results["names"] = [layer.name for layer in model.layers[1:]]
    results["encoded"] = encoder.predict(x[:3], verbose=0)
    results["counts"] = [len(model.weights), len(encoder.weights), model.count_params()]
    return results


@register(PROGRAMS)
def subclassed(keras: Any) -> dict[str, Any]:
    x, y = labels_data()

    class Classifier(keras.Model):
        def __init__(self, hidden: int, classes: int) -> None:
            super().__init__()
            self.hidden = keras.layers.Dense(hidden, activation="tanh", name="hidden")
            self.drop = keras.layers.Dropout(0.5)
            self.classes = keras.layers.Dense(classes, name="classes")

        def call(self, inputs: Any, training: bool = False) -> Any:
            hidden = self.hidden(inputs)
            if training:
                hidden = hidden * 0.9
            return keras.ops.softmax(self.classes(hidden))

    model = Classifier(8, 3)
    built = [model.built, len(model.weights)]
    model(x[:1])
    fill(model)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    results = fitted(model, x, y)
    results["built"] = [built, model.built, len(model.weights)]
    results["names"] = [stem(model.name), stem(model.layers[1].name), len(model.layers)]
    results["training"] = model(x[:3], training=True)
    results["inference"] = model(x[:3], training=False)
    results["weights"] = [weight.name for weight in model.weights]
    return results


@register(PROGRAMS)
def subclassed_blocks(keras: Any) -> dict[str, Any]:
    """Layers kept in a list, a layer of layers, and arithmetic on tensors with operators."""
    x, y = regression_data()

    class Block(keras.layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.inner = keras.layers.Dense(units, activation="tanh")
            self.outer = keras.layers.Dense(units)

        def call(self, inputs: Any) -> Any:
            return inputs + 0.5 * self.outer(self.inner(inputs))

    class Residual(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="residual_network")
            self.blocks = [Block(6) for _ in range(2)]
            self.head = keras.layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            for block in self.blocks:
                inputs = block(inputs)
            return self.head(inputs)

    model = Residual()
    model(x[:2])
    fill(model)
    model.compile("adam", "mse")
    results = fitted(model, x, y)
    results["counts"] = [len(model.weights), len(model.layers), model.count_params(), model.name]
    return results


@register(PROGRAMS)
def custom_layer(keras: Any) -> dict[str, Any]:
    """build, add_weight and call in ops; a trainable scale, a fixed offset and a regulariser."""
    x, y = regression_data()

    class Scaled(keras.layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(
                shape=(input_shape[-1], self.units), initializer="glorot_uniform", regularizer="l2", name="kernel"
            )
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
            self.offset = self.add_weight(shape=(self.units,), initializer="zeros", trainable=False, name="offset")

        def call(self, inputs: Any) -> Any:
            product = keras.ops.matmul(inputs, self.kernel)
            return keras.ops.tanh(product * self.scale + self.offset)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    layer = Scaled(5, name="scaled")
    model = keras.Sequential([keras.Input((6,)), layer, keras.layers.Dense(1)])
    fill(model)
    fixed = layer.get_weights()[-1]
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    results = fitted(model, x, y)
    results["names"] = [weight.name for weight in layer.weights]
    results["counts"] = [len(layer.trainable_weights), len(layer.non_trainable_weights), len(model.losses)]
    results["fixed"] = bool((layer.get_weights()[-1] == fixed).all())
    results["config"] = [layer.get_config()["units"], layer.get_config()["name"]]
    return results


@register(PROGRAMS)
def added_loss(keras: Any) -> dict[str, Any]:
    """A layer that adds a term to the loss: an activity penalty."""
    x, y = regression_data()

    class Penalised(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.add_loss(0.01 * keras.ops.sum(keras.ops.square(inputs)))
            return inputs

    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, activation="tanh"), Penalised(), keras.layers.Dense(1)]
    )
    fill(model)
    model.compile("sgd", "mse", metrics=["mae"])
    return fitted(model, x, y)
