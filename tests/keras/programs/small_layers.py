"""Layers with few or no weights: what each gives for its arguments, what masks do on their way, and one step of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from programs.common import Program, fill, register, uniform

PROGRAMS: dict[str, Program] = {}

Calls = dict[str, tuple[str, dict[str, Any], Any]]


def called(keras: Any, calls: Calls) -> dict[str, Any]:
    """Makes layers, fills their weights, and returns what they give and the shape that they say."""
    results: dict[str, Any] = {}
    for name, (cls, arguments, inputs) in calls.items():
        layer = getattr(keras.layers, cls)(**arguments)
        output = layer(inputs)
        if layer.weights:
            fill(layer)
            output = layer(inputs)
        shapes = [x.shape for x in inputs] if isinstance(inputs, list) else inputs.shape
        results[name] = [np.array(output), list(layer.compute_output_shape(shapes))]
    return results


def step(keras: Any, outputs: Any, inputs: Any, x: Any) -> list[float]:
    """Losses of two steps towards zero: the second has seen the gradients."""
    model = keras.Model(inputs, outputs)
    fill(model)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    y = np.zeros(model.predict(x, verbose=0).shape, "float32")
    return [float(model.train_on_batch(x, y)) for _ in range(2)]


@register(PROGRAMS)
def activations(keras: Any) -> dict[str, Any]:
    """Every activation layer with its arguments; a mask of Softmax; the gradient of PReLU's weights."""
    x = uniform(1, 2, 3, low=-4.0, high=4.0)
    image = uniform(2, 2, 3, 2)
    results = called(
        keras,
        {
            "relu": ("ReLU", {}, x),
            "relu arguments": ("ReLU", {"max_value": 2.0, "negative_slope": 0.25, "threshold": 0.5}, x),
            "leaky": ("LeakyReLU", {}, x),
            "leaky slope": ("LeakyReLU", {"negative_slope": 0.5}, x),
            "elu": ("ELU", {"alpha": 0.5}, x),
            "prelu": ("PReLU", {}, x),
            "prelu shared": ("PReLU", {"shared_axes": [1]}, image),
            "softmax": ("Softmax", {}, x),
            "softmax axis": ("Softmax", {"axis": 1}, image),
            "softmax axes": ("Softmax", {"axis": [1, 2]}, image),
            "activation": ("Activation", {"activation": "gelu"}, x),
        },
    )
    mask = np.array([[True, False, True], [False, False, False]])
    results["mask"] = np.array(keras.layers.Softmax()(x, mask=mask))
    inputs = keras.Input((3,))
    results["step"] = step(keras, keras.layers.PReLU(alpha_regularizer="l1")(keras.layers.Dense(3)(inputs)), inputs, x)
    return results


@register(PROGRAMS)
def merging(keras: Any) -> dict[str, Any]:
    """Joining inputs of one shape, of shapes that broadcast, and of several ranks."""
    a, b, row, small = uniform(1, 2, 3, 4), uniform(2, 2, 3, 4), uniform(3, 2, 1, 4), uniform(4, 2, 4)
    calls: Calls = {}
    for cls in ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average"):
        calls[cls] = (cls, {}, [a, b])
        calls[f"{cls} broadcast"] = (cls, {}, [a, row])
        calls[f"{cls} ranks"] = (cls, {}, [small, a])
    calls["three"] = ("Add", {}, [a, b, row])
    for axis in (-1, 1, 2):
        calls[f"Concatenate {axis}"] = ("Concatenate", {"axis": axis}, [a, b])
    for name, axes, pair in (
        ("vectors", 1, [small, uniform(5, 2, 4)]),
        ("last", -1, [a, b]),
        ("pair", (1, 2), [a, uniform(6, 2, 5, 3)]),
        ("higher", (-2, -1), [uniform(7, 2, 3, 2), uniform(8, 2, 1, 2, 3)]),
        ("vector and matrix", (1, 2), [small, a]),
    ):
        calls[f"Dot {name}"] = ("Dot", {"axes": axes}, pair)
        calls[f"Dot {name} normalized"] = ("Dot", {"axes": axes, "normalize": True}, pair)
    return called(keras, calls)


@register(PROGRAMS)
def reshaping(keras: Any) -> dict[str, Any]:
    """Order, repetition, enlargement by every interpolation."""
    x, image, volume = uniform(1, 2, 3, 4), uniform(2, 1, 2, 3, 2), uniform(3, 1, 2, 1, 2, 2)
    calls: Calls = {
        "permute": ("Permute", {"dims": (2, 1)}, x),
        "permute image": ("Permute", {"dims": (3, 1, 2)}, image),
        "repeat": ("RepeatVector", {"n": 3}, x[:, 0]),
        "flatten": ("Flatten", {}, image),
        "flatten first": ("Flatten", {"data_format": "channels_first"}, image),
        "reshape": ("Reshape", {"target_shape": (2, -1)}, x),
        "up 1": ("UpSampling1D", {"size": 2}, x),
        "up 3": ("UpSampling3D", {"size": (1, 2, 1)}, volume),
        "up 3 first": ("UpSampling3D", {"size": 2, "data_format": "channels_first"}, volume[..., :1]),
        "up first": ("UpSampling2D", {"size": (2, 1), "data_format": "channels_first"}, image),
    }
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        calls[interpolation] = ("UpSampling2D", {"size": (2, 3), "interpolation": interpolation}, image)
    return called(keras, calls)


@register(PROGRAMS)
def borders(keras: Any) -> dict[str, Any]:
    """Padding and cropping in one to three axes, channels first and last."""
    x, image, volume = uniform(1, 1, 3, 2), uniform(2, 1, 3, 4, 1), uniform(3, 1, 3, 3, 3, 1)
    calls: Calls = {}
    for kind, word in (("ZeroPadding", "padding"), ("Cropping", "cropping")):
        calls |= {
            f"{kind}1D": (f"{kind}1D", {word: 1}, x),
            f"{kind}1D pair": (f"{kind}1D", {word: (0, 2)}, x),
            f"{kind}2D": (f"{kind}2D", {word: ((0, 1), (2, 0))}, image),
            f"{kind}2D two": (f"{kind}2D", {word: (0, 1)}, image),
            f"{kind}2D first": (
                f"{kind}2D",
                {word: ((0, 0), (1, 1)), "data_format": "channels_first"},
                image[..., [0] * 3],
            ),
            f"{kind}3D": (f"{kind}3D", {word: ((1, 0), (0, 1), (1, 1))}, volume),
        }
    return called(keras, calls)


@register(PROGRAMS)
def products(keras: Any) -> dict[str, Any]:
    """EinsumDense for the shapes of its equations; embeddings there and back; low rank."""
    x, image, ids = uniform(1, 2, 3, 4), uniform(2, 2, 3, 2, 2), np.array([[0, 2], [1, 1]], "int32")
    results = called(
        keras,
        {
            "ab,bc->ac": ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 5, "bias_axes": "c"}, x[:, 0]),
            "elided": ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 2, "bias_axes": "y"}, x),
            "heads": ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (3, 2, 2), "bias_axes": "de"}, x),
            "one bias": ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (3, 2, 2), "bias_axes": "d"}, x),
            "joined": (
                "EinsumDense",
                {"equation": "abcd,cde->abe", "output_shape": (3, 5), "activation": "tanh"},
                image,
            ),
            "right": ("EinsumDense", {"equation": "bc...,cd->bd...", "output_shape": 4, "bias_axes": "d"}, image),
            "embedding": ("Embedding", {"input_dim": 3, "output_dim": 2}, ids),
            "floats": ("Embedding", {"input_dim": 3, "output_dim": 2}, ids.astype("float32")),
        },
    )
    both = keras.layers.ReversibleEmbedding(3, 2, tie_weights=False, logit_soft_cap=0.5)
    both(ids)
    fill(both)
    results["back"] = np.array(both(uniform(3, 1, 2, 2), reverse=True))
    dense = keras.layers.Dense(3)
    dense.build((None, 4))
    dense.enable_lora(2, lora_alpha=3.0)
    fill(dense)
    results["low rank"] = [np.array(dense(x)), [weight.path.split("/")[-1] for weight in dense.trainable_weights]]
    inputs = keras.Input((2,), dtype="int32")
    embedded = keras.layers.Embedding(3, 2, embeddings_regularizer="l2")(inputs)
    projected = keras.layers.EinsumDense("...x,xy->...y", output_shape=2, bias_axes="y")(embedded)
    results["step"] = step(keras, projected, inputs, ids)
    return results


@register(PROGRAMS)
def masks(keras: Any) -> dict[str, Any]:
    """What masks do to layers that join, to the loss and to a metric."""
    a = np.array([[[0, 0], [1, 2], [0, 0], [3, 4]]], "float32")
    b = np.array([[[0, 0], [0, 0], [-1, 2], [3, 4]]], "float32")
    results: dict[str, Any] = {}
    for cls in ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate"):
        for masked in ("first", "both"):
            inputs = [keras.Input((4, 2)), keras.Input((4, 2))]
            parts = [keras.layers.Masking()(inputs[0]), inputs[1]]
            if masked == "both":
                parts[1] = keras.layers.Masking()(inputs[1])
            arguments = {"axis": 1} if cls == "Concatenate" else {}
            outputs = getattr(keras.layers, cls)(**arguments)(parts)
            model = keras.Model(inputs, outputs)
            model.compile("sgd", "mse", metrics=["mae"])
            y = np.ones(model.predict([a, b], verbose=0).shape, "float32")
            results[f"{cls} {masked}"] = [model.predict([a, b], verbose=0), model.evaluate([a, b], y, verbose=0)]
    ids = keras.Input((4,), dtype="int32")
    hidden = keras.layers.Embedding(5, 2, mask_zero=True)(ids)
    outputs = keras.layers.Dense(1)(keras.layers.Dropout(0.5)(keras.layers.Activation("tanh")(hidden)))
    model = keras.Model(ids, outputs)
    fill(model)
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.array([[1, 2, 0, 0], [3, 0, 4, 0]], "int32"), uniform(1, 2, 4, 1)
    results["embedding"] = model.evaluate(x, y, verbose=0)
    return results


@register(PROGRAMS)
def names(keras: Any) -> dict[str, Any]:
    """Paths of weights, and configs that have no classes in them."""

    class Outer(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.own = self.add_weight(shape=(), name="own")
            self.inner = keras.layers.Dense(2, name="inner")

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs) * self.own

    x = uniform(1, 2, 3)
    layer = Outer()
    layer(x)
    model = keras.Sequential([keras.layers.Dense(2, name="first"), Outer()], name="model")
    model(x)
    results: dict[str, Any] = {"layer": [weight.path for weight in layer.weights]}
    results["model"] = [weight.path for weight in model.weights]
    for cls, arguments in (
        ("ReLU", {"max_value": 1.0}),
        ("Softmax", {"axis": 1}),
        ("Concatenate", {"axis": 1}),
        ("Dot", {"axes": (1, 2), "normalize": True}),
        ("Permute", {"dims": (2, 1)}),
        ("ZeroPadding2D", {"padding": 2}),
        ("Cropping1D", {"cropping": 1}),
        ("UpSampling2D", {"size": 2}),
        ("GaussianNoise", {"stddev": 0.5}),
        ("Masking", {"mask_value": 1.0}),
        ("RepeatVector", {"n": 2}),
    ):
        config = getattr(keras.layers, cls)(name="layer", **arguments).get_config()
        results[cls] = {key: config[key] for key in sorted(config)}
    return results
