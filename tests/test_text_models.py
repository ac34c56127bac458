"""Models that are given text: the layers at their entry compute outside of the graph."""

from __future__ import annotations

import copy
import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers

TEXTS = np.array(["good movie", "bad film", "good film", "bad movie"] * 8)
LABELS = np.array([1, 0, 1, 0] * 8)


def vectorizer() -> Any:
    layer = layers.TextVectorization(output_sequence_length=3)
    layer.adapt(TEXTS)
    return layer


def after(layer: Any) -> list[Any]:
    return [
        layers.Embedding(layer.vocabulary_size(), 4), layers.GlobalAveragePooling1D(), layers.Dense(1, "sigmoid"),
    ]  # fmt: skip


def functional() -> Any:
    first = vectorizer()
    inputs = x = dlnative.Input((1,), dtype="string", name="text")
    for layer in (first, *after(first)):
        x = layer(x)
    return dlnative.Model(inputs, x)


def sequential(*first: Any) -> Any:
    layer = vectorizer()
    return dlnative.Sequential([*first, layer, *after(layer)])


def compiled(model: Any) -> Any:
    model.compile(dlnative.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("make", [functional, sequential, lambda: sequential(dlnative.Input((1,), dtype="string"))])
def test_a_model_learns_from_text(make: Any, backend: str) -> None:
    del backend
    model = compiled(make())
    model.fit(TEXTS, LABELS, epochs=15, batch_size=8, verbose=0)
    assert model.evaluate(TEXTS.tolist(), LABELS, verbose=0)[1] == 1
    y = model.predict(TEXTS, verbose=0)
    for x in (TEXTS.tolist(), TEXTS[:, None], TEXTS.astype(object), TEXTS.astype(bytes)):
        np.testing.assert_array_equal(model.predict(x, verbose=0), y)
        np.testing.assert_allclose(model(x), y, rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(["bad film"]), y[1:2], rtol=1e-6)
    assert model.predict(["nothing known"], verbose=0).shape == (1, 1)


def test_text_in_batches() -> None:
    model = compiled(functional())
    batches = [(TEXTS[start : start + 8], LABELS[start : start + 8]) for start in range(0, 32, 8)]
    history = model.fit(iter(batches), validation_data=(TEXTS, LABELS), verbose=0).history
    assert {"loss", "val_loss"} <= history.keys()
    again = compiled(functional())
    again.set_weights(model.get_weights())
    assert model.train_on_batch(*batches[0])[0] == pytest.approx(again.test_on_batch(*batches[0])[0])


def test_text_beside_numbers() -> None:
    """By a list, by names, and by the columns of a frame."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [1.0, 2.0, 3.0], "city": ["x", "y", "z"]})
    age, city = dlnative.Input((1,), name="age"), dlnative.Input((1,), dtype="string", name="city")
    encode = layers.StringLookup(vocabulary=["x", "y"], output_mode="one_hot")
    normalize = layers.Normalization()
    normalize.adapt(frame[["age"]])
    outputs = layers.concatenate([normalize(age), encode(city)])
    expected = np.column_stack([[-1.2247449, 0, 1.2247449], np.eye(3)[[1, 2, 0]]])
    listed, named = dlnative.Model([age, city], outputs), dlnative.Model({"age": age, "city": city}, outputs)
    for made in (
        listed.predict([frame["age"], frame["city"]], verbose=0),
        named.predict(dict(frame), verbose=0),
        named({"age": np.array([[1.0], [2.0], [3.0]]), "city": np.array([["x"], ["y"], ["z"]])}),
    ):
        np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_hashes_at_the_entry_each_time() -> None:
    """Integers that are hashed might be taken for what the compiled part is given."""
    model = dlnative.Sequential([dlnative.Input((1,), dtype="int64"), layers.Hashing(3), layers.Embedding(3, 2)])
    x = np.array([[0], [1], [2]])
    first = model(x)
    np.testing.assert_array_equal(model(x), first)
    np.testing.assert_array_equal(model.predict(x, verbose=0), first)
    np.testing.assert_array_equal(first[:, 0], model.weights[0].numpy()[[1, 0, 1]])


def test_models_of_models() -> None:
    inner = functional()
    text = dlnative.Input((1,), dtype="string")
    outer = dlnative.Model(text, layers.Rescaling(2.0)(inner(text)))
    np.testing.assert_allclose(outer.predict(TEXTS, verbose=0), 2 * inner.predict(TEXTS, verbose=0), rtol=1e-6)
    numbers = dlnative.Sequential([dlnative.Input((3,), dtype="int64"), layers.Embedding(9, 2)])
    whole = dlnative.Sequential([vectorizer(), numbers])
    assert whole.predict(TEXTS, verbose=0).shape == (32, 3, 2)
    only = dlnative.Model(text, vectorizer()(text))
    np.testing.assert_array_equal(only.predict(TEXTS, verbose=0), vectorizer()(TEXTS))


def test_copies() -> None:
    model = functional()
    y = model.predict(TEXTS, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(TEXTS, verbose=0), y)
    layer = layers.StringLookup(vocabulary=["a"])
    made = dlnative.Sequential([dlnative.Input((1,), dtype="string"), layer, layers.Rescaling(2.0)])
    again = dlnative.models.model_from_json(made.to_json())
    assert again.predict(["a", "b"], verbose=0).tolist() == [[2], [0]]


@dlnative.saving.register_keras_serializable("tests")
def upper(text: Any) -> Any:
    return np.char.upper(text)


@pytest.mark.parametrize(
    "arguments",
    [
        {"output_sequence_length": 3},
        {"output_mode": "tf_idf"},
        {"output_mode": "count", "ngrams": 2, "standardize": upper},
        {"output_mode": "multi_hot", "max_tokens": 20, "pad_to_max_tokens": True, "split": "character"},
    ],
)
def test_saved_models(arguments: Any, tmp_path: pathlib.Path) -> None:
    """What was learned from text is part of the file."""
    layer = layers.TextVectorization(**arguments)
    layer.adapt(TEXTS)
    inputs = dlnative.Input((1,), dtype="string")
    model = dlnative.Model(inputs, layers.Rescaling(1.0)(layer(inputs)))
    model.save(tmp_path / "model.keras")
    again = dlnative.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
    assert again.layers[1].get_vocabulary() == layer.get_vocabulary()


def test_shapes_and_plan(capsys: pytest.CaptureFixture[str]) -> None:
    model = compiled(functional())
    assert model.input_shape == (None, 1)
    assert model.compute_output_shape((7, 1)) == (7, 1)
    assert model.inputs[0].dtype == "string"
    model.plan(4)
    model.summary()
    assert "text_vectorization" in capsys.readouterr().out


def _misplaced() -> Any:
    x = dlnative.Input((1,))
    return dlnative.Model(x, layers.Hashing(3)(layers.Dense(2)(x)))


class Within(dlnative.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hash = layers.Hashing(3)

    def call(self, inputs: Any) -> Any:
        return self.hash(inputs)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Dense(2)(dlnative.Input((1,), dtype="string")), "expected numbers, got text"),
        (lambda: dlnative.ops.add(dlnative.Input((1,), dtype="string"), 1), "expected numbers, got text"),
        (lambda: dlnative.Model(*[dlnative.Input((1,), dtype="string")] * 2), "turn text into numbers"),
        (_misplaced, "which is trained"),
        (lambda: Within()(np.array([[1]])), "computes outside of the graph"),
        (lambda: functional().predict(np.ones((2, 1)), verbose=0), "expected text"),
        (lambda: functional().predict([None, "a"], verbose=0), "expected text"),
        (lambda: functional().predict(np.array([["a", "b"]]), verbose=0), "predict: .*expected shape"),
    ],
)
def test_refusals(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
