"""Keras's older generator of varied images: what it draws, standardises and reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops
from dlnative.preprocessing import image
from dlnative.preprocessing.image import ImageDataGenerator, apply_affine_transform
from dlnative.utils import img_to_array, load_img, save_img

X = np.random.RandomState(0).uniform(0, 255, (10, 7, 9, 3)).astype("float32")
Y = np.arange(10)
LAST = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


def test_batches_come_without_an_end_and_each_epoch_in_a_new_order() -> None:
    flow = ImageDataGenerator().flow(X, Y, batch_size=4, seed=3)
    assert len(flow) == 3
    labels = [next(flow)[1] for _ in range(6)]
    assert [len(batch) for batch in labels] == [4, 4, 2] * 2
    first, second = np.concatenate(labels[:3]), np.concatenate(labels[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert first.tolist() != second.tolist()
    # The order that `np.random.seed(3)` gives, as in Keras.
    np.testing.assert_array_equal(first, np.random.RandomState(3).permutation(10))


def test_images_and_masks_of_one_seed_change_alike() -> None:
    arguments: dict[str, Any] = {"rotation_range": 40, "zoom_range": 0.3, "horizontal_flip": True}
    flows = [ImageDataGenerator(**arguments).flow(X, batch_size=5, seed=1) for _ in range(2)]
    for _ in range(3):
        np.testing.assert_array_equal(next(flows[0]), next(flows[1]))
    assert not np.array_equal(next(flows[0]), next(ImageDataGenerator(**arguments).flow(X, batch_size=5, seed=2)))


def test_without_a_seed_numpy_decides() -> None:
    def drawn() -> Any:
        np.random.seed(5)  # noqa: NPY002
        return next(ImageDataGenerator(rotation_range=20).flow(X))

    np.testing.assert_array_equal(drawn(), drawn())


@pytest.mark.parametrize(
    "arguments",
    [
        {"rotation_range": 30},
        {"width_shift_range": 0.3},
        {"height_shift_range": 0.3},
        {"shear_range": 20},
        {"zoom_range": (0.5, 0.8)},
        {"channel_shift_range": 50.0},
        {"brightness_range": (0.4, 0.9)},
        {"horizontal_flip": True, "vertical_flip": True},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_each_variation(arguments: dict[str, Any]) -> None:
    batch = next(ImageDataGenerator(**arguments).flow(X, shuffle=False, seed=1))
    assert (batch.shape, batch.dtype) == (X.shape, np.float32)
    assert not np.allclose(batch, X)
    generator = ImageDataGenerator(**arguments, data_format="channels_first")
    first = next(generator.flow(np.moveaxis(X, -1, 1), shuffle=False, seed=1))
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), batch, rtol=1e-5)


def test_shifts_go_where_their_names_say() -> None:
    stripes = np.tile(np.arange(9.0), (7, 1))[..., None]
    generator = ImageDataGenerator(width_shift_range=[2], fill_mode="constant", cval=-1)
    moved = {tuple(generator.random_transform(stripes, seed=seed)[0, :, 0]) for seed in range(8)}
    assert moved == {(2, 3, 4, 5, 6, 7, 8, -1, -1), (-1, -1, 0, 1, 2, 3, 4, 5, 6)}
    generator = ImageDataGenerator(height_shift_range=[2], fill_mode="nearest")
    for seed in range(4):
        np.testing.assert_array_equal(generator.random_transform(stripes, seed=seed), stripes)
    shifts = [
        ImageDataGenerator(width_shift_range=0.5).get_random_transform((7, 9, 3), seed)["tx"] for seed in range(40)
    ]
    assert -4.5 <= min(shifts) < -3
    assert 3 < max(shifts) <= 4.5


def test_a_quarter_turn_and_a_half_zoom() -> None:
    square = X[0, :, :7]
    turned = apply_affine_transform(square, theta=90, **LAST)
    np.testing.assert_allclose(turned, np.rot90(square), rtol=1e-4, atol=1e-2)
    nearest = apply_affine_transform(square, theta=90, order=0, **LAST)
    np.testing.assert_array_equal(nearest, np.rot90(square))
    zoomed = apply_affine_transform(np.arange(9.0).reshape(1, 9, 1), zx=0.5, **LAST)
    np.testing.assert_allclose(zoomed.ravel(), np.arange(2.0, 6.5, 0.5), rtol=1e-6)


@pytest.mark.parametrize("mode", ["nearest", "constant", "reflect", "wrap"])
def test_an_affine_map_in_one_formula(mode: str) -> None:
    theta, tx, ty, shear, zx, zy = 20.0, 1.5, -0.5, 10.0, 0.8, 1.3
    made = apply_affine_transform(X[0], theta, tx, ty, shear, zx, zy, **LAST, fill_mode=mode, cval=7.0)
    turn, lean = np.deg2rad(theta), np.deg2rad(shear)
    y, x = np.meshgrid(np.arange(7) - 3.0, np.arange(9) - 4.0, indexing="ij")
    x, y = zx * x, zy * y
    x, y = x - np.sin(lean) * y + tx, np.cos(lean) * y + ty
    x, y = np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
    expected = [ops.image.map_coordinates(X[0, :, :, c], np.stack([y + 3, x + 4]), 1, mode, 7.0) for c in range(3)]
    np.testing.assert_allclose(made, np.stack(expected, -1), rtol=1e-4, atol=1e-2)


def test_brightness_is_that_of_pillow() -> None:
    from PIL import Image, ImageEnhance

    picture = np.round(X[0]).astype("uint8")
    for factor in (0.3, 1.0, 1.7):
        expected = np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(factor))
        np.testing.assert_array_equal(image.apply_brightness_shift(picture, factor, scale=False), expected)
    small = image.apply_brightness_shift(X[0] - 100, 1.0, scale=False)  # out of 0 to 255: stretched, and back
    np.testing.assert_allclose(small, X[0] - 100, atol=1.1)


def test_channel_shifts_stay_in_range() -> None:
    moved = image.apply_channel_shift(X[0], 300.0, 2)
    assert (moved == X[0].max()).all()
    assert image.random_channel_shift(X[0], 20.0, 2).shape == X[0].shape


def test_random_functions_of_single_images() -> None:
    np.random.seed(1)  # noqa: NPY002
    for function, argument in (
        (image.random_rotation, (40,)), (image.random_shift, (0.4, 0.4)), (image.random_shear, (30,)),
        (image.random_zoom, ((0.5, 0.7),)),
    ):  # fmt: skip
        assert not np.allclose(function(X[0], *argument, **LAST), X[0])
    assert not np.allclose(image.random_brightness(X[0], (0.5, 0.6)), X[0])


def test_standardising_by_samples() -> None:
    generator = ImageDataGenerator(
        samplewise_center=True, samplewise_std_normalization=True, rescale=0.5, preprocessing_function=lambda x: x + 1
    )
    batch = next(generator.flow(X, shuffle=False))
    for made, x in zip(batch, (X + 1) * 0.5, strict=True):
        np.testing.assert_allclose(made, (x - x.mean()) / (x.std() + 1e-6), rtol=1e-4, atol=1e-5)


def test_standardising_by_the_data_set() -> None:
    generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True, rescale=0.1)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        next(generator.flow(X))
    generator.fit(X)
    batch = next(generator.flow(X, shuffle=False))
    np.testing.assert_allclose(batch.mean(axis=(0, 1, 2)), 0.0, atol=1e-5)
    np.testing.assert_allclose(batch.std(axis=(0, 1, 2)), 1.0, rtol=1e-5)
    with pytest.warns(UserWarning, match="overrides the setting of featurewise_center"):
        ImageDataGenerator(featurewise_std_normalization=True)


def test_whitening() -> None:
    small = X[:, :1, :2, :1] / 255
    with pytest.warns(UserWarning, match="overrides"):
        generator = ImageDataGenerator(zca_whitening=True)
    generator.fit(small)
    white = next(generator.flow(small, shuffle=False)).reshape(10, 2)
    np.testing.assert_allclose(white.T @ white / 10, np.eye(2), atol=1e-3)


def test_fitting_on_varied_images() -> None:
    generator = ImageDataGenerator(featurewise_center=True, brightness_range=(0.5, 0.5))
    generator.fit(X, augment=True, rounds=2, seed=1)
    np.testing.assert_allclose(generator.mean.ravel(), X.mean(axis=(0, 1, 2)) * 0.5, atol=1.0)


def test_subsets_weights_and_what_comes_along() -> None:
    generator = ImageDataGenerator(validation_split=0.3)
    same = np.zeros(10)
    parts = [generator.flow(X, same, sample_weight=Y, shuffle=False, subset=s) for s in ("validation", "training")]
    assert [part.n for part in parts] == [3, 7]
    assert next(parts[0])[2].tolist() == [0, 1, 2]
    np.testing.assert_array_equal(next(parts[1])[0], X[3:])
    with pytest.raises(ValueError, match="different number of classes after the split"):
        generator.flow(X, Y, subset="training")
    (images, also), labels = next(generator.flow((X, Y * 2), Y, shuffle=False))
    np.testing.assert_array_equal(images, X)
    assert also.tolist() == (labels * 2).tolist()


def test_a_model_fits_evaluates_and_predicts() -> None:
    model = dlnative.Sequential([dlnative.Input((7, 9, 3)), dlnative.layers.Flatten(), dlnative.layers.Dense(1)])
    model.compile("sgd", "mse")
    generator = ImageDataGenerator(rescale=1 / 255)
    flow = generator.flow(X, Y.astype("float32"), batch_size=4)
    assert len(model.fit(flow, epochs=2, verbose=0).history["loss"]) == 2
    expected = model.evaluate(X / 255, Y.astype("float32"), verbose=0)
    assert model.evaluate(flow, verbose=0) == pytest.approx(expected, rel=1e-4)
    ordered = generator.flow(X, batch_size=4, shuffle=False)
    np.testing.assert_allclose(
        model.predict(ordered, verbose=0), model.predict(X / 255, verbose=0), rtol=1e-4, atol=1e-5
    )


# Files.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        place = tmp_path / ("cats" if number < 4 else "dogs") / ("deep" if number == 1 else "")
        place.mkdir(parents=True, exist_ok=True)
        save_img(place / f"{number}.png", np.full((4, 5, 3), number * 10), scale=False)
    (tmp_path / "cats" / "note.txt").write_text("no picture")
    return tmp_path


def test_a_directory(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = ImageDataGenerator(rescale=0.1).flow_from_directory(folder, (4, 5), batch_size=6, shuffle=False)
    assert "Found 6 images belonging to 2 classes." in capsys.readouterr().out
    assert flow.class_indices == {"cats": 0, "dogs": 1}
    assert flow.classes.tolist() == [0, 0, 0, 0, 1, 1]
    assert flow.filenames[0] == str(Path("cats") / "0.png")
    x, y = next(flow)
    assert (x.shape, y.shape) == ((6, 4, 5, 3), (6, 2))
    np.testing.assert_allclose(x[:, 0, 0, 0], [0, 2, 3, 1, 4, 5], rtol=1e-6)
    np.testing.assert_array_equal(y, np.eye(2)[flow.classes])


@pytest.mark.parametrize(("mode", "shape"), [("binary", (6,)), ("sparse", (6,)), ("input", (6, 3, 2, 1)), (None, None)])
def test_labels_of_a_directory(folder: Path, mode: str | None, shape: Any) -> None:
    generator = ImageDataGenerator(data_format="channels_last")
    batch = next(generator.flow_from_directory(folder, (3, 2), "grayscale", class_mode=mode))
    x, y = batch if isinstance(batch, tuple) else (batch, None)
    assert x.shape == (6, 3, 2, 1)
    assert (None if y is None else y.shape) == shape


def test_subsets_of_a_directory_are_of_each_class(folder: Path) -> None:
    generator = ImageDataGenerator(validation_split=0.5)
    held, rest = [generator.flow_from_directory(folder, subset=subset) for subset in ("validation", "training")]
    assert held.classes.tolist() == rest.classes.tolist() == [0, 0, 1]
    assert not set(held.filenames) & set(rest.filenames)
    one = generator.flow_from_directory(folder, classes=["dogs"])
    assert (one.samples, one.class_indices) == (2, {"dogs": 0})


def test_a_frame(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    files = [str(folder / "cats" / "0.png"), "gone.png", str(folder / "dogs" / "4.png"), str(folder / "dogs" / "5.png")]
    frame = pandas.DataFrame(
        {
            "filename": files,
            "class": ["b", "a", "a", "b"],
            "several": [["a", "b"], ["a"], ["b"], ["c"]],
            "w": [1.0, 2, 3, 4],
        }
    )
    generator = ImageDataGenerator()

    def batch(**arguments: Any) -> Any:
        with pytest.warns(UserWarning, match="Found 1 invalid image filename"):
            return next(generator.flow_from_dataframe(frame, target_size=(4, 5), shuffle=False, **arguments))

    x, y, weight = batch(weight_col="w")
    np.testing.assert_allclose(x[:, 0, 0, 0], [0, 40, 50])
    assert (y.tolist(), weight.tolist()) == ([[0, 1], [1, 0], [0, 1]], [1, 3, 4])
    assert batch(class_mode="sparse", classes=["b", "a"])[1].tolist() == [0, 1, 0]
    assert batch(y_col="several")[1].tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert batch(y_col="several", classes=["b", "a"])[1].tolist() == [[1, 1], [1, 0]]
    assert batch(y_col="w", class_mode="raw")[1].tolist() == [1, 3, 4]
    assert [column.tolist() for column in batch(y_col=["w", "class"], class_mode="multi_output")[1]] == [
        [1, 3, 4],
        ["b", "a", "b"],
    ]
    assert batch(class_mode=None).shape == (3, 4, 5, 3)
    with (
        pytest.raises(ValueError, match="there must be 2 classes"),
        pytest.warns(UserWarning, match="invalid"),
    ):
        generator.flow_from_dataframe(frame.assign(k=list("abca")), y_col="k", class_mode="binary")
    with pytest.raises(TypeError, match="column values must be strings"), pytest.warns(UserWarning, match="invalid"):
        generator.flow_from_dataframe(frame, y_col="w", class_mode="sparse")


def test_varied_images_are_written(tmp_path: Path) -> None:
    next(
        ImageDataGenerator().flow(
            X, batch_size=3, save_to_dir=tmp_path, save_prefix="a", save_format="png", shuffle=False
        )
    )
    files = sorted(tmp_path.iterdir())
    assert [file.name[:4] for file in files] == ["a_0_", "a_1_", "a_2_"]
    assert img_to_array(load_img(files[0])).shape == X[0].shape


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageDataGenerator(zoom_range="x"), "`zoom_range` should be a float"),
        (lambda: ImageDataGenerator(brightness_range=0.5), "`brightness_range` should be tuple or list"),
        (lambda: ImageDataGenerator(validation_split=1.5), "`validation_split` must be strictly between 0 and 1"),
        (lambda: ImageDataGenerator(fill_mode="edge"), "expected fill_mode"),
        (lambda: ImageDataGenerator().fit(X[0]), "should have rank 4"),
        (lambda: ImageDataGenerator().flow(X[0]), "should have rank 4"),
        (lambda: ImageDataGenerator().flow(X, Y[:3]), "should have the same length"),
        (lambda: ImageDataGenerator().flow(X, subset="test"), "Invalid subset name"),
        (lambda: ImageDataGenerator().flow(X)[7], "Asked to retrieve element 7"),
        (lambda: ImageDataGenerator().flow_from_directory("nowhere"), "expected a directory, found none"),
        (lambda: ImageDataGenerator().flow_from_directory(".", class_mode="x"), "Invalid class_mode"),
        (lambda: ImageDataGenerator().flow_from_directory(".", color_mode="x"), "Invalid color mode"),
        (lambda: apply_affine_transform(X[0], 1, row_axis=0, col_axis=0), "must be distinct"),
        (lambda: apply_affine_transform(X[0], 1, order=7, **LAST), "expected order to be an integer"),
        (lambda: image.random_zoom(X[0], (1, 2, 3)), "`zoom_range` should be"),
    ],
)  # fmt: skip
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_missing_scipy_is_named(python: Any) -> None:
    program = """
import sys
sys.modules["scipy"] = sys.modules["scipy.ndimage"] = None
import numpy as np
from dlnative.preprocessing.image import apply_affine_transform
try:
    apply_affine_transform(np.zeros((3, 3, 1)), theta=3, row_axis=0, col_axis=1, channel_axis=2, order=3)
except ImportError as error:
    print(error)
"""
    assert "order 3; install scipy, or take order 0 or 1" in python(program)
