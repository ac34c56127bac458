"""Mistakes with models, layers, names and parts that stand alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from beginner_mistakes import Workbench, mistake, table


def compile_with(b: Workbench, **arguments: Any) -> Any:
    b.model.compile(**({"optimizer": "adam", "loss": "sparse_categorical_crossentropy"} | arguments))
    return b.model.fit(b.x, b.y, verbose=0)


table(
    "unknown",
    ValueError,
    {
        "activation": (lambda k, b: k.layers.Dense(3, activation="rellu"), ("rellu", "activation")),
        "activation_layer": (lambda k, b: k.layers.Activation("sofmax"), ("sofmax", "activation")),
        "initializer": (lambda k, b: k.layers.Dense(3, kernel_initializer="glorot"), ("glorot", "initializer")),
        "bias_initializer": (lambda k, b: k.layers.Dense(3, bias_initializer="none"), ("none", "initializer")),
        "regularizer": (lambda k, b: k.layers.Dense(3, kernel_regularizer="l3"), ("l3", "regularizer")),
        "optimizer": (lambda k, b: compile_with(b, optimizer="adamm"), ("adamm", "optimizer")),
        "loss": (lambda k, b: compile_with(b, loss="crossentropi"), ("crossentropi", "loss")),
        "metric": (lambda k, b: compile_with(b, metrics=["acuracy"]), ("acuracy", "metric")),
        "layer_argument": (lambda k, b: k.layers.Dense(3, activaton="relu"), ("activaton", "Dense")),
        "dropout_argument": (lambda k, b: k.layers.Dropout(0.5, rat=0.5), ("rat", "Dropout")),
        "optimizer_argument": (lambda k, b: k.optimizers.Adam(learningrate=0.1), ("learningrate",)),
        "get_layer": (lambda k, b: b.model.get_layer("hiden"), ("hiden", "hidden")),
        "get_layer_index": (lambda k, b: b.model.get_layer(index=9), ("9", "hidden")),
        "dtype": (lambda k, b: k.ops.cast(b.x, "float3"), ("float3",)),
        "reduction": (lambda k, b: k.losses.MeanSquaredError(reduction="average"), ("average", "reduction")),
        "get_loss": (lambda k, b: k.losses.get("msee"), ("msee",)),
        "get_metric": (lambda k, b: k.metrics.get("maee"), ("maee",)),
        "get_optimizer": (lambda k, b: k.optimizers.get("sdg"), ("sdg",)),
        "get_initializer": (lambda k, b: k.initializers.get("he_norm"), ("he_norm",)),
        "get_regularizer": (lambda k, b: k.regularizers.get("l0"), ("l0",)),
        "get_activation": (lambda k, b: k.activations.get("tan"), ("tan",)),
    },
)

table(
    "argument",
    TypeError,
    {
        "fit": (lambda k, b: b.model.fit(b.x, b.y, epoch=3), ("epoch",)),
        "compile": (lambda k, b: b.model.compile(optimiser="adam"), ("optimiser",)),
        "units_missing": (lambda k, b: k.layers.Dense(), ("units",)),
        "rate_missing": (lambda k, b: k.layers.Dropout(), ("rate",)),
    },
)

table(
    "range",
    ValueError,
    {
        "units_negative": (lambda k, b: k.layers.Dense(-1), ("units", "-1")),
        "units_zero": (lambda k, b: k.layers.Dense(0), ("units", "0")),
        "units_float": (lambda k, b: k.layers.Dense(2.5), ("units", "2.5")),
        "units_text": (lambda k, b: k.layers.Dense("10"), ("units", "10")),
        "rate_above_one": (lambda k, b: k.layers.Dropout(1.5), ("rate", "1.5")),
        "rate_negative": (lambda k, b: k.layers.Dropout(-0.1), ("rate", "-0.1")),
        "momentum": (lambda k, b: k.optimizers.SGD(momentum=1.5), ("momentum", "1.5")),
        "label_smoothing": (lambda k, b: _smoothed(k, b), ("label_smoothing",)),
        "two_clips": (lambda k, b: k.optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ("clipnorm", "clipvalue")),
        "input_shape_negative": (lambda k, b: k.Input((-6,)), ("-6",)),
        "input_shape_missing": (lambda k, b: k.Input(), ("shape",)),
        "input_shape_text": (lambda k, b: k.Input(("six",)), ("six",)),
        "regularizer_text": (lambda k, b: k.regularizers.L2("strong"), ("strong",)),
        "threads_zero": (lambda k, b: _only_dlnative(k).set_num_threads(0), ("set_num_threads", "0")),
        "backend": (lambda k, b: _only_dlnative(k).backend.set_backend("gpu"), ("gpu", "cpu", "reference")),
    },
)


def _smoothed(k: Any, b: Workbench) -> Any:
    return k.losses.BinaryCrossentropy(label_smoothing=1.5)(b.one_hot, b.one_hot)


def _only_dlnative(k: Any) -> Any:
    if not hasattr(k, "set_num_threads"):
        raise ValueError("Keras has no such function; set_num_threads 0 gpu cpu reference")
    return k


table(
    "combination",
    ValueError,
    {
        "add_shapes": (lambda k, b: k.layers.Add(name="plus")([b.x, b.x[:, :4]]), ("4", "6")),
        "add_no_list": (lambda k, b: k.layers.Add(name="plus")(b.x), ("plus",)),
        "concatenate_shapes": (lambda k, b: k.layers.Concatenate(axis=0, name="join")([b.x, b.x[:, :4]]), ("join",)),
        "reshape": (lambda k, b: k.layers.Reshape((4, 2), name="square")(b.x), ("square", "6")),
        "disconnected": (lambda k, b: k.Model(k.Input((3,)), k.layers.Dense(2)(k.Input((3,)))), ()),
        "not_a_layer": (lambda k, b: k.Sequential(["dense"]), ("dense",)),
        "same_name_twice": (
            lambda k, b: k.Sequential([k.layers.Dense(2, name="a"), k.layers.Dense(2, name="a")]),
            ("a", "name"),
        ),
        "inputs_count": (lambda k, b: _two_inputs(k)(b.x), ("2",)),
        "stack_does_not_fit": (lambda k, b: _stack(k), ("expects", "5", "8")),
    },
)


def _two_inputs(k: Any) -> Any:
    inputs = [k.Input((6,)), k.Input((6,))]
    return k.Model(inputs, k.layers.Add()(inputs))


def _stack(k: Any) -> Any:
    layer = k.layers.Dense(3, name="expects")
    layer.build((None, 5))
    return k.Sequential([k.Input((6,)), k.layers.Dense(8), layer])


table(
    "not_compiled",
    ValueError,
    {
        name: (lambda k, b, call=call: call(k.Sequential([k.Input((6,)), k.layers.Dense(3)]), b), ("compile", name))
        for name, call in {
            "fit": lambda m, b: m.fit(b.x, b.y, verbose=0),
            "evaluate": lambda m, b: m.evaluate(b.x, b.y, verbose=0),
            "train_on_batch": lambda m, b: m.train_on_batch(b.x, b.y),
            "test_on_batch": lambda m, b: m.test_on_batch(b.x, b.y),
        }.items()
    },
)

table(
    "compile",
    (ValueError, TypeError),
    {
        "loss_number": (lambda k, b: compile_with(b, loss=3), ("loss", "3")),
        "optimizer_number": (lambda k, b: compile_with(b, optimizer=0.01), ("optimizer", "0.01")),
        "optimizer_class": (lambda k, b: compile_with(b, optimizer=k.optimizers.Adam), ("Adam",)),
        "metrics_text": (lambda k, b: compile_with(b, metrics="accuracy"), ("metrics", "accuracy")),
        "learning_rate_text": (lambda k, b: compile_with(b, optimizer=k.optimizers.SGD("fast")), ("fast",)),
        "callback_text": (lambda k, b: b.model.fit(b.x, b.y, verbose=0, callbacks=["early"]), ("callback", "early")),
    },
)

table(
    "not_built",
    (ValueError, AttributeError),
    {
        "kernel": (lambda k, b: k.layers.Dense(3, name="fresh").kernel, ("fresh", "built")),
        "count_params": (lambda k, b: k.layers.Dense(3, name="fresh").count_params(), ("fresh", "built")),
        "model_count_params": (lambda k, b: k.Sequential([k.layers.Dense(3)], name="raw").count_params(), ("raw",)),
        "set_weights": (lambda k, b: k.layers.Dense(3, name="fresh").set_weights([np.zeros((6, 3))]), ("fresh",)),
        "output": (lambda k, b: k.layers.Dense(3, name="fresh").output, ("fresh",)),
        "output_shape": (lambda k, b: k.Sequential([k.layers.Dense(3)], name="raw").output_shape, ("raw",)),
    },
)


@mistake((ValueError, TypeError), "second")
def layer_as_input(k: Any, b: Workbench) -> Any:
    return k.layers.Dense(2, name="second")(k.layers.Dense(3, name="first"))


@mistake(RuntimeError, "super().__init__()")
def forgot_super_init(k: Any, b: Workbench) -> Any:
    class Network(k.Model):
        def __init__(self) -> None:
            self.dense = k.layers.Dense(3)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    return Network()(b.x)


@mistake(NotImplementedError, "call", "Nothing")
def forgot_call(k: Any, b: Workbench) -> Any:
    class Nothing(k.layers.Layer):
        pass

    return Nothing()(b.x)


@mistake((ValueError, TypeError), "Forgetful")
def call_returns_nothing(k: Any, b: Workbench) -> Any:
    class Forgetful(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            k.ops.exp(inputs)

    model = k.Sequential([k.Input((6,)), Forgetful(), k.layers.Dense(1)])
    return model.predict(b.x, verbose=0)


table(
    "alone",
    ValueError,
    {
        "loss_shapes": (lambda k, b: k.losses.MeanSquaredError()(b.x, b.x[:, :4]), ("6", "4")),
        "loss_lengths": (lambda k, b: k.losses.MeanSquaredError()(b.x, b.x[:9]), ("40", "9")),
        "metric_shapes": (lambda k, b: k.metrics.MeanAbsoluteError().update_state(b.x, b.x[:, :4]), ("6", "4")),
        "matmul": (lambda k, b: k.ops.matmul(b.x, b.x), ("matmul", "(40, 6)")),
        "add": (lambda k, b: k.ops.add(b.x, b.x[:, :4]), ("add", "(40, 6)", "(40, 4)")),
        "reshape": (lambda k, b: k.ops.reshape(b.x, (7, 7)), ("reshape", "(7, 7)")),
        "concatenate": (lambda k, b: k.ops.concatenate([b.x, b.x[:, :4]], axis=0), ("concatenate",)),
        "sum_axis": (lambda k, b: k.ops.sum(b.x, axis=5), ("sum", "5")),
        "transpose": (lambda k, b: k.ops.transpose(b.x, (0, 0)), ("transpose",)),
        "to_categorical": (lambda k, b: k.utils.to_categorical([0, 7], num_classes=3), ("7", "3")),
        "gradients_missing": (
            lambda k, b: k.optimizers.SGD().apply_gradients([(None, b.model.trainable_variables[0])]),
            ("gradient",),
        ),
        "gradient_shape": (
            lambda k, b: k.optimizers.SGD().apply_gradients(
                [(k.ops.convert_to_tensor(np.zeros((2, 2), "float32")), b.model.trainable_variables[0])]
            ),
            ("(2, 2)", "(6, 8)"),
        ),
        "unknown_variable": (
            lambda k, b: b.model.optimizer.apply_gradients([(k.ops.zeros((2,)), k.Variable(np.zeros(2, "float32")))]),
            (),
        ),
        "variable_shape": (lambda k, b: k.Variable(np.zeros(3, "float32"), name="v").assign(np.zeros(4)), ("3", "4")),
    },
)
