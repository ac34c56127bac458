"""Mistakes with data: shapes, types, labels, NaN, lengths, and the numbers that steer training."""

from __future__ import annotations

from typing import Any

import numpy as np

from beginner_mistakes import Workbench, table


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.astype("float32" if value != value or np.isinf(value) else array.dtype)
    changed.reshape(-1)[7] = value
    return changed


def fit(b: Workbench, *data: Any, **arguments: Any) -> Any:
    return b.model.fit(*data, **({"verbose": 0} | arguments))


table(
    "shape",
    ValueError,
    {
        "features": (lambda k, b: fit(b, b.x[:, :5], b.y), ("5", "6")),
        "images_not_flattened": (lambda k, b: fit(b, b.x.reshape(-1, 2, 3), b.y), ("6", "3")),
        "one_sample_without_batch": (lambda k, b: b.model.predict(b.x[0], verbose=0), ("6",)),
        "predict": (lambda k, b: b.model.predict(b.x[:, :4], verbose=0), ("4", "6")),
        "evaluate": (lambda k, b: b.model.evaluate(b.x[:, :4], b.y, verbose=0), ("4", "6")),
        "train_on_batch": (lambda k, b: b.model.train_on_batch(b.x[:, :4], b.y), ("4", "6")),
        "call": (lambda k, b: b.model(b.x[:, :4]), ("4", "6")),
        "layer_call": (lambda k, b: b.model.layers[0](b.x[:, :4]), ("hidden", "4", "6")),
        "vector_into_dense": (lambda k, b: k.layers.Dense(3, name="dense_on_vector")(b.x[0]), ("dense_on_vector",)),
        "validation_data": (lambda k, b: fit(b, b.x, b.y, validation_data=(b.x[:, :4], b.y)), ("4", "6")),
        "one_hot_for_sparse": (lambda k, b: fit(b, b.x, b.one_hot), ("sparse", "(", "3")),
        "sparse_for_one_hot": (
            lambda k, b: b.regressor(k, loss="categorical_crossentropy").fit(b.x, b.one_hot, verbose=0),
            ("3", "1"),
        ),
        "targets_too_wide": (lambda k, b: b.regressor(k).fit(b.x, b.one_hot, verbose=0), ("3", "1")),
        "binary_targets_too_wide": (
            lambda k, b: b.regressor(k, loss="binary_crossentropy").fit(b.x, b.one_hot, verbose=0),
            ("3", "1"),
        ),
        "targets_for_several_outputs": (lambda k, b: _three_outputs(k).fit(b.x, b.x[:, :2], verbose=0), ("2", "3")),
        "sample_weight": (lambda k, b: fit(b, b.x, b.y, sample_weight=np.ones((40, 3), "float32")), ("sample_weight",)),
        "set_weights": (
            lambda k, b: b.model.set_weights([w if w.ndim == 1 else w.T for w in b.model.get_weights()]),
            ("(6, 8)", "(8, 6)"),
        ),
        "set_weights_last": (
            lambda k, b: b.model.set_weights([*[w + 1 for w in b.model.get_weights()[:3]], np.zeros(5)]),
            ("3", "5"),
        ),
        "set_weights_of_layer": (
            lambda k, b: b.model.layers[1].set_weights([np.zeros((8, 4)), np.zeros(3)]),
            ("(8, 3)", "(8, 4)"),
        ),
        "assign": (lambda k, b: b.model.layers[0].kernel.assign(np.zeros((6, 7), "float32")), ("8", "7")),
    },
)


def _three_outputs(k: Any) -> Any:
    model = k.Sequential([k.Input((6,)), k.layers.Dense(3)])
    model.compile("sgd", "mse")
    return model


table(
    "weights_count",
    ValueError,
    {
        "too_few": (lambda k, b: b.model.set_weights(b.model.get_weights()[:3]), ("4", "3")),
        "too_many": (lambda k, b: b.model.set_weights([*b.model.get_weights(), np.zeros(3)]), ("4", "5")),
        "layer": (lambda k, b: b.model.layers[0].set_weights([np.zeros((6, 8))]), ("2", "1")),
    },
)

table(
    "type",
    (ValueError, TypeError),
    {
        "strings": (lambda k, b: fit(b, b.x.astype(str), b.y), ("x",)),
        "objects": (lambda k, b: fit(b, b.x.astype(object), b.y), ("object",)),
        "string_labels": (lambda k, b: fit(b, b.x, np.array(["cat", "dog"] * 20)), ("y",)),
        "object_labels": (lambda k, b: fit(b, b.x, np.array(["cat", None] * 20, object)), ("object",)),
        "complex": (lambda k, b: fit(b, b.x.astype("complex64"), b.y), ("complex",)),
        "predict_strings": (lambda k, b: b.model.predict(b.x.astype(str), verbose=0), ()),
        "call_strings": (lambda k, b: b.model(b.x.astype(str)), ()),
        "ragged": (lambda k, b: fit(b, [[1.0, 2.0], [3.0]], [0, 1]), ()),
        "nothing": (lambda k, b: fit(b, None, b.y), ()),
        "op_on_strings": (lambda k, b: k.ops.exp(np.array(["a", "b"])), ("exp",)),
    },
)

table(
    "labels",
    ValueError,
    {
        "too_large": (lambda k, b: fit(b, b.x, b.y + 1), ("3",)),
        "negative": (lambda k, b: fit(b, b.x, b.y - 1), ("-1",)),
        "in_the_last_row": (lambda k, b: fit(b, b.x, np.append(b.y[:-1], 99)), ("99",)),
        "float": (lambda k, b: fit(b, b.x, (b.y + 1).astype("float32")), ("3",)),
        "column": (lambda k, b: fit(b, b.x, b.y[:, None] + 1), ("3",)),
        "evaluate": (lambda k, b: b.model.evaluate(b.x, b.y + 1, verbose=0), ("3",)),
        "train_on_batch": (lambda k, b: b.model.train_on_batch(b.x, b.y + 1), ("3",)),
        "test_on_batch": (lambda k, b: b.model.test_on_batch(b.x, b.y + 1), ("3",)),
        "validation": (lambda k, b: fit(b, b.x, b.y, validation_data=(b.x, b.y + 1)), ("3",)),
    },
)

table(
    "nan",
    ValueError,
    {
        "features": (lambda k, b: fit(b, with_value(b.x, np.nan), b.y), ("x", "NaN")),
        "infinite_features": (lambda k, b: fit(b, with_value(b.x, np.inf), b.y), ("x", "inf")),
        "targets": (lambda k, b: b.regressor(k).fit(b.x, with_value(b.x[:, :1], np.nan), verbose=0), ("y", "NaN")),
        "float_labels": (lambda k, b: fit(b, b.x, with_value(b.y, np.nan)), ("y", "NaN")),
        "sample_weight": (
            lambda k, b: fit(b, b.x, b.y, sample_weight=with_value(b.x[:, 0], np.nan)),
            ("sample_weight", "NaN"),
        ),
        "validation": (
            lambda k, b: fit(b, b.x, b.y, validation_data=(with_value(b.x, np.nan), b.y)),
            ("NaN",),
        ),
        "train_on_batch": (lambda k, b: b.model.train_on_batch(with_value(b.x, np.nan), b.y), ("NaN",)),
    },
)

table(
    "empty",
    ValueError,
    {
        "fit": (lambda k, b: fit(b, b.x[:0], b.y[:0]), ()),
        "evaluate": (lambda k, b: b.model.evaluate(b.x[:0], b.y[:0], verbose=0), ()),
        "predict": (lambda k, b: b.model.predict(b.x[:0], verbose=0), ()),
        "train_on_batch": (lambda k, b: b.model.train_on_batch(b.x[:0], b.y[:0]), ()),
        "validation": (lambda k, b: fit(b, b.x, b.y, validation_data=(b.x[:0], b.y[:0])), ()),
        "list": (lambda k, b: fit(b, [], []), ()),
    },
)

table(
    "lengths",
    ValueError,
    {
        "targets": (lambda k, b: fit(b, b.x, b.y[:-1]), ("40", "39")),
        "sample_weight": (lambda k, b: fit(b, b.x, b.y, sample_weight=np.ones(7)), ("40", "7")),
        "validation": (lambda k, b: fit(b, b.x, b.y, validation_data=(b.x[:9], b.y[:8])), ("9", "8")),
        "evaluate": (lambda k, b: b.model.evaluate(b.x, b.y[:5], verbose=0), ("40", "5")),
        "train_on_batch": (lambda k, b: b.model.train_on_batch(b.x[:9], b.y[:8]), ("9", "8")),
        "transposed": (lambda k, b: fit(b, b.x.T, b.y), ("6", "40")),
        "split_leaves_nothing": (lambda k, b: fit(b, b.x[:1], b.y[:1], validation_split=0.5), ("1",)),
    },
)

table(
    "missing",
    ValueError,
    {
        "targets": (lambda k, b: fit(b, b.x), ()),
        "features": (lambda k, b: b.model.predict(None, verbose=0), ()),
    },
)

table(
    "number",
    (ValueError, TypeError),
    {
        "batch_size_zero": (lambda k, b: fit(b, b.x, b.y, batch_size=0), ("batch_size", "0")),
        "batch_size_negative": (lambda k, b: fit(b, b.x, b.y, batch_size=-4), ("batch_size", "-4")),
        "batch_size_float": (lambda k, b: fit(b, b.x, b.y, batch_size=2.5), ("batch_size", "2.5")),
        "batch_size_text": (lambda k, b: fit(b, b.x, b.y, batch_size="32"), ("batch_size", "32")),
        "batch_size_predict": (lambda k, b: b.model.predict(b.x, batch_size=0, verbose=0), ("batch_size", "0")),
        "batch_size_evaluate": (lambda k, b: b.model.evaluate(b.x, b.y, batch_size=0, verbose=0), ("batch_size", "0")),
        "epochs_negative": (lambda k, b: fit(b, b.x, b.y, epochs=-1), ("epochs", "-1")),
        "epochs_float": (lambda k, b: fit(b, b.x, b.y, epochs=1.5), ("epochs", "1.5")),
        "epochs_text": (lambda k, b: fit(b, b.x, b.y, epochs="ten"), ("epochs", "ten")),
        "split_one": (lambda k, b: fit(b, b.x, b.y, validation_split=1.0), ("validation_split", "1.0")),
        "split_above_one": (lambda k, b: fit(b, b.x, b.y, validation_split=20), ("validation_split", "20")),
        "split_negative": (lambda k, b: fit(b, b.x, b.y, validation_split=-0.2), ("validation_split", "-0.2")),
    },
)

table(
    "class_weight",
    (ValueError, TypeError),
    {
        "a_name": (lambda k, b: fit(b, b.x, b.y, class_weight="balanced"), ("class_weight", "dict", "str")),
        "a_list": (lambda k, b: fit(b, b.x, b.y, class_weight=[1.0, 2.0, 1.0]), ("class_weight", "dict", "list")),
        "text": (lambda k, b: fit(b, b.x, b.y, class_weight={0: "heavy"}), ("class_weight", "heavy")),
        "and_sample_weight_on_batch": (
            lambda k, b: b.model.train_on_batch(b.x, b.y, class_weight={0: 1.0}, sample_weight=np.ones(40)),
            ("class_weight", "sample_weight"),
        ),
    },
)

table(
    "validation_data",
    (ValueError, TypeError),
    {
        "features_only": (lambda k, b: fit(b, b.x, b.y, validation_data=b.x), ("validation_data",)),
        "four_parts": (lambda k, b: fit(b, b.x, b.y, validation_data=(b.x, b.y, None, None)), ("validation_data",)),
    },
)
