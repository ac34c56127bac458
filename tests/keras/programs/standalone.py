"""Parts that work on their own on arrays: layers, losses, metrics, activations, initializers, operations, helpers."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import numpy as np

from programs.common import Program, fill, mlp, one_hot_data, register, regression_data, uniform

PROGRAMS: dict[str, Program] = {}


def probabilities(seed: int, *shape: int) -> np.ndarray:
    values = uniform(seed, *shape, low=0.1, high=1.0)
    return values / values.sum(axis=-1, keepdims=True)


@register(PROGRAMS)
def layers_on_arrays(keras: Any) -> dict[str, Any]:
    x, _ = regression_data()
    layer = keras.layers.Dense(3, activation="tanh", name="alone")
    built = [layer.built]
    layer(x[:2])
    fill(layer)
    results: dict[str, Any] = {
        "built": [built, layer.built],
        "dense": layer(x[:4]),
        "rank_three": layer(x[:4].reshape(2, 2, 6)),
        "names": [weight.name for weight in layer.weights],
        "flatten": keras.layers.Flatten()(uniform(5, 2, 3, 2)),
        "reshape": keras.layers.Reshape((3, -1))(uniform(5, 2, 6)),
        "add": keras.layers.Add()([x[:2], x[2:4]]),
        "concatenate": keras.layers.Concatenate()([x[:2], x[2:4]]),
        "concatenate_axis": keras.layers.Concatenate(axis=0)([x[:2], x[2:4]]),
        "activation": keras.layers.Activation("relu")(x[:2]),
        "dropout": keras.layers.Dropout(0.5)(x[:2]),
        "dropout_inference": keras.layers.Dropout(0.5)(x[:2], training=False),
    }
    config = layer.get_config()
    results["config"] = {key: config[key] for key in ("name", "trainable", "units", "activation", "use_bias")}
    return results


@register(PROGRAMS)
def losses_on_arrays(keras: Any) -> dict[str, Any]:
    """Class and function forms, with weights and every reduction."""
    one_hot = one_hot_data()[1][:6]
    sparse = np.argmax(one_hot, axis=1)
    results: dict[str, Any] = {}
    logits = uniform(6, 6, 3) * 4
    binary = (uniform(8, 6, 3) > 0).astype("float32")
    likely = probabilities(9, 6, 3)
    weights = np.array([1, 0, 2, 0.5, 1, 3], "float32")
    cases: dict[str, tuple[Any, Any, Any]] = {
        "CategoricalCrossentropy": (one_hot, likely, logits),
        "SparseCategoricalCrossentropy": (sparse, likely, logits),
        "BinaryCrossentropy": (binary, likely, logits),
        "MeanSquaredError": (binary, likely, None),
        "MeanAbsoluteError": (binary, likely, None),
    }
    for name, (y_true, y_pred, raw) in cases.items():
        make = getattr(keras.losses, name)
        results[name] = [
            make()(y_true, y_pred),
            make()(y_true, y_pred, sample_weight=weights),
            make(reduction="sum")(y_true, y_pred),
            make(reduction="none")(y_true, y_pred),
            make(reduction=None)(y_true, y_pred),
            make(reduction="mean_with_sample_weight")(y_true, y_pred, sample_weight=weights),
            make().name,
        ]
        if raw is not None:
            results[name + " logits"] = make(from_logits=True)(y_true, raw)
            extreme = np.where(raw > 0, 1e4, -1e4).astype("float32")
            results[name + " extreme"] = make(from_logits=True)(y_true, extreme)
            certain = (raw == raw.max(axis=-1, keepdims=True)).astype("float32")
            results[name + " certain"] = make()(y_true, certain)
    results["functions"] = [
        keras.losses.mean_squared_error(binary, likely),
        keras.losses.mean_absolute_error(binary, likely),
        keras.losses.binary_crossentropy(binary, likely),
        keras.losses.categorical_crossentropy(one_hot, likely),
        keras.losses.sparse_categorical_crossentropy(sparse, logits, from_logits=True),
    ]
    results["get"] = [type(keras.losses.get("mse")).__name__, keras.losses.get("mse")(binary, likely)]
    return results


@register(PROGRAMS)
def metrics_on_arrays(keras: Any) -> dict[str, Any]:
    """update_state, result, reset_state, a call, and sample weights."""
    one_hot = one_hot_data()[1][:6]
    likely = probabilities(9, 6, 3)
    binary = (uniform(8, 6, 1) > 0).astype("float32")
    guess = uniform(10, 6, 1, low=0.0)
    weights = np.array([1, 0, 2, 0.5, 1, 3], "float32")
    cases: dict[str, tuple[Any, Any]] = {
        "Accuracy": (np.array([1, 2, 3, 4, 0, 1]), np.array([1, 2, 0, 4, 0, 2])),
        "BinaryAccuracy": (binary, guess),
        "CategoricalAccuracy": (one_hot, likely),
        "SparseCategoricalAccuracy": (np.argmax(one_hot, axis=1), likely),
        "MeanAbsoluteError": (binary, guess),
        "MeanSquaredError": (binary, guess),
        "RootMeanSquaredError": (binary, guess),
        "BinaryCrossentropy": (binary, guess),
        "CategoricalCrossentropy": (one_hot, likely),
        "SparseCategoricalCrossentropy": (np.argmax(one_hot, axis=1), likely),
    }
    results: dict[str, Any] = {}
    for name, (y_true, y_pred) in cases.items():
        metric = getattr(keras.metrics, name)()
        empty = float(metric.result())
        metric.update_state(y_true, y_pred)
        once = float(metric.result())
        metric.update_state(y_true[:2], y_pred[:2])
        twice = float(metric.result())
        metric.reset_state()
        metric.update_state(y_true, y_pred, sample_weight=weights)
        weighted = float(metric.result())
        metric.reset_state()
        called = float(metric(y_true, y_pred))
        results[name] = [empty, once, twice, weighted, called, metric.name]
    mean = keras.metrics.Mean(name="average")
    mean.update_state([1.0, 3.0])
    mean.update_state(5.0)
    mean.update_state([2.0, 4.0], sample_weight=[0.0, 2.0])
    total = keras.metrics.Sum()
    total.update_state([1.0, 3.0])
    results["Mean"] = [float(mean.result()), mean.name, len(mean.variables)]
    results["Sum"] = float(total.result())
    results["get"] = type(keras.metrics.get("RootMeanSquaredError")).__name__
    return results


@register(PROGRAMS)
def activations_on_arrays(keras: Any) -> dict[str, Any]:
    x = uniform(11, 3, 5) * 8
    x[0] = [-100.0, 100.0, 0.0, -1e4, 1e4]
    names = ["linear", "relu", "sigmoid", "tanh", "softmax", "log_softmax", "softplus", "exponential"]
    small = np.clip(x, -20, 20)
    results: dict[str, Any] = {
        name: getattr(keras.activations, name)(small if name == "exponential" else x) for name in names
    }
    results["get"] = keras.activations.get("relu")(x)
    results["none"] = keras.activations.get(None)(x)
    return results


@register(PROGRAMS)
def operations(keras: Any) -> dict[str, Any]:
    """The operations of the narrow path, on arrays."""
    ops = keras.ops
    a, b = uniform(12, 3, 4), uniform(13, 3, 4, low=0.2)
    stack = uniform(14, 2, 3, 4)
    results: dict[str, Any] = {
        "add": ops.add(a, b[0]),
        "subtract": ops.subtract(a, 2.0),
        "multiply": ops.multiply(a, b[:, :1]),
        "divide": ops.divide(a, b),
        "power": ops.power(b, 2.5),
        "maximum": ops.maximum(a, 0.1),
        "minimum": ops.minimum(a, b),
        "matmul": ops.matmul(a, b.T),
        "matmul_batched": ops.matmul(stack, stack.transpose(0, 2, 1)),
        "sum": [ops.sum(a), ops.sum(a, axis=0), ops.sum(stack, axis=(1, 2)), ops.sum(a, axis=-1, keepdims=True)],
        "mean": [ops.mean(a), ops.mean(a, axis=1), ops.mean(stack, axis=(0, 2))],
        "max": [ops.max(a), ops.max(a, axis=0), ops.min(a, axis=1)],
        "argmax": [ops.argmax(a, axis=-1), ops.argmin(a, axis=0), ops.argmax(a)],
        "reshape": ops.reshape(a, (2, -1)),
        "transpose": [ops.transpose(a), ops.transpose(stack, (2, 0, 1))],
        "concatenate": ops.concatenate([a, b], axis=0),
        "softmax": [ops.softmax(a), ops.softmax(a, axis=0), ops.log_softmax(a)],
        "where": ops.where(a > 0, a, b),
        "compare": [ops.greater(a, 0.0), ops.equal(a, a), ops.not_equal(a, b), ops.less_equal(a, b)],
        "cast": [ops.cast(a * 10, "int32"), ops.cast(a > 0, "float32")],
        "one_hot": ops.one_hot(np.array([0, 2, 1]), 3),
        "squeeze": [ops.squeeze(a[:, :1], axis=-1), ops.expand_dims(a, 0)],
        "clip": ops.clip(a, -0.3, 0.3),
        "types": [str(ops.sum(np.arange(4, dtype="int32")).dtype), str(ops.convert_to_tensor(1.5).dtype)],
    }
    unary = ["exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "relu", "absolute", "negative", "sign", "square"]
    for name in [*unary, "log1p", "expm1", "softplus", "erf", "reciprocal", "sin", "cos", "floor"]:
        results[name] = getattr(ops, name)(b if name in ("log", "sqrt", "rsqrt") else a)
    return results


@register(PROGRAMS)
def initializers(keras: Any) -> dict[str, Any]:
    """What is certain about an initializer: its bounds, its spread, its class, its configuration."""
    results: dict[str, Any] = {}
    names = ["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"]
    for name in names:
        initializer = getattr(keras.initializers, name)(seed=5)
        values = np.asarray(initializer((200, 300)))
        limit = {"GlorotUniform": 500 / 2, "HeUniform": 100, "LecunUniform": 200}.get(name)
        bounded = limit is None or bool(np.abs(values).max() <= np.sqrt(3.0 / limit) + 1e-6)
        results[name] = [list(values.shape), values.dtype.name, round(float(values.std()), 3), bounded]
        results[name + " same"] = bool((values == np.asarray(initializer((200, 300)))).all())
    for short in ["glorot_uniform", "he_normal", "lecun_normal", "zeros", "ones", "random_normal", "orthogonal"]:
        results[short] = type(keras.initializers.get(short)).__name__
    orthogonal = np.asarray(keras.initializers.Orthogonal(seed=1)((5, 3)))
    results["orthogonal"] = bool(np.allclose(orthogonal.T @ orthogonal, np.eye(3), atol=1e-5))
    results["constant"] = keras.initializers.Constant(0.5)((2, 2))
    results["zeros"] = keras.initializers.Zeros()((2,))
    results["identity"] = keras.initializers.Identity(2.0)((2, 3))
    return results


@register(PROGRAMS)
def helpers(keras: Any) -> dict[str, Any]:
    to_categorical = keras.utils.to_categorical
    return {
        "to_categorical": [to_categorical([0, 2, 1]), to_categorical(np.array([[1], [0]]), num_classes=4)],
        "normalize": keras.utils.normalize(np.array([[3.0, 4.0], [0.0, 2.0]])),
        "floatx": keras.config.floatx(),
    }


@register(PROGRAMS)
def variables(keras: Any) -> dict[str, Any]:
    variable = keras.Variable(np.arange(6, dtype="float32").reshape(2, 3), name="matrix")
    results: dict[str, Any] = {
        "attributes": [variable.shape, str(variable.dtype), variable.name, bool(variable.trainable)],
        "numpy": variable.numpy(),
    }
    variable.assign(np.ones((2, 3), "float32"))
    variable.assign_add(np.full((2, 3), 0.5, "float32"))
    variable.assign_sub(np.full((2, 3), 0.25, "float32"))
    results["assigned"] = variable.numpy()
    results["arithmetic"] = [variable + 1.0, 2.0 * variable, variable / 2.0, -variable, variable[0]]
    fixed = keras.Variable(3.0, trainable=False)
    results["scalar"] = [fixed.shape, bool(fixed.trainable), float(fixed.value)]
    results["from_initializer"] = keras.Variable(initializer="ones", shape=(2,)).numpy()
    return results


@register(PROGRAMS)
def summary(keras: Any) -> dict[str, Any]:
    """The summary's text, from a model whose layers have names."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.Dropout(0.5, name="drop"),
            keras.layers.Dense(3, name="classes"),
        ],
        name="network",
    )
    model.layers[0].trainable = False
    inputs = keras.Input((4,), name="left")
    other = keras.Input((4,), name="right")
    summed = keras.layers.Add(name="sum")([inputs, other])
    functional = keras.Model([inputs, other], keras.layers.Dense(1, name="out")(summed), name="joined")
    unbuilt = keras.Sequential([keras.layers.Dense(2, name="later")], name="unbuilt")
    results: dict[str, Any] = {}
    for title, shown in [("sequential", model), ("functional", functional), ("unbuilt", unbuilt)]:
        lines: list[str] = []
        shown.summary(print_fn=lambda text, **_: lines.append(str(text)), line_length=80)  # noqa: B023
        results[title] = [line.rstrip() for line in "\n".join(lines).splitlines()]
    model.compile("adam", "mse")
    model.train_on_batch(uniform(1, 4, 6), uniform(2, 4, 3))
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(str(text)), line_length=80)
    # How many bytes the step counter takes is each backend's own choice.
    totals = [re.sub(r" \(.*\)", "", line).rstrip() for line in "\n".join(lines).splitlines()]
    results["trained"] = [line for line in totals if "params:" in line]
    return results


@register(PROGRAMS)
def printed(keras: Any) -> dict[str, Any]:
    """What fit, evaluate and predict print where no terminal is, times left out."""
    x, y = regression_data()

    def lines_of(call: Any) -> list[str]:
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            call()
        text = re.sub(r"\x1b\[[0-9;]*m|\x08", "", stream.getvalue()).replace("\r", "\n")
        text = re.sub(r"\d+(s|ms|us|µs)\b", r"T\1", re.sub(r"T?\d+(s|ms|us|µs)/(step|epoch)", r"T/\2", text))
        lines = [re.sub(r"T(s|ms|us|µs)", "T", line).rstrip() for line in text.splitlines()]
        lines = [line for line in lines if line]
        # How often a bar is drawn anew is a matter of time: its last state counts.
        pairs = zip(lines, [*lines[1:], ""], strict=True)
        return [line for line, following in pairs if not ("━" in line and "━" in following)]

    results: dict[str, Any] = {}
    for verbose in [1, 2]:
        model = mlp(keras, 1)
        model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
        arguments: dict[str, Any] = {"batch_size": 35, "epochs": 2, "shuffle": False, "verbose": verbose}
        results[f"fit {verbose}"] = lines_of(lambda a=arguments, m=model: m.fit(x, y, validation_split=0.5, **a))
        results[f"evaluate {verbose}"] = lines_of(lambda v=verbose, m=model: m.evaluate(x, y, verbose=v))
        results[f"predict {verbose}"] = lines_of(lambda v=verbose, m=model: m.predict(x, verbose=v))
    return results
