"""Layers within a model that trains: shapes, regularisers, frozen layers, dropout."""

from __future__ import annotations

from typing import Any

from programs.common import Program, fill, fit, fitted, labels_data, mlp, register, regression_data, uniform

PROGRAMS: dict[str, Program] = {}

ACTIVATIONS = ["linear", "relu", "sigmoid", "tanh", "softmax"]


@register(PROGRAMS)
def activations(keras: Any) -> dict[str, Any]:
    """Every activation, as an argument and as a layer of its own."""
    x, y = regression_data()
    results: dict[str, Any] = {}
    for name in ACTIVATIONS:
        results[name] = fit(_compiled(keras, mlp(keras, 1, hidden=name)), x, y).history
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(8),
                keras.layers.Activation(name),
                keras.layers.Dense(1),
            ]
        )
        fill(model)
        results[name + " layer"] = fit(_compiled(keras, model), x, y).history
    results["function"] = fit(_compiled(keras, mlp(keras, 1, hidden=keras.activations.tanh)), x, y).history
    return results


@register(PROGRAMS)
def own_activation(keras: Any) -> dict[str, Any]:
    """An activation of the user's own, written in ops."""
    x, y = regression_data()

    def swish_like(inputs: Any) -> Any:
        return inputs * keras.ops.sigmoid(1.5 * inputs)

    return fitted(_compiled(keras, mlp(keras, 1, hidden=swish_like)), x, y)


@register(PROGRAMS)
def flatten_and_reshape(keras: Any) -> dict[str, Any]:
    """Images of 4 by 3 flattened; features put into an image and back; an unknown axis."""
    x, y = labels_data(features=12)
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="tanh"),
            keras.layers.Reshape((2, 3)),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Reshape((-1,)),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    fill(model)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    results = fitted(model, x.reshape(-1, 4, 3), y)
    results["shapes"] = [layer.output.shape for layer in model.layers]
    return results


@register(PROGRAMS)
def dense_on_sequences(keras: Any) -> dict[str, Any]:
    """Dense on an input of rank three, without bias, with a loss at each step."""
    x = uniform(4, 70, 5, 3)
    y = x[:, :, :1] * x[:, :, 1:2]
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            keras.layers.Dense(4, activation="tanh", use_bias=False),
            keras.layers.Dense(1),
        ]
    )
    fill(model)
    model.compile("adam", "mse", metrics=["mae"])
    return fitted(model, x, y)


@register(PROGRAMS)
def add_and_concatenate(keras: Any) -> dict[str, Any]:
    """As layers and as functions, along another axis than the last."""
    x, y = regression_data()
    inputs = keras.Input((6,))
    image = keras.layers.Reshape((2, 3))(inputs)
    wide = keras.layers.Dense(3, activation="tanh")(image)
    stacked = keras.layers.Concatenate(axis=1)([image, wide])
    summed = keras.layers.add([stacked, stacked])
    joined = keras.layers.concatenate([keras.layers.Flatten()(summed), inputs])
    model = keras.Model(inputs, keras.layers.Dense(1)(joined))
    fill(model)
    results = fitted(_compiled(keras, model), x, y)
    results["shapes"] = [stacked.shape, summed.shape, joined.shape]
    return results


@register(PROGRAMS)
def ops_in_functional(keras: Any) -> dict[str, Any]:
    """Operations and operators between the layers of a functional model."""
    x, y = regression_data()
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(4)(inputs)
    gated = keras.ops.tanh(hidden) * keras.ops.sigmoid(hidden) + 0.5
    centred = gated - keras.ops.mean(gated, axis=-1, keepdims=True)
    outputs = keras.layers.Dense(1)(keras.ops.concatenate([centred, inputs], axis=-1))
    model = keras.Model(inputs, outputs)
    fill(model)
    return fitted(_compiled(keras, model), x, y)


@register(PROGRAMS)
def regularizers(keras: Any) -> dict[str, Any]:
    """L1, L2 and both, on kernels and biases, by class and by name."""
    x, y = regression_data()
    results: dict[str, Any] = {}
    choices = {
        "l1": {"kernel_regularizer": keras.regularizers.L1(0.01)},
        "l2": {"kernel_regularizer": keras.regularizers.L2(0.02), "bias_regularizer": keras.regularizers.L2(0.01)},
        "l1_l2": {"kernel_regularizer": keras.regularizers.L1L2(l1=0.005, l2=0.01)},
        "name": {"kernel_regularizer": "l2"},
        "bias": {"bias_regularizer": "l1"},
    }
    for name, arguments in choices.items():
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(5, activation="tanh", **arguments),
                keras.layers.Dense(1, **arguments),
            ]
        )
        fill(model)
        model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mse"])
        results[name] = fitted(model, x, y)
        results[name]["losses"] = [float(loss) for loss in model.losses]
    results["alone"] = [float(keras.regularizers.L1L2(l1=0.1, l2=0.2)(x[:2])), float(keras.regularizers.L2()(x[:2]))]
    return results


@register(PROGRAMS)
def activity_regularizer(keras: Any) -> dict[str, Any]:
    x, y = regression_data()
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="tanh", activity_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.Dense(1),
        ]
    )
    fill(model)
    return fitted(_compiled(keras, model), x, y)


@register(PROGRAMS)
def frozen(keras: Any) -> dict[str, Any]:
    """A frozen layer stays as it is; thawed and compiled again it learns."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.layers[0].trainable = False
    before = model.layers[0].get_weights()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    results: dict[str, Any] = {"frozen": fitted(model, x, y)}
    counts = [len(model.trainable_weights), len(model.non_trainable_weights), len(model.weights)]
    unchanged = all((a == b).all() for a, b in zip(before, model.layers[0].get_weights(), strict=True))
    model.trainable = True
    model.compile(keras.optimizers.Adam(0.01), "mse")
    results["thawed"] = fitted(model, x, y)
    results["counts"] = [counts, len(model.trainable_weights), unchanged]
    return results


@register(PROGRAMS)
def dropout_at_inference(keras: Any) -> dict[str, Any]:
    """Dropout does nothing in evaluate, predict and a call; a rate of zero does nothing in fit either."""
    x, y = regression_data()
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    fill(model)
    model.compile("sgd", "mse")
    results: dict[str, Any] = {
        "evaluate": model.evaluate(x, y, verbose=0),
        "predict": model.predict(x[:5], verbose=0),
        "test_on_batch": model.test_on_batch(x[:5], y[:5]),
        "call": model(x[:5]),
        "parameters": model.count_params(),
    }
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8), keras.layers.Dropout(0.0), keras.layers.Dense(1)]
    )
    fill(model)
    results["rate_zero"] = fitted(_compiled(keras, model), x, y)
    return results


@register(PROGRAMS)
def initial_values(keras: Any) -> dict[str, Any]:
    """Initializers whose values are certain, as arguments of Dense."""
    results: dict[str, Any] = {}
    choices = {
        "zeros": "zeros",
        "ones": "ones",
        "constant": keras.initializers.Constant(0.25),
        "identity": "identity",
    }
    for name, initializer in choices.items():
        layer = keras.layers.Dense(3, kernel_initializer=initializer, bias_initializer="ones")
        layer.build((None, 3))
        results[name] = layer.get_weights()
    return results


def _compiled(keras: Any, model: Any) -> Any:
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model
