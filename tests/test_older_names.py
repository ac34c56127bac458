"""What Keras 3 has given up and older programs still use: it works, with one warning that names what is used today."""

import importlib
import os
import warnings

import numpy as np
import pytest

import dlnative as keras
from dlnative.legacy import warning

RNG = np.random.default_rng(3)
X = RNG.random((8, 3), np.float32)
Y = np.eye(2, dtype=np.float32)[np.arange(8) % 2]


@pytest.fixture(autouse=True)
def _warned_of_nothing():
    warning._warned.clear()


def classifier():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "layers.core",
            "Dense Activation Dropout Flatten Reshape Permute RepeatVector SpatialDropout1D Lambda Masking",
        ),
        ("layers.convolutional", "Conv1D Conv2D MaxPooling2D UpSampling2D ZeroPadding2D Convolution2D"),
        ("layers.embeddings", "Embedding"),
        ("layers.recurrent", "LSTM GRU SimpleRNN"),
        ("layers.wrappers", "TimeDistributed Bidirectional"),
        ("layers.merge", "add concatenate dot"),
        ("layers.normalization", "BatchNormalization"),
        ("layers.advanced_activations", "LeakyReLU"),
        ("layers.experimental.preprocessing", "Rescaling RandomFlip"),
        ("utils.np_utils", "to_categorical"),
        ("utils.data_utils", "get_file Sequence"),
        ("utils.generic_utils", "get_custom_objects Progbar"),
        ("engine.topology", "Layer Input"),
        ("engine", "Layer Model"),
        ("objectives", "mean_squared_error"),
        ("optimizers.experimental", "SGD Adam"),
        ("regularizers", "l1l2"),
        ("constraints", "maxnorm"),
        ("layers", "CuDNNLSTM"),
        ("losses", "mse kullback_leibler_divergence"),
        ("metrics", "mse"),
    ],
)
def test_older_modules_hold_what_they_held_and_warn_once(module, names):
    found = importlib.import_module(f"dlnative.{module}")
    with pytest.warns(FutureWarning, match="older name"):
        values = [getattr(found, name) for name in names.split()]
    assert all(callable(value) for value in values)
    reached = keras
    for part in module.split("."):
        reached = getattr(reached, part)
    assert reached is found


def test_an_older_module_gives_the_class_of_today_and_all_its_names():
    with pytest.warns(FutureWarning, match=r"keras\.layers\.convolutional .* use keras\.layers$"):
        from dlnative.layers.convolutional import Conv2D
    assert Conv2D is keras.layers.Conv2D
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has warned
        from dlnative.layers.convolutional import MaxPooling2D
    assert MaxPooling2D is keras.layers.MaxPooling2D
    names = {}
    exec("from dlnative.layers.convolutional import *", names)
    assert names["Conv2D"] is keras.layers.Conv2D


def test_what_no_keras_had_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'Dense2'"):
        keras.layers.core.Dense2  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("dlnative.layers.convolution_of_nothing")
    with pytest.raises(AttributeError, match="no attribute 'engines'"):
        keras.engines  # noqa: B018


def test_lr_is_the_learning_rate():
    with pytest.warns(FutureWarning, match="learning_rate="):
        optimizer = keras.optimizers.SGD(lr=0.25, momentum=0.5)
    assert float(optimizer.learning_rate) == 0.25
    with pytest.warns(FutureWarning, match="optimizer.learning_rate"):
        optimizer.lr = 0.5
    assert float(optimizer.learning_rate) == float(optimizer.lr) == 0.5


def test_decay_has_no_effect_as_in_keras_3_and_says_so():
    with pytest.warns(FutureWarning, match=r"InverseTimeDecay\(learning_rate, 1, 0.001\)"):
        optimizer = keras.optimizers.Adam(learning_rate=0.25, decay=1e-3)
    assert float(optimizer.learning_rate) == 0.25


def test_models_take_generators_by_the_older_methods():
    model, other = classifier(), classifier()
    other.set_weights(model.get_weights())
    batches = [(X, Y), (X[:4], Y[:4])]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = model.fit_generator(iter(batches * 2), 2, nb_epoch=2, verbose=0, workers=4)
    assert any("model.fit_generator is an older name of Keras: use fit" in str(item.message) for item in said)
    expected = other.fit(iter(batches * 2), steps_per_epoch=2, epochs=2, verbose=0)
    assert found.history == expected.history
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        evaluated = model.evaluate_generator(iter(batches), steps=2, verbose=0)
        predicted = model.predict_generator(iter([X]), steps=1, verbose=0)
        classes, probabilities = model.predict_classes(X), model.predict_proba(X, verbose=0)
    assert evaluated == other.evaluate(iter(batches), steps=2, verbose=0)
    expected = other.predict(X, verbose=0)
    np.testing.assert_array_equal(predicted, expected)
    np.testing.assert_array_equal(classes, expected.argmax(-1))
    np.testing.assert_array_equal(probabilities, expected)
    with pytest.raises(TypeError, match="fit: unknown argument 'epoch'"):
        model.fit(X, Y, epoch=3)


def test_the_states_of_all_recurrent_layers_are_reset():
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), keras.layers.LSTM(2, stateful=True)])
    x = np.ones((2, 3, 1), np.float32)
    first, second = model.predict(x, verbose=0), model.predict(x, verbose=0)
    assert not np.array_equal(first, second)
    with pytest.warns(FutureWarning, match="reset_state"):
        model.reset_states()
    np.testing.assert_array_equal(model.predict(x, verbose=0), first)


def test_accuracy_is_found_under_both_names(tmp_path):
    model = classifier()
    stop = keras.callbacks.EarlyStopping(monitor="val_acc", patience=1)
    with pytest.warns(FutureWarning, match=r"hdf5 of ModelCheckpoint is an older"):
        keep = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}-{val_acc:.1f}.hdf5", "val_acc", save_best_only=True)
    with pytest.warns(FutureWarning, match='"acc" is an older name of Keras: use "accuracy"'):
        history = model.fit(X, Y, validation_data=(X, Y), epochs=1, verbose=0, callbacks=[stop, keep]).history
    assert history["acc"] is history["accuracy"]
    assert "acc" not in history
    with pytest.raises(KeyError, match="auc"):
        history["auc"]
    (file,) = tmp_path.iterdir()
    assert file.name == f"1-{history['val_accuracy'][0]:.1f}.hdf5"
    restored = keras.models.load_model(file)
    np.testing.assert_array_equal(restored.predict(X, verbose=0), model.predict(X, verbose=0))


def test_weights_are_saved_in_the_files_of_older_programs(tmp_path):
    model, other = classifier(), classifier()
    path = os.fspath(tmp_path / "weights.h5")
    with pytest.warns(FutureWarning, match=r"\.weights\.h5"):
        model.save_weights(path)
    other.load_weights(path)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_reductions_by_their_older_names():
    loss = keras.losses.MeanSquaredError(reduction=keras.losses.Reduction.SUM)
    assert float(loss([[1.0, 2.0]], [[0.0, 0.0]])) == 2.5


def test_graphs_written_by_hand_have_gradients_and_functions():
    k = keras.backend
    x = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="tanh")(x)
    dropped = keras.layers.Dropout(0.5)(hidden)
    outputs = keras.layers.Dense(1, use_bias=False)(dropped)
    by_hidden, by_input = k.gradients(k.mean(outputs), [hidden, x])
    values = k.function([x, k.learning_phase()], [hidden, by_hidden, by_input])
    found, of_hidden, of_input = values([X, 0])
    first, last = keras.Model(x, outputs).layers[1].kernel.numpy(), keras.Model(x, outputs).layers[3].kernel.numpy()
    np.testing.assert_allclose(of_hidden, np.tile(last.T / len(X), (len(X), 1)), rtol=1e-6)
    np.testing.assert_allclose(of_input, (of_hidden * (1 - found**2)) @ first.T, rtol=1e-4, atol=1e-7)
    trained = k.function([x, k.learning_phase()], dropped)([np.ones((64, 3), np.float32), 1])
    assert 0.2 < np.mean(trained == 0) < 0.8
    with pytest.raises(ValueError, match="no updates"):
        k.function([x], [outputs], updates=[(1, 2)])
    with pytest.raises(TypeError, match="value_and_grad"):
        k.gradients(X, X)


def test_a_placeholder_is_fed():
    k = keras.backend
    image = k.variable(np.ones((1, 2), np.float32))
    fed = k.placeholder((1, 2))
    joined = k.concatenate([image, fed], axis=0)
    (slope,) = k.gradients(k.sum(k.square(joined)), fed)
    np.testing.assert_array_equal(k.function([fed], slope)([np.full((1, 2), 3.0, np.float32)]), [[6, 6]])


def test_the_order_of_images_by_its_older_names():
    assert keras.backend.image_dim_ordering() == "tf"
    keras.backend.set_image_dim_ordering("th")
    try:
        assert keras.config.image_data_format() == "channels_first"
        assert keras.backend.image_dim_ordering() == "th"
    finally:
        keras.config.set_image_data_format("channels_last")


def test_layers_that_merge_extend_a_class_of_their_own():
    from dlnative.layers.merge import _Merge

    class Between(_Merge):
        def _merge_function(self, inputs):
            return 0.25 * inputs[0] + 0.75 * inputs[1]

    x, y = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([x, y], Between()([x, y]))
    np.testing.assert_array_equal(model([np.zeros((1, 2)), np.ones((1, 2))]), [[0.75, 0.75]])


def test_estimators_of_scikit_learn_are_made_with_build_fn():
    pytest.importorskip("sklearn")
    from dlnative.wrappers.scikit_learn import KerasClassifier, KerasRegressor
    from sklearn.model_selection import GridSearchCV, cross_val_score

    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 4)).astype(np.float32)

    def build(units=8, loss="binary_crossentropy", outputs=1, activation="sigmoid"):
        layers = [keras.layers.Dense(units, "relu"), keras.layers.Dense(outputs, activation)]
        model = keras.Sequential([keras.Input((4,)), *layers])
        model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"] if activation else None)
        return model

    keras.utils.set_random_seed(1)
    names = np.where(x[:, 0] > 0, "up", "down")
    estimator = KerasClassifier(build_fn=build, epochs=20, batch_size=16, verbose=0)
    assert cross_val_score(estimator, x, names, cv=3).min() > 0.8
    search = GridSearchCV(estimator, {"units": [4, 8], "epochs": [10, 20]}, cv=2).fit(x, names)
    assert set(search.best_params_) == {"units", "epochs"}
    assert set(search.predict(x)) == {"up", "down"}
    assert search.best_estimator_.predict_proba(x).shape == (90, 2)
    three = KerasClassifier(
        build, outputs=3, activation="softmax", loss="categorical_crossentropy", epochs=20, verbose=0
    )
    classes = np.digitize(x[:, 0], [-0.5, 0.5])
    assert three.fit(x, classes).score(x, np.eye(3)[classes]) > 0.8
    line = KerasRegressor(build, loss="mse", activation=None, epochs=40, verbose=0).fit(x, x[:, 0])
    assert line.predict(x).shape == (90,)
    assert -0.2 < line.score(x, x[:, 0]) <= 0
    with pytest.raises(ValueError, match="depth is not a legal parameter"):
        KerasClassifier(build, depth=3)
    with pytest.raises(ValueError, match="build_fn"):
        KerasClassifier()


def test_the_first_layer_says_the_shape_with_the_batch():
    with pytest.warns(FutureWarning, match=r"Input\(batch_shape=\)"):
        layer = keras.layers.LSTM(2, batch_input_shape=(4, 3, 1), stateful=True)
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    assert model.input_shape == (4, 3, 1)
    assert model.predict(np.zeros((4, 3, 1), np.float32), verbose=0).shape == (4, 1)
    again = keras.Sequential.from_config(model.get_config())
    assert again.input_shape == (4, 3, 1)


def test_the_first_layer_says_the_length_and_the_width_of_its_sequences():
    with pytest.warns(FutureWarning, match=r"Input\(\(length, dim\)\)"):
        layer = keras.layers.SimpleRNN(2, input_length=10, input_dim=5)
    assert keras.Sequential([layer]).input_shape == (None, 10, 5)
    with pytest.raises(ValueError, match="unknown argument"):
        keras.layers.SimpleRNN(2, input_length=10)
